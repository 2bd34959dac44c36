"""Times of several variables: each with its own, those that all have, or steps of one length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from cube_bridge.defaults import AS_IS
from cube_bridge.errors import SelectionError
from cube_bridge.formats.calendars import moments
from cube_bridge.regridding.methods import adds_up_over_time, is_class

if TYPE_CHECKING:
    from datetime import datetime


INTERSECTION = "intersection"
_TIME = "time"


def align_times(
    arrays: dict[str, xr.DataArray], how: str, begin: datetime, end: datetime
) -> dict[str, xr.DataArray]:
    """Return arrays that fit into one dataset; their dimension of time is "time".

    Args:
        arrays: By name; those with times have them along "time", of any calendar.
        how: "as-is": arrays whose times differ from those of the first keep their own, along
            "time_NAME". "intersection": the moments that all have. A frequency of pandas ("D",
            "8D", "MS"): steps of that length, from `begin` to `end`; in each the mean of the
            values in it, the sum of what adds up over time, the first of classes, and NaN where
            there is none.
        begin: First moment.
        end: Moment after the last.

    Raises:
        SelectionError: No moment is in all of them, or the frequency is none.
        CoordinatesError: A date of another calendar is none of the Gregorian one.
    """
    timed = [name for name, array in arrays.items() if _TIME in array.dims]
    if not timed:
        return arrays
    if how == AS_IS:
        return _with_own_times(arrays, timed)
    nominal = {n: _in_datetime64(a) if n in timed else a for n, a in arrays.items()}
    if how == INTERSECTION:
        return _in_common(nominal, timed)
    return {n: _in_steps(a, how, begin, end) if n in timed else a for n, a in nominal.items()}


def _with_own_times(arrays: dict[str, xr.DataArray], timed: list[str]) -> dict[str, xr.DataArray]:
    first = arrays[timed[0]].indexes[_TIME]
    return {
        name: array.rename({_TIME: f"{_TIME}_{name}"})
        if name in timed and not array.indexes[_TIME].equals(first)
        else array
        for name, array in arrays.items()
    }


def _in_datetime64(array: xr.DataArray) -> xr.DataArray:
    """Return an array with times of the Gregorian calendar, by their nominal date."""
    if array[_TIME].dtype.kind == "M":
        return array
    times = np.array(moments(array.to_dataset(name="v"), _TIME), dtype="datetime64[ns]")
    return array.assign_coords({_TIME: (_TIME, times, array[_TIME].attrs)})


def _in_common(arrays: dict[str, xr.DataArray], timed: list[str]) -> dict[str, xr.DataArray]:
    common = arrays[timed[0]].indexes[_TIME]
    for name in timed[1:]:
        common = common.intersection(arrays[name].indexes[_TIME])
    if not len(common):
        raise SelectionError(
            f"no moment is in all of {', '.join(timed)}; ask for steps of one length, such as "
            '"D" or "MS", or for the times as they are'
        )
    return {n: a.sel({_TIME: common}) if n in timed else a for n, a in arrays.items()}


def _in_steps(array: xr.DataArray, step: str, begin: datetime, end: datetime) -> xr.DataArray:
    first, last = (pd.Timestamp(t).tz_localize(None) for t in (begin, end))
    try:
        offset = pd.tseries.frequencies.to_offset(step)
        starts = pd.date_range(offset.rollback(first), last, freq=step)
    except ValueError as error:
        raise SelectionError(
            f"no time step {step!r}; give as-is, intersection, or a frequency of pandas: D, 8D, MS"
        ) from error
    starts = starts[starts < last]
    places = starts.searchsorted(array.indexes[_TIME], side="right") - 1
    pieces = []
    for i in range(len(starts)):
        inside = np.flatnonzero(places == i)
        if inside.size:
            pieces.append(_reduced(array.isel({_TIME: slice(inside[0], inside[-1] + 1)})))
        else:
            pieces.append(_reduced(array.isel({_TIME: slice(0, 0)})))
    result = xr.concat(pieces, pd.Index(starts, name=_TIME), coords="minimal", compat="override")
    result[_TIME].attrs = dict(array[_TIME].attrs)
    result.attrs = dict(array.attrs)
    return result


def _reduced(array: xr.DataArray) -> xr.DataArray:
    if not array.sizes[_TIME]:
        nothing: xr.DataArray = xr.full_like(array.sum(_TIME), np.nan, dtype=_float(array))
        return nothing
    if is_class(array):
        return array.isel({_TIME: 0}, drop=True).astype(_float(array))
    values = array.astype(_float(array))
    if adds_up_over_time(array):
        total: xr.DataArray = values.sum(_TIME, skipna=True, min_count=1)
        return total
    average: xr.DataArray = values.mean(_TIME, skipna=True)
    return average


def _float(array: xr.DataArray) -> np.dtype:
    return array.dtype if array.dtype.kind == "f" else np.dtype(np.float64)
