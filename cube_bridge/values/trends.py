"""Trends of series with gaps, and whether they are more than chance: pure functions on arrays."""

from __future__ import annotations

from math import erfc, sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Mean year of the Gregorian calendar.
_YEAR = np.timedelta64(365 * 86400 + 20952, "s")
#: Slopes that are held at once; pairs of longer series are gone through several times.
_HELD = 2_000_000
_BINS = 4096


def years(times: np.ndarray) -> np.ndarray:
    """Return times as years since the first: float64."""
    return (times - times[0]) / _YEAR if len(times) else np.zeros(0)


def theil_sen(x: np.ndarray, y: np.ndarray) -> float:
    """Return the median slope between all pairs of valid points; NaN with fewer than two.

    Args:
        x: (n,) increasing.
        y: (n,) NaN where unknown.

    Source: P. K. Sen, J. Am. Stat. Assoc. 63 (1968), pp. 1379-1389.
    """
    known = np.isfinite(y)
    x, y = x[known], y[known]
    count = len(x) * (len(x) - 1) // 2
    if not count:
        return float("nan")
    if count <= _HELD:
        first, second = np.triu_indices(len(x), 1)
        return float(np.median((y[second] - y[first]) / (x[second] - x[first])))
    return (_ranked(x, y, (count - 1) // 2) + _ranked(x, y, count // 2)) / 2


def mann_kendall(y: np.ndarray) -> float:
    """Return the probability of a trend at least as clear by chance; NaN below three values.

    Two-sided, by the normal approximation with correction for continuity and for ties.

    Args:
        y: (n,) in the order of time; NaN where unknown.

    Source: M. G. Kendall, Rank Correlation Methods (1975), chapter 4; R. O. Gilbert,
    Statistical Methods for Environmental Pollution Monitoring (1987), section 16.4.
    """
    y = y[np.isfinite(y)]
    n = len(y)
    if n < 3:
        return float("nan")
    score = sum(int(np.sign(y[i + 1 :] - y[i]).sum()) for i in range(n - 1))
    _, ties = np.unique(y, return_counts=True)
    ties = ties.astype(np.float64)
    spread = (n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18
    if spread <= 0 or score == 0:
        return 1.0
    return erfc((abs(score) - 1) / sqrt(spread) / sqrt(2))


def _ranked(x: np.ndarray, y: np.ndarray, rank: int) -> float:
    """Return the slope of a rank, from 0, without holding all: by ever narrower histograms."""
    low = min(float(s.min()) for s in _slopes(x, y))
    high = max(float(s.max()) for s in _slopes(x, y))
    below = 0
    while low < high:
        # Of numbers next to each other there are fewer than bins.
        edges = np.unique(np.clip(np.linspace(low, high, _BINS + 1), low, high))
        found = np.zeros(len(edges) - 1, np.int64)
        for slopes in _slopes(x, y):
            found += np.histogram(slopes, edges)[0]
        upto = below + np.cumsum(found)
        place = int(np.searchsorted(upto, rank, side="right"))
        below = int(upto[place] - found[place])
        low, high = float(edges[place]), float(edges[place + 1])
        if place < len(found) - 1:
            # The right edge of a bin belongs to the next one, save that of the last.
            high = float(np.nextafter(high, -np.inf))
        inside = (s[(s >= low) & (s <= high)] for s in _slopes(x, y))
        if found[place] <= _HELD:
            return float(np.sort(np.concatenate(list(inside)))[rank - below])
        # Ties can fill a bin however narrow it is.
        ends = [(float(s.min()), float(s.max())) for s in inside if s.size]
        low, high = min(a for a, _ in ends), max(b for _, b in ends)
    return low


def _slopes(x: np.ndarray, y: np.ndarray) -> Iterator[np.ndarray]:
    rows = max(_HELD // len(x), 1)
    for begin in range(0, len(x) - 1, rows):
        end = min(begin + rows, len(x) - 1)
        yield np.concatenate([(y[i + 1 :] - y[i]) / (x[i + 1 :] - x[i]) for i in range(begin, end)])
