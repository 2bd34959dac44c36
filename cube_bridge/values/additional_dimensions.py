"""Dimensions beside place and time, such as levels, months, bands and members of an ensemble."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pyoxigraph import Literal

from cube_bridge.errors import SliceError
from cube_bridge.formats.calendars import moments
from cube_bridge.values.periods import time_span_of
from kg.geosparql.errors import InvalidArgumentError
from ontology.terms import XSD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import xarray as xr


#: Where along a dimension: a value of its coordinate; its position where it has none.
Coordinate = float | str

#: Values that a message lists.
_LISTED = 12
#: How far a number that is written may be from the coordinate, as a share of it. A coordinate of
#: single precision is off by 6e-8.
_TOLERANCE = 1e-6
#: The most of the distance between neighbours that it may be.
_OF_A_STEP = 1e-2


@dataclass(frozen=True, kw_only=True, eq=False)
class AdditionalDimension:
    """A dimension that is neither time nor of the grid."""

    name: str
    size: int
    values: np.ndarray | None
    """(size,) numbers, datetime64[us] in UTC, or texts; None where it has no coordinate."""

    def position(self, place: Coordinate) -> int:
        """Return which position is meant.

        Raises:
            SliceError: None is, or more than one; says which there are.
        """
        if self.values is None:
            found = [int(place)] if place in range(self.size) else []
        else:
            found = np.flatnonzero(self._is_at(self.values, place)).tolist()
        if len(found) == 1:
            return int(found[0])
        what = "nothing" if not found else f"{len(found)} positions"
        raise SliceError(f"there is {what} at {place!r} along {self.name!r}; {self.described()}")

    @staticmethod
    def _is_at(values: np.ndarray, place: Coordinate) -> np.ndarray:
        """Return which of the (n,) values of a coordinate a place means: (n,) bool."""
        if values.dtype.kind == "M":
            return _is_at_time(values, str(place))
        if values.dtype.kind == "U":
            return np.array([v == str(place) for v in values.tolist()])
        if isinstance(place, str):
            return np.zeros(len(values), bool)
        return _is_close(values, place) if values.dtype.kind == "f" else values == place

    def described(self) -> str:
        """Return what there is along it, for messages."""
        if self.values is None:
            return f"it has no coordinate, so give a position from 0 to {self.size - 1}"
        some = ", ".join(as_written(v) for v in places_of(self.values[:_LISTED]))
        more = f" and {self.size - _LISTED} more" if self.size > _LISTED else ""
        return f"its values are {some}{more}"

    def place(self, position: int) -> Coordinate:
        """Return the place of a position."""
        if self.values is None:
            return position
        return places_of(self.values[position : position + 1])[0]


def additional_dimension(dataset: xr.Dataset, name: str) -> AdditionalDimension:
    """Return a dimension of an open cube.

    Raises:
        CoordinatesError: Its times are none that can be understood.
    """
    size = dataset.sizes[name]
    if name not in dataset.coords:
        return AdditionalDimension(name=name, size=size, values=None)
    values = dataset[name].to_numpy()
    if values.dtype.kind == "f":
        # Through the text, so that 0.1 in single precision reads as it is written.
        values = values.astype(str).astype(np.float64)
    elif values.dtype.kind in "iub":
        values = values.astype(np.int64)
    elif values.dtype.kind == "M" or (size and hasattr(values[0], "timetuple")):
        values = np.array(moments(dataset, name), dtype="datetime64[us]")
    else:
        values = np.array([v.decode() if isinstance(v, bytes) else str(v) for v in values])
    return AdditionalDimension(name=name, size=size, values=values)


def positions_of(
    variable: str, dimensions: Sequence[AdditionalDimension], places: Mapping[str, Coordinate]
) -> dict[str, int]:
    """Return the position along each additional dimension of a variable.

    Args:
        variable: Its name, for messages.
        dimensions: All that it has.
        places: By name; a dimension of one position needs none.

    Raises:
        SliceError: A place is missing, is not there, or is of no such dimension.
    """
    by_name = {d.name: d for d in dimensions}
    if unknown := places.keys() - by_name.keys():
        there = ", ".join(map(repr, by_name)) or "none"
        raise SliceError(
            f"{variable!r} cannot be sliced along {', '.join(map(repr, sorted(unknown)))}; its "
            f"dimensions beside place and time: {there}"
        )
    missing = [d for d in dimensions if d.size > 1 and d.name not in places]
    if missing:
        along = " and ".join(f"{d.name!r} ({d.described()})" for d in missing)
        example = ", ".join(f'"{d.name}", {as_written(d.place(0))}' for d in missing)
        raise SliceError(
            f"{variable!r} also lies along {along}; say which is meant by "
            f"deepf:slice(?variable, {example}) in place of the variable"
        )
    return {d.name: d.position(places[d.name]) if d.name in places else 0 for d in dimensions}


def places_of(values: np.ndarray) -> list[Coordinate]:
    """Return values, (n,), as a query gives them; whole numbers without a fraction."""
    if values.dtype.kind == "M":
        return [f"{t}Z" for t in np.datetime_as_string(values, unit="s")]
    if values.dtype.kind == "f":
        return [int(v) if v.is_integer() else v for v in values.tolist()]
    listed: list[Coordinate] = values.tolist()
    return listed


def as_written(place: Coordinate) -> str:
    """Return a place as it is written in a query."""
    return json.dumps(place, ensure_ascii=False)


def _is_close(values: np.ndarray, place: float) -> np.ndarray:
    """Return which of (n,) numbers a written one means, to its precision: (n,) bool."""
    steps = np.diff(np.sort(values))
    steps = steps[steps > 0]
    near = _TOLERANCE * abs(place)
    if steps.size:
        near = min(max(near, _TOLERANCE * steps.min()), _OF_A_STEP * steps.min())
    return np.asarray(np.abs(values - place) <= near)


def _is_at_time(values: np.ndarray, text: str) -> np.ndarray:
    """Return which of (n,) datetime64 a text of a date or time means: (n,) bool."""
    for datatype in (XSD.date, XSD.gYearMonth, XSD.gYear, XSD.dateTime):
        try:
            moment = time_span_of(Literal(text, datatype=datatype))
        except InvalidArgumentError:
            continue
        return np.asarray((values >= moment.first) & (values <= moment.last))
    return np.zeros(len(values), bool)
