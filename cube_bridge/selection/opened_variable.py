"""A variable of the graph, opened: lazy, on its grid, within a period."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import xarray as xr

from cube_bridge.cubes.mapping import CubeMapping
from cube_bridge.errors import SelectionError, SourceNotFoundError
from cube_bridge.formats.calendars import moments
from cube_bridge.formats.opener import open_cube
from cube_bridge.grids.reading import grid_of
from cube_bridge.kinds.files import source_file
from cube_bridge.sources.variable_entry import variable_entry

if TYPE_CHECKING:
    import xarray as xr
    from pyoxigraph import NamedNode

    from cube_bridge.grids.grid import Grid
    from cube_bridge.kinds.files import SourceFile
    from kg.store import GraphStore


TIME = "time"
#: Times of cubes have no zone: they are UTC.
_EARLIEST = datetime(1, 1, 1)  # noqa: DTZ001
_LATEST = datetime(9999, 12, 31)  # noqa: DTZ001


@dataclass(frozen=True, kw_only=True)
class OpenedVariable:
    """A variable of a cube as a selection returns it: all its dimensions, opened but not read.

    (A variable as pixel values are read from it, time first and chunk by chunk, is
    `cube_bridge.values.layers.StoredVariable`.)
    """

    iri: NamedNode
    file: SourceFile
    """The file of its cube, found once."""
    array: xr.DataArray
    """Lazy; its dimension of time is "time"."""
    grid: Grid
    """Of the array: as many rows and columns."""


def open_variable(store: GraphStore, variable: NamedNode) -> OpenedVariable:
    """Return a variable of a cube; its coordinates are read, its values are not.

    Raises:
        SourceNotFoundError: The graph knows no such variable of a cube.
        SourceError: Its file has gone or changed, or cannot be opened.
        CoordinatesError: It has no place on the Earth.
    """
    entry = variable_entry(store, variable)
    if entry is None:
        raise SourceNotFoundError(f"the graph knows no variable {variable}")
    file = source_file(store, entry.source)
    if not isinstance(file.mapping, CubeMapping):
        raise SelectionError(f"{variable} is a column of a table, which has no grid")
    dataset, name = open_cube(file.location), entry.name
    grid = grid_of(dataset, name)
    array = dataset[name] if dataset[name].chunks is not None else dataset[name].chunk()
    if grid.time is not None and grid.time in array.dims and grid.time != TIME:
        array = array.rename({grid.time: TIME})
    return OpenedVariable(iri=variable, file=file, array=array, grid=grid)


def moments_within(variable: OpenedVariable, begin: datetime, end: datetime) -> slice:
    """Return where along its time a variable has the moments of a period.

    Raises:
        SelectionError: It has none in it.
    """
    first, last = begin.replace(tzinfo=None), end.replace(tzinfo=None)
    times = _times(variable.array)
    inside = [i for i, t in enumerate(times) if first <= t < last]
    if not inside:
        raise SelectionError(
            f"{variable.iri} has no moment from {first} to before {last}; its first is "
            f"{min(times)}, its last {max(times)}"
        )
    return slice(inside[0], inside[-1] + 1)


def in_period(variable: OpenedVariable, begin: datetime, end: datetime) -> OpenedVariable:
    """Return the moments of a variable in a period; all of it where it has no time.

    Raises:
        SelectionError: It has none in it.
    """
    if TIME not in variable.array.dims:
        return variable
    inside = moments_within(variable, begin, end)
    return replace(variable, array=variable.array.isel({TIME: inside}))


def first_moment(variables: list[OpenedVariable]) -> datetime:
    """Return the first moment of any of them; the first of all where none has time."""
    return min((t for v in variables for t in _times(v.array)[:1]), default=_EARLIEST)


def after_last_moment(variables: list[OpenedVariable]) -> datetime:
    """Return a moment after the last of any of them; the last of all where none has time."""
    last = max((t for v in variables for t in _times(v.array)[-1:]), default=None)
    return _LATEST if last is None else last + timedelta(seconds=1)


def _times(array: xr.DataArray) -> list[datetime]:
    return moments(array.to_dataset(name="v"), TIME) if TIME in array.dims else []
