"""Times of any calendar as moments of ours."""

from __future__ import annotations

import calendar
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from cube_bridge.errors import CoordinatesError

if TYPE_CHECKING:
    import xarray as xr


def moments(dataset: xr.Dataset, time: str) -> list[datetime]:
    """Return the times of a cube; those of another calendar by their nominal date.

    The days at the end of a month that the Gregorian calendar lacks (29 and 30 February of a
    year of 360 days, 29 February of `all_leap`) share the month's last day with the day of that
    name, in equal parts. So the order is kept, a month stays a month, and every other day keeps
    its own name and hour.

    Raises:
        CoordinatesError: A time lies outside of the years 1 to 9999.
    """
    values = dataset[time].to_numpy().reshape(-1)
    if values.dtype.kind == "M":
        found = values.astype("datetime64[us]").tolist()
        if any(t is None for t in found):
            raise CoordinatesError(f"some values of {time!r} are no times")
        if any(not isinstance(t, datetime) for t in found):
            raise CoordinatesError(f"some times of {time!r} lie outside of the years 1 to 9999")
        return list(found)
    return [_nominal(t, time) for t in values]


def _nominal(t: Any, name: str) -> datetime:
    try:
        length = calendar.monthrange(t.year, t.month)[1]
        midnight = datetime(t.year, t.month, min(t.day, length))  # noqa: DTZ001
        of_day = timedelta(
            hours=t.hour, minutes=t.minute, seconds=t.second, microseconds=t.microsecond
        )
    except (ValueError, OverflowError, AttributeError) as error:
        raise CoordinatesError(
            f"the time {t} of {name!r} lies outside of the years 1 to 9999"
        ) from error
    # How many days of this calendar share the last day of ours.
    sharing = max(_days_in_month(t) - length, 0) + 1
    if t.day < length or sharing == 1:
        return midnight + of_day
    return midnight + (timedelta(days=t.day - length) + of_day) / sharing


def _days_in_month(t: Any) -> int:
    return int(t.daysinmonth)
