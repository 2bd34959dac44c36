"""Shapes as GML in version 3.2, 3.1 or 2.1; measures (M) have no place in it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr  # writes only

import shapely

from kg.geosparql.coordinates import format_number

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

#: The namespace of each version.
NAMESPACES = {
    "2.1": "http://www.opengis.net/gml",
    "3.1": "http://www.opengis.net/gml",
    "3.2": "http://www.opengis.net/gml/3.2",
}
_LATEST = "3.2"
#: The element of a collection and the property that holds each member.
_COLLECTIONS = {
    "MultiPoint": ("MultiPoint", "pointMember"),
    "MultiLineString": ("MultiCurve", "curveMember"),
    "MultiPolygon": ("MultiSurface", "surfaceMember"),
    "GeometryCollection": ("MultiGeometry", "geometryMember"),
}
_COLLECTIONS_2 = _COLLECTIONS | {
    "MultiLineString": ("MultiLineString", "lineStringMember"),
    "MultiPolygon": ("MultiPolygon", "polygonMember"),
}


def write_gml(shape: BaseGeometry, srs: str, version: str = "", namespace: str = "") -> str:
    """Return the GML element of a shape whose coordinates are in the order of the system.

    Args:
        shape: A box is written as a polygon: a gmlLiteral holds a subtype of GM_Object (in GML
            3.2 what can stand for gml:AbstractGeometry), and gml:Envelope is none.
        srs: Named at the root alone.
        version: 3.2 where it is empty.
        namespace: A spelling of it other than the version's own.
    """
    version = version or _LATEST
    body = _Writer(version).element(shape)
    name, bracket, rest = body.partition(">")
    name, slash = (name[:-1], "/") if name.endswith("/") else (name, "")
    space = f" srsName={quoteattr(srs)} xmlns:gml={quoteattr(namespace or NAMESPACES[version])}"
    axes = ' srsDimension="3"' if shape.has_z and version != "2.1" else ""
    return f"{name}{space}{axes}{slash}{bracket}{rest}"


class _Writer:
    def __init__(self, version: str) -> None:
        self._is_gml2 = version == "2.1"
        self._exterior, self._interior = (
            ("outerBoundaryIs", "innerBoundaryIs") if self._is_gml2 else ("exterior", "interior")
        )
        self._collections = _COLLECTIONS_2 if self._is_gml2 else _COLLECTIONS

    def element(self, shape: BaseGeometry) -> str:
        """Return the element of a shape."""
        kind = shape.geom_type
        if kind in self._collections:
            kind, member = self._collections[kind]
            body = "".join(_tag(member, self.element(part)) for part in shape.geoms)
        elif shape.is_empty:
            body = ""
        elif isinstance(shape, shapely.Polygon):
            body = self._ring(self._exterior, shape.exterior)
            body += "".join(self._ring(self._interior, hole) for hole in shape.interiors)
        else:
            body = self._positions(shape)
        return _tag(kind, body)

    def _ring(self, name: str, ring: BaseGeometry) -> str:
        return _tag(name, _tag("LinearRing", self._positions(ring)))

    def _positions(self, shape: BaseGeometry) -> str:
        positions = shapely.get_coordinates(shape, include_z=bool(shape.has_z)).tolist()
        if self._is_gml2:
            return _tag("coordinates", " ".join(",".join(map(format_number, p)) for p in positions))
        name = "pos" if isinstance(shape, shapely.Point) else "posList"
        return _tag(name, " ".join(format_number(n) for p in positions for n in p))


def _tag(name: str, body: str) -> str:
    return f"<gml:{name}>{body}</gml:{name}>" if body else f"<gml:{name}/>"
