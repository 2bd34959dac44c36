"""Geometries made from geometries, in the plane of the coordinates.

Concave hulls take an edge ratio of 0.3 (GEOS: 0 is the most concave, 1 the convex hull) and
have no holes; GeoSPARQL leaves both open. A hull holds all points and polygons, and of a
line all corners.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import shapely

from kg.geosparql.coordinates import leaves
from kg.geosparql.errors import InvalidArgumentError, InvalidGeometryError

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

CONCAVE_RATIO = 0.3
#: Corners of a quarter of a circle.
_QUARTER = 16
#: What rounding may take from a radius.
_MARGIN = 1 + 1e-12


def boundary(shape: BaseGeometry) -> BaseGeometry:
    """Return the closure of the boundary; a collection of mixed types has none.

    The boundary of nothing is nothing.
    """
    found = shapely.boundary(shape)
    if found is None and shape.is_empty:
        return shape
    if found is None:
        raise InvalidGeometryError("a geometry collection has no boundary")
    return found


def is_simple(shape: BaseGeometry) -> bool:
    """Return whether no point is passed twice; of a collection, whether that holds for each member.

    GEOS has no answer for collections, and shapely says False.
    """
    if isinstance(shape, shapely.GeometryCollection):
        return all(is_simple(part) for part in shape.geoms)
    return bool(shape.is_simple)


def bounding_circle(shape: BaseGeometry) -> BaseGeometry:
    """Return a polygon around the smallest circle around a shape; around one point, the point.

    Its sides touch the circle from outside, so that it holds what the circle holds.
    """
    circle = shapely.minimum_bounding_circle(shape)
    if shapely.get_dimensions(circle) != 2:
        return circle
    corners = 4 * _QUARTER
    radius = shapely.minimum_bounding_radius(shape) / math.cos(math.pi / corners)
    return circle.centroid.buffer(radius * _MARGIN, quad_segs=_QUARTER)


def concave_hull(shape: BaseGeometry, ratio: float = CONCAVE_RATIO) -> BaseGeometry:
    """Return a concave hull, at a ratio from 0 (most concave) to 1 (convex)."""
    if not 0 <= ratio <= 1:
        raise InvalidArgumentError(f"a ratio of {ratio}: it lies between 0 and 1")
    hull = shapely.concave_hull(shape, ratio=ratio, allow_holes=False)
    polygons = [leaf for leaf in leaves(shape) if isinstance(leaf, shapely.Polygon)]
    if not polygons or not isinstance(hull, shapely.Polygon):
        return hull
    # GEOS looks at the corners only, and may cut through what lies between them.
    whole = shapely.union_all([hull, *polygons])
    return shapely.Polygon(whole.exterior) if isinstance(whole, shapely.Polygon) else whole


def envelope(shape: BaseGeometry) -> BaseGeometry:
    """Return the rectangle around a shape; a point or a line where it has no area."""
    if shape.is_empty:
        return shapely.Polygon()
    west, south, east, north = shape.bounds
    if west == east and south == north:
        return shapely.Point(west, south)
    if west == east or south == north:
        return shapely.LineString([(west, south), (east, north)])
    return shapely.envelope(shape)


def geometry_n(shape: BaseGeometry, number: int) -> BaseGeometry:
    """Return a member of a collection, counted from 1; a geometry that is none is its first."""
    if not 1 <= number <= shapely.get_num_geometries(shape):
        raise InvalidArgumentError(f"there is no geometry number {number}")
    return shapely.get_geometry(shape, number - 1)
