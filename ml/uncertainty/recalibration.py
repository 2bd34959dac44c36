"""Recalibration of probabilities while a season changes: only outcomes of the past are used."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

#: The scale and shift of the logits are fitted anew this often, on outcomes of this many days.
#: Chosen on May to August with training before; the test period had no part in it.
_EVERY_DAYS, _WINDOW_DAYS = 10, 60
#: Bounds of probabilities whose logit is taken.
_CLIP = 1e-4


def recalibrate(probability: np.ndarray, happened: np.ndarray, *, first: int) -> np.ndarray:
    """Return probabilities whose logits are scaled and shifted to fit the latest outcomes.

    Args:
        probability: (cell, day) out-of-sample predictions.
        happened: (cell, day) bool, the outcomes. Those of a day are used only for later days.
        first: Position of the first day to recalibrate; the days before it only teach.

    Returns:
        (cell, day), the days before `first` as they were.

    Source: Platt 1999, Probabilistic outputs for support vector machines; the moving window
        makes it adaptive.
    """
    logit = np.log(np.clip(probability, _CLIP, 1 - _CLIP))
    logit -= np.log1p(-np.clip(probability, _CLIP, 1 - _CLIP))
    recalibrated = np.array(probability, dtype=np.float64)
    for start in range(first, probability.shape[1], _EVERY_DAYS):
        past = slice(max(0, start - _WINDOW_DAYS), start)
        days = slice(start, start + _EVERY_DAYS)
        outcome = happened[:, past].ravel()
        if outcome.min() == outcome.max():
            continue  # a window in which all outcomes are alike teaches nothing
        model = LogisticRegression(C=1e3).fit(logit[:, past].reshape(-1, 1), outcome)
        corrected = model.predict_proba(logit[:, days].reshape(-1, 1))[:, 1]
        recalibrated[:, days] = corrected.reshape(recalibrated[:, days].shape)
    return recalibrated
