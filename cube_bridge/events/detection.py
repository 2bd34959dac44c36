"""Stretches of time in which a condition on a series holds: pure functions on arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterator

Measure = Literal["value", "anomaly", "standardised", "ratio", "quantile"]
Statistic = Literal["mean", "minimum", "maximum", "sum"]

#: A moving window with fewer of its values than this share has no value: half a window that
#: clouds hid still tells its mean.
_COMPLETE = 0.5
_NO_TIME = np.timedelta64(0, "s")


@dataclass(frozen=True, kw_only=True)
class Condition:
    """When an event is on: which measure of a series is beyond which bound."""

    measure: Measure = "value"
    window: np.timedelta64 | None = None
    """Length of the moving window, which ends at each moment; None for the values themselves."""
    statistic: Statistic = "mean"
    """Of the moving window."""
    above: float | None = None
    """Holds where the measure is greater."""
    below: float | None = None
    """Holds where the measure is less; with `above` too, both must hold."""
    months: frozenset[int] = frozenset()
    """Calendar months in which it can hold, 1 to 12; empty for all."""
    minimum_duration: np.timedelta64 = _NO_TIME
    maximum_gap: np.timedelta64 = _NO_TIME
    """Two stretches with no more time between them are one event."""
    reference: tuple[np.datetime64 | None, np.datetime64 | None] = (None, None)
    """First and last day of the period that the climatology is of; None for the series' own."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One stretch in which a condition holds."""

    begin: np.datetime64
    end: np.datetime64
    """The moment after its last time step."""
    peak: float
    """The measure where it is furthest beyond the bound."""
    peak_time: np.datetime64
    mean_excess: float
    """How far the measure is beyond the bound, on average over the time steps at which it is."""


def detect(times: np.ndarray, values: np.ndarray, condition: Condition) -> Iterator[Event]:
    """Yield the events of one series, in order of time.

    Args:
        times: (n,) datetime64, ascending; steps may differ.
        values: (n,) float64, NaN where there is none.
        condition: What makes an event.
    """
    step = typical_step(times)
    if step is None:
        return
    measured = measure(times, moving(times, values, step, condition), condition)
    excess = _excess(measured, condition)
    holds = excess > 0
    if condition.months:
        months = times.astype("datetime64[M]").astype(int) % 12 + 1
        holds &= np.isin(months, sorted(condition.months))
    for places in _stretches(times, np.flatnonzero(holds), step, condition.maximum_gap):
        begin, end = times[places[0]], times[places[-1]] + step
        if end - begin < condition.minimum_duration:
            continue
        peak = places[int(np.argmax(excess[places]))]
        yield Event(
            begin=begin,
            end=end,
            peak=float(measured[peak]),
            peak_time=times[peak],
            mean_excess=float(excess[places].mean()),
        )


def typical_step(times: np.ndarray) -> np.timedelta64 | None:
    """Return the median step of moments, (n,) datetime64; None where there are fewer than two."""
    if len(times) < 2:
        return None
    steps = np.sort(np.diff(times))
    step: np.timedelta64 = steps[len(steps) // 2]
    return step


def moving(
    times: np.ndarray, values: np.ndarray, step: np.timedelta64, condition: Condition
) -> np.ndarray:
    """Return a statistic of the moving window that ends at each moment: (n,) float64."""
    if condition.window is None:
        return values
    expected = max(1, int(condition.window / step))
    window = pd.Series(values, index=pd.DatetimeIndex(times)).rolling(
        pd.Timedelta(condition.window), min_periods=max(1, int(np.ceil(expected * _COMPLETE)))
    )
    by_name = {
        "mean": window.mean,
        "minimum": window.min,
        "maximum": window.max,
        "sum": window.sum,
    }
    found = np.array(by_name[condition.statistic]().to_numpy(), float)
    # Before the series has lasted for a window, what is there is a part of one.
    found[times - times[0] + step < condition.window] = np.nan
    return found


def measure(times: np.ndarray, values: np.ndarray, condition: Condition) -> np.ndarray:
    """Return what the bounds of a condition are bounds of: (n,) float64."""
    if condition.measure == "value":
        return values
    first, last = condition.reference
    known = np.isfinite(values)
    if first is not None:
        known &= times >= first
    if last is not None:
        known &= times < last + np.timedelta64(1, "D")
    if condition.measure == "ratio":
        median = np.median(values[known]) if known.any() else np.nan
        return values / median if median else np.full(len(values), np.nan)
    months = times.astype("datetime64[M]").astype(int) % 12
    found = np.full(len(values), np.nan)
    for month in np.unique(months):
        here = months == month
        climatology = values[here & known]
        if len(climatology) > 1:
            found[here] = _against(values[here], climatology, condition.measure)
    return found


def _against(values: np.ndarray, climatology: np.ndarray, how: Measure) -> np.ndarray:
    """Return values, (n,), as they lie among those of the same month, (m,) without NaN: (n,)."""
    if how == "quantile":
        places = np.searchsorted(np.sort(climatology), values, side="left")
        return np.where(np.isfinite(values), places / len(climatology), np.nan)
    anomaly = values - climatology.mean()
    if how == "anomaly":
        return np.asarray(anomaly)
    deviation = climatology.std(ddof=1)
    return np.asarray(anomaly / deviation) if deviation > 0 else np.full(len(values), np.nan)


def _excess(measured: np.ndarray, condition: Condition) -> np.ndarray:
    """Return how far a measure is beyond the nearer bound, (n,); not above 0 where it is not."""
    found = np.full(len(measured), np.inf)
    if condition.above is not None:
        found = np.minimum(found, measured - condition.above)
    if condition.below is not None:
        found = np.minimum(found, condition.below - measured)
    return np.where(np.isfinite(measured), found, -np.inf)


def _stretches(
    times: np.ndarray, places: np.ndarray, step: np.timedelta64, gap: np.timedelta64
) -> list[np.ndarray]:
    """Return the places, (m,) positions, where a condition holds, split at gaps: (k,) each."""
    if not len(places):
        return []
    follows = np.diff(places) == 1
    near = np.diff(times[places]) - step <= gap
    return list(np.split(places, np.flatnonzero(~(follows | near)) + 1))
