"""What the fire danger model has to beat, fitted in the same run on the same split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from ml.derivations.fuel_moisture import equilibrium_moisture
from ml.derivations.vapour_pressure_deficit import vapour_pressure_deficit
from ml.use_cases.fire_danger.cell_days import distances_km

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml.use_case import Baseline
    from ml.use_cases.fire_danger.cell_days import CellDays
    from ml.use_cases.fire_danger.inputs import FireData

#: Cell-days that the overall rate counts for when a cell's own rate is taken.
_PRIOR_DAYS = 10


def climatology(data: CellDays, rows: np.ndarray) -> np.ndarray:
    """Return each cell's rate of fire days in the training split, shrunk to the overall rate.

    A cell that the split does not contain gets the rate of the month in the other cells.

    Args:
        data: All cell-days.
        rows: (cell, day) bool, the training split.

    Returns:
        (cell, day) probability.
    """
    burning = data.burning
    overall = burning[rows].mean()
    known = rows.sum(axis=1)
    own = ((burning & rows).sum(axis=1) + _PRIOR_DAYS * overall) / (known + _PRIOR_DAYS)
    probability = np.repeat(own[:, None], burning.shape[1], axis=1)
    months = data.days.month.to_numpy()
    for month in np.unique(months):
        learnt = rows & (months == month)
        rate = burning[learnt].mean() if learnt.any() else overall
        probability[np.ix_(known == 0, months == month)] = rate
    return probability


def persistence(data: CellDays, days: int = 7) -> np.ndarray:
    """Return the share of fire days among the days just before, (cell, day)."""
    return _past_mean(data.burning.astype(np.float64), days)


def boosting_weather(data: CellDays, rows: np.ndarray) -> np.ndarray:
    """Return gradient boosting on the weather of the day and its mean over 7 days, (cell, day)."""
    return _boosting(_weather_features(data), data, rows)


def boosting_same_inputs(data: CellDays, rows: np.ndarray) -> np.ndarray:
    """Return gradient boosting on all that the fire danger model is given, (cell, day).

    Weather, fuel moisture and vapour pressure deficit of the day and over 7 days; the position;
    fires of the last 1, 3, 7, 30 and 90 days in the cell, in the cells around (weighted by
    exp(-distance / 300 km)) and in all cells.
    """
    log_fires = np.log1p(data.fires.astype(np.float64))
    near = np.exp(-distances_km(data) / 300) * (1 - np.eye(len(log_fires)))
    near /= near.sum(axis=1, keepdims=True)
    everywhere = np.repeat(log_fires.mean(axis=0, keepdims=True), len(log_fires), axis=0)
    past = [
        _past_mean(source, days)
        for source in (log_fires, near @ log_fires, everywhere)
        for days in (1, 3, 7, 30, 90)
    ]
    temperature, humidity = data.weather[..., 1], data.weather[..., 2]
    moisture = equilibrium_moisture(temperature, humidity)
    deficit = vapour_pressure_deficit(temperature, humidity)
    physics = [f for v in (moisture, deficit) for f in (v, _trailing_mean(v, 7))]
    position = [
        np.broadcast_to(c[:, None], moisture.shape) for c in (data.longitude, data.latitude)
    ]
    features = np.stack([*past, *physics, *position], axis=-1)
    features = np.concatenate([_weather_features(data), features], axis=-1)
    return _boosting(features, data, rows)


def _weather_features(data: CellDays) -> np.ndarray:
    week = [_trailing_mean(data.weather[..., k], 7) for k in range(data.weather.shape[-1])]
    return np.concatenate([data.weather, np.stack(week, axis=-1)], axis=-1)


def _boosting(features: np.ndarray, data: CellDays, rows: np.ndarray) -> np.ndarray:
    model = HistGradientBoostingClassifier(random_state=0)
    model.fit(features[rows], data.burning[rows])
    flat = features.reshape(-1, features.shape[-1])
    return np.asarray(model.predict_proba(flat)[:, 1]).reshape(data.burning.shape)


def _trailing_mean(values: np.ndarray, days: int) -> np.ndarray:
    """Return the mean over the days that end with each day, (cell, day)."""
    total = np.cumsum(values, axis=1, dtype=np.float64)
    total[:, days:] -= total[:, :-days].copy()
    return total / np.minimum(np.arange(values.shape[1]) + 1, days)


def _past_mean(values: np.ndarray, days: int) -> np.ndarray:
    """Return the mean over the days before each day, without the day itself, (cell, day)."""
    past = np.zeros_like(values)
    past[:, 1:] = _trailing_mean(values, days)[:, :-1]
    return past


def baselines() -> dict[str, Baseline]:
    """Return the baselines by name, as the runtime calls them."""
    return {
        "climatology": _flat(climatology),
        "persistence (7 days)": _flat(lambda data, _: persistence(data)),
        "gradient boosting, weather": _flat(boosting_weather),
        "gradient boosting, same inputs as the model": _flat(boosting_same_inputs),
    }


def _flat(method: Callable[[CellDays, np.ndarray], np.ndarray]) -> Baseline:
    def baseline(data: FireData, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        rows = train.reshape(data.cells.fires.shape)
        return np.asarray(method(data.cells, rows).ravel()[test][:, None])

    return baseline
