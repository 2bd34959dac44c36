"""One run of the fire danger model: train, predict with intervals, evaluate. No graph in here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml.danger import Spell, class_bounds, classify, extreme_spells
from ml.errors import RunError
from ml.evaluate import Evaluation, evaluate_spatial, evaluate_temporal, model_name, temporal_split
from ml.intervals import BLOCK_DAYS, Intervals, adaptive_intervals, coverage
from ml.train import choose_device, device_name, predict, train

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
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
    calibration = slice(first - CALIBRATION_DAYS, first)
    rows = temporal_split(data, data.days[calibration.start])
    held_back = train(data, rows, config, progress=lambda a, b: report("calibrating", a, b))
    calibration_probability = predict(held_back, data)[:, calibration]
    rows = temporal_split(data, predict_from)
    if net is None:
        net = train(data, rows, config, progress=lambda a, b: report("training", a, b))
    every = predict(net, data)
    probability = every[:, first:]
    intervals = adaptive_intervals(
        probability,
        data.burning[:, first:],
        calibration_probability=calibration_probability,
        calibration_happened=data.burning[:, calibration],
    )
    bounds = class_bounds(every[:, :first])
    classes = classify(probability, bounds)
    return RunResult(
        first=first,
        probability=probability,
        intervals=intervals,
        bounds=bounds,
        classes=classes,
        spells=tuple(extreme_spells(probability, classes)),
        evaluations=tuple(_evaluate(data, predict_from, config, every, spatial_folds, report)),
        coverage=(
            coverage(intervals, data.burning[:, first:])
            if probability.shape[1] >= BLOCK_DAYS
            else float("nan")
        ),
        net=net,
        device=device_name(choose_device()),
    )


def _evaluate(
    data: CellDays,
    test_from: pd.Timestamp,
    config: Config,
    every: np.ndarray,
    spatial_folds: int,
    report: Progress,
) -> list[Evaluation]:
    blind = replace(config, nowcast=not config.nowcast)
    rows = temporal_split(data, test_from)
    other = train(
        data, rows, blind, progress=lambda a, b: report("training the other variant", a, b)
    )
    trained = {model_name(config): every, model_name(blind): predict(other, data)}
    found = evaluate_temporal(data, test_from, trained)
    if spatial_folds:
        found += evaluate_spatial(
            data,
            config,
            folds=spatial_folds,
            progress=lambda a, b: report("spatial cross-validation", a, b),
        )
    return found
