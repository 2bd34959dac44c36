"""Arrays that can be asked by place and time: variables as stored, and computed from others."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from cachetools import LRUCache

from cube_bridge.cubes.layout import ChunkLayout
from cube_bridge.errors import CoordinatesError
from cube_bridge.formats.calendars import moments
from cube_bridge.grids.equality import is_same_grid
from cube_bridge.grids.reading import grid_of
from cube_bridge.values.additional_dimensions import additional_dimension, positions_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    import dask.array as da
    import xarray as xr

    from cube_bridge.grids.grid import Grid, Window
    from cube_bridge.values.additional_dimensions import AdditionalDimension, Coordinate
    from cube_bridge.values.expressions import Expression

#: Position of a chunk along time and along each dimension of the grid.
BlockIndex = tuple[int, ...]

#: Slices of a variable that are kept ready; each names all of its chunks.
_SLICES = 32


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredVariable:
    """A variable as pixel values are read from it: time first, chunk by chunk, in any order.

    It is at one position along each dimension that is neither time nor of the grid. (A variable
    as a selection returns it, with all of its dimensions, is
    `cube_bridge.selection.opened_variable.OpenedVariable`.)
    """

    key: Hashable
    """Changes when the file does."""
    cells_key: Hashable
    """The same for layers of the same cells in the same chunks."""
    name: str
    label: str
    """Its name, and where it is along its additional dimensions."""
    array: da.Array
    """(time, rows, columns) or (time, stations); one time where the cube has no time."""
    grid: Grid
    times: np.ndarray | None
    """(time,) datetime64[us], UTC, ascending; None where the cube has no time."""
    dims: tuple[str, ...]
    """All its dimensions, in the order of the file."""
    positions: Mapping[str, int]
    """Along the dimensions that are neither time nor of the grid."""

    @cached_property
    def layout(self) -> ChunkLayout:
        """Chunks as they are stored, along the dimensions of `array`."""
        dims = (str(self.grid.time), *self.grid.dims)
        return ChunkLayout(dims=dims, lengths=self.array.chunks)

    def in_order(self, slices: tuple[slice, ...]) -> tuple[slice, ...]:
        """Return slices, one a dimension of the file, in the order of `array`."""
        by_name = dict(zip(self.dims, slices, strict=True))
        first = slice(0, 1) if self.times is None else by_name[str(self.grid.time)]
        return (first, *(by_name[d] for d in self.grid.dims))


@dataclass(frozen=True, kw_only=True, eq=False)
class CellOperation:
    """Values computed cell by cell from variables on the same cells and times."""

    expression: Expression
    operands: dict[str, StoredVariable]
    """By their name in the expression; chunks are those of the first."""

    def __post_init__(self) -> None:
        """Refuse variables that do not lie on each other."""
        first, *others = self.operands.values()
        for other in others:
            if not is_same_grid(first.grid, other.grid):
                raise CoordinatesError(
                    f"{first.name!r} and {other.name!r} have different cells; "
                    "a cell operation needs variables of one grid"
                )
            if not _is_same_time(first.times, other.times):
                raise CoordinatesError(f"{first.name!r} and {other.name!r} have different times")

    @property
    def _first(self) -> StoredVariable:
        return next(iter(self.operands.values()))

    @property
    def name(self) -> str:
        """The expression."""
        return self.expression.text

    @property
    def label(self) -> str:
        """The expression."""
        return self.name

    @cached_property
    def key(self) -> Hashable:
        """Changes when a file does."""
        return (self.name, *((n, v.key) for n, v in self.operands.items()))

    @property
    def cells_key(self) -> Hashable:
        """See `StoredVariable.cells_key`."""
        return self._first.cells_key

    @property
    def grid(self) -> Grid:
        """Where the cells lie."""
        return self._first.grid

    @property
    def times(self) -> np.ndarray | None:
        """See `StoredVariable.times`."""
        return self._first.times

    @property
    def layout(self) -> ChunkLayout:
        """Chunks of the first variable."""
        return self._first.layout


Layer = StoredVariable | CellOperation


@dataclass(frozen=True, kw_only=True, eq=False)
class WholeVariable:
    """A variable of a cube with all its dimensions."""

    key: Hashable
    """Changes when the file does."""
    array: xr.DataArray
    grid: Grid
    times: np.ndarray | None
    """See `StoredVariable.times`."""
    additional: tuple[AdditionalDimension, ...]
    """Those that are neither time nor of the grid."""
    _slices: LRUCache[tuple[int, ...], StoredVariable] = field(
        default_factory=lambda: LRUCache(_SLICES), init=False
    )
    """By position; not safe among threads: `Sources` asks under its lock."""

    def at(self, places: Mapping[str, Coordinate]) -> StoredVariable:
        """Return the variable at places along its additional dimensions.

        Args:
            places: By dimension; one of a single position needs none.

        Raises:
            SliceError: One is missing, or is not there.
        """
        positions = positions_of(str(self.array.name), self.additional, places)
        which = tuple(positions.values())
        known = self._slices.get(which)
        if known is None:
            known = self._slices[which] = self._sliced(positions)
        return known

    def _sliced(self, positions: dict[str, int]) -> StoredVariable:
        time = [] if self.times is None else [str(self.grid.time)]
        plain = self.array.isel(positions).transpose(*time, *self.grid.dims)
        lazy = (plain if plain.chunks is not None else plain.chunk()).data
        said = [f"{d.name} {d.place(positions[d.name])}" for d in self.additional if d.size > 1]
        return StoredVariable(
            key=(self.key, *positions.values()),
            cells_key=self.key,
            name=str(self.array.name),
            label=", ".join([str(self.array.name), *said]),
            array=lazy if time else lazy[None],
            grid=self.grid,
            times=self.times,
            dims=tuple(str(d) for d in self.array.dims),
            positions=positions,
        )


def whole_variable(dataset: xr.Dataset, name: str, key: Hashable) -> WholeVariable:
    """Return a variable of an open cube.

    Raises:
        CoordinatesError: It has no place on the Earth, or its times do not increase.
    """
    grid = grid_of(dataset, name)
    array = dataset[name]
    time = grid.time if grid.time in array.dims else None
    times = None
    if time is not None:
        times = np.array(moments(dataset, time), dtype="datetime64[us]")
        if (np.diff(times) <= np.timedelta64(0)).any():
            raise CoordinatesError(f"the times of {time!r} do not increase")
    additional = [str(d) for d in array.dims if d not in {time, *grid.dims}]
    return WholeVariable(
        key=key,
        array=array,
        grid=grid,
        times=times,
        additional=tuple(additional_dimension(dataset, d) for d in additional),
    )


def window_of(slices: tuple[slice, ...]) -> Window:
    """Return the part of the grid below a part of the array."""
    return slices[1:]


def _is_same_time(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    """Return whether two layers have the same (time,) datetime64, or both have no time."""
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other)
