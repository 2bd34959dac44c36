"""How a variable is cut into chunks, as arrays and as the short texts that the graph keeps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

import numpy as np

from cube_bridge.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Texts that are remembered as arrays: one for each variable that is asked for again and again.
_REMEMBERED = 256
_RUN = re.compile(r"(-?\d+)(?:\*(\d+))?")


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
        return ",".join("+".join(_runs(n)) for n in self.lengths)


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


def times_text(moments: Iterable[datetime]) -> str:
    """Return moments as one text: the first in seconds since 1970, then the steps, run by run."""
    seconds = [round(m.timestamp()) for m in moments]
    steps = [b - a for a, b in pairwise(seconds)]
    return " ".join([str(seconds[0]), *_runs(steps)])


@lru_cache(maxsize=_REMEMBERED)
def times_of_text(text: str) -> np.ndarray:
    """Return the moments that `times_text` wrote: int64 seconds since 1970.

    Raises:
        SourceError: The text is none.
    """
    first, *runs = text.split(" ")
    steps = _values_of(runs, text)
    return np.cumsum(np.concatenate([[int(first)], steps]), dtype=np.int64)


def seconds_of(moment: datetime) -> float:
    """Return a moment as seconds since 1970; a naive one is taken as UTC."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _runs(values: Iterable[int]) -> list[str]:
    runs = [(value, sum(1 for _ in same)) for value, same in groupby(values)]
    return [f"{value}*{count}" if count > 1 else str(value) for value, count in runs]


def _values_of(runs: list[str], text: str) -> np.ndarray:
    found = [_RUN.fullmatch(run) for run in runs]
    pairs = [(int(m[1]), int(m[2] or 1)) for m in found if m is not None]
    if len(pairs) < len(runs):
        raise SourceError(f"not a list of runs: {text[:60]!r}; index the cube anew")
    values = np.array([value for value, _ in pairs], dtype=np.int64)
    return np.repeat(values, [count for _, count in pairs])


@lru_cache(maxsize=_REMEMBERED)
def _lengths_of_text(text: str) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(_values_of(a.split("+"), text).tolist()) for a in text.split(","))


@lru_cache(maxsize=_REMEMBERED)
def _starts(lengths: tuple[int, ...]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths[:-1], dtype=np.int64)]).astype(np.int64)
