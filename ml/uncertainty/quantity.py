"""Intervals of quantities: split conformal, place by place.

A fit that had not seen a stretch of time predicts it; how far the outcomes lie from those
predictions tells how far the next ones may. Each place has its own, because what is far at one
is near at another. A place with too few outcomes for that gets what all of them tell.

Source: Papadopoulos et al. 2002, Inductive confidence machines for regression; Vovk 2012,
Conditional validity of inductive conformal predictors (a category for each place).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from mapie.regression import SplitConformalRegressor
from sklearn.base import BaseEstimator, RegressorMixin

from ml.errors import RunError
from ml.samples import Bounds
from ml.use_case import IntervalMethod

if TYPE_CHECKING:
    from ml.samples import Predicted, Samples


class _AsPredicted(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # sklearn is untyped
    """A regressor whose one feature is the prediction that somebody made: all MAPIE asks for."""

    def __init__(self) -> None:
        self.n_features_in_ = 1

    def fit(self, X: np.ndarray, y: np.ndarray) -> _AsPredicted:  # noqa: ARG002, N803
        """Learn nothing: the predictions are there."""
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:  # noqa: N803
        """Return the predictions, (sample,), given (sample, 1)."""
        return np.asarray(X)[:, 0]

    def __sklearn_is_fitted__(self) -> bool:
        return True


def quantity(*, held_back_months: int, nominal_coverage: float = 0.9) -> IntervalMethod:
    """Return intervals for outputs that are quantities.

    Args:
        held_back_months: Calendar months before the predictions start that calibrate.
        nominal_coverage: Coverage to aim at.
    """
    # With fewer outcomes no quantile of theirs has the coverage.
    needed = int(np.ceil(round(1 / (1 - nominal_coverage), 6)))

    def hold_back(samples: Samples, learnt: np.ndarray) -> np.ndarray:
        end = samples.end[learnt].max().astype("datetime64[M]")
        start = (end - np.timedelta64(held_back_months, "M")).astype("datetime64[s]")
        return np.asarray(learnt & (samples.begin >= start))

    def bounds(past: Predicted, now: Predicted) -> Bounds:
        known = past.samples.known
        if known.sum() < needed:
            raise RunError(f"intervals need {needed} outcomes that were held back")
        value = now.prediction.value
        lower, upper = np.empty_like(value), np.empty_like(value)
        for output in range(value.shape[1]):
            shared = _conformal(past, known, output, nominal_coverage)
            for place in np.unique(now.samples.place):
                at = now.samples.place == place
                own = known & (past.samples.place == place)
                found = shared
                if own.sum() >= needed:
                    found = _conformal(past, own, output, nominal_coverage)
                lower[at, output], upper[at, output] = _interval(found, value[at, output])
        return Bounds(lower, upper)

    return IntervalMethod(
        nominal_coverage=nominal_coverage, hold_back=hold_back, bounds=bounds, coverage=coverage
    )


def coverage(bounds: Bounds, samples: Samples) -> float:
    """Return the share of the known outcomes within the bounds; NaN where none is known."""
    known = samples.known
    if not known.any():
        return float("nan")
    target = samples.target[known]
    return float(((bounds.lower[known] <= target) & (target <= bounds.upper[known])).mean())


def _conformal(
    past: Predicted, rows: np.ndarray, output: int, nominal_coverage: float
) -> SplitConformalRegressor:
    """Return what past predictions and their outcomes tell of further ones.

    Args:
        past: Samples that were held back, with honest predictions.
        rows: (sample,) bool, those that tell.
        output: Which output.
        nominal_coverage: Coverage to aim at.
    """
    method = SplitConformalRegressor(_AsPredicted(), confidence_level=nominal_coverage, prefit=True)
    return method.conformalize(
        past.prediction.value[rows, output, None], past.samples.target[rows, output]
    )


def _interval(
    method: SplitConformalRegressor, predicted: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return lower and upper bounds, (sample,) each, of predictions, (sample,)."""
    _, found = method.predict_interval(predicted[:, None])  # (sample, 2, 1)
    return found[:, 0, 0], found[:, 1, 0]
