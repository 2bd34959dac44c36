"""Scores of probabilities against what happened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from ml.errors import RunError
from ml.use_case import Metric
from ontology.terms import DEEP


@dataclass(frozen=True, kw_only=True)
class Scores:
    """How good probabilities were."""

    auc: float
    """Area under the ROC curve."""
    auprc: float
    """Average precision; a guess scores the base rate."""
    brier: float
    """Mean squared error of the probabilities."""
    base_rate: float
    """Share of positives."""


def scores(probability: np.ndarray, happened: np.ndarray) -> Scores:
    """Return scores pooled over arrays of any shape.

    Raises:
        RunError: Only one outcome occurs, so that nothing can be ranked.
    """
    p, y = np.asarray(probability).ravel(), np.asarray(happened).ravel()
    return Scores(
        auc=area_under_roc(p, y),
        auprc=average_precision(p, y),
        brier=brier_score(p, y),
        base_rate=base_rate(p, y),
    )


def area_under_roc(probability: np.ndarray, happened: np.ndarray) -> float:
    """Return the area under the ROC curve of probabilities, (sample,), given outcomes of 0 or 1.

    Raises:
        RunError: Only one outcome occurs.
    """
    _refuse_one_outcome(happened)
    return float(roc_auc_score(happened, probability))


def average_precision(probability: np.ndarray, happened: np.ndarray) -> float:
    """Return the average precision of probabilities, (sample,), given outcomes of 0 or 1.

    Raises:
        RunError: Only one outcome occurs.
    """
    _refuse_one_outcome(happened)
    return float(average_precision_score(happened, probability))


def brier_score(probability: np.ndarray, happened: np.ndarray) -> float:
    """Return the mean squared error of probabilities, (sample,), given outcomes of 0 or 1."""
    return float(brier_score_loss(happened, probability))


def base_rate(_: np.ndarray, happened: np.ndarray) -> float:
    """Return the share of outcomes that are 1."""
    return float(happened.mean())


def root_mean_square_error(value: np.ndarray, target: np.ndarray) -> float:
    """Return the root mean square error of values, (sample,), given targets, (sample,)."""
    return float(np.sqrt(np.mean((value - target) ** 2)))


def mean_absolute_error(value: np.ndarray, target: np.ndarray) -> float:
    """Return the mean absolute error of values, (sample,), given targets, (sample,)."""
    return float(np.mean(np.abs(value - target)))


def r_squared(value: np.ndarray, target: np.ndarray) -> float:
    """Return the share of the variance of targets, (sample,), that values explain.

    Raises:
        RunError: All targets are the same, so that there is nothing to explain.
    """
    variance = float(np.mean((target - target.mean()) ** 2))
    if variance == 0:
        raise RunError("all outcomes of the test split are the same; choose a longer period")
    return 1 - float(np.mean((value - target) ** 2)) / variance


def _refuse_one_outcome(happened: np.ndarray) -> None:
    if happened.min() == happened.max():
        raise RunError("all outcomes of the test split are the same; choose a longer period")


#: For outputs whose task is a probability.
PROBABILITY_METRICS = (
    Metric(DEEP.AUC, area_under_roc),
    Metric(DEEP.AUPRC, average_precision),
    Metric(DEEP.BrierScore, brier_score),
    Metric(DEEP.BaseRate, base_rate),
)
#: For outputs whose task is a quantity or a count.
QUANTITY_METRICS = (
    Metric(DEEP.RMSE, root_mean_square_error),
    Metric(DEEP.MAE, mean_absolute_error),
    Metric(DEEP.R2, r_squared),
)
