"""Scores of probabilities against what happened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from ml.errors import RunError


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
    if y.min() == y.max():
        raise RunError("all outcomes of the test split are the same; choose a longer period")
    return Scores(
        auc=float(roc_auc_score(y, p)),
        auprc=float(average_precision_score(y, p)),
        brier=float(brier_score_loss(y, p)),
        base_rate=float(y.mean()),
    )
