"""KML geometries (OGC 12-007r2) as shapes and back; measures (M) have no place in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import shapely

from kg.geosparql.coordinates import format_number
from kg.geosparql.errors import InvalidGeometryError
from kg.geosparql.markup import children, grandchildren, name_of, namespace_of, parse_xml

if TYPE_CHECKING:
    from xml.etree import ElementTree as ET

    from shapely.geometry.base import BaseGeometry

_NAMESPACE = "http://www.opengis.net/kml/2.2"
_NAMESPACES = {_NAMESPACE, "", *(f"http://earth.google.com/kml/2.{n}" for n in range(3))}
_GEOMETRIES = {"Point", "LineString", "LinearRing", "Polygon", "MultiGeometry"}
_COLLECTIONS = {
    "Point": shapely.MultiPoint,
    "LineString": shapely.MultiLineString,
    "Polygon": shapely.MultiPolygon,
}


def read_kml(text: str) -> BaseGeometry:
    """Return the geometry of a KML geometry element.

    A MultiGeometry whose members are of one type becomes the collection of that type.

    Raises:
        InvalidGeometryError: The text is none.
    """
    root = parse_xml(text)
    if namespace_of(root) not in _NAMESPACES:
        raise InvalidGeometryError(f"{root.tag} is in no namespace of KML")
    return _read(root)


def write_kml(shape: BaseGeometry) -> str:
    """Return the KML geometry element of a shape."""
    name, bracket, rest = _write(shape).partition(">")
    name, slash = (name[:-1], "/") if name.endswith("/") else (name, "")
    return f'{name} xmlns="{_NAMESPACE}"{slash}{bracket}{rest}'


def _read(element: ET.Element) -> BaseGeometry:
    match name_of(element):
        case "Point":
            positions = _positions(element)
            if len(positions) > 1:
                raise InvalidGeometryError(f"a point with {len(positions)} positions")
            return shapely.Point(positions[0]) if positions else shapely.Point()
        case "LineString":
            return shapely.LineString(_positions(element))
        case "LinearRing":
            return shapely.LinearRing(_ring(element))
        case "Polygon":
            shell = [_ring(ring) for ring in grandchildren(element, "outerBoundaryIs")]
            holes = [_ring(ring) for ring in grandchildren(element, "innerBoundaryIs")]
            return shapely.Polygon(shell[0], holes) if shell else shapely.Polygon()
        case "MultiGeometry":
            parts = [_read(child) for child in children(element, *_GEOMETRIES)]
            kinds = {part.geom_type for part in parts}
            collection = _COLLECTIONS.get(kinds.pop()) if len(kinds) == 1 else None
            return (collection or shapely.GeometryCollection)(parts)
        case other:
            raise InvalidGeometryError(f"kml:{other} is no geometry")


def _positions(element: ET.Element) -> list[list[float]]:
    return [
        [float(number) for number in position.split(",")[:3]]
        for coordinates in children(element, "coordinates")
        for position in (coordinates.text or "").split()
    ]


def _ring(element: ET.Element) -> list[list[float]]:
    positions = _positions(element)
    if positions and positions[0] != positions[-1]:
        raise InvalidGeometryError("a ring ends elsewhere than it begins")
    return positions


def _write(shape: BaseGeometry) -> str:
    if isinstance(shape, shapely.Polygon):
        if shape.is_empty:
            return "<Polygon/>"
        outer = _tag("outerBoundaryIs", _write(shape.exterior))
        inner = "".join(_tag("innerBoundaryIs", _write(hole)) for hole in shape.interiors)
        return _tag("Polygon", outer + inner)
    if hasattr(shape, "geoms"):
        return _tag("MultiGeometry", "".join(_write(part) for part in shape.geoms))
    positions = shapely.get_coordinates(shape, include_z=bool(shape.has_z)).tolist()
    text = " ".join(",".join(map(format_number, position)) for position in positions)
    return _tag(shape.geom_type, _tag("coordinates", text) if text else "")


def _tag(name: str, body: str) -> str:
    return f"<{name}>{body}</{name}>" if body else f"<{name}/>"
