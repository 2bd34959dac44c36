"""Statistics of the values of parts of a variable: in one pass, and as the graph keeps them.

There are three ways to them, each for what it is given, and one rule to merge (`Moments.merged`):
`Accumulator` for many streams of values that come bit by bit (columns of tables, cells of a cube
over time); `chunk_statistics` for an array that is here whole, so that no running
mean rounds its sums; and, for zones whose cells have weights and are matrices of (zones, cells),
`cube_bridge.values.kernels.moments`, which `cube_bridge.values.zone_statistics` merges.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pyoxigraph import Quad

from kg.rdf.terms import double, integer
from ontology.terms import DEEP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyoxigraph import NamedNode

#: Values that are summed up together: half a MiB as float64.
_BLOCK = 2**16
#: Bits of integers whose squares are summed up exactly: a block of those of 16 bits fits int64.
_EXACT_BITS = 16
_HALF, _LOW_HALF = 32, 0xFFFFFFFF


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """Statistics of a part of a variable: its zone map."""

    valid_count: int
    minimum: float
    maximum: float
    mean: float
    sum_of_squares: float
    """NaN, like the three above, where no value is valid."""


_NAN = float("nan")
#: Of a part without a valid value.
EMPTY = Statistics(valid_count=0, minimum=_NAN, maximum=_NAN, mean=_NAN, sum_of_squares=_NAN)


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Sums that the mean and the standard deviation of parts can be put together from."""

    weight: np.ndarray
    """Sum of the weights of the valid cells."""
    mean: np.ndarray
    """Weighted mean; 0 where nothing is valid."""
    squares: np.ndarray
    """Weighted sum of the squared distances from the mean."""

    def merged(self, other: Moments) -> Moments:
        """Return the moments of both parts together.

        Source: T. F. Chan, G. H. Golub, R. J. LeVeque, Updating Formulae and a Pairwise
        Algorithm for Computing Sample Variances, Stanford STAN-CS-79-773 (1979).
        """
        weight = self.weight + other.weight
        share = np.divide(other.weight, weight, out=np.zeros_like(weight), where=weight > 0)
        apart = other.mean - self.mean
        return Moments(
            weight=weight,
            mean=self.mean + share * apart,
            squares=self.squares + other.squares + share * self.weight * apart**2,
        )


class Accumulator:
    """Statistics of many streams of values, each told by a row, without keeping the values."""

    def __init__(self, rows: int = 0) -> None:
        zero = np.zeros(rows)
        self.moments = Moments(weight=zero, mean=zero, squares=zero)
        """Of the valid values of each row; each field (rows,)."""
        self.minimum, self.maximum = np.full(rows, np.inf), np.full(rows, -np.inf)
        """Both (rows,); infinite where no value is valid."""

    def add(self, values: np.ndarray) -> None:
        """Take more values of each row.

        Args:
            values: (rows, any number); NaN and infinity are not valid and do not count.
        """
        valid = np.isfinite(values)
        count = valid.sum(axis=1).astype(np.float64)
        total = np.where(valid, values, 0.0).sum(axis=1)
        mean = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
        squares = (np.where(valid, values - mean[:, None], 0.0) ** 2).sum(axis=1)
        self.moments = self.moments.merged(Moments(weight=count, mean=mean, squares=squares))
        low = np.where(valid, values, np.inf).min(axis=1, initial=np.inf)
        high = np.where(valid, values, -np.inf).max(axis=1, initial=-np.inf)
        self.minimum = np.minimum(self.minimum, low)
        self.maximum = np.maximum(self.maximum, high)

    def add_at(self, rows: np.ndarray, values: np.ndarray) -> None:
        """Take values that each belong to a row of their own; rows not seen before begin.

        Args:
            rows: (n,) which row each value belongs to.
            values: (n,); NaN and infinity are not valid and do not count.
        """
        self._begin(int(rows.max(initial=-1)) + 1)
        valid = np.isfinite(values)
        rows, values = rows[valid], values[valid]
        size = len(self.minimum)
        count = np.bincount(rows, minlength=size).astype(np.float64)
        total = np.bincount(rows, values, size)
        mean = np.divide(total, count, out=np.zeros(size), where=count > 0)
        squares = np.bincount(rows, (values - mean[rows]) ** 2, size)
        self.moments = self.moments.merged(Moments(weight=count, mean=mean, squares=squares))
        np.minimum.at(self.minimum, rows, values)
        np.maximum.at(self.maximum, rows, values)

    def _begin(self, rows: int) -> None:
        """See to it that there are so many rows."""
        more = rows - len(self.minimum)
        if more > 0:
            of = self.moments
            self.moments = Moments(
                weight=np.pad(of.weight, (0, more)),
                mean=np.pad(of.mean, (0, more)),
                squares=np.pad(of.squares, (0, more)),
            )
            self.minimum = np.pad(self.minimum, (0, more), constant_values=np.inf)
            self.maximum = np.pad(self.maximum, (0, more), constant_values=-np.inf)

    def statistics(self, row: int = 0) -> Statistics:
        """Return the statistics of a row."""
        count, mean = int(self.moments.weight[row]), float(self.moments.mean[row])
        if not count:
            return EMPTY
        return Statistics(
            valid_count=count,
            minimum=float(self.minimum[row]),
            maximum=float(self.maximum[row]),
            mean=mean,
            sum_of_squares=float(self.moments.squares[row]) + count * mean**2,
        )


def statistics_quads(part: NamedNode, statistics: Statistics) -> Iterator[Quad]:
    """Yield the statistics of a chunk or series; a part without values has only its count."""
    yield Quad(part, DEEP.validCount, integer(statistics.valid_count))
    if statistics.valid_count:
        yield Quad(part, DEEP.minimum, double(statistics.minimum))
        yield Quad(part, DEEP.maximum, double(statistics.maximum))
        yield Quad(part, DEEP.mean, double(statistics.mean))
        yield Quad(part, DEEP.sumOfSquares, double(statistics.sum_of_squares))


def chunk_statistics(values: np.ndarray) -> Statistics:
    """Return the statistics of an array of any shape; NaN and infinity are not valid values.

    Each value is looked at once, in blocks that fit the cache. Sums are float64 whatever the type
    of the values; those of integers are exact, up to the squares of integers of more than 16
    bits. An array that is here whole needs no `Accumulator`, whose
    running mean would round them.
    """
    if values.dtype.kind in "iub":
        return _of_integers(values)
    count, minimum, maximum = 0, math.inf, -math.inf
    sums, squares = [], []
    for block in _blocks(values):
        block_minimum, block_maximum = block.min(), block.max()
        valid = block
        if not (math.isfinite(block_minimum) and math.isfinite(block_maximum)):
            valid = block[np.isfinite(block)]
            if not valid.size:
                continue
            block_minimum, block_maximum = valid.min(), valid.max()
        count += valid.size
        minimum, maximum = min(minimum, block_minimum), max(maximum, block_maximum)
        sums.append(float(valid.sum()))
        # Not np.dot: BLAS starts threads of its own beside those of dask.
        squares.append(float(np.einsum("i,i->", valid, valid)))
    if not count:
        return EMPTY
    return Statistics(
        valid_count=count,
        minimum=float(minimum),
        maximum=float(maximum),
        mean=math.fsum(sums) / count,
        sum_of_squares=math.fsum(squares),
    )


def _blocks(values: np.ndarray) -> Iterator[np.ndarray]:
    """Yield all values as float64, (n,) blocks that share their memory."""
    flat = _flat(values)
    buffer = np.empty(min(_BLOCK, flat.size), np.float64)
    for first in range(0, flat.size, _BLOCK):
        part = flat[first : first + _BLOCK]
        block = buffer[: part.size]
        np.copyto(block, part)
        yield block


def _of_integers(values: np.ndarray) -> Statistics:
    """Return the statistics of integers of any shape; sums are exact."""
    flat = _flat(values)
    if not flat.size:
        return EMPTY
    is_narrow = flat.dtype.itemsize * 8 <= _EXACT_BITS
    total, squares = 0, 0.0
    for first in range(0, flat.size, _BLOCK):
        part = flat[first : first + _BLOCK]
        total += _exact_sum(part)
        wide = part.astype(np.int64 if is_narrow else np.float64)
        squares += float(np.einsum("i,i->", wide, wide))
    return Statistics(
        valid_count=int(flat.size),
        minimum=float(flat.min()),
        maximum=float(flat.max()),
        mean=total / flat.size,
        sum_of_squares=squares,
    )


def _exact_sum(part: np.ndarray) -> int:
    """Return the sum of (n,) integers, which may be larger than 64 bits hold."""
    if part.dtype.itemsize < np.dtype(np.int64).itemsize:
        return int(part.sum(dtype=np.int64))
    # Halves, whose sums cannot overflow.
    return (int((part >> _HALF).sum()) << _HALF) + int((part & _LOW_HALF).sum())


def _flat(values: np.ndarray) -> np.ndarray:
    """Return the values of an array of any shape, (n,), in the order of its memory."""
    # Any order will do: a transposed array is not copied.
    return values.ravel(order="K")
