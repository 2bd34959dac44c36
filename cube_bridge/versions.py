"""What tells whether a source, or one chunk of it, has changed since it was indexed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import zarr

from cube_bridge.errors import SourceNotFoundError

if TYPE_CHECKING:
    import xarray as xr

Place = tuple[str, tuple[int, ...]]
"""A variable, and the position of one of its chunks."""


def source_version(location: Path | str) -> str:
    """Return what changes when a file or folder does, without reading it: a sha256.

    Raises:
        SourceNotFoundError: There is nothing there.
    """
    path = Path(location)
    if not path.exists():
        raise SourceNotFoundError(f"no file or folder {path}")
    if path.is_file():
        return hashlib.sha256(_stat(path).encode()).hexdigest()
    digest = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        digest.update(f"{file.relative_to(path)} {_stat(file)}\n".encode())
    return digest.hexdigest()


def chunk_versions(location: Path | str, dataset: xr.Dataset) -> Mapping[Place, str] | None:
    """Return a version for each chunk of a cube's variables; None where chunks have none.

    Versions are looked up as they are asked for, so that a large cube costs no memory.
    """
    path = Path(location)
    if not path.is_dir():
        return None
    return _FolderVersions(path, dataset)


class _FolderVersions(Mapping[Place, str]):
    """Times and sizes of the files of a zarr folder."""

    def __init__(self, path: Path, dataset: xr.Dataset) -> None:
        group = zarr.open_group(path, mode="r")
        self._path = path
        self._chunks = {str(n): v.chunks or () for n, v in dataset.data_vars.items()}
        self._arrays = {n: a for n in self._chunks if isinstance(a := group.get(n), zarr.Array)}

    def __getitem__(self, place: Place) -> str:
        name, index = place
        array = self._arrays[name]
        stored = array.shards or array.chunks
        positions = []
        for lengths, i, size in zip(self._chunks[name], index, stored, strict=True):
            first = sum(lengths[:i])
            positions.append(range(first // size, (first + lengths[i] - 1) // size + 1))
        files = (
            self._path / name / array.metadata.encode_chunk_key(p) for p in product(*positions)
        )
        # A chunk that is not stored is full of the fill value.
        return " ".join(_stat(f) if f.is_file() else "-" for f in files)

    def __iter__(self) -> Iterator[Place]:
        for name in self._arrays:
            for index in product(*(range(len(n)) for n in self._chunks[name])):
                yield name, index

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _stat(file: Path) -> str:
    stat = file.stat()
    return f"{stat.st_mtime_ns:x}-{stat.st_size:x}"
