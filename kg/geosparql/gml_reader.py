"""GML geometries (OGC 07-036, and 3.1 and 2.1 before it) as shapes.

Read are the geometries of the Simple Features profiles: points, curves of straight
segments, surfaces of polygon patches, and collections of these; arcs and solids are not.
https://docs.ogc.org/is/10-100r3/10-100r3.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from kg.geosparql.errors import InvalidGeometryError
from kg.geosparql.markup import children, grandchildren, name_of, namespace_of, parse_xml
from kg.geosparql.systems import dimension_of, srs_iri

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from xml.etree import ElementTree as ET

    from shapely.geometry.base import BaseGeometry

#: The two namespaces of GML, and spellings of them that data sets have: http or https, the
#: GML ontology's, a / or # at the end.
_NAMESPACE = re.compile(
    r"https?://(?:www\.)?opengis\.net/(?:ont/)?gml(?:/3\.[01])?(?P<latest>/3\.[23])?[/#]?"
)
#: Members that only GML 2 has, which shares its namespace with GML 3.1.
_GML2 = {"coordinates", "coord", "outerBoundaryIs", "Box"}
_MEMBERS = [
    "pointMember",
    "pointMembers",
    "lineStringMember",
    "curveMember",
    "curveMembers",
    "polygonMember",
    "surfaceMember",
    "surfaceMembers",
    "geometryMember",
    "geometryMembers",
]


@dataclass(frozen=True, kw_only=True)
class Gml:
    """What a GML text says."""

    shape: BaseGeometry
    """Coordinates in the order of the text."""
    srs: str | None
    """The IRI of the reference system, if the text names one."""
    version: str
    """2.1, 3.1 or 3.2."""
    namespace: str
    """As it is spelt in the text."""


def read_gml(text: str) -> Gml:
    """Return what a GML text says.

    Raises:
        InvalidGeometryError: It is no GML geometry, or has arcs.
    """
    root = parse_xml(text)
    namespace = namespace_of(root)
    match = _NAMESPACE.fullmatch(namespace)
    if match is None:
        raise InvalidGeometryError(f"{root.tag} is in no namespace of GML")
    version = "3.2" if match["latest"] else "3.1"
    elements = list(root.iter())
    if version == "3.1" and any(name_of(element) in _GML2 for element in elements):
        version = "2.1"
    names = {srs_iri(e.get("srsName", "").strip()) for e in elements if e.get("srsName")}
    if len(names) > 1:
        raise InvalidGeometryError(f"one geometry in several reference systems: {sorted(names)}")
    srs = names.pop() if names else None
    axes = next((e.get("srsDimension") for e in elements if e.get("srsDimension")), None)
    reader = _Reader(int(axes) if axes else dimension_of(srs) if srs else None)
    return Gml(shape=reader.geometry(root), srs=srs, version=version, namespace=namespace)


class _Reader:
    """Builds shapes from elements whose positions have a number of axes, if it is known."""

    def __init__(self, axes: int | None) -> None:
        self._axes = axes
        self._readers: dict[str, Callable[[ET.Element], BaseGeometry]] = {
            "Point": self._point,
            "LineString": self._line,
            "LinearRing": lambda element: shapely.LinearRing(self._positions(element)),
            "Ring": lambda element: shapely.LinearRing(self._ring(element)),
            "Curve": self._line,
            "CompositeCurve": self._line,
            "OrientableCurve": self._line,
            "Polygon": self._polygon,
            "Surface": self._surface,
            "CompositeSurface": self._surface,
            "OrientableSurface": self._surface,
            "PolyhedralSurface": self._surface,
            "TriangulatedSurface": self._surface,
            "Tin": self._surface,
            "Envelope": self._envelope,
            "Box": self._envelope,
            "MultiPoint": lambda element: shapely.MultiPoint(self._members(element)),
            "MultiCurve": lambda element: shapely.MultiLineString(self._members(element)),
            "MultiLineString": lambda element: shapely.MultiLineString(self._members(element)),
            "MultiSurface": lambda element: shapely.MultiPolygon(self._polygons(element)),
            "MultiPolygon": lambda element: shapely.MultiPolygon(self._polygons(element)),
            "MultiGeometry": lambda element: shapely.GeometryCollection(self._members(element)),
        }

    def geometry(self, element: ET.Element) -> BaseGeometry:
        """Return the shape of a geometry element."""
        reader = self._readers.get(name_of(element))
        if reader is None:
            raise InvalidGeometryError(f"gml:{name_of(element)} is no geometry that can be read")
        return reader(element)

    def _members(self, element: ET.Element) -> list[BaseGeometry]:
        return [self.geometry(member) for member in grandchildren(element, *_MEMBERS)]

    def _polygons(self, element: ET.Element) -> list[BaseGeometry]:
        return [part for member in self._members(element) for part in _parts(member)]

    def _point(self, element: ET.Element) -> BaseGeometry:
        positions = self._positions(element)
        if len(positions) > 1:
            raise InvalidGeometryError(f"a point with {len(positions)} positions")
        return shapely.Point(positions[0]) if len(positions) else shapely.Point()

    def _line(self, element: ET.Element) -> BaseGeometry:
        return shapely.LineString(self._curve(element))

    def _curve(self, element: ET.Element) -> np.ndarray:
        """Return the positions along a curve, which may be made of curves."""
        kind = name_of(element)
        if kind in {"LineString", "LineStringSegment", "LinearRing"}:
            return self._positions(element)
        if kind not in {"Curve", "CompositeCurve", "OrientableCurve", "Ring"}:
            raise InvalidGeometryError(f"gml:{kind} is no curve of straight segments")
        parts = [
            self._curve(part)
            for part in grandchildren(element, "segments", "curveMember", "baseCurve")
        ]
        if not parts:
            return np.empty((0, 2))
        # Where one part ends the next begins; the shared position is kept once.
        joined = [
            part[1:] if index and np.array_equal(parts[index - 1][-1], part[0]) else part
            for index, part in enumerate(parts)
        ]
        positions = np.concatenate(joined)
        return positions[::-1] if element.get("orientation") == "-" else positions

    def _ring(self, element: ET.Element) -> np.ndarray:
        positions = self._curve(element)
        if len(positions) and not np.array_equal(positions[0], positions[-1]):
            raise InvalidGeometryError("a ring ends elsewhere than it begins")
        return positions

    def _polygon(self, element: ET.Element) -> BaseGeometry:
        shell = self._rings(element, "exterior", "outerBoundaryIs")
        holes = self._rings(element, "interior", "innerBoundaryIs")
        return shapely.Polygon(shell[0], holes) if shell else shapely.Polygon()

    def _rings(self, element: ET.Element, *names: str) -> list[np.ndarray]:
        return [self._ring(ring) for ring in grandchildren(element, *names)]

    def _surface(self, element: ET.Element) -> BaseGeometry:
        if name_of(element) in {"Polygon", "PolygonPatch", "Triangle", "Rectangle"}:
            return self._polygon(element)
        members = grandchildren(
            element,
            "patches",
            "polygonPatches",
            "trianglePatches",
            "surfaceMember",
            "surfaceMembers",
            "baseSurface",
        )
        patches = [self._surface(patch) for patch in members]
        if len(patches) == 1:
            return patches[0]
        return shapely.union_all(patches) if patches else shapely.Polygon()

    def _envelope(self, element: ET.Element) -> BaseGeometry:
        corners = self._positions(element)
        if len(corners) != 2:
            raise InvalidGeometryError("an envelope has two corners")
        (x, y), (right, top) = corners[:, :2]
        return shapely.box(x, y, right, top)

    def _positions(self, element: ET.Element) -> np.ndarray:
        """Return the positions directly inside an element, (n, axes)."""
        found = [self._position_list(child) for child in children(element)]
        found = [positions for positions in found if len(positions)]
        return np.concatenate(found) if found else np.empty((0, 2))

    def _position_list(self, element: ET.Element) -> np.ndarray:
        kind, text = name_of(element), element.text or ""
        if kind in {"pos", "lowerCorner", "upperCorner"}:
            return _numbers(text.split()).reshape(1, -1)
        if kind == "posList":
            numbers = _numbers(text.split())
            return numbers.reshape(-1, _axes(self._axes, len(numbers)))
        if kind == "coordinates":
            return _tuples(element)
        if kind == "coord":
            return _numbers(child.text or "" for child in children(element)).reshape(1, -1)
        if kind in {"pointProperty", "pointRep"}:
            points = [self._positions(point) for point in children(element)]
            return np.concatenate(points) if points else np.empty((0, 2))
        return np.empty((0, 2))


def _numbers(texts: Iterable[str]) -> np.ndarray:
    return np.array([float(text) for text in texts])


def _axes(said: int | None, count: int) -> int:
    """Return how many of the numbers make a position: as said where it divides them."""
    for axes in (said, 2, 3):
        if axes in {2, 3} and count % axes == 0:
            return axes
    raise InvalidGeometryError(f"{count} numbers make no positions")


def _tuples(element: ET.Element) -> np.ndarray:
    decimal, between, after = (
        element.get(name, default) for name, default in (("decimal", "."), ("cs", ","), ("ts", " "))
    )
    tuples = [
        part.split(between)
        for part in (element.text or "").replace("\n", " ").strip().split(after)
        if part.strip()
    ]
    return np.array(
        [[float(number.replace(decimal, ".")) for number in position] for position in tuples]
    )


def _parts(shape: BaseGeometry) -> list[BaseGeometry]:
    return list(shape.geoms) if isinstance(shape, shapely.MultiPolygon) else [shape]
