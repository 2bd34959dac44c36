"""Buffers: all points within a distance of a geometry.

In metres around longitudes and latitudes the buffer is made in a plane tangent to the
ellipsoid, where distances from its centre are true, and brought back. A wide geometry is
cut into pieces of 4 degrees with a plane for each. The outline is right to about 0.2 % of
the radius, half of it because 64 corners fall short of a circle. The result is cut at the
antimeridian and reaches up to the pole that it holds.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import shapely

from kg.geosparql.coordinates import leaves
from kg.geosparql.errors import InvalidArgumentError
from kg.geosparql.globe import WORLD, TangentPlane, region_inside
from kg.geosparql.measures import axis_units, degrees_per_unit, in_degrees
from kg.geosparql.systems import geod_of, is_geographic
from kg.geosparql.units import Kind, Unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyproj import Geod
    from shapely.geometry.base import BaseGeometry

    from kg.geosparql.literals import Geometry

_CORNERS_PER_QUARTER = 16
_PIECE = 4.0  # degrees
_WIDE_M = 500_000.0
_EARTH_M = 6_371_000.0
_STRAY = 0.001  # of the radius
_LONGEST = 0.25  # degrees
_MOST_STEPS = 20_000  # bounds the work for a small radius around long edges


@np.errstate(all="ignore")  # as in kg.geosparql.functions
def buffer(geometry: Geometry, radius: float, unit: Unit) -> Geometry:
    """Return the buffer in the reference system of the geometry.

    Raises:
        UnknownUnitError: The unit does not fit the system.
    """
    if not math.isfinite(radius) or unit.kind is Kind.AREA:
        raise InvalidArgumentError("a radius is a number of some unit of length or angle")
    if unit.kind is not Kind.LENGTH or not is_geographic(geometry.srs):
        planar = radius / axis_units(geometry.srs, unit)
        shape = shapely.buffer(geometry.shape, planar, quad_segs=_CORNERS_PER_QUARTER)
        return geometry.with_shape(shape)
    geod = geod_of(geometry.srs)
    shape = _geodesic_buffer(in_degrees(geometry), radius * unit.factor, geod)
    degrees = degrees_per_unit(geometry.srs)
    return geometry.with_shape(shapely.transform(shape, lambda xy: xy / degrees))


def _geodesic_buffer(shape: BaseGeometry, radius_m: float, geod: Geod) -> BaseGeometry:
    # Without empty members: GEOS 3.14 crashes on them when it cuts edges into steps.
    parts = leaves(shapely.force_2d(shape))
    if radius_m < 0:
        parts = [part for part in parts if _is_areal(part)]
    flat = shapely.union_all(parts) if len(parts) > 1 else (parts or [shapely.Polygon()])[0]
    if radius_m == 0 or flat.is_empty:
        return shapely.buffer(flat, 0)
    step = _step(flat, radius_m)
    dense = shapely.segmentize(flat, step)
    if dense.is_empty:  # a polygon without area
        dense = shapely.segmentize(shapely.boundary(flat), step)
    plane = TangentPlane.amid(dense, geod)
    if _extent_m(dense, plane) <= _WIDE_M:
        return _buffer_in_plane(dense, radius_m, plane, step)
    if radius_m < 0:
        edge = _geodesic_buffer(shapely.boundary(flat), -radius_m, geod)
        return shapely.difference(flat, edge)
    pieces = [
        _buffer_in_plane(piece, radius_m, TangentPlane.amid(piece, geod), step)
        for piece in _cut(dense)
    ]
    return shapely.union_all([*pieces, flat] if _is_areal(flat) else pieces)


def _buffer_in_plane(
    shape: BaseGeometry, radius_m: float, plane: TangentPlane, step: float
) -> BaseGeometry:
    farthest = math.pi * plane.geod.b  # no two points on the globe are farther apart
    if _extent_m(shape, plane) + radius_m >= farthest:
        return WORLD
    flat = shapely.transform(shape, plane.to_plane)
    grown = shapely.buffer(flat, radius_m, quad_segs=_CORNERS_PER_QUARTER)
    if grown.is_empty:
        return shapely.Polygon()
    grown = shapely.segmentize(grown, math.radians(step) * plane.geod.a)
    return shapely.union_all([_unprojected(part, plane) for part in shapely.get_parts(grown)])


def _step(shape: BaseGeometry, radius_m: float) -> float:
    """Return how long, in degrees, an edge may be that is straight here and bent there.

    A step of length s along latitude b leaves the straight line by s^2 tan(b) / 8 R.
    """
    steepest = math.tan(math.radians(min(max(abs(shape.bounds[1]), abs(shape.bounds[3])), 80)))
    strayed = math.sqrt(8 * _STRAY * abs(radius_m) / _EARTH_M / max(steepest, 0.1))
    return max(min(math.degrees(strayed), _LONGEST), float(shape.length) / _MOST_STEPS)


def _is_areal(shape: BaseGeometry) -> bool:
    return bool(shapely.get_dimensions(shape) == 2)


def _unprojected(polygon: BaseGeometry, plane: TangentPlane) -> BaseGeometry:
    polygon = shapely.orient_polygons(polygon)
    shell = region_inside(plane.from_plane(shapely.get_coordinates(polygon.exterior)))
    holes = [
        region_inside(plane.from_plane(shapely.get_coordinates(hole)[::-1]))
        for hole in polygon.interiors
    ]
    return shapely.difference(shell, shapely.union_all(holes)) if holes else shell


def _extent_m(shape: BaseGeometry, plane: TangentPlane) -> float:
    positions = plane.to_plane(shapely.get_coordinates(shape))
    return float(np.hypot(*positions.T).max())


def _cut(shape: BaseGeometry) -> Iterator[BaseGeometry]:
    """Yield pieces of at most 4 by 4 degrees."""
    west, south, east, north = shape.bounds
    for left in np.arange(west, east + _PIECE, _PIECE):
        column = shapely.intersection(shape, shapely.box(left, south, left + _PIECE, north))
        if column.is_empty:
            continue
        for bottom in np.arange(south, north + _PIECE, _PIECE):
            cell = shapely.box(left, bottom, left + _PIECE, bottom + _PIECE)
            piece = shapely.intersection(column, cell)
            if not piece.is_empty:
                yield piece
