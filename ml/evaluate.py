"""The evaluation protocols: model and baselines on the same splits, in the same run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from sklearn.model_selection import GroupKFold

from ml import baselines
from ml.metrics import Scores, scores
from ml.train import predict, train

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from ml.cell_days import CellDays
    from ml.models.fire_danger import Config

    #: Predicts all cell-days, (cell, day), having learnt from the rows that are True.
    Method = Callable[[CellDays, np.ndarray], np.ndarray]

NOWCAST = "fire danger model, weather of the day"
FORECAST = "fire danger model, weather up to the day before"
#: Only what has this ending has learnt anything from the outcomes of the test period's past days.
RECALIBRATED = ", recalibrated as the season goes on"


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Scores of one method under one protocol."""

    protocol: str
    method: str
    is_baseline: bool
    scores: Scores


def baseline_methods() -> dict[str, Method]:
    """Return the baselines by name."""
    return {
        "climatology": baselines.climatology,
        "persistence (7 days)": lambda data, _: baselines.persistence(data),
        "gradient boosting, weather": baselines.boosting_weather,
        "gradient boosting, same inputs as the model": baselines.boosting_same_inputs,
    }


def temporal_split(data: CellDays, test_from: pd.Timestamp) -> np.ndarray:
    """Return the training split, (cell, day): all cells, the days before one."""
    return np.broadcast_to(data.before(test_from), data.fires.shape)


def evaluate_temporal(
    data: CellDays, test_from: pd.Timestamp, trained: dict[str, np.ndarray]
) -> list[Evaluation]:
    """Score predictions for the days from one on.

    Args:
        data: All cell-days.
        test_from: First day of the test period.
        trained: Predictions of the test period, (cell, test day), by models that learnt from
            the earlier days, by name.
    """
    rows = temporal_split(data, test_from)
    first = int(data.before(test_from).sum())
    protocol = f"temporal: trained before {test_from:%Y-%m-%d}, tested from then on"
    found = {name: method(data, rows)[:, first:] for name, method in baseline_methods().items()}
    return [
        Evaluation(
            protocol=protocol,
            method=name,
            is_baseline=name not in trained,
            scores=scores(probability, data.burning[:, first:]),
        )
        for name, probability in {**found, **trained}.items()
    ]


def evaluate_spatial(
    data: CellDays,
    config: Config,
    *,
    folds: int = 5,
    progress: Callable[[int, int], None] | None = None,
) -> list[Evaluation]:
    """Score predictions for cells that were not learnt from: folds grouped by cell, pooled.

    Args:
        data: All cell-days.
        config: Of the model.
        folds: Number of folds.
        progress: Called with folds done and folds in all.
    """
    cells, days = data.fires.shape
    groups = np.repeat(np.arange(cells), days)
    splits = GroupKFold(folds).split(groups, groups=groups)
    methods = baseline_methods()
    pooled = {name: np.empty((cells, days)) for name in (*methods, model_name(config))}
    for done, (_, test) in enumerate(splits, 1):
        held_out = np.unique(groups[test])
        rows = np.ones((cells, days), dtype=bool)
        rows[held_out] = False
        for name, method in methods.items():
            pooled[name][held_out] = method(data, rows)[held_out]
        net = train(data, rows, replace(config, seed=config.seed + done))
        pooled[model_name(config)][held_out] = predict(net, data)[held_out]
        if progress is not None:
            progress(done, folds)
    return [
        Evaluation(
            protocol=f"spatial: {folds} folds grouped by cell, pooled",
            method=name,
            is_baseline=name in methods,
            scores=scores(probability, data.burning),
        )
        for name, probability in pooled.items()
    ]


def model_name(config: Config) -> str:
    """Return what the model is called in tables, by what it may know of the day."""
    return NOWCAST if config.nowcast else FORECAST
