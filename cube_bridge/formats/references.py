"""References in the form of Kerchunk, as VirtualiZarr writes them too: zarr over other files.

A file of references (JSON), or a folder of them (Parquet), says for each chunk which bytes of
which file it is. Sources: Kerchunk reference specification, versions 0 and 1; the Parquet
layout of fsspec's LazyReferenceMapper.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import fastparquet
import fsspec

from cube_bridge.access.archives import directly_below
from cube_bridge.access.location import Location
from cube_bridge.access.object_stat import Stat, bounds
from cube_bridge.access.object_store import ObjectsStore
from cube_bridge.access.objects import objects_below
from cube_bridge.errors import NotACubeError, SourceForbiddenError, SourceUnreachableError
from cube_bridge.formats.zarr_groups import open_store

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    import xarray as xr

    from cube_bridge.access.source import LookedAt

MEDIA_TYPE = "application/vnd.zarr+kerchunk"
#: Before zarr: a folder of references has marks of zarr in it, a file of them is JSON.
ORDER = 10
_METADATA = ".zmetadata"
_ZARR_METADATA = (".zgroup", ".zarray", ".zattrs", "zarr.json", ".zmetadata")
#: What is looked at of a JSON file to see whether it holds references.
_SEARCHED = 2**16
_WHOLE_LENGTH = 3


def recognises(source: LookedAt) -> bool:
    """Return whether it is a file of references, or a folder of them."""
    if source.head is None:
        return _METADATA in source.markers and "record_size" in _zmetadata(source)
    if not source.head.lstrip().startswith(b"{"):
        return False
    text = source.objects.read("", 0, _SEARCHED)
    return any(f'"{key}"'.encode() in text or f'/{key}"'.encode() in text
               for key in ("refs", ".zgroup", "zarr.json", ".zarray"))  # fmt: skip


def open_dataset(source: LookedAt) -> xr.Dataset:
    """Open what the references describe, lazily; each chunk is read from where it is."""
    return open_store(ObjectsStore(objects_of(source)), source.location.part.group, source.shown)


def objects_of(source: LookedAt) -> ReferenceObjects:
    """Return the objects that the references describe.

    Raises:
        NotACubeError: The references are damaged.
    """
    base = source.location.base
    version = source.objects.stat(_METADATA if source.is_folder else "").version
    return ReferenceObjects(base, version, is_folder=source.is_folder)


@dataclass(frozen=True)
class ReferenceObjects:
    """Byte ranges of other files, or bytes, by name; see `Objects`."""

    base: str
    """URL of the references."""
    version: str
    is_folder: bool = field(kw_only=True)

    def read(self, name: str, start: int = 0, stop: int | None = None) -> bytes:
        """See `Objects.read`."""
        found = self._reference(name)
        if isinstance(found, bytes):
            first, count = bounds(start, stop, len(found))
            return found[first : first + count]
        target = self._target(str(found[0]))
        try:
            if len(found) < _WHOLE_LENGTH:
                return objects_below(target).read("", start, stop)
            offset, size = int(found[1]), int(found[2])
            first, count = bounds(start, stop, size)
            read = objects_below(target).read("", offset + first, offset + first + count)
        except FileNotFoundError as error:
            # To zarr, a chunk that is not there is full of fill values. This one should be.
            raise SourceUnreachableError(
                f"{Location.of(target).shown}, which {Location.of(self.base).shown} refers to "
                f"for {name!r}, is not there; move it back, or write the references again"
            ) from error
        if len(read) != count:
            raise SourceUnreachableError(
                f"{Location.of(target).shown} ends before byte {offset + size}, which "
                f"{Location.of(self.base).shown} refers to for {name!r}; it has changed since"
            )
        return read

    def stat(self, name: str) -> Stat:
        """See `Objects.stat`."""
        found = self._reference(name)
        if isinstance(found, bytes):
            return Stat(size=len(found), version=hashlib.sha256(found).hexdigest()[:32])
        size = int(found[2]) if len(found) == _WHOLE_LENGTH else None
        try:
            target = _target_version(self._target(str(found[0])), self.version)
        except FileNotFoundError:
            target = "gone"
        return Stat(size=size, version=f"{':'.join(map(str, found))}@{target}")

    def children(self, prefix: str) -> list[str]:
        """See `Objects.children`: of references in Parquet, the metadata."""
        return directly_below(self._names(), prefix)

    def listing(self) -> Mapping[str, Stat] | None:
        """See `Objects.listing`: names of the metadata and chunks, without their versions."""
        return dict.fromkeys(self._names(), Stat(size=None, version=""))

    def _names(self) -> Mapping[str, Any]:
        if self.is_folder:
            return _records(self.base, self.version).metadata
        return _json_references(self.base, self.version)

    def _reference(self, name: str) -> bytes | list[Any]:
        if self.is_folder:
            return _records(self.base, self.version).reference(name)
        try:
            found = _json_references(self.base, self.version)[name]
        except KeyError:
            raise FileNotFoundError(name) from None
        if isinstance(found, (bytes, list)):
            return found
        if isinstance(found, dict):
            return json.dumps(found).encode()
        text = str(found)
        return base64.b64decode(text[7:]) if text.startswith("base64:") else text.encode()

    def _target(self, said: str) -> str:
        """Return the URL of a file that is referred to; a relative one lies beside."""
        own = Location.of(self.base)
        if "://" in said:
            target = Location.of(said).base
        elif said.startswith("/"):
            target = f"file://{said}"
        else:
            target = f"{own.base.rstrip('/').rpartition('/')[0]}/{said}"
        if own.path is None and target.startswith("file:"):
            raise SourceForbiddenError(
                f"{own.shown} refers to {said!r}, a file of the machine that reads it; references "
                "from elsewhere may not. Fetch them first, if you trust them"
            )
        return target


def _zmetadata(source: LookedAt) -> Mapping[str, Any]:
    try:
        found = json.loads(source.objects.read(_METADATA))
    except (ValueError, FileNotFoundError):
        return {}
    return found if isinstance(found, dict) else {}


@lru_cache(maxsize=256)
def _target_version(target: str, version: str) -> str:  # noqa: ARG001  # looked at once each
    return objects_below(target).stat("").version


@lru_cache(maxsize=8)
def _json_references(base: str, version: str) -> Mapping[str, Any]:  # noqa: ARG001  # the key
    shown = Location.of(base).shown
    try:
        said = json.loads(objects_below(base).read(""))
        if "refs" not in said:
            return dict(said)
        # Templates and generated references are fsspec's to expand.
        system = fsspec.filesystem("reference", fo=said, remote_protocol="memory",
                                   skip_instance_cache=True)  # fmt: skip
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise NotACubeError(
            f"{shown} is JSON, but no references that can be read: {error}"
        ) from error
    return dict(system.references)


@lru_cache(maxsize=8)
def _records(base: str, version: str) -> _Records:  # noqa: ARG001  # the key
    said = json.loads(objects_below(base).read(_METADATA))
    metadata = {
        name: json.dumps(value).encode() for name, value in said.get("metadata", {}).items()
    }
    return _Records(base=base, metadata=metadata, record_size=int(said["record_size"]))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Records:
    """References of a folder of Parquet files, of which only those needed are read."""

    base: str
    metadata: Mapping[str, bytes]
    record_size: int
    """References in a file."""

    def reference(self, name: str) -> bytes | list[Any]:
        """Return bytes, [URL], or [URL, offset, size]."""
        if name in self.metadata:
            return self.metadata[name]
        array, _, chunk = name.rpartition("/")
        declared = self.metadata.get(f"{array}/.zarray")
        if declared is None or name.rpartition("/")[2] in _ZARR_METADATA:
            raise FileNotFoundError(name)
        said = json.loads(declared)
        counts = [math.ceil(n / c) for n, c in zip(said["shape"], said["chunks"], strict=True)]
        place = 0
        for index, count in zip(chunk.split("."), counts or [1], strict=True):
            place = place * count + int(index)
        record, row = divmod(place, self.record_size)
        table = _table(self.base, f"{array}/refs.{record}.parq")
        if table is None or row >= len(table):
            raise FileNotFoundError(name)
        found = table.iloc[row]
        raw = found.get("raw")
        if isinstance(raw, bytes) and raw:
            return raw
        path = found.get("path")
        if not isinstance(path, str) or not path:
            raise FileNotFoundError(name)
        offset, size = int(found.get("offset", 0)), int(found.get("size", 0))
        return [path] if (offset, size) == (0, 0) else [path, offset, size]


@lru_cache(maxsize=64)
def _table(base: str, name: str) -> pd.DataFrame | None:
    try:
        packed = objects_below(base).read(name)
    except FileNotFoundError:
        return None
    table: pd.DataFrame = fastparquet.ParquetFile(io.BytesIO(packed)).to_pandas()
    return table
