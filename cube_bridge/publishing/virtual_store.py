"""A selection as a Zarr store: a chunk is computed when it is read, and nothing before."""

from __future__ import annotations

import asyncio
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.errors import UnstableSpecificationWarning
from zarr.storage import MemoryStore

from cube_bridge.access.object_store import ReadOnlyStore
from cube_bridge.errors import SelectionError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import xarray as xr
    from zarr.abc.store import ByteRequest
    from zarr.core.buffer import Buffer, BufferPrototype


_NUMBERS = "iufb"


class VirtualStore(ReadOnlyStore):
    """The Zarr 3 store of a lazy dataset, read-only and of this process.

    Metadata and coordinates are held; the chunks of variables are computed, not compressed, and
    forgotten. `list` names what is held.
    """

    def __init__(self, dataset: xr.Dataset) -> None:
        """Make the store of a dataset; see `virtual_store`."""
        super().__init__()
        self._held = MemoryStore()
        self._arrays = {
            str(n): v.data
            for n, v in dataset.data_vars.items()
            if v.chunks is not None and v.dtype.kind in _NUMBERS
        }
        eager = dataset.assign(
            {n: v.compute() for n, v in dataset.data_vars.items() if n not in self._arrays}
        ).assign_coords({n: c.variable.compute() for n, c in dataset.coords.items()})
        self._chunks = {n: tuple(max(c) for c in a.chunks) for n, a in self._arrays.items()}
        encoding: dict[str, dict[str, Any]] = {
            n: {
                "chunks": self._chunks[n],
                "compressors": None,
                "_FillValue": np.nan if a.dtype.kind == "f" else None,
            }
            for n, a in self._arrays.items()
        }
        with warnings.catch_warnings():
            # Texts have no final form in Zarr 3; this store lives no longer than its reader.
            warnings.simplefilter("ignore", UnstableSpecificationWarning)
            eager.drop_encoding().to_zarr(
                self._held, compute=False, encoding=encoding, zarr_format=3, consolidated=False
            )

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

    @property
    def supports_listing(self) -> bool:
        """Return True."""
        return True

    async def get(
        self,
        key: str,
        prototype: BufferPrototype,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Return what a key stands for; None where there is no such key."""
        place = self._place(key)
        if place is None:
            return await self._held.get(key, prototype, byte_range)
        raw = await asyncio.to_thread(self._chunk, *place)
        return prototype.buffer.from_bytes(_part(raw, byte_range))

    async def exists(self, key: str) -> bool:
        """Return whether there is such a key."""
        return self._place(key) is not None or await self._held.exists(key)

    def list(self) -> AsyncIterator[str]:
        """Return the keys of what is held."""
        return self._held.list()

    def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Return the keys of what is held that begin so."""
        return self._held.list_prefix(prefix)

    def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Return what is held right below a prefix."""
        return self._held.list_dir(prefix)

    def _place(self, key: str) -> tuple[str, tuple[int, ...]] | None:
        """Return the variable and the chunk that a key stands for."""
        name, mark, rest = key.rpartition("/c/")
        if not mark or name not in self._arrays:
            return None
        try:
            index = tuple(int(i) for i in rest.split("/"))
        except ValueError:
            return None
        array, sizes = self._arrays[name], self._chunks[name]
        if len(index) != array.ndim:
            return None
        inside = all(
            0 <= i * size < n for i, size, n in zip(index, sizes, array.shape, strict=True)
        )
        return (name, index) if inside else None

    def _chunk(self, name: str, index: tuple[int, ...]) -> bytes:
        """Compute a chunk: as long and wide as all are, also at the far end."""
        array, sizes = self._arrays[name], self._chunks[name]
        slices = tuple(slice(i * n, (i + 1) * n) for i, n in zip(index, sizes, strict=True))
        values = np.asarray(array[slices].compute())
        whole = np.zeros(sizes, dtype=array.dtype.newbyteorder("<"))
        whole[tuple(slice(0, n) for n in values.shape)] = values
        return whole.tobytes()


def _part(raw: bytes, byte_range: ByteRequest | None) -> bytes:
    match byte_range:
        case RangeByteRequest(start=start, end=end):
            return raw[start:end]
        case OffsetByteRequest(offset=offset):
            return raw[offset:]
        case SuffixByteRequest(suffix=suffix):
            return raw[-suffix:]
    return raw


def virtual_store(dataset: xr.Dataset) -> VirtualStore:
    """Return a lazy dataset as a Zarr store that any client of this process can open.

    Args:
        dataset: As `select_dataset` and `select_by_query` return it.

    Raises:
        SelectionError: None of its variables is lazy; write it, or use it as it is.
    """
    if not any(v.chunks is not None for v in dataset.data_vars.values()):
        raise SelectionError("no variable of the dataset is lazy: there is nothing to compute")
    return VirtualStore(dataset)
