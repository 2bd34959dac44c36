"""Outlines and areas on the globe: the seam of the longitudes, the poles, square metres."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyproj
import shapely

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

_TURN = 360.0
#: The seam of the longitudes: 180 degrees east and west.
SEAM = 180.0
#: Equal-area and cylindrical: areas of cells are areas in its plane.
_EQUAL_AREA = "EPSG:6933"


def outline(longitudes: np.ndarray, latitudes: np.ndarray) -> BaseGeometry:
    """Return the area inside a closed line, cut at 180 degrees, a pole inside filled in.

    Args:
        longitudes: (n,) degrees east along the line, any turn; the last is the first again.
        latitudes: (n,) degrees north.
    """
    x = np.unwrap(longitudes, period=_TURN)
    y = np.clip(latitudes, -90.0, 90.0)
    if abs(x[-1] - x[0]) > _TURN / 2:
        # Once round the globe: one pole is inside, the one that the line is nearer to.
        pole = 90.0 if y.mean() > 0 else -90.0
        x = np.concatenate([x, [x[-1], x[0]]])
        y = np.concatenate([y, [pole, pole]])
    ring = shapely.Polygon(np.column_stack([x, y]))
    return within_globe(ring if ring.is_valid else shapely.make_valid(ring))


def within_globe(geometry: BaseGeometry) -> BaseGeometry:
    """Return a geometry of any longitudes between -180 and 180 degrees, cut where it must be."""
    west, _, east, _ = geometry.bounds
    if west >= -SEAM and east <= SEAM:
        return geometry
    first, last = int(np.floor((west + 180) / _TURN)), int(np.floor((east + 180) / _TURN))
    parts = []
    for turn in range(first, last + 1):
        moved = shapely.transform(geometry, lambda c, t=turn: c - np.array([t * _TURN, 0.0]))
        part = shapely.intersection(moved, shapely.box(-180.0, -90.0, 180.0, 90.0))
        if not part.is_empty and part.area > 0:
            parts.append(part)
    return shapely.union_all(parts) if len(parts) > 1 else parts[0]


def turned(geometry: BaseGeometry, west: float, east: float) -> list[BaseGeometry]:
    """Return a geometry moved by whole turns to where it may meet an interval of longitudes."""
    low, _, high, _ = geometry.bounds
    turns = range(int(np.ceil((west - high) / _TURN)), int(np.floor((east - low) / _TURN)) + 1)
    return [
        shapely.transform(geometry, lambda c, t=t: c + np.array([t * _TURN, 0.0]))
        if t
        else geometry
        for t in turns
    ]


def band_areas(x_edges: np.ndarray, y_edges: np.ndarray) -> np.ndarray:
    """Return the areas between meridians and parallels on WGS84: (rows, columns) m2."""
    heights = np.abs(np.diff(authalic_metres(y_edges)))
    widths = np.abs(np.diff(np.radians(x_edges))) * _radius()
    return np.asarray(heights[:, None] * widths[None, :])


def authalic_metres(latitudes: np.ndarray) -> np.ndarray:
    """Return how far parallels, (n,) degrees, lie from the equator: (n,) m in an equal-area plane.

    Bands between parallels of one distance have one area.
    """
    return np.asarray(_equal_area().transform(np.zeros_like(latitudes), latitudes)[1])


def quadrilateral_areas(longitudes: np.ndarray, latitudes: np.ndarray) -> np.ndarray:
    """Return the areas of cells from their corners, for cells that are small on the globe.

    Args:
        longitudes: (rows + 1, columns + 1) degrees east.
        latitudes: The same, degrees north.

    Returns:
        (rows, columns) m2.
    """
    x = np.unwrap(np.unwrap(longitudes, period=_TURN, axis=0), period=_TURN, axis=1)
    _, y = _equal_area().transform(np.zeros_like(latitudes), np.clip(latitudes, -90, 90))
    x = np.radians(x) * _radius()
    (x0, x1, x2, x3), (y0, y1, y2, y3) = (
        (a[:-1, :-1], a[:-1, 1:], a[1:, 1:], a[1:, :-1]) for a in (x, y)
    )
    return np.asarray(np.abs((x2 - x0) * (y3 - y1) - (x3 - x1) * (y2 - y0)) / 2)


@cache
def _equal_area() -> pyproj.Transformer:
    return pyproj.Transformer.from_crs("OGC:CRS84", _EQUAL_AREA, always_xy=True)


@cache
def _radius() -> float:
    """Return metres on the plane of equal areas per radian of longitude."""
    return float(_equal_area().transform(180.0, 0.0)[0] / np.pi)
