"""Fire danger as a use case: how its parts are put together for the runtime."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from ml.card import read_card
from ml.errors import RunError
from ml.evaluation.metrics import PROBABILITY_METRICS
from ml.evaluation.splits import before, by_place
from ml.samples import Prediction
from ml.training.device import choose_device, device_name
from ml.uncertainty.blocks import BLOCK_DAYS, blocks
from ml.use_case import Evaluation, Output, UseCase
from ml.use_cases.fire_danger import training
from ml.use_cases.fire_danger.alerts import alerts
from ml.use_cases.fire_danger.baselines import baselines
from ml.use_cases.fire_danger.config import Config
from ml.use_cases.fire_danger.danger_classes import CLASSES, classified
from ml.use_cases.fire_danger.inputs import FireData, places_of, read_fire_data, samples_of
from ml.use_cases.fire_danger.season import FOLLOW_SEASON
from ontology.terms import DEEP

if TYPE_CHECKING:
    import numpy as np

    from ml.use_case import Split, Steps
    from ml.use_cases.fire_danger.network import FireDangerNet

NOWCAST = "fire danger model, weather of the day"
FORECAST = "fire danger model, weather up to the day before"
#: Days before the predictions start that are held back to calibrate the intervals.
CALIBRATION_DAYS = 2 * BLOCK_DAYS
#: Days that training needs before those.
_MIN_TRAINING_DAYS = 60


def model_name(config: Config) -> str:
    """Return what the model is called in tables, by what it may know of the day."""
    return NOWCAST if config.nowcast else FORECAST


def _fit(data: FireData, rows: np.ndarray, config: Config, progress: Steps) -> FireDangerNet:
    shape = data.cells.fires.shape
    return training.train(data.cells, rows.reshape(shape), config, progress=progress)


def _predict(net: FireDangerNet, data: FireData, positions: np.ndarray) -> Prediction:
    return Prediction(value=training.predict(net, data.cells).ravel()[positions][:, None])


def _check(data: FireData, predict_from: np.datetime64 | None) -> None:
    if predict_from is None:
        raise RunError("fire danger is predicted from a day on; name the first one")
    days = data.cells.days
    start = pd.Timestamp(predict_from)
    first = int(data.cells.before(start).sum())
    needed = _MIN_TRAINING_DAYS + CALIBRATION_DAYS
    if first < needed or first >= len(days):
        raise RunError(
            f"predictions from {start:%Y-%m-%d} need {needed} days before it and at least one "
            f"after; the inputs run from {days[0]:%Y-%m-%d} to {days[-1]:%Y-%m-%d}"
        )


def _splits(config: Config) -> tuple[Split, ...]:
    spatial = (by_place(config.spatial_folds, unit="cell"),) if config.spatial_folds else ()
    return (before(), *spatial)


USE_CASE = UseCase(
    card=read_card(__package__ or ""),
    config=Config,
    outputs=(
        Output(
            label="fire danger",
            observed=DEEP.FireDangerOfCell,
            prediction_class=DEEP.FireDangerPrediction,
            task="probability",
            classes=CLASSES,
            class_property=DEEP.dangerClass,
        ),
    ),
    read=read_fire_data,
    places=places_of,
    samples=samples_of,
    fit=_fit,
    predict=_predict,
    save=training.save,
    load=training.load,
    evaluation=Evaluation(
        splits=_splits,
        baselines=baselines(),
        metrics=PROBABILITY_METRICS,
        name=model_name,
        # The same model without the weather of the day, or with it.
        variants=lambda config: (replace(config, nowcast=not config.nowcast),),
    ),
    intervals=blocks(held_back_days=CALIBRATION_DAYS),
    follow_up=FOLLOW_SEASON,
    classify=classified,
    alerts=alerts,
    check=_check,
    device=lambda: device_name(choose_device()),
)
