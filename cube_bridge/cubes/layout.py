"""How a variable is cut into chunks, as arrays and as the short texts that the graph keeps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from cube_bridge.cubes.run_lengths import (
    REMEMBERED,
    runs_of,
    values_of_runs,
)
from cube_bridge.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, kw_only=True)
class ChunkLayout:
    """How an array is cut into chunks: where each of them begins along each dimension.

    The one layout there is, of variables as the graph has them (all dimensions, in the order of
    the file) and of the layers that pixel values are computed from (time, rows, columns).
    """

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
        return prod(self.counts)

    @property
    def counts(self) -> tuple[int, ...]:
        """Chunks along each dimension."""
        return tuple(len(n) for n in self.lengths)

    @property
    def largest(self) -> tuple[int, ...]:
        """Cells of the largest chunk along each dimension."""
        return tuple(max(n) for n in self.lengths)

    @cached_property
    def borders(self) -> tuple[np.ndarray, ...]:
        """First cells of the chunks along each dimension, and the end: (chunks + 1,) int64 each."""
        return tuple(np.concatenate([[0], np.cumsum(n, dtype=np.int64)]) for n in self.lengths)

    def starts(self, axis: int) -> np.ndarray:
        """Return the first cell of each chunk along a dimension: (chunks,) int64."""
        return self.borders[axis][:-1]

    def slices(self, index: Sequence[int]) -> tuple[slice, ...]:
        """Return the cells of a chunk, one slice a dimension.

        Args:
            index: Which chunk it is along each dimension.
        """
        return tuple(
            slice(int(b[i]), int(b[i + 1])) for b, i in zip(self.borders, index, strict=True)
        )

    def meeting(self, slices: Sequence[slice]) -> Iterator[tuple[int, ...]]:
        """Yield the indices of the chunks that have cells in a part of the array, in order.

        Args:
            slices: The part, one slice a dimension, none of them empty.
        """
        ranges = [
            range(
                int(np.searchsorted(b, s.start, side="right")) - 1,
                int(np.searchsorted(b, s.stop, side="left")),
            )
            for b, s in zip(self.borders, slices, strict=True)
        ]
        return product(*ranges)

    def text(self) -> str:
        """Return the lengths as the graph keeps them: `30*12+5,100*4,100*4`."""
        return ",".join("+".join(runs_of(n)) for n in self.lengths)


@lru_cache(maxsize=REMEMBERED)
def layout_of_text(dims: str, lengths: str) -> ChunkLayout:
    """Return the layout that the graph keeps as two texts.

    Raises:
        SourceError: They are no layout.
    """
    names = tuple(dims.split(","))
    found = tuple(
        tuple(values_of_runs(axis.split("+"), lengths).tolist()) for axis in lengths.split(",")
    )
    if len(names) != len(found):
        raise SourceError(f"the graph has {len(names)} dimensions, but chunk lengths {lengths!r}")
    return ChunkLayout(dims=names, lengths=found)
