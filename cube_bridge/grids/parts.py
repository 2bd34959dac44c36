"""Parts of a grid of rows and columns, also across the seam of its longitudes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from cube_bridge.grids.equality import is_same_edges, is_same_plane
from cube_bridge.grids.rectilinear import RectilinearGrid, cells_between

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from cube_bridge.grids.grid import Grid, Window


_TURN = 360.0
#: Degrees by which a grid may miss a whole turn and still go round.
_ROUND = 1e-3


@dataclass(frozen=True, kw_only=True)
class Strip:
    """Columns that lie side by side in the array."""

    columns: slice
    turns: int
    """Whole turns that are added to their longitudes."""


@dataclass(frozen=True, kw_only=True)
class GridPart:
    """Rows and columns of a grid; two strips or more where it crosses the seam."""

    rows: slice
    strips: tuple[Strip, ...]

    @property
    def columns(self) -> np.ndarray:
        """Where the columns are in the array: (columns,) int64."""
        return np.concatenate([np.arange(s.columns.start, s.columns.stop) for s in self.strips])

    def x_borders(self, grid: RectilinearGrid) -> tuple[np.ndarray, np.ndarray]:
        """Return where each column begins and ends, in the order of the array: (columns,) each."""
        first, last = [], []
        for strip in self.strips:
            edges = grid.x_edges[strip.columns.start : strip.columns.stop + 1]
            first.append(edges[:-1] + strip.turns * _TURN)
            last.append(edges[1:] + strip.turns * _TURN)
        return np.concatenate(first), np.concatenate(last)

    def y_borders(self, grid: RectilinearGrid) -> tuple[np.ndarray, np.ndarray]:
        """Return where each row begins and ends, in the order of the array: (rows,) each."""
        edges = grid.y_edges[self.rows.start : self.rows.stop + 1]
        return edges[:-1], edges[1:]

    def of(self, grid: RectilinearGrid) -> RectilinearGrid:
        """Return the part as a grid of its own; its longitudes go on across the seam."""
        first, last = self.x_borders(grid)
        return replace(
            grid,
            x_edges=np.append(first, last[-1]),
            y_edges=grid.y_edges[self.rows.start : self.rows.stop + 1],
        )


def part_between(
    grid: RectilinearGrid, x: tuple[float, float], y: tuple[float, float]
) -> GridPart | None:
    """Return the cells that two intervals of the plane touch; None where there are none.

    Longitudes go once round: 190 degrees is found in a grid from -180 to 180.
    """
    rows = cells_between(grid.y_edges, *y)
    low, high = sorted((float(grid.x_edges[0]), float(grid.x_edges[-1])))
    turns = range(1)
    if grid.crs.is_geographic:
        turns = range(int(np.ceil((x[0] - high) / _TURN)), int(np.floor((x[1] - low) / _TURN)) + 1)
    strips = []
    for turn in turns:
        columns = cells_between(grid.x_edges, x[0] - turn * _TURN, x[1] - turn * _TURN)
        if columns is not None:
            strips.append(Strip(columns=columns, turns=turn))
    if rows is None or not strips:
        return None
    ascending = grid.x_edges[-1] >= grid.x_edges[0]
    return GridPart(rows=rows, strips=tuple(strips if ascending else strips[::-1]))


def part_of_region(grid: RectilinearGrid, region: BaseGeometry) -> GridPart | None:
    """Return the cells around those that a region touches, across the seam if that is shorter."""
    windows = grid.windows(region)
    if not windows:
        return None
    rows = slice(min(w[0].start for w in windows), max(w[0].stop for w in windows))
    columns = sorted((w[1] for w in windows), key=lambda c: int(c.start))
    hull = slice(columns[0].start, max(c.stop for c in columns))
    west, east = float(grid.x_edges[0]), float(grid.x_edges[-1])
    gaps = [b.start - a.stop for a, b in pairwise(columns)]
    count = grid.shape[1]
    if gaps and grid.is_lonlat and abs(east - west - _TURN) < _ROUND:
        widest = int(np.argmax(gaps))
        if gaps[widest] > hull.start + count - hull.stop:
            return GridPart(
                rows=rows,
                strips=(
                    Strip(columns=slice(columns[widest + 1].start, count), turns=-1),
                    Strip(columns=slice(0, columns[widest].stop), turns=0),
                ),
            )
    return GridPart(rows=rows, strips=(Strip(columns=hull, turns=0),))


def part_that_is(grid: RectilinearGrid, target: RectilinearGrid) -> GridPart | None:
    """Return the part of a grid whose cells are exactly those of another; None if none is."""
    if not is_same_plane(grid, target):
        return None
    bounds = []
    for edges in (target.x_edges, target.y_edges):
        inset = abs(edges[1] - edges[0]) * 0.25
        low, high = sorted((float(edges[0]), float(edges[-1])))
        bounds.append((low + inset, high - inset))
    part = part_between(grid, *bounds)
    if part is None:
        return None
    own = part.of(grid)
    if own.shape != target.shape:
        return None
    same = is_same_edges(own.x_edges, target.x_edges) and is_same_edges(own.y_edges, target.y_edges)
    return part if same else None


def whole(grid: Grid) -> Window:
    """Return the window of all cells."""
    return tuple(slice(0, n) for n in grid.shape)
