"""Zarr on top of `Objects`: folders, object stores, the web, archives and references alike."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)

from cube_bridge.errors import SourceForbiddenError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from zarr.core.buffer import Buffer, BufferPrototype

    from cube_bridge.access.objects import Objects


_NEVER_WRITTEN = "the store is read-only: a source is never written"
_METADATA = frozenset({"zarr.json", ".zgroup", ".zarray", ".zattrs", ".zmetadata"})


class ReadOnlyStore(Store):
    """What is the same in all stores of zarr that can only be read."""

    def __init__(self) -> None:
        """Tell zarr that nothing is written."""
        super().__init__(read_only=True)

    def with_read_only(self, read_only: bool = False) -> Self:
        """Return itself: it is read only."""
        if not read_only:
            raise ValueError(_NEVER_WRITTEN)
        return self

    @property
    def supports_writes(self) -> bool:
        """False."""
        return False

    @property
    def supports_deletes(self) -> bool:
        """False."""
        return False

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        """Return parts of several keys."""
        return list(await asyncio.gather(*(self.get(k, prototype, r) for k, r in key_ranges)))

    async def set(self, key: str, value: Buffer) -> None:  # noqa: ARG002  # zarr's
        """Refuse."""
        raise ValueError(_NEVER_WRITTEN)

    async def delete(self, key: str) -> None:  # noqa: ARG002  # zarr's
        """Refuse."""
        raise ValueError(_NEVER_WRITTEN)


class ObjectsStore(ReadOnlyStore):
    """The zarr store of objects anywhere: files, buckets, members of archives."""

    def __init__(self, objects: Objects, root: str = "") -> None:
        """Take the objects below `root`, `/` between names."""
        super().__init__()
        self.objects = objects
        self.root = f"{root.strip('/')}/" if root.strip("/") else ""

    def __eq__(self, value: object) -> bool:
        return (
            isinstance(value, ObjectsStore)
            and self.objects == value.objects
            and self.root == value.root
        )

    def __hash__(self) -> int:
        return hash((type(self), self.root))

    def __str__(self) -> str:
        return f"{self.objects}/{self.root}"

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Return an object, or a part of it; None where there is none."""
        start, stop = _range(byte_range)
        try:
            found = await asyncio.to_thread(self.objects.read, self.root + key, start, stop)
        except FileNotFoundError:
            return None
        except SourceForbiddenError:
            # Stores whose lists are secret say so of what is not there. Of metadata that may
            # lack that does no harm; a chunk that is taken for empty would.
            if key.rpartition("/")[2] not in _METADATA:
                raise
            return None
        return prototype.buffer.from_bytes(found)

    async def exists(self, key: str) -> bool:
        """Return whether there is such an object."""
        try:
            await asyncio.to_thread(self.objects.stat, self.root + key)
        except FileNotFoundError:
            return False
        return True

    @property
    def supports_listing(self) -> bool:
        """Whether the objects can be listed: not those of every web server."""
        return self.objects.children(self.root.rstrip("/")) is not None

    async def list(self) -> AsyncIterator[str]:
        """Yield the names of all objects."""
        async for name in self.list_prefix(""):
            yield name

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Yield the names that begin with a prefix."""
        for name in await self._names():
            if name.startswith(prefix):
                yield name

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Yield what lies directly below a prefix."""
        found = await asyncio.to_thread(self.objects.children, (self.root + prefix).rstrip("/"))
        for name in found or ():
            yield name

    async def _names(self) -> Iterable[str]:
        found = await asyncio.to_thread(self.objects.listing)
        return [n.removeprefix(self.root) for n in found or () if n.startswith(self.root)]


def _range(request: ByteRequest | None) -> tuple[int, int | None]:
    match request:
        case None:
            return 0, None
        case RangeByteRequest():
            return request.start, request.end
        case OffsetByteRequest():
            return request.offset, None
        case SuffixByteRequest():
            return -request.suffix, None
