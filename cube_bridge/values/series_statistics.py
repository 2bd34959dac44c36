"""Statistics of series with gaps: trends, their significance, seasons: pure functions on arrays."""

from __future__ import annotations

from enum import Enum
from math import erfc, sqrt
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Mean year of the Gregorian calendar.
_YEAR = np.timedelta64(365 * 86400 + 20952, "s")
#: Slopes that are held at once; pairs of longer series are gone through several times.
_HELD = 2_000_000
_BINS = 4096
#: Values up to which all pairs are compared at once: what scipy does before it counts takes longer.
_FEW = 200


def years(times: np.ndarray) -> np.ndarray:
    """Return times, (n,) datetime64, as years since the first: (n,) float64."""
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
    _, ties = np.unique(y, return_counts=True)
    ties = ties.astype(np.float64)
    spread = (n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18
    score = _score(y, ties) if spread > 0 else 0
    if score == 0:
        return 1.0
    return erfc((abs(score) - 1) / sqrt(spread) / sqrt(2))


class Season(Enum):
    """Which times of different years are compared."""

    MONTH = "month"
    """Those of the same calendar month."""
    DAY = "day"
    """Those of the same day of the year, 1 to 366."""


def season_of(times: np.ndarray, season: Season) -> np.ndarray:
    """Return the month or day of the year, both from 0, of (n,) datetime64: (n,) int64."""
    if season is Season.MONTH:
        return np.asarray(times.astype("datetime64[M]").astype(np.int64) % 12)
    days = times.astype("datetime64[D]")
    new_year = days.astype("datetime64[Y]").astype("datetime64[D]")
    return np.asarray((days - new_year).astype(np.int64))


def anomalies(
    values: np.ndarray, times: np.ndarray, reference: np.ndarray, season: Season
) -> np.ndarray:
    """Return values less the mean of the same season over a reference period.

    Args:
        values: (..., times); NaN where unknown.
        times: (times,) datetime64.
        reference: (times,) bool, which are of the reference period.
        season: What counts as the same season.

    Returns:
        As values; NaN also where the reference has no value of that season.
    """
    groups = season_of(times, season)
    found = np.full(values.shape, np.nan)
    for group in np.unique(groups):
        own = groups == group
        usual = values[..., own & reference]
        known = np.isfinite(usual)
        count = known.sum(axis=-1)
        total = np.where(known, usual, 0.0).sum(axis=-1)
        mean = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
        found[..., own] = values[..., own] - mean[..., None]
    return found


def _score(y: np.ndarray, ties: np.ndarray) -> int:
    """Return how many pairs of values ascend, less those that descend.

    Args:
        y: (n,) finite, not all the same.
        ties: (values,) how often each value is there.
    """
    n = len(y)
    if n <= _FEW:
        first, second = np.triu_indices(n, 1)
        return int(np.sign(y[second] - y[first]).sum())
    # Of tau-b, (score) / sqrt(pairs * pairs without ties), the denominator is taken off again.
    pairs = n * (n - 1) / 2
    untied = pairs - (ties * (ties - 1)).sum() / 2
    tau = stats.kendalltau(np.arange(n), y, method="asymptotic").statistic
    return round(float(tau) * sqrt(pairs) * sqrt(untied))


def _ranked(x: np.ndarray, y: np.ndarray, rank: int) -> float:
    """Return the slope of a rank, from 0, between (n,) points, by ever narrower histograms."""
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
    """Yield the slopes of all pairs of (n,) points, some rows of pairs at a time: (m,) each."""
    rows = max(_HELD // len(x), 1)
    for begin in range(0, len(x) - 1, rows):
        end = min(begin + rows, len(x) - 1)
        yield np.concatenate([(y[i + 1 :] - y[i]) / (x[i + 1 :] - x[i]) for i in range(begin, end)])
