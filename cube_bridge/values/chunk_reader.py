"""Chunks as arrays: read side by side, those read last kept."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from dask.base import compute

from cube_bridge.errors import SourceError
from cube_bridge.values.caching import ByteCache
from cube_bridge.values.layers import CellOperation, StoredVariable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cube_bridge.values.layers import BlockIndex, Layer


#: Bytes of chunks that are held between calls.
_CACHE_BYTES = 256 * 2**20
#: Chunks that are read side by side: no more than this many, nor more bytes than these.
_GROUP, _GROUP_BYTES = 16, 64 * 2**20


@dataclass(kw_only=True)
class Counts:
    """How many chunks a reader has read from files, and how many it still had."""

    read: int = 0
    """Chunks read from their file."""
    cached: int = 0
    """Chunks that were still in memory."""


class ChunkReader:
    """Reads the chunks of layers, in the order asked for."""

    def __init__(self, cache_bytes: int = _CACHE_BYTES) -> None:
        self.counts = Counts()
        self._cache: ByteCache[np.ndarray] = ByteCache(cache_bytes)
        self._lock = Lock()

    def blocks(
        self, layer: Layer, indices: Sequence[BlockIndex]
    ) -> Iterator[tuple[BlockIndex, np.ndarray]]:
        """Yield chunks: (time, rows, columns) or (time, stations), not to be written to.

        Raises:
            SourceError: A chunk cannot be read; says which.
        """
        if isinstance(layer, CellOperation):
            for index in indices:
                yield index, self._computed(layer, index)
            return
        for group in _groups(layer, indices):
            held = {i: self._cache.get((layer.key, i)) for i in group}
            missing = [i for i, block in held.items() if block is None]
            if missing:
                held.update(self._read(layer, missing))
            with self._lock:
                self.counts.read += len(missing)
                self.counts.cached += len(group) - len(missing)
            for index in group:
                block = held.pop(index)
                if block is not None:
                    yield index, block

    def window(self, layer: Layer, slices: tuple[slice, ...]) -> np.ndarray:
        """Return a part of an array, whatever chunks it lies in: (time, rows, columns)."""
        shape = tuple(s.stop - s.start for s in slices)
        whole: np.ndarray | None = None
        for index, block in self.blocks(layer, list(layer.layout.meeting(slices))):
            if whole is None:
                whole = np.empty(shape, block.dtype)
            target, source = [], []
            for part, wanted in zip(layer.layout.slices(index), slices, strict=True):
                begin, end = max(part.start, wanted.start), min(part.stop, wanted.stop)
                target.append(slice(begin - wanted.start, end - wanted.start))
                source.append(slice(begin - part.start, end - part.start))
            whole[tuple(target)] = block[tuple(source)]
        return np.empty(shape) if whole is None else whole

    def _read(
        self, layer: StoredVariable, indices: list[BlockIndex]
    ) -> dict[BlockIndex, np.ndarray]:
        """Return chunks, (time, rows, columns) each, from the file, all at once; they are kept."""
        parts = [layer.array.blocks[i] for i in indices]
        try:
            arrays = compute(*parts)
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            which = ", ".join(".".join(map(str, i)) for i in indices)
            raise SourceError(f"{layer.label!r}: chunks {which} cannot be read: {error}") from error
        found = {}
        for index, array in zip(indices, arrays, strict=True):
            block = np.ascontiguousarray(array)
            block.flags.writeable = False
            self._cache.put((layer.key, index), block, block.nbytes)
            found[index] = block
        return found

    def _computed(self, layer: CellOperation, index: BlockIndex) -> np.ndarray:
        """Return a chunk of a cell operation: (time, rows, columns); it is kept."""
        held = self._cache.get((layer.key, index))
        if held is not None:
            return held
        slices = layer.layout.slices(index)
        values = {n: self.window(v, slices) for n, v in layer.operands.items()}
        block = layer.expression.evaluate(values)
        block.flags.writeable = False
        self._cache.put((layer.key, index), block, block.nbytes)
        return block


def _groups(layer: StoredVariable, indices: Sequence[BlockIndex]) -> Iterator[list[BlockIndex]]:
    group: list[BlockIndex] = []
    size = 0
    for index in indices:
        cells = np.prod([s.stop - s.start for s in layer.layout.slices(index)], dtype=np.int64)
        size += int(cells) * layer.array.dtype.itemsize
        if group and (len(group) == _GROUP or size > _GROUP_BYTES):
            yield group
            group, size = [], int(cells) * layer.array.dtype.itemsize
        group.append(index)
    if group:
        yield group
