"""Statistics of arrays in one pass: each value is looked at once, in blocks that fit the cache."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from cube_bridge.content import EMPTY, Statistics

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Values that are summed up together: half a MiB as float64.
_BLOCK = 2**16
#: Bits of integers whose squares are summed up exactly: a block of those of 16 bits fits int64.
_EXACT_BITS = 16
_HALF, _LOW_HALF = 32, 0xFFFFFFFF


def chunk_statistics(values: np.ndarray) -> Statistics:
    """Return the statistics of an array of any shape; NaN and infinity are not valid values.

    Sums are float64 whatever the type of the values; those of integers are exact, up to the
    squares of integers of more than 16 bits.
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
    """Yield all values as float64, in blocks that share their memory."""
    flat = _flat(values)
    buffer = np.empty(min(_BLOCK, flat.size), np.float64)
    for first in range(0, flat.size, _BLOCK):
        part = flat[first : first + _BLOCK]
        block = buffer[: part.size]
        np.copyto(block, part)
        yield block


def _of_integers(values: np.ndarray) -> Statistics:
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
    if part.dtype.itemsize < np.dtype(np.int64).itemsize:
        return int(part.sum(dtype=np.int64))
    # Halves, whose sums cannot overflow.
    return (int((part >> _HALF).sum()) << _HALF) + int((part & _LOW_HALF).sum())


def _flat(values: np.ndarray) -> np.ndarray:
    # Any order will do: a transposed array is not copied.
    return values.ravel(order="K")
