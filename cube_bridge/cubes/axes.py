"""Where the variables of a cube lie in space and time, each on a grid of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from cube_bridge.cubes.layout import ChunkLayout
from cube_bridge.errors import CoordinatesError
from cube_bridge.formats.calendars import moments
from cube_bridge.grids.equality import is_same_grid
from cube_bridge.grids.reading import grid_of

if TYPE_CHECKING:
    from datetime import datetime

    import xarray as xr
    from shapely.geometry.base import BaseGeometry

    from cube_bridge.grids.grid import Grid


Period = tuple["datetime", "datetime"]
#: Kinds of numpy types that have statistics.
_NUMBERS = "iufb"


@dataclass(frozen=True, kw_only=True)
class TimeAxis:
    """The times along a dimension of a cube, in order, and how long each of them lasts."""

    dim: str
    times: tuple[datetime, ...]
    """UTC, increasing."""
    step: timedelta
    """From one time to the next: the median; zero where there is one time."""

    def period(self, cells: slice) -> Period:
        """Return the first moment of some cells, and the moment after the last."""
        return self.times[cells.start], self.times[cells.stop - 1] + self.step


@dataclass(frozen=True, kw_only=True)
class PlacedGrid:
    """A grid, and the name by which the graph tells it from the others of the cube."""

    name: str
    grid: Grid

    @cached_property
    def extent(self) -> BaseGeometry:
        """The ground under the whole grid."""
        return self.grid.footprint(tuple(slice(0, n) for n in self.grid.shape))

    @cached_property
    def resolution_m(self) -> float:
        """Metres along the side of a typical cell: zero for points, which have no area."""
        rows, *columns = self.grid.shape
        if not columns:
            return 0.0
        # A row, so that a large grid costs no more than a small one.
        window = slice(rows // 2, rows // 2 + 1), slice(0, columns[0])
        areas = self.grid.areas(window)
        areas = areas[np.isfinite(areas)]
        return float(np.sqrt(np.median(areas))) if areas.size else 0.0


@dataclass(frozen=True, kw_only=True)
class Axes:
    """Space, time and chunks of one variable."""

    variable: str
    layout: ChunkLayout
    placed: PlacedGrid
    time: TimeAxis | None

    @property
    def others(self) -> tuple[str, ...]:
        """Dimensions that are neither space nor time: levels, bands, members."""
        known = {*self.placed.grid.dims, *([self.time.dim] if self.time else [])}
        return tuple(d for d in self.layout.dims if d not in known)

    def window(self, slices: tuple[slice, ...]) -> tuple[slice, ...]:
        """Return the part of a chunk's slices that is space, in the order of the grid."""
        by_dim = dict(zip(self.layout.dims, slices, strict=True))
        return tuple(by_dim[d] for d in self.placed.grid.dims)

    def period(self, slices: tuple[slice, ...]) -> Period | None:
        """Return when a chunk begins and ends; None for a variable without time."""
        if self.time is None:
            return None
        return self.time.period(slices[self.layout.dims.index(self.time.dim)])

    def borders(self) -> list[datetime]:
        """Return when each chunk along time begins, and when the last ends."""
        if self.time is None:
            return []
        axis = self.layout.dims.index(self.time.dim)
        starts = self.layout.starts(axis)
        return [*(self.time.times[i] for i in starts), self.time.times[-1] + self.time.step]


@dataclass(frozen=True, kw_only=True)
class Placement:
    """What of a cube can be indexed."""

    axes: tuple[Axes, ...]
    """One a variable; never empty."""
    left_out: dict[str, str]
    """Other variables that hold numbers, and why they cannot be placed."""

    @property
    def grids(self) -> tuple[PlacedGrid, ...]:
        """The grids, each once."""
        return tuple({a.placed.name: a.placed for a in self.axes}.values())

    @property
    def period(self) -> Period | None:
        """From the first time of any variable to the last; None where none has time."""
        times = [a.time for a in self.axes if a.time is not None]
        if not times:
            return None
        return min(t.times[0] for t in times), max(t.times[-1] + t.step for t in times)


def placement_of(dataset: xr.Dataset) -> Placement:
    """Return where each variable of a cube lies.

    Raises:
        CoordinatesError: No variable has a place on the Earth; says what is missing.
    """
    placer = _VariablePlacer(dataset)
    placed: list[Axes] = []
    left_out: dict[str, str] = {}
    auxiliary = _auxiliary(dataset)
    for name in map(str, dataset.data_vars):
        if name in auxiliary or dataset[name].dtype.kind not in _NUMBERS or not dataset[name].ndim:
            continue
        try:
            placed.append(placer.axes(name))
        except CoordinatesError as error:
            left_out[name] = str(error)
    if not placed:
        # What is wrong with the whole says more than what is wrong with one variable.
        grid = grid_of(dataset)
        raise CoordinatesError(
            next(iter(left_out.values()), "")
            or f"no numeric variable lies along {' and '.join(map(repr, grid.dims))}; "
            f"there are {', '.join(map(repr, dataset.data_vars)) or 'none at all'}"
        )
    return Placement(axes=tuple(placed), left_out=left_out)


class _VariablePlacer:
    """Places the variables of a cube; grids and times that several share are read once."""

    def __init__(self, dataset: xr.Dataset) -> None:
        self._dataset = dataset
        self._grids: dict[tuple[object, ...], PlacedGrid] = {}
        self._times: dict[str, TimeAxis] = {}

    def axes(self, name: str) -> Axes:
        variable = self._dataset[name]
        sizes = variable.chunks or tuple((n,) for n in variable.shape)
        placed = self._grid(name)
        layout = ChunkLayout(
            dims=tuple(map(str, variable.dims)), lengths=tuple(tuple(map(int, s)) for s in sizes)
        )
        time = self._time(name, placed.grid)
        if any(n == 0 for n in variable.shape):
            raise CoordinatesError(f"the variable {name!r} has no cells: {dict(variable.sizes)}")
        return Axes(variable=name, layout=layout, placed=placed, time=time)

    def _grid(self, name: str) -> PlacedGrid:
        variable = self._dataset[name]
        named = tuple(
            str(variable.attrs.get(k, variable.encoding.get(k)))
            for k in ("coordinates", "grid_mapping")
        )
        key = (variable.dims, *named)
        if key not in self._grids:
            grid = grid_of(self._dataset, name)
            missing = [d for d in grid.dims if d not in variable.dims]
            if missing:
                raise CoordinatesError(
                    f"the variable {name!r} does not lie along {' and '.join(map(repr, missing))}"
                )
            same = next((p for p in self._grids.values() if _is_same(p.grid, grid)), None)
            self._grids[key] = same or PlacedGrid(name=self._name(grid), grid=grid)
        return self._grids[key]

    def _name(self, grid: Grid) -> str:
        name = "-".join(grid.dims)
        taken = {p.name for p in self._grids.values()}
        number = 2
        unique = name
        while unique in taken:
            unique, number = f"{name}-{number}", number + 1
        return unique

    def _time(self, name: str, grid: Grid) -> TimeAxis | None:
        dims = self._dataset[name].dims
        dim = grid.time if grid.time in dims else None
        if dim is None:
            dates = (d for d in dims if d in self._dataset.coords)
            dim = next((str(d) for d in dates if self._dataset[d].dtype.kind == "M"), None)
        if dim is None:
            return None
        if dim not in self._times:
            self._times[dim] = _time_axis(self._dataset, dim)
        return self._times[dim]


def _time_axis(dataset: xr.Dataset, dim: str) -> TimeAxis:
    times = tuple(t.replace(tzinfo=UTC) for t in moments(dataset, dim))
    if not times:
        raise CoordinatesError(f"the coordinate {dim!r} holds no time at all")
    if any(b <= a for a, b in pairwise(times)):
        raise CoordinatesError(f"the times of {dim!r} do not increase")
    steps = sorted(b - a for a, b in pairwise(times))
    return TimeAxis(dim=dim, times=times, step=steps[len(steps) // 2] if steps else timedelta(0))


def _auxiliary(dataset: xr.Dataset) -> set[str]:
    """Return the variables that only say where or when the cells of others are."""
    found: set[str] = set()
    for variable in dataset.variables.values():
        for key in ("bounds", "grid_mapping", "coordinates", "climatology"):
            said = str(variable.attrs.get(key) or variable.encoding.get(key) or "")
            found.update(part.rstrip(":") for part in said.split())
    return found


def _is_same(a: Grid, b: Grid) -> bool:
    """Return whether two grids have the same cells along the same dimensions."""
    return a.dims == b.dims and is_same_grid(a, b)
