"""How much of each cell a geometry covers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import shapely
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from cube_bridge.grids.grid import Grid
    from kg.rdf.geometry import BBox

_AREA, _LINE = 2, 1


def cover_regular(geometry: BaseGeometry, x_edges: np.ndarray, y_edges: np.ndarray) -> np.ndarray:
    """Return how much of each cell of a regular raster an area covers: (rows, columns).

    Args:
        geometry: An area in the plane of the edges.
        x_edges: (columns + 1,) evenly spaced.
        y_edges: (rows + 1,) evenly spaced.
    """
    shape = len(y_edges) - 1, len(x_edges) - 1
    (west, east), (south, north) = (sorted((e[0], e[-1])) for e in (x_edges, y_edges))
    raster = NumPyRasterSource(
        np.broadcast_to(np.uint8(0), shape), xmin=west, ymin=south, xmax=east, ymax=north
    )
    feature = {
        "type": "Feature",
        "properties": {},
        "geometry": json.loads(shapely.to_geojson(geometry)),
    }
    (found,) = exact_extract(raster, [feature], ["cell_id", "coverage"])
    shares = np.zeros(shape)
    ids = np.asarray(found["properties"]["cell_id"], dtype=np.int64)
    shares.ravel()[ids] = found["properties"]["coverage"]
    # Its rows run from north to south, its columns from west to east.
    if y_edges[-1] > y_edges[0]:
        shares = shares[::-1]
    return shares[:, ::-1] if x_edges[-1] < x_edges[0] else shares


def cover_cells(geometry: BaseGeometry, cells: np.ndarray) -> np.ndarray:
    """Return how much of each cell of any array a geometry covers: float64 in its shape.

    Args:
        geometry: In the plane of the cells.
        cells: Polygons, or points, of any shape.

    Returns:
        For areas the share of the cell, for lines that of the line, 0 to 1; 1 for a point met.
    """
    flat = cells.ravel()
    shares = np.zeros(flat.shape)
    shapely.prepare(geometry)
    touched = np.flatnonzero(shapely.intersects(geometry, flat))
    dimension = max(shapely.get_dimensions(shapely.get_parts(geometry)), default=-1)
    if dimension < _LINE or (touched.size and shapely.get_dimensions(flat[touched[0]]) < _AREA):
        shares[touched] = 1.0
    elif dimension == _LINE:
        lengths = shapely.length(shapely.intersection(flat[touched], geometry))
        shares[touched] = lengths / shapely.length(geometry)
    else:
        inside = shapely.contains(geometry, flat[touched])
        shares[touched[inside]] = 1.0
        border = touched[~inside]
        parts = shapely.area(shapely.intersection(flat[border], geometry))
        shares[border] = parts / shapely.area(flat[border])
    return shares.reshape(cells.shape)


def positions_in(grid: Grid, box: BBox) -> tuple[np.ndarray, ...]:
    """Return `Grid.positions_in`, (n,) int64 a dimension, from the centres in windows of a box."""
    found: list[set[int]] = [set() for _ in grid.dims]
    for window in grid.windows(box.polygon()):
        x, y = grid.centres(window)
        inside = (x - box.west) % 360 <= box.east - box.west
        inside &= (y >= box.south) & (y <= box.north)
        for positions, part, where in zip(found, window, np.nonzero(inside), strict=True):
            positions.update((where + part.start).tolist())
    return tuple(np.array(sorted(positions), dtype=np.int64) for positions in found)
