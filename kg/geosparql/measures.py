"""Distances, lengths, perimeters and areas.

In a geographic system a length in metres is geodesic, on the ellipsoid of the system:
distances by `kg.geosparql.geodesic_distance`, lengths and areas with geodesic edges (`pyproj.Geod`,
as in PostGIS geography). In an angular unit, and in a projected system, all is planar, in
the plane of the coordinates. Z and M do not count.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import shapely

from kg.geosparql.coordinates import leaves
from kg.geosparql.crs import to_srs
from kg.geosparql.errors import InvalidGeometryError, UnknownUnitError
from kg.geosparql.geodesic_distance import nearest_m
from kg.geosparql.systems import axis_unit, geod_of, is_geographic
from kg.geosparql.units import METRE, SQUARE_METRE, Kind, Unit
from kg.rdf.geometry import CRS84

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyproj import Geod
    from shapely.geometry.base import BaseGeometry

    from kg.geosparql.literals import Geometry

_DEGREE = math.pi / 180
_POLE = 90.0


def distance_m(a: Geometry, b: Geometry) -> float:
    """Return the shortest distance in metres, in the reference system of the first.

    Raises:
        InvalidGeometryError: One is empty, or has no place in the system of the other.
    """
    return distance(a, b, METRE)


def distance(a: Geometry, b: Geometry, unit: Unit) -> float:
    """Return the shortest distance in a unit, in the reference system of the first."""
    b = to_srs(b, a.srs)
    if a.shape.is_empty or b.shape.is_empty:
        raise InvalidGeometryError("there is no distance to an empty geometry")
    if _is_geodesic(a.srs, unit):
        return nearest_m(in_degrees(a), in_degrees(b), geod_of(a.srs)) / unit.factor
    return float(a.shape.distance(b.shape)) * axis_units(a.srs, unit)


def length(geometry: Geometry, unit: Unit = METRE) -> float:
    """Return the length of the lines or of the boundaries of the polygons: the longer."""
    return max(_measured(geometry, unit, _lines), _measured(geometry, unit, _rings))


def perimeter(geometry: Geometry, unit: Unit = METRE) -> float:
    """Return the length of the boundaries of the polygons; without polygons, the length."""
    is_areal = shapely.get_dimensions(geometry.shape) == 2
    return _measured(geometry, unit, _rings if is_areal else _lines)


def area(geometry: Geometry, unit: Unit = SQUARE_METRE) -> float:
    """Return the area of the polygons, 0 without any.

    A unit of length stands for its square, as OGC has no unit of area.
    """
    if unit.kind is Kind.AREA:
        unit = Unit(kind=Kind.LENGTH, factor=unit.factor**0.5)
    if not _is_geodesic(geometry.srs, unit):
        return float(geometry.shape.area) * axis_units(geometry.srs, unit) ** 2
    geod = geod_of(geometry.srs)
    total = sum(_area(polygon, geod) for polygon in _polygons(in_degrees(geometry)))
    return total / unit.factor**2


def axis_units(srs: str, unit: Unit) -> float:
    """Return how many of a unit one unit of the system's axes is.

    Raises:
        UnknownUnitError: The one is an angle and the other is none.
    """
    if unit.kind is Kind.UNITY:
        return 1.0
    if unit.kind is not (Kind.ANGLE if is_geographic(srs) else Kind.LENGTH):
        raise UnknownUnitError(f"no {unit.kind.value} fits the axes of <{srs}>")
    return axis_unit(srs) / unit.factor


def in_degrees(geometry: Geometry) -> BaseGeometry:
    """Return the shape of a geographic geometry in degrees, where it is in grads or the like.

    Raises:
        InvalidGeometryError: It reaches beyond a pole.
    """
    degrees = degrees_per_unit(geometry.srs)
    shape = geometry.shape
    if degrees != 1:
        shape = shapely.transform(shape, lambda xy: xy * degrees)
    _, south, _, north = shape.bounds
    if south < -_POLE or north > _POLE:
        raise InvalidGeometryError(f"latitudes from {south} to {north}: the poles are at 90")
    return shape


def degrees_per_unit(srs: str) -> float:
    """Return how many degrees one unit of a geographic system's axes is."""
    degrees = 1.0 if srs == CRS84 else axis_unit(srs) / _DEGREE
    return 1.0 if math.isclose(degrees, 1, rel_tol=1e-9) else degrees


def _is_geodesic(srs: str, unit: Unit) -> bool:
    return unit.kind is Kind.LENGTH and is_geographic(srs)


def _measured(
    geometry: Geometry, unit: Unit, parts: Callable[[BaseGeometry], Iterator[BaseGeometry]]
) -> float:
    if not _is_geodesic(geometry.srs, unit):
        planar = sum(float(line.length) for line in parts(geometry.shape))
        return planar * axis_units(geometry.srs, unit)
    geod = geod_of(geometry.srs)
    total = sum(geod.line_length(*_columns(line)) for line in parts(in_degrees(geometry)))
    return float(total) / unit.factor


def _area(polygon: BaseGeometry, geod: Geod) -> float:
    shell, *holes = (
        abs(geod.polygon_area_perimeter(*_columns(ring))[0])
        for ring in (polygon.exterior, *polygon.interiors)
    )
    return float(shell - sum(holes))


def _columns(line: BaseGeometry) -> np.ndarray:
    return np.array(shapely.get_coordinates(line).T)


def _lines(shape: BaseGeometry) -> Iterator[BaseGeometry]:
    return (part for part in leaves(shape) if isinstance(part, shapely.LineString))


def _polygons(shape: BaseGeometry) -> Iterator[BaseGeometry]:
    return (part for part in leaves(shape) if isinstance(part, shapely.Polygon))


def _rings(shape: BaseGeometry) -> Iterator[BaseGeometry]:
    for polygon in _polygons(shape):
        yield from (polygon.exterior, *polygon.interiors)
