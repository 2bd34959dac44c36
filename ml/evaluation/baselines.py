"""What any model has to beat: what is usual, and that nothing changes."""

from __future__ import annotations

import numpy as np


def climatology(target: np.ndarray, month: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Return what is usual at each place in each month of the year.

    A place and month that was never observed gets the mean of the place, and a place that was
    never observed that of all.

    Args:
        target: (place, time) outcomes; NaN where unknown.
        month: (time,) month of the year, 1 to 12.
        train: (place, time) bool, what may be learnt from.

    Returns:
        (place, time).
    """
    learnt = np.where(train, target, np.nan)
    known = ~np.isnan(learnt)
    overall = learnt[known].mean()
    of_place = _mean(learnt, known, np.full(len(target), overall))
    usual = np.empty_like(target)
    for number in np.unique(month):
        at = month == number
        usual[:, at] = _mean(learnt[:, at], known[:, at], of_place)[:, None]
    return usual


def _mean(values: np.ndarray, known: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """Return the mean of each row over what is known, (place,), or what it is otherwise."""
    count = known.sum(axis=1)
    total = np.where(known, values, 0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), otherwise)
