"""When two grids are the same: the one definition, with the one tolerance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cube_bridge.grids.curvilinear import CurvilinearGrid
from cube_bridge.grids.rectilinear import RectilinearGrid
from cube_bridge.grids.stations import StationGrid

if TYPE_CHECKING:
    from cube_bridge.grids.grid import Grid

#: How far apart cells may lie and be the same, as a share of a cell: coordinates are often stored
#: in single precision, which is good to 1.5e-5 degrees; cells that are meant to be others, of a
#: staggered grid, lie half a cell apart.
TOLERANCE = 1e-3
_TURN = 360.0


def is_same_grid(a: Grid, b: Grid) -> bool:
    """Return whether cells at the same position of two arrays are the same cells.

    Names of dimensions do not count, nor does time. Rows and columns of longitudes count as they
    are written: a grid from 0 to 360 is not the one from -180 to 180, whose columns come in
    another order. Stations have no size that a tolerance could be a share of: their places must be
    equal.
    """
    if a is b:
        return True
    if type(a) is not type(b) or a.shape != b.shape or a.crs != b.crs:
        return False
    if isinstance(a, RectilinearGrid) and isinstance(b, RectilinearGrid):
        return is_same_edges(a.x_edges, b.x_edges) and is_same_edges(a.y_edges, b.y_edges)
    if isinstance(a, CurvilinearGrid) and isinstance(b, CurvilinearGrid):
        near = TOLERANCE * _smallest_step(b.longitudes, b.latitudes)
        return _is_near(a, b, near)
    if isinstance(a, StationGrid) and isinstance(b, StationGrid):
        return _is_near(a, b, 0.0)
    return False


def is_same_plane(a: RectilinearGrid, b: RectilinearGrid) -> bool:
    """Return whether the coordinates of two grids can be compared as they are."""
    return bool((a.is_lonlat and b.is_lonlat) or a.crs == b.crs)


def is_same_edges(a: np.ndarray, b: np.ndarray) -> bool:
    """Return whether borders of cells are the same: (cells + 1,) each, along one dimension."""
    return bool(np.abs(a - b).max() <= TOLERANCE * abs(b[1] - b[0]))


def _is_near(
    a: CurvilinearGrid | StationGrid, b: CurvilinearGrid | StationGrid, near: float
) -> bool:
    """Return whether all places lie at most so many degrees apart; unknown ones are the same."""
    apart = _turned(a.longitudes - b.longitudes), a.latitudes - b.latitudes
    unknown = [
        (np.isnan(a.longitudes), np.isnan(b.longitudes)),
        (np.isnan(a.latitudes), np.isnan(b.latitudes)),
    ]
    return all(np.array_equal(x, y) for x, y in unknown) and all(
        bool((np.isnan(x) | (np.abs(x) <= near)).all()) for x in apart
    )


def _turned(degrees: np.ndarray) -> np.ndarray:
    """Return differences of longitudes, of any shape, the short way round: 359.9 is -0.1."""
    return np.asarray(degrees - np.round(degrees / _TURN) * _TURN)


def _smallest_step(longitudes: np.ndarray, latitudes: np.ndarray) -> float:
    """Return the least distance of neighbouring corners in degrees; 0 where none are known.

    Args:
        longitudes: (rows + 1, columns + 1), NaN where unknown.
        latitudes: As longitudes.
    """
    steps = np.concatenate(
        [
            np.hypot(_turned(np.diff(longitudes, axis=axis)), np.diff(latitudes, axis=axis)).ravel()
            for axis in (0, 1)
        ]
    )
    known = steps[np.isfinite(steps)]
    return float(known.min()) if known.size else 0.0
