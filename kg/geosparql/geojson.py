"""GeoJSON geometries (RFC 7946) as shapes and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import shapely

from kg.geosparql.coordinates import format_number
from kg.geosparql.errors import InvalidGeometryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from shapely.geometry.base import BaseGeometry

_Coordinates = Any  # lists of lists, as deep as the type of geometry says


def read_geojson(text: str) -> BaseGeometry:
    """Return the geometry of a GeoJSON geometry object or of a feature.

    Raises:
        InvalidGeometryError: The text is neither.
    """
    try:
        document = json.loads(text)
        if isinstance(document, dict) and "type" not in document and "geometry" in document:
            document = document["geometry"]  # the standard's own form of an empty geometry
        elif isinstance(document, dict) and document.get("type") == "Feature":
            document = document["geometry"]
        return _read(document)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InvalidGeometryError(f"not a GeoJSON geometry: {text[:60]!r}: {error}") from error


def write_geojson(shape: BaseGeometry) -> str:
    """Return the GeoJSON geometry object of a shape; M has no place in it."""
    if isinstance(shape, shapely.GeometryCollection):
        members = ", ".join(write_geojson(part) for part in shape.geoms)
        return f'{{"type": "GeometryCollection", "geometries": [{members}]}}'
    kind = "LineString" if shape.geom_type == "LinearRing" else shape.geom_type
    return f'{{"type": "{kind}", "coordinates": {_write(shape)}}}'


def _read(document: Any) -> BaseGeometry:
    if document is None:
        return shapely.GeometryCollection()
    if document["type"] == "GeometryCollection":
        return shapely.GeometryCollection([_read(member) for member in document["geometries"]])
    return _READERS[document["type"]](document["coordinates"])


def _position(coordinates: _Coordinates) -> list[float]:
    position = coordinates[:3]
    if len(position) < 2 or not all(
        isinstance(number, (int, float)) and not isinstance(number, bool) for number in position
    ):
        raise ValueError(f"{coordinates} is no position")
    return [float(number) for number in position]


def _positions(coordinates: _Coordinates) -> list[list[float]]:
    return [_position(position) for position in coordinates]


def _point(coordinates: _Coordinates) -> BaseGeometry:
    return shapely.Point(_position(coordinates)) if coordinates else shapely.Point()


def _line(coordinates: _Coordinates) -> BaseGeometry:
    return shapely.LineString(_positions(coordinates))


def _polygon(coordinates: _Coordinates) -> BaseGeometry:
    rings = [_positions(ring) for ring in coordinates]
    if not rings:
        return shapely.Polygon()
    for ring in rings:
        if ring and ring[0] != ring[-1]:
            raise ValueError("a ring ends elsewhere than it begins")
    return shapely.Polygon(rings[0], rings[1:])


_READERS: dict[str, Callable[[_Coordinates], BaseGeometry]] = {
    "Point": _point,
    "LineString": _line,
    "Polygon": _polygon,
    "MultiPoint": lambda parts: shapely.MultiPoint([_point(part) for part in parts]),
    "MultiLineString": lambda parts: shapely.MultiLineString([_line(part) for part in parts]),
    "MultiPolygon": lambda parts: shapely.MultiPolygon([_polygon(part) for part in parts]),
}


def _write(shape: BaseGeometry) -> str:
    if shape.is_empty:
        return "[]"
    if isinstance(shape, shapely.Point):
        return _write_positions(shape)[0]
    if isinstance(shape, shapely.LineString):
        return f"[{', '.join(_write_positions(shape))}]"
    if isinstance(shape, shapely.Polygon):
        rings = [shape.exterior, *shape.interiors]
        return f"[{', '.join(_write(ring) for ring in rings)}]"
    return f"[{', '.join(_write(part) for part in shape.geoms)}]"


def _write_positions(shape: BaseGeometry) -> list[str]:
    positions = shapely.get_coordinates(shape, include_z=bool(shape.has_z))
    return [f"[{', '.join(map(format_number, position))}]" for position in positions.tolist()]
