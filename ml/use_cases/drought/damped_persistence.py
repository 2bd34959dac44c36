"""Damped persistence: next month is this month, pulled towards what is usual in the region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.linear_model import LinearRegression

from ml.errors import RunError
from ml.samples import Prediction
from ml.training.arrays import load_arrays, save_arrays

if TYPE_CHECKING:
    from pathlib import Path

    from ml.use_case import Steps
    from ml.use_cases.drought.months import RegionMonths


@dataclass(frozen=True, kw_only=True)
class Config:
    """What was chosen by hand; none of it was tuned on a test split."""

    refit_months: int = 24
    """Months that one fit predicts in the rolling evaluation."""


@dataclass(frozen=True, kw_only=True)
class DampedPersistence:
    """A straight line for each region, from the index of a month to that of the next."""

    slope: np.ndarray
    """(region,)"""
    intercept: np.ndarray
    """(region,)"""


def fit(data: RegionMonths, rows: np.ndarray, _: Config, progress: Steps) -> DampedPersistence:
    """Fit a least-squares line for each region.

    Args:
        data: The months of all regions.
        rows: (sample,) bool, what is learnt from; a region without any gets the line of all.
        progress: Called as regions are done.

    Raises:
        RunError: Nothing is learnt from.
    """
    regions, months = data.severity.shape
    learnt = rows.reshape(regions, months)[:, :-1]
    before, after = data.severity[:, :-1], data.severity[:, 1:]
    if not learnt.any():
        raise RunError("nothing to learn from: no month with a month after it is in the split")
    shared = LinearRegression().fit(before[learnt][:, None], after[learnt])
    slope = np.full(regions, shared.coef_[0])
    intercept = np.full(regions, shared.intercept_)
    for region in range(regions):
        own = learnt[region]
        if own.any():
            line = LinearRegression().fit(before[region, own][:, None], after[region, own])
            slope[region], intercept[region] = line.coef_[0], line.intercept_
        progress(region + 1, regions)
    return DampedPersistence(slope=slope, intercept=intercept)


def predict(fitted: DampedPersistence, data: RegionMonths, positions: np.ndarray) -> Prediction:
    """Predict samples by their positions, (n,) int."""
    value = fitted.slope[:, None] * data.severity + fitted.intercept[:, None]
    return Prediction(value=value.ravel()[positions][:, None])


def save(fitted: DampedPersistence, path: Path, trained_before: str) -> None:
    """Write the lines and the training period."""
    save_arrays(
        {"slope": fitted.slope, "intercept": fitted.intercept}, path, "drought", trained_before
    )


def load(path: Path) -> tuple[DampedPersistence, str]:
    """Return the lines that `save` wrote, and the moment before which they learnt.

    Raises:
        RunError: The file holds no such lines.
    """
    arrays, trained_before = load_arrays(path, "drought", ("slope", "intercept"))
    return DampedPersistence(**arrays), trained_before
