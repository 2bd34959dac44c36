"""One run of the fire danger model: train, predict with intervals, evaluate. No graph in here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ml.calibration import recalibrate
from ml.danger import Spell, class_bounds, classify, extreme_spells
from ml.errors import RunError
from ml.evaluate import (
    RECALIBRATED,
    Evaluation,
    evaluate_spatial,
    evaluate_temporal,
    model_name,
    temporal_split,
)
from ml.intervals import BLOCK_DAYS, Intervals, adaptive_intervals, coverage
from ml.train import choose_device, device_name, predict, train

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from ml.cell_days import CellDays
    from ml.models.fire_danger import Config, FireDangerNet

    Progress = Callable[[str, int, int], None]
    """Called with the stage, steps done and steps in all."""

#: Days before the predictions start that are held back to calibrate the intervals.
CALIBRATION_DAYS = 2 * BLOCK_DAYS
#: Days that training needs before those.
_MIN_TRAINING_DAYS = 60


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What a run found."""

    first: int
    """Position of the first predicted day in the days of the data."""
    probability: np.ndarray
    """(cell, predicted day)."""
    intervals: Intervals
    """Same shape."""
    bounds: np.ndarray
    """(6,) lowest probability of each danger class."""
    classes: np.ndarray
    """(cell, predicted day) positions in `ml.danger.CLASSES`."""
    spells: tuple[Spell, ...]
    """Of extreme danger; days count from the first predicted day."""
    evaluations: tuple[Evaluation, ...]
    coverage: float
    """Measured share of cell-blocks whose rate lies in the mean interval; NaN for under a block."""
    net: FireDangerNet
    device: str


def execute(
    data: CellDays,
    predict_from: pd.Timestamp,
    config: Config,
    *,
    spatial_folds: int = 5,
    net: FireDangerNet | None = None,
    progress: Progress | None = None,
) -> RunResult:
    """Train on the days before one and predict the days from it on.

    Args:
        data: All cell-days.
        predict_from: First day to predict.
        config: Of the model.
        spatial_folds: Folds of the spatial evaluation; 0 leaves it out.
        net: A trained network to predict with, instead of training one.
        progress: Called as the stages proceed.

    Raises:
        RunError: Too few days before or after `predict_from`.
    """
    first = int(data.before(predict_from).sum())
    needed = _MIN_TRAINING_DAYS + CALIBRATION_DAYS
    if first < needed or first >= len(data.days):
        raise RunError(
            f"predictions from {predict_from:%Y-%m-%d} need {needed} days before it and at least "
            f"one after; the inputs run from {data.days[0]:%Y-%m-%d} to {data.days[-1]:%Y-%m-%d}"
        )
    report = progress or (lambda *_: None)
    live = _live_predictions(data, first, config, net, report)
    probability = live.probability[:, CALIBRATION_DAYS:]
    happened = data.burning[:, first:]
    intervals = adaptive_intervals(
        probability,
        happened,
        calibration_probability=live.probability[:, :CALIBRATION_DAYS],
        calibration_happened=data.burning[:, first - CALIBRATION_DAYS : first],
    )
    bounds = class_bounds(live.training_probability)
    classes = classify(probability, bounds)
    evaluations = _evaluate(data, predict_from, config, live, spatial_folds, report)
    whole_block = probability.shape[1] >= BLOCK_DAYS
    return RunResult(
        first=first,
        probability=probability,
        intervals=intervals,
        bounds=bounds,
        classes=classes,
        spells=tuple(extreme_spells(probability, classes)),
        evaluations=tuple(evaluations),
        coverage=coverage(intervals, happened) if whole_block else float("nan"),
        net=live.net,
        device=device_name(choose_device()),
    )


@dataclass(frozen=True, kw_only=True)
class _Live:
    """Predictions as they would have been made, each knowing only what was known then."""

    net: FireDangerNet
    training_probability: np.ndarray
    """(cell, day) of the days before the first predicted one."""
    probability: np.ndarray
    """(cell, day) recalibrated, from CALIBRATION_DAYS before the first predicted day on; those
    before it by a network that had not seen them."""
    raw: np.ndarray
    """The same before recalibration."""


def _live_predictions(
    data: CellDays, first: int, config: Config, net: FireDangerNet | None, report: Progress
) -> _Live:
    start = first - CALIBRATION_DAYS
    held_back = train(
        data,
        temporal_split(data, data.days[start]),
        config,
        progress=lambda a, b: report("calibrating", a, b),
    )
    if net is None:
        rows = temporal_split(data, data.days[first])
        net = train(data, rows, config, progress=lambda a, b: report("training", a, b))
    every = predict(net, data)
    raw = np.concatenate([predict(held_back, data)[:, start:first], every[:, first:]], axis=1)
    # The first half of the calibration days teaches the second, as the test period is taught.
    return _Live(
        net=net,
        training_probability=every[:, :first],
        probability=recalibrate(raw, data.burning[:, start:], first=BLOCK_DAYS),
        raw=raw,
    )


def _evaluate(
    data: CellDays,
    test_from: pd.Timestamp,
    config: Config,
    live: _Live,
    spatial_folds: int,
    report: Progress,
) -> list[Evaluation]:
    """Score the run's predictions, the same model without the weather of the day, and baselines."""
    first = live.training_probability.shape[1]
    blind = replace(config, nowcast=not config.nowcast)
    rows = temporal_split(data, test_from)
    other = train(
        data, rows, blind, progress=lambda a, b: report("training the other variant", a, b)
    )
    trained = {
        model_name(blind): predict(other, data)[:, first:],
        model_name(config): live.raw[:, CALIBRATION_DAYS:],
        model_name(config) + RECALIBRATED: live.probability[:, CALIBRATION_DAYS:],
    }
    found = evaluate_temporal(data, test_from, trained)
    if spatial_folds:
        found += evaluate_spatial(
            data,
            config,
            folds=spatial_folds,
            progress=lambda a, b: report("spatial cross-validation", a, b),
        )
    return found
