"""Opens the folder of an embedded store, as a loading that was interrupted found it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from pyoxigraph import Store

from kg.errors import StoreError, StoreLockedError, StoreNotFoundError

if TYPE_CHECKING:
    from pathlib import Path


#: A file that every RocksDB folder has.
_MARKER = "CURRENT"


def checkpoint_of(folder: Path) -> Path:
    """Return where a store is kept as it was while a large file is loaded."""
    return folder.with_name(folder.name + ".before-load")


def restore_checkpoint(folder: Path) -> None:
    """Put back what a loading left that failed or was killed."""
    checkpoint = checkpoint_of(folder)
    if checkpoint.is_dir():
        shutil.rmtree(folder, ignore_errors=True)
        checkpoint.rename(folder)


def open_folder(folder: Path, *, read_only: bool) -> Store:
    """Open a store folder, or make one.

    Raises:
        StoreLockedError: Another process has the folder open.
        StoreNotFoundError: Reading was asked for where there is no store.
        StoreError: What is there is no store, or cannot be opened.
    """
    if read_only and not (folder / _MARKER).is_file():
        raise StoreNotFoundError(
            f"no store at {folder}; `deepcube index` or `deepcube load` makes one"
        )
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"{folder} is a file; a store is a folder")
    if folder.is_dir() and not (folder / _MARKER).is_file() and any(folder.iterdir()):
        raise StoreError(f"{folder} is not empty and is no store; name another folder")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Read-only opening takes no lock, and is undefined while another process writes;
        # so a folder in use is refused either way, by taking the lock first.
        store = Store(str(folder))
    except OSError as error:
        text = str(error).lower()
        if "lock" in text:
            raise StoreLockedError(
                f"the store {folder} is open in another process; stop that one, or, if it is "
                "`deepcube serve`, ask it with --endpoint http://localhost:8000"
            ) from error
        raise StoreError(f"cannot open the store {folder}: {error}") from error
    return store
