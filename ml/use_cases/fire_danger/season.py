"""Probabilities follow the season: recalibrated on the outcomes of the days before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ml.uncertainty.blocks import BLOCK_DAYS
from ml.uncertainty.recalibration import recalibrate
from ml.use_case import FollowUp

if TYPE_CHECKING:
    from ml.samples import Predicted, Prediction


def _follow(past: Predicted, now: Predicted) -> tuple[Prediction, Prediction]:
    """Return the predictions of held-back and of predicted days, both recalibrated.

    The first half of the held-back days teaches the second, as the predicted days are taught.
    """
    grids = [past.samples.grid(), now.samples.grid()]
    raw, happened = (
        np.concatenate([values[grid] for values, grid in zip(both, grids, strict=True)], axis=1)
        for both in (
            [p.prediction.value[:, 0] for p in (past, now)],
            [p.samples.target[:, 0] > 0 for p in (past, now)],
        )
    )
    recalibrated = recalibrate(raw, happened, first=BLOCK_DAYS)
    before = grids[0].shape[1]
    parts = (recalibrated[:, :before], recalibrated[:, before:])
    corrected = []
    for predicted, grid, part in zip((past, now), grids, parts, strict=True):
        value = np.empty_like(predicted.prediction.value)
        value[grid.ravel(), 0] = part.ravel()
        corrected.append(replace(predicted.prediction, value=value))
    return corrected[0], corrected[1]


FOLLOW_SEASON = FollowUp(name=", recalibrated as the season goes on", function=_follow)
