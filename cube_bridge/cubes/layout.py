"""How a variable is cut into chunks, as arrays and as the short texts that the graph keeps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from cube_bridge.cubes.run_lengths import (
    REMEMBERED,
    runs_of,
    values_of_runs,
)
from cube_bridge.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class ChunkLayout:
    """The chunks of a variable along each of its dimensions."""

    dims: tuple[str, ...]
    lengths: tuple[tuple[int, ...], ...]
    """Cells of each chunk, one tuple a dimension: what dask calls chunks."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Cells of the whole variable."""
        return tuple(sum(n) for n in self.lengths)

    @property
    def count(self) -> int:
        """Chunks in all."""
        return int(np.prod([len(n) for n in self.lengths], dtype=np.int64))

    @property
    def largest(self) -> tuple[int, ...]:
        """Cells of the largest chunk along each dimension."""
        return tuple(max(n) for n in self.lengths)

    def starts(self, axis: int) -> np.ndarray:
        """Return the first cell of each chunk along a dimension: int64."""
        return _starts(self.lengths[axis])

    def slices(self, index: Sequence[int]) -> tuple[slice, ...]:
        """Return the cells of a chunk."""
        firsts = [int(self.starts(axis)[i]) for axis, i in enumerate(index)]
        sizes = [n[i] for n, i in zip(self.lengths, index, strict=True)]
        return tuple(slice(a, a + n) for a, n in zip(firsts, sizes, strict=True))

    def text(self) -> str:
        """Return the lengths as the graph keeps them: `30*12+5,100*4,100*4`."""
        return ",".join("+".join(runs_of(n)) for n in self.lengths)


def layout_of_text(dims: str, lengths: str) -> ChunkLayout:
    """Return the layout that the graph keeps as two texts.

    Raises:
        SourceError: They are no layout.
    """
    names = tuple(dims.split(","))
    found = _lengths_of_text(lengths)
    if len(names) != len(found):
        raise SourceError(f"the graph has {len(names)} dimensions, but chunk lengths {lengths!r}")
    return ChunkLayout(dims=names, lengths=found)


@lru_cache(maxsize=REMEMBERED)
def _lengths_of_text(text: str) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(values_of_runs(a.split("+"), text).tolist()) for a in text.split(","))


@lru_cache(maxsize=REMEMBERED)
def _starts(lengths: tuple[int, ...]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths[:-1], dtype=np.int64)]).astype(np.int64)
