"""From numbers as they are stored to values, by the CF conventions and by what is usual.

xarray does most of it. What it leaves out, or stops at, is here: valid ranges, months and years
as units of time, dates as numbers, attributes as text.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

import cftime
import numpy as np
import xarray as xr

from cube_bridge.errors import CoordinatesError

if TYPE_CHECKING:
    from collections.abc import Callable

_NUMBERS = ("scale_factor", "add_offset", "valid_min", "valid_max", "valid_range", "_FillValue",
            "missing_value")  # fmt: skip
_SINCE = re.compile(r"^\s*(month|year|common_year)s?\s+since\s+(.+?)\s*$", re.IGNORECASE)
_AS_DATE = re.compile(r"^\s*days?\s+as\s+%Y%m%d(\.%f)?\s*$", re.IGNORECASE)
_MONTHS = {"month": 1, "year": 12, "common_year": 12}
_CALENDARS = {"standard", "gregorian", "proleptic_gregorian"}
_YEAR_MONTH_DAY = re.compile(r"^(-?\d{1,4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:[T ].*)?$")


def decoded(stored: xr.Dataset) -> xr.Dataset:
    """Return a dataset of values from one of stored numbers, lazily.

    Args:
        stored: Opened with `decode_cf=False`, its attributes as in the file.

    Raises:
        CoordinatesError: A coordinate of time cannot be understood.
    """
    repaired = stored.copy()
    for name, variable in repaired.variables.items():
        repaired[name].attrs = _repaired(variable)
    times = {
        str(name): known
        for name, variable in repaired.variables.items()
        if (known := _decoded_time(str(name), variable)) is not None
    }
    values = _decoded_by_xarray(repaired.drop_vars(list(times)))
    values = values.assign_coords({n: v for n, v in times.items() if n in stored.coords})
    values = values.assign({n: v for n, v in times.items() if n not in stored.coords})
    for name in stored.data_vars:
        if name in values.data_vars and (limits := _valid(repaired[name].variable)) is not None:
            values[name] = _within(values[name], *limits)
    return values.assign_attrs(stored.attrs)


def _decoded_by_xarray(repaired: xr.Dataset) -> xr.Dataset:
    with warnings.catch_warnings():
        # MODIS files declare several fill values; all become NaN, which is meant.
        warnings.simplefilter("ignore", xr.SerializationWarning)
        try:
            return xr.decode_cf(repaired, decode_timedelta=False)
        except (ValueError, OverflowError):
            # One variable of times that cannot be understood must not cost the others. If it is
            # the axis of time, whoever looks for that axis says what is wrong with it.
            odd = [str(n) for n, v in repaired.variables.items() if _is_odd_time(v)]
            if not odd:
                raise
            values = xr.decode_cf(repaired.drop_vars(odd), decode_timedelta=False)
            return values.assign({n: repaired.variables[n] for n in odd}).set_coords(
                [n for n in odd if n in repaired.coords]
            )


def _is_odd_time(variable: xr.Variable) -> bool:
    if " since " not in str(variable.attrs.get("units", "")):
        return False
    try:
        xr.decode_cf(xr.Dataset({"t": variable.drop_encoding()}), decode_timedelta=False)
    except (ValueError, OverflowError):
        return True
    return False


def _repaired(variable: xr.Variable) -> dict[str, Any]:
    """Return the attributes of a variable, those that are numbers as numbers."""
    attrs: dict[str, Any] = dict(variable.attrs)
    for key in _NUMBERS:
        value = attrs.get(key)
        if isinstance(value, str) and variable.dtype.kind in "iuf":
            numbers = _numbers(value)
            if numbers is None:
                del attrs[key]
            else:
                attrs[key] = numbers
    for key in ("scale_factor", "add_offset"):
        if key in attrs and np.size(attrs[key]) != 1:
            del attrs[key]
    # A fill value that the stored type cannot hold, as NaN in integers, fills nothing.
    if variable.dtype.kind in "iu":
        for key in ("_FillValue", "missing_value"):
            if key in attrs and not _fits(attrs[key], variable.dtype, attrs):
                del attrs[key]
    return attrs


def _numbers(said: str) -> float | np.ndarray | None:
    """Return the number, or the (n,) numbers, that an attribute says; None where it is none."""
    try:
        found = [float(piece) for piece in said.replace(",", " ").split()]
    except ValueError:
        return None
    if not found:
        return None
    return found[0] if len(found) == 1 else np.array(found)


def _fits(value: Any, dtype: np.dtype, attrs: dict[str, Any]) -> bool:
    numbers = np.atleast_1d(np.asarray(value))
    if numbers.dtype.kind not in "iuf" or not np.isfinite(numbers.astype(float)).all():
        return False
    info = np.iinfo(dtype)
    # An unsigned number in a signed type may be written either way.
    least, most = (int(info.min), int(info.max))
    if "_Unsigned" in attrs:
        least, most = min(least, -(most + 1)), max(most, 2 ** (8 * dtype.itemsize) - 1)
    return bool(((numbers >= least) & (numbers <= most)).all())


def _valid(variable: xr.Variable) -> tuple[float, float] | None:
    """Return the least and the greatest valid value, unpacked; None where nothing is said.

    Source: NetCDF User's Guide, Appendix A, "valid_range": in the units of the packed data,
    unless its type is that of the unpacked data and not that of the packed.
    """
    attrs = variable.attrs
    if variable.dtype.kind not in "iuf" or "flag_masks" in attrs:
        return None
    both = np.atleast_1d(attrs.get("valid_range", (None, None)))
    if both.shape != (2,):
        return None
    least, most = attrs.get("valid_min", both[0]), attrs.get("valid_max", both[1])
    if least is None and most is None:
        return None
    scale = float(np.ravel(attrs.get("scale_factor", 1.0))[0])
    offset = float(np.ravel(attrs.get("add_offset", 0.0))[0])
    limits = []
    for limit, nothing in ((least, -np.inf), (most, np.inf)):
        if limit is None:
            limits.append(nothing)
            continue
        number = np.ravel(np.asarray(limit))[0]
        packed = variable.dtype.kind in "iu" and not (
            number.dtype.kind == "f" and (scale != 1.0 or offset != 0.0)
        )
        if packed and number < 0 and str(attrs.get("_Unsigned", "")).lower() == "true":
            number = int(number) + 2 ** (8 * variable.dtype.itemsize)
        is_float = variable.dtype.kind == "f"
        limits.append(float(number) * scale + offset if packed or is_float else float(number))
    low, high = min(limits), max(limits)
    # Half a step of rounding: the values were unpacked in single precision.
    slack = abs(scale) / 2 if variable.dtype.kind in "iu" else 0.0
    if variable.dtype.kind in "iu" and _allows_all(
        variable, low - slack, high + slack, scale, offset
    ):
        return None
    return low - slack, high + slack


def _allows_all(
    variable: xr.Variable, low: float, high: float, scale: float, offset: float
) -> bool:
    info = np.iinfo(variable.dtype)
    ends = [float(info.min) * scale + offset, float(info.max) * scale + offset]
    return low <= min(ends) and high >= max(ends)


def _within(values: xr.DataArray, low: float, high: float) -> xr.DataArray:
    """Return values with NaN where they lie outside of limits."""

    def cut(block: np.ndarray) -> np.ndarray:
        kind = block.dtype if block.dtype.kind == "f" else np.dtype(np.float64)
        return np.where((block >= low) & (block <= high), block, np.nan).astype(kind, copy=False)

    if values.dtype.kind not in "iuf":
        return values
    kind = values.dtype if values.dtype.kind == "f" else np.dtype(np.float64)
    return _mapped(values, cut, kind)


def _mapped(
    values: xr.DataArray, function: Callable[[np.ndarray], np.ndarray], kind: np.dtype
) -> xr.DataArray:
    if values.chunks is None:
        return values.copy(data=function(values.to_numpy()))
    return values.copy(data=values.data.map_blocks(function, dtype=kind))


def _decoded_time(name: str, variable: xr.Variable) -> xr.Variable | None:
    """Return times in units that xarray does not know; None where it does, or there are none."""
    units = variable.attrs.get("units")
    if not isinstance(units, str) or variable.dtype.kind not in "iuf":
        return None
    calendar = str(variable.attrs.get("calendar", "standard")).lower()
    since, as_date = _SINCE.match(units), _AS_DATE.match(units)
    if since is None and as_date is None:
        return None
    numbers = np.asarray(variable.to_numpy(), dtype=float)
    if not np.isfinite(numbers).all():
        raise CoordinatesError(f"the times in {name!r} are not all numbers")
    attrs = {k: v for k, v in variable.attrs.items() if k not in {"units", "calendar"}}
    encoding = {"units": units, "calendar": calendar}
    if as_date is not None:
        moments = [_of_date(n, calendar, name) for n in numbers.ravel()]
    else:
        assert since is not None  # noqa: S101  # one of both matched
        months = _MONTHS[since[1].lower()]
        start = _start(since[2], calendar, name)
        moments = [_later(start, n * months) for n in numbers.ravel()]
    found = np.array(moments, dtype=object).reshape(numbers.shape)
    return xr.Variable(variable.dims, _as_datetime64(found, calendar), attrs, encoding)


def _of_date(number: float, calendar: str, name: str) -> cftime.datetime:
    day = int(number)
    rest = number - day
    try:
        start = cftime.datetime(day // 10000, day // 100 % 100, day % 100, calendar=calendar)
    except ValueError as error:
        raise CoordinatesError(f"{day} in {name!r} is no date as YYYYMMDD") from error
    return start + np.timedelta64(round(rest * 86_400_000), "ms").astype("timedelta64[us]").item()


def _start(text: str, calendar: str, name: str) -> cftime.datetime:
    date = _YEAR_MONTH_DAY.match(text)
    if date is None:
        raise CoordinatesError(
            f"the reference date {text!r} of {name!r} is not understood; it needs YYYY-MM-DD"
        )
    try:
        return cftime.datetime(
            int(date[1]), int(date[2] or 1), int(date[3] or 1), calendar=calendar
        )
    except ValueError as error:
        raise CoordinatesError(f"the reference date {text!r} of {name!r} is no date") from error


def _later(start: cftime.datetime, months: float) -> cftime.datetime:
    """Return a moment some months later; the fraction is that of the month it falls in."""
    whole = int(np.floor(months))
    first = _month(start, whole)
    if months == whole:
        return first
    return first + (_month(start, whole + 1) - first) * float(months - whole)


def _month(start: cftime.datetime, months: int) -> cftime.datetime:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    for day in range(start.day, 0, -1):
        try:
            return cftime.datetime(year, month + 1, day, calendar=start.calendar)
        except ValueError:
            continue
    raise CoordinatesError(f"{year}-{month + 1} is no month of the calendar {start.calendar}")


def _as_datetime64(moments: np.ndarray, calendar: str) -> np.ndarray:
    if calendar not in _CALENDARS:
        return moments
    texts = [m.isoformat() for m in moments.ravel()]
    try:
        return np.array(texts, dtype="datetime64[us]").reshape(moments.shape)
    except ValueError:
        return moments
