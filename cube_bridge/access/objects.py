"""Reading bytes: one small protocol for folders, object stores, the web and archives.

All of it is read only, safe for several threads, picklable for other processes, and bounded in
time: what does not answer raises an error.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote, urlsplit

import fsspec

from cube_bridge.access.cloud import CLOUD_SCHEMES, CloudObjects
from cube_bridge.access.location import Location
from cube_bridge.access.object_stat import Stat, bounds
from cube_bridge.access.web import WebObjects
from cube_bridge.errors import NotACubeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


class Objects(Protocol):
    """Named bytes below one root. The name "" is the root itself, where that is a file."""

    def read(self, name: str, start: int = 0, stop: int | None = None) -> bytes:
        """Return bytes of an object, from `start` to before `stop`; -n means the last n.

        Raises:
            FileNotFoundError: There is no such object.
            SourceForbiddenError, SourceTimeoutError, SourceUnreachableError: It cannot be had.
        """

    def stat(self, name: str) -> Stat:
        """Return size and version of an object.

        Raises:
            FileNotFoundError: And as `read`.
        """

    def children(self, prefix: str) -> list[str] | None:
        """Return the names directly below a prefix; None where they cannot be listed."""

    def listing(self) -> Mapping[str, Stat] | None:
        """Return all objects below the root; None where they cannot be listed."""


@dataclass(frozen=True)
class LocalObjects:
    """Files of this machine; see `Objects`."""

    root: Path

    def read(self, name: str, start: int = 0, stop: int | None = None) -> bytes:
        """See `Objects.read`."""
        try:
            with self._path(name).open("rb") as file:
                first, count = bounds(start, stop, os.fstat(file.fileno()).st_size)
                file.seek(first)
                return file.read(count)
        except (IsADirectoryError, NotADirectoryError) as error:
            raise FileNotFoundError(name) from error

    def stat(self, name: str) -> Stat:
        """See `Objects.stat`."""
        path = self._path(name)
        if not path.is_file():
            raise FileNotFoundError(name)
        return _local_stat(path)

    def children(self, prefix: str) -> list[str]:
        """See `Objects.children`."""
        path = self._path(prefix)
        return sorted(p.name for p in path.iterdir()) if path.is_dir() else []

    def listing(self) -> Mapping[str, Stat]:
        """See `Objects.listing`."""
        return dict(_walk(str(self.root), ""))

    def _path(self, name: str) -> Path:
        return self.root / name if name else self.root


def _walk(folder: str, prefix: str) -> Iterator[tuple[str, Stat]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _walk(entry.path, f"{prefix}{entry.name}/")
            elif entry.is_file():
                found = entry.stat()
                version = f"{found.st_mtime_ns}-{found.st_size}"
                yield f"{prefix}{entry.name}", Stat(size=found.st_size, version=version)


def _local_stat(path: Path) -> Stat:
    found = path.stat()
    return Stat(size=found.st_size, version=f"{found.st_mtime_ns}-{found.st_size}")


@dataclass(frozen=True)
class FsspecObjects:
    """Whatever fsspec has a file system for, `memory://` above all; see `Objects`."""

    url: str

    def read(self, name: str, start: int = 0, stop: int | None = None) -> bytes:
        """See `Objects.read`."""
        system, root = _file_system(self.url)
        path = _joined(root, name)
        try:
            size = int(system.size(path) or 0)
            first, count = bounds(start, stop, size)
            return bytes(system.cat_file(path, first, first + count))
        except IsADirectoryError as error:
            raise FileNotFoundError(name) from error

    def stat(self, name: str) -> Stat:
        """See `Objects.stat`."""
        system, root = _file_system(self.url)
        found = system.info(_joined(root, name))
        if found["type"] != "file":
            raise FileNotFoundError(name)
        return Stat(size=int(found["size"]), version=str(system.ukey(_joined(root, name))))

    def children(self, prefix: str) -> list[str]:
        """See `Objects.children`."""
        system, root = _file_system(self.url)
        path = _joined(root, prefix)
        if not system.isdir(path):
            return []
        return sorted(p.rstrip("/").rpartition("/")[2] for p in system.ls(path, detail=False))

    def listing(self) -> Mapping[str, Stat]:
        """See `Objects.listing`."""
        system, root = _file_system(self.url)
        prefix = f"{root.rstrip('/')}/"
        names = [p.removeprefix(prefix) for p in system.find(root) if p.startswith(prefix)]
        return {name: self.stat(name) for name in names}


def _joined(root: str, name: str) -> str:
    return f"{root.rstrip('/')}/{name}" if name else root


@lru_cache(maxsize=32)
def _file_system(url: str) -> tuple[Any, str]:
    system, root = fsspec.core.url_to_fs(url)
    return system, str(root)


@lru_cache(maxsize=256)
def objects_below(base: str) -> Objects:
    """Return the reader of what lies at and below a URL.

    Raises:
        NotACubeError: Nothing here can read URLs of its scheme.
    """
    location = Location.of(base)
    if location.path is not None:
        return LocalObjects(location.path)
    if location.scheme in Location.WEB:
        return WebObjects(location.base)
    if location.scheme in CLOUD_SCHEMES:
        pieces = urlsplit(location.base)
        return CloudObjects(f"{pieces.scheme}://{pieces.netloc}", unquote(pieces.path).strip("/"))
    try:
        _file_system(location.base)
    except (ValueError, ImportError) as error:
        raise NotACubeError(
            f"{location.shown}: nothing here reads URLs that begin with {location.scheme}:// "
            f"({error}); there are file, http(s), {', '.join(sorted(CLOUD_SCHEMES))} and memory"
        ) from error
    return FsspecObjects(location.base)
