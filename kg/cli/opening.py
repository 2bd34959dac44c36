"""Opens the store that the options of a subcommand name."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kg.store import GraphStore


@contextlib.contextmanager
def open_store(
    store: Path, endpoint: str | None = None, *, read_only: bool = False
) -> Iterator[GraphStore]:
    """Open what the options name, and let go of it in the end.

    Args:
        store: Folder of the embedded store.
        endpoint: A SPARQL server that is used instead of the folder.
        read_only: Refuse writes to the folder.
    """
    opened = _remote(endpoint) if endpoint else _embedded(store, read_only=read_only)
    try:
        yield opened
    finally:
        opened.close()


def _embedded(folder: Path, *, read_only: bool) -> GraphStore:
    from kg.embedded.store import EmbeddedStore

    return EmbeddedStore(folder, read_only=read_only)


def _remote(endpoint: str) -> GraphStore:
    from kg.remote.store import RemoteStore

    return RemoteStore(endpoint)
