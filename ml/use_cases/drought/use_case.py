"""Drought as a use case: how its parts are put together for the runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pyoxigraph import NamedNode

from ml.card import read_card
from ml.errors import RunError
from ml.evaluation.baselines import climatology
from ml.evaluation.metrics import QUANTITY_METRICS
from ml.evaluation.splits import before, rolling
from ml.uncertainty.quantity import quantity
from ml.use_case import Classified, Evaluation, Output, UseCase
from ml.use_cases.drought.damped_persistence import Config, fit, load, predict, save
from ml.use_cases.drought.months import RegionMonths, places_of, read_months, samples_of
from ontology.terms import expand

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml.use_case import Split

_TERMS = "https://w3id.org/deepcube/model/drought#"
#: From no drought to the worst.
CLASSES = tuple(NamedNode(f"{_TERMS}{name}") for name in ("None", "D0", "D1", "D2", "D3", "D4"))
#: The index at and below which D0 to D4 begin: U.S. Drought Monitor, drought classification.
_AT_MOST = np.array([-1.0, -2.0, -3.0, -4.0, -5.0])
#: Months before the predictions start that are held back to calibrate the intervals.
_CALIBRATION_MONTHS = 240
#: Months that fitting needs before those.
_MIN_TRAINING_MONTHS = 120


def classify(severity: np.ndarray) -> np.ndarray:
    """Return the position in CLASSES of each index, same shape."""
    return np.asarray((severity[..., None] <= _AT_MOST).sum(axis=-1))


def _classified(value: np.ndarray, _: Callable[[], np.ndarray]) -> Classified:
    return Classified(classes=classify(value[:, 0]), lower_bounds=None)


def _check(data: RegionMonths, predict_from: np.datetime64 | None) -> None:
    if predict_from is None:
        raise RunError("drought is predicted from a month on; name the first one")
    learnt = int((data.target_months + 1 <= predict_from.astype("datetime64[M]")).sum())
    needed = _MIN_TRAINING_MONTHS + _CALIBRATION_MONTHS
    if learnt < needed:
        raise RunError(
            f"predictions from {predict_from.astype('datetime64[M]')} need {needed} months before; "
            f"the inputs begin {data.months[0]}"
        )


def _persistence(data: RegionMonths, _: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Return that nothing changes from one month to the next, (tested sample, 1)."""
    return np.asarray(data.severity.ravel()[test][:, None])


def _climatology(data: RegionMonths, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Return what is usual in the region and the month of the year, (tested sample, 1)."""
    target = samples_of(data).target.reshape(data.severity.shape)
    month = data.target_months.astype(int) % 12 + 1
    usual = climatology(target, month, train.reshape(target.shape))
    return np.asarray(usual.ravel()[test][:, None])


def _splits(config: Config) -> tuple[Split, ...]:
    return before(), rolling(months=config.refit_months)


USE_CASE = UseCase(
    card=read_card(__package__ or ""),
    config=Config,
    outputs=(
        Output(
            label="drought severity",
            observed=NamedNode(f"{_TERMS}SeverityOfRegion"),
            prediction_class=NamedNode(f"{_TERMS}Prediction"),
            task="quantity",
            unit=expand("unit:UNITLESS"),
            classes=CLASSES,
            class_property=NamedNode(f"{_TERMS}severityClass"),
        ),
    ),
    read=read_months,
    places=places_of,
    samples=samples_of,
    fit=fit,
    predict=predict,
    save=save,
    load=load,
    evaluation=Evaluation(
        splits=_splits,
        baselines={"climatology": _climatology, "persistence": _persistence},
        metrics=QUANTITY_METRICS,
        name=lambda _: "damped persistence",
    ),
    intervals=quantity(held_back_months=_CALIBRATION_MONTHS),
    classify=_classified,
    check=_check,
)
