"""Prediction intervals with a coverage that can be checked.

The probability of a single day cannot be checked against its one outcome. What can be is the
share of days with an event at a place over a block of 30 days. The intervals are such that this
share lies in the mean interval of the block with the nominal coverage: conformal on blocks, which
also respects that days of a cell that follow each other are alike. As blocks of the test
period end, their outcomes join the calibration and older ones leave it, so that the intervals
follow a changing season.

Source: Lei et al. 2018, Distribution-free predictive inference for regression, section 5.2
(locally weighted split conformal); Gibbs and Candes 2021, Adaptive conformal inference under
distribution shift, for the moving calibration.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml.samples import Bounds
from ml.use_case import IntervalMethod

if TYPE_CHECKING:
    from ml.samples import Predicted, Samples

#: Days of a block.
BLOCK_DAYS = 30
#: Added to the scale, so that a probability near 0 or 1 has some width.
_FLOOR = 0.02


@dataclass(frozen=True, kw_only=True)
class Intervals:
    """Bounds of probabilities."""

    lower: np.ndarray
    """(cell, day), 0 to 1."""
    upper: np.ndarray
    """(cell, day), 0 to 1."""
    nominal_coverage: float
    """Share of cell-blocks whose rate of days with an event should lie in the mean interval."""


def block_starts(days: int) -> range:
    """Return the first day of each whole block."""
    return range(0, days - BLOCK_DAYS + 1, BLOCK_DAYS)


def adaptive_intervals(
    probability: np.ndarray,
    happened: np.ndarray,
    *,
    calibration_probability: np.ndarray,
    calibration_happened: np.ndarray,
    nominal_coverage: float = 0.9,
) -> Intervals:
    """Return intervals for a period that is lived through block by block.

    Args:
        probability: (cell, day) predictions of the period.
        happened: (cell, day) bool. The outcomes of a block are used only for later blocks.
        calibration_probability: (cell, day) predictions of an earlier period by a model that
            had not seen it, at least one block long.
        calibration_happened: (cell, day) bool, its outcomes.
        nominal_coverage: Coverage to aim at.
    """
    residuals = list(_block_residuals(calibration_probability, calibration_happened))
    window = len(residuals)
    lower, upper = np.empty_like(probability), np.empty_like(probability)
    days = probability.shape[1]
    for start in range(0, days, BLOCK_DAYS):
        block = slice(start, min(start + BLOCK_DAYS, days))
        low, high = _tails(np.concatenate(residuals[-window:]), nominal_coverage)
        p = probability[:, block]
        scale = _scale(p)
        lower[:, block] = np.clip(p + np.minimum(low, 0) * scale, 0, 1)
        upper[:, block] = np.clip(p + np.maximum(high, 0) * scale, 0, 1)
        residuals += _block_residuals(p, happened[:, block])
    return Intervals(lower=lower, upper=upper, nominal_coverage=nominal_coverage)


def coverage(intervals: Intervals, happened: np.ndarray) -> float:
    """Return the share of cell-blocks whose rate of events lies in the mean interval."""
    inside = []
    for start in block_starts(happened.shape[1]):
        block = slice(start, start + BLOCK_DAYS)
        rate = happened[:, block].mean(axis=1)
        low = intervals.lower[:, block].mean(axis=1)
        high = intervals.upper[:, block].mean(axis=1)
        inside.append((low <= rate) & (rate <= high))
    return float(np.mean(inside))


def _scale(probability: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(probability * (1 - probability)) + _FLOOR)


def _block_residuals(probability: np.ndarray, happened: np.ndarray) -> list[np.ndarray]:
    """Return for each whole block (cell,) how far the rate was from the prediction, in scales."""
    residuals = []
    for start in block_starts(probability.shape[1]):
        block = slice(start, start + BLOCK_DAYS)
        p = probability[:, block]
        gap = happened[:, block].mean(axis=1) - p.mean(axis=1)
        residuals.append(gap / _scale(p).mean(axis=1))
    return residuals


def _tails(residuals: np.ndarray, nominal_coverage: float) -> tuple[float, float]:
    """Return the conformal lower and upper quantile, each tail with half of what is left out."""
    n = len(residuals)
    half = (1 - nominal_coverage) / 2
    ordered = np.sort(residuals)
    beyond = max(int(np.floor((n + 1) * half)), 1)
    return float(ordered[beyond - 1]), float(ordered[n - beyond])


def blocks(*, held_back_days: int, nominal_coverage: float = 0.9) -> IntervalMethod:
    """Return the intervals of this module as the runtime calls them.

    Args:
        held_back_days: Days before the predictions start that calibrate, at least a block.
        nominal_coverage: Coverage to aim at.
    """

    def hold_back(samples: Samples, learnt: np.ndarray) -> np.ndarray:
        start = samples.end[learnt].max() - np.timedelta64(held_back_days, "D")
        return np.asarray(learnt & (samples.begin >= start))

    def bounds(past: Predicted, now: Predicted) -> Bounds:
        (old, before), (grid, days) = _by_day(past), _by_day(now)
        found = adaptive_intervals(
            days,
            _happened(now.samples)[grid],
            calibration_probability=before,
            calibration_happened=_happened(past.samples)[old],
            nominal_coverage=nominal_coverage,
        )
        return Bounds(*(_as_samples(b, grid) for b in (found.lower, found.upper)))

    def measured(found: Bounds, samples: Samples) -> float:
        grid = samples.grid()
        if grid.shape[1] < BLOCK_DAYS:
            return float("nan")
        by_day = Intervals(
            lower=found.lower[:, 0][grid],
            upper=found.upper[:, 0][grid],
            nominal_coverage=nominal_coverage,
        )
        return coverage(by_day, _happened(samples)[grid])

    return IntervalMethod(
        nominal_coverage=nominal_coverage, hold_back=hold_back, bounds=bounds, coverage=measured
    )


def _by_day(predicted: Predicted) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions and the probabilities of samples by place and day."""
    grid = predicted.samples.grid()
    return grid, predicted.prediction.value[:, 0][grid]


def _happened(samples: Samples) -> np.ndarray:
    """Return the outcomes, (sample,) bool."""
    return np.asarray(samples.target[:, 0] > 0)


def _as_samples(values: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return values by place and day as (sample, 1)."""
    flat = np.empty((values.size, 1))
    flat[grid.ravel(), 0] = values.ravel()
    return flat
