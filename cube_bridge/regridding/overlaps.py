"""Cells of any two grids in one plane of equal areas, and the areas that they have in common.

Neighbours share their corners, and the points between them, so that cells leave no gap and do
not overlap: what is divided among them adds up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyproj
import shapely
from scipy.sparse import csr_array

from cube_bridge.grids.rectilinear import RectilinearGrid
from cube_bridge.regridding.convex_clipping import (
    all_have_four_corners,
    common_areas,
)

if TYPE_CHECKING:
    from cube_bridge.grids.grid import Grid
    from cube_bridge.grids.parts import GridPart


_SLIVER = 1e-9
#: Metres between points of a side: a parallel bulges by less than a thousandth of its cell.
_POINT_M = 15_000.0
_MOST_POINTS = 64
#: Metres that a plane around its middle may reach across: short of the other side of the globe.
_WIDEST_M = 15_000_000.0


def equal_area_plane(target: RectilinearGrid, block: RectilinearGrid) -> pyproj.CRS:
    """Return a plane of equal areas on the ellipsoid for a block of a grid.

    It is the same for all blocks. Around the globe no plane is: there only its middle turns with
    the block, so that lines between two points are the same for all blocks.
    """
    wide = max(target.shape) * target.side_m > _WIDEST_M
    longitude, latitude = _middle(block if wide else target)
    if wide:
        return pyproj.CRS.from_proj4(f"+proj=cea +lon_0={longitude} +datum=WGS84 +units=m")
    return pyproj.CRS.from_proj4(
        f"+proj=laea +lat_0={latitude} +lon_0={longitude} +datum=WGS84 +units=m"
    )


def _middle(grid: RectilinearGrid) -> tuple[float, float]:
    x, y = (float(e[0] + e[-1]) / 2 for e in (grid.x_edges, grid.y_edges))
    transformer = pyproj.Transformer.from_crs(grid.crs, "OGC:CRS84", always_xy=True)
    longitude, latitude = transformer.transform(x, y)
    return float(longitude), float(latitude)


def cell_polygons(grid: RectilinearGrid, plane: pyproj.CRS) -> np.ndarray:
    """Return the cells of a grid in another plane: (rows, columns), None where one has no place."""
    points = int(np.clip(np.ceil(grid.side_m / _POINT_M), 1, _MOST_POINTS))
    x, y = (_divided(e, points) for e in (grid.x_edges, grid.y_edges))
    transformer = pyproj.Transformer.from_crs(grid.crs, plane, always_xy=True)
    moved = np.stack(transformer.transform(*np.meshgrid(x, y)), axis=-1)
    rows, columns = _ring(points)
    height, width = grid.shape
    i = np.arange(height)[:, None, None] * points + rows
    j = np.arange(width)[None, :, None] * points + columns
    rings = moved[i, j]
    known = np.isfinite(rings).all(axis=(2, 3))
    cells = np.full(grid.shape, None, dtype=object)
    cells[known] = _valid(shapely.polygons(rings[known]))
    return cells


def source_polygons(grid: Grid, part: GridPart, plane: pyproj.CRS) -> np.ndarray:
    """Return the cells of a part of a grid in a plane: (rows, columns)."""
    if isinstance(grid, RectilinearGrid):
        return np.concatenate(
            [cell_polygons(_strip(grid, part, s.columns), plane) for s in part.strips], axis=1
        )
    columns = part.strips[0].columns
    cells = grid.cells((part.rows, columns))
    transformer = pyproj.Transformer.from_crs("OGC:CRS84", plane, always_xy=True)
    return np.asarray(_valid(shapely.transform(cells, transformer.transform, interleaved=False)))


def _strip(grid: RectilinearGrid, part: GridPart, columns: slice) -> RectilinearGrid:
    return RectilinearGrid(
        dims=grid.dims,
        crs=grid.crs,
        time=None,
        x_edges=grid.x_edges[columns.start : columns.stop + 1],
        y_edges=grid.y_edges[part.rows.start : part.rows.stop + 1],
    )


def overlap_areas(source: np.ndarray, target: np.ndarray, *, share: bool) -> csr_array:
    """Return the area that each two cells have in common: (targets, sources), square metres.

    Args:
        source: Polygons of any shape of array; None is no cell.
        target: The same.
        share: As a share of the source cell.
    """
    sources, targets = source.ravel(), target.ravel()
    t, s = shapely.STRtree(sources).query(targets, predicate="intersects")
    shapely.prepare(targets)
    areas = np.zeros(len(t))
    own = shapely.area(sources)
    inside = shapely.covers(targets[t], sources[s])
    areas[inside] = own[s[inside]]
    border = ~inside
    common = common_areas if all_have_four_corners(sources, targets) else _intersections
    areas[border] = common(sources[s[border]], targets[t[border]])
    counts = areas > _SLIVER * np.minimum(own[s], shapely.area(targets)[t])
    t, s, areas = t[counts], s[counts], areas[counts]
    values = areas / own[s] if share else areas
    return csr_array((values, (t, s)), shape=(len(targets), len(sources)))


def _intersections(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the areas, (n,), that (n,) polygons have in common with (n,) others."""
    return np.asarray(shapely.area(shapely.intersection(a, b)))


def _divided(edges: np.ndarray, points: int) -> np.ndarray:
    """Return edges with points between them: (cells * points + 1,)."""
    places = np.arange((len(edges) - 1) * points + 1) / points
    return np.asarray(np.interp(places, np.arange(len(edges)), edges))


def _ring(points: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns, (4 * points + 1,), of the points around one cell."""
    along, still = np.arange(points), np.zeros(points, int)
    rows = np.concatenate([still, along, still + points, points - along, [0]])
    columns = np.concatenate([along, still + points, points - along, still, [0]])
    return rows, columns


def _valid(polygons: np.ndarray) -> np.ndarray:
    """Return polygons, of any shape, of which those that cross themselves are mended."""
    cells: np.ndarray = np.asarray(polygons)
    broken = ~shapely.is_valid(cells) & ~shapely.is_missing(cells)
    if broken.any():
        cells[broken] = shapely.make_valid(cells[broken])
    return cells
