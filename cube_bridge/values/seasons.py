"""What is usual at a time of the year, and how far a value is from it: pure functions."""

from __future__ import annotations

from enum import Enum

import numpy as np


class Season(Enum):
    """Which times of different years are compared."""

    MONTH = "month"
    """Those of the same calendar month."""
    DAY = "day"
    """Those of the same day of the year, 1 to 366."""


def season_of(times: np.ndarray, season: Season) -> np.ndarray:
    """Return the month, from 0, or the day of the year, from 0, of each time."""
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
