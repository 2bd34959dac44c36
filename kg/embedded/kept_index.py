"""The copy of the spatial index beside a store folder, and whether it can be believed.

A copy `NAME.spatial` belongs to one state of the folder `NAME`: the names, sizes and times of
the files that hold its data, which are written beside the copy as `NAME.spatial.json`. After
any write that nobody followed the folder is in another state, and the copy is not read.
"""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


#: Another number than that of a copy: it was written by a version that kept other arrays.
_FORMAT = 5


def kept_file(folder: Path) -> Path:
    """Return where the copy of a folder's index is."""
    return folder.with_name(folder.name + ".spatial")


def folder_state(folder: Path) -> list[list[object]]:
    """Return what tells one state of a RocksDB folder from another: name, size, time of files."""
    found: list[list[object]] = []
    for entry in os.scandir(folder):
        if entry.name.startswith(("LOG", "LOCK", "OPTIONS", "IDENTITY")):
            continue
        status = entry.stat()
        found.append([entry.name, status.st_size, status.st_mtime_ns])
    return sorted(found)


def kept_state(kept: Path) -> list[list[object]] | None:
    """Return the state of the folder that a copy belongs to; None where there is no copy."""
    try:
        read = json.loads(_state_file(kept).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not kept.is_file() or not isinstance(read, dict) or read.get("format") != _FORMAT:
        return None
    state = read.get("state")
    return state if isinstance(state, list) else None


def write_state(kept: Path, state: list[list[object]]) -> None:
    """Say which state of the folder a copy belongs to."""
    target = _state_file(kept)
    partial = target.with_name(target.name + ".partial")
    partial.write_text(json.dumps({"format": _FORMAT, "state": state}), encoding="utf-8")
    partial.replace(target)


def copy_kept(source: Path, target: Path) -> None:
    """Copy the index that lies beside a folder to beside its copy, if there is one."""
    kept = kept_file(source)
    if kept_state(kept) == folder_state(source):
        shutil.copyfile(kept, kept_file(target))
        write_state(kept_file(target), folder_state(target))


def _state_file(kept: Path) -> Path:
    return kept.with_name(kept.name + ".json")
