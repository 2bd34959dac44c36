"""A source that has been looked at, as the modules of the formats get it."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cube_bridge.access.objects import Objects, objects_below
from cube_bridge.access.ranged_file import RangedFile
from cube_bridge.access.web import WebObjects
from cube_bridge.errors import (
    NotACubeError,
    SourceForbiddenError,
    SourceNotFoundError,
    SourceUnreachableError,
)
from cube_bridge.folders import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cube_bridge.access.location import Location

#: Bytes that tell formats apart; the magic of a tar file is at 257.
_HEAD_BYTES = 4096
_PIECE = 2**23
#: What a folder that is a cube has in it: zarr v3, v2 consolidated or not, parquet references
#: (which have .zmetadata too), and what an Icechunk repository has.
FOLDER_MARKERS = ("zarr.json", ".zmetadata", ".zgroup", ".zarray")


@dataclass(frozen=True, kw_only=True)
class LookedAt:
    """A place and what was found there."""

    location: Location
    objects: Objects
    head: bytes | None
    """First bytes of a file; None for a folder."""
    markers: frozenset[str]
    """Of a folder: which of `FOLDER_MARKERS` it has."""

    @property
    def shown(self) -> str:
        """What messages call it."""
        return self.location.shown

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder rather than a file."""
        return self.head is None

    def file(self) -> RangedFile:
        """Return the file as one that can be read in parts."""
        return RangedFile.open(self.location.base)

    def local_file(self) -> Path:
        """Return the file on this machine, fetching it into the cache if it must be.

        For libraries that read files only, and servers that do not send parts.
        """
        if self.location.path is not None:
            return self.location.path
        stat = self.objects.stat("")
        key = hashlib.sha256(f"{self.location.base} {stat.version}".encode()).hexdigest()
        path = cache_folder() / "sources" / key[:32] / self.location.name
        if path.is_file():
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            for piece in self._pieces(stat.size):
                file.write(piece)
        shutil.move(file.name, path)
        return path

    def _pieces(self, size: int | None) -> Iterator[bytes]:
        if isinstance(self.objects, WebObjects):
            yield from self.objects.pieces()
            return
        for start in range(0, size or 0, _PIECE):
            yield self.objects.read("", start, start + _PIECE)

    def is_ranged(self) -> bool:
        """Return whether parts of the file can be read."""
        return not isinstance(self.objects, WebObjects) or self.objects.serves_ranges()


def look_at(location: Location) -> LookedAt:
    """Return what is at a location.

    Raises:
        SourceNotFoundError: Nothing is.
        SourceForbiddenError, SourceTimeoutError, SourceUnreachableError: It cannot be had.
    """
    objects = objects_below(location.base)
    if location.path is not None:
        return _look_at_path(location, location.path, objects)
    refused: SourceForbiddenError | None = None
    # What ends like a file is asked for as one first, to spare requests.
    looks = [_look_at_folder, _look_at_file]
    if "." in location.name and not location.name.endswith((".zarr", ".icechunk")):
        looks.reverse()
    for look in looks:
        try:
            found = look(location, objects)
        except SourceForbiddenError as error:
            # Of what is not there, stores whose lists are secret say that it is forbidden.
            refused = error
            continue
        if found is not None:
            return found
    if refused is not None:
        raise refused
    raise SourceNotFoundError(
        f"there is no file and no zarr group at {location.shown}; check the address"
    )


def _look_at_path(location: Location, path: Path, objects: Objects) -> LookedAt:
    if not path.exists():
        raise SourceNotFoundError(f"no file or folder {path}")
    try:
        if path.is_dir():
            markers = frozenset(m for m in FOLDER_MARKERS if (path / m).is_file())
            next(path.iterdir(), None)
            return LookedAt(location=location, objects=objects, head=None, markers=markers)
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except PermissionError as error:
        raise SourceForbiddenError(f"{path} may not be read; ask its owner") from error
    return LookedAt(location=location, objects=objects, head=head, markers=frozenset())


def _look_at_file(location: Location, objects: Objects) -> LookedAt | None:
    if location.base.endswith("/"):
        return None
    try:
        head = objects.read("", 0, _HEAD_BYTES)
    except FileNotFoundError:
        return None
    if b"<html" in head[:512].lower():
        # A folder as a page, or a page of a site: what folders are known by is asked for.
        return _look_at_folder(location, objects)
    return LookedAt(location=location, objects=objects, head=head, markers=frozenset())


def _look_at_folder(location: Location, objects: Objects) -> LookedAt | None:
    markers = set()
    refused: SourceForbiddenError | None = None
    for marker in (*FOLDER_MARKERS, "repo", "refs/branch.main/ref.json"):
        try:
            objects.stat(marker)
        except FileNotFoundError:
            continue
        except SourceForbiddenError as error:
            refused = error
            continue
        markers.add(marker)
        break
    if not markers and refused is not None:
        raise refused
    if not markers:
        return None
    return LookedAt(location=location, objects=objects, head=None, markers=frozenset(markers))


def check_reached(error: BaseException) -> None:
    """Raise the error of ours that lies behind one of a library's, if one does.

    A timeout within a read comes back as whatever the library makes of it.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, (SourceForbiddenError, SourceUnreachableError, TimeoutError)):
            raise seen
        if isinstance(seen, NotACubeError):
            raise seen
        seen = seen.__cause__ or seen.__context__
