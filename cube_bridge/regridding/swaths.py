"""Weights from cells that have no rows and columns of a plane: satellite swaths, models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyproj
import shapely
from scipy.sparse import csr_array
from scipy.spatial import Delaunay

from cube_bridge.regridding.overlaps import source_polygons

if TYPE_CHECKING:
    from cube_bridge.grids.grid import Grid
    from cube_bridge.grids.parts import GridPart
    from cube_bridge.grids.rectilinear import RectilinearGrid


_CORNERS = 3


def holding_cells(
    source: Grid, part: GridPart, target: RectilinearGrid, plane: pyproj.CRS
) -> csr_array:
    """Return weights of 1 for the cell that holds the centre of a target cell."""
    cells = source_polygons(source, part, plane).ravel()
    points = shapely.points(_centres(target, plane))
    point, cell = shapely.STRtree(cells).query(points, predicate="intersects")
    # On a border two cells hold it: the first is taken.
    point, first = np.unique(point, return_index=True)
    shape = len(points), cells.size
    return csr_array((np.ones(len(point)), (point, cell[first])), shape=shape)


def linear_between_centres(
    source: Grid, part: GridPart, target: RectilinearGrid, plane: pyproj.CRS
) -> csr_array:
    """Return weights of the three centres around each centre of a target cell.

    At the border of the source, where it is not between three, the cell that holds it.
    """
    held = holding_cells(source, part, target, plane)
    transformer = pyproj.Transformer.from_crs("OGC:CRS84", plane, always_xy=True)
    x, y = source.centres((part.rows, part.strips[0].columns))
    known = np.flatnonzero((np.isfinite(x) & np.isfinite(y)).ravel())
    moved = np.column_stack(transformer.transform(x.ravel()[known], y.ravel()[known]))
    if len(known) <= _CORNERS:
        return held
    mesh = Delaunay(moved)
    points = _centres(target, plane)
    # A swath may be narrower than its hull: only what lies in a cell has a value.
    triangles = mesh.find_simplex(points)
    inside = np.flatnonzero((triangles >= 0) & (np.diff(held.indptr) > 0))
    triangle = triangles[inside]
    frame = mesh.transform[triangle]
    first_two = np.einsum("nij,nj->ni", frame[:, :2], points[inside] - frame[:, 2])
    shares = np.column_stack([first_two, 1.0 - first_two.sum(axis=1)])
    values = csr_array(
        (
            np.clip(shares, 0.0, 1.0).ravel(),
            (np.repeat(inside, _CORNERS), known[mesh.simplices[triangle]].ravel()),
        ),
        shape=held.shape,
    )
    outside = np.ones(len(points))
    outside[inside] = 0.0
    return csr_array(values + held.multiply(outside[:, None]))


def _centres(target: RectilinearGrid, plane: pyproj.CRS) -> np.ndarray:
    """Return the centres of the cells of a grid in another plane: (cells, 2)."""
    x, y = np.meshgrid(*(e[:-1] + np.diff(e) / 2 for e in (target.x_edges, target.y_edges)))
    transformer = pyproj.Transformer.from_crs(target.crs, plane, always_xy=True)
    return np.column_stack(transformer.transform(x.ravel(), y.ravel()))
