"""Where RDF and geometry meet: WKT literals, boxes, and the one decision on axis order.

In the graph a geometry without a CRS IRI is CRS84: longitude first, latitude second.
All that we write is CRS84.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import shapely
from pyoxigraph import Literal, NamedNode, Quad
from shapely.errors import ShapelyError

from ontology.terms import GEO, RDF, SF

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapely.geometry.base import BaseGeometry


CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"


@dataclass(frozen=True, kw_only=True)
class BBox:
    """A box in CRS84 degrees."""

    west: float
    south: float
    east: float
    north: float

    def __post_init__(self) -> None:
        """Refuse a box that is no box."""
        if not (self.west <= self.east and self.south <= self.north):
            raise ValueError(
                f"a box needs west <= east and south <= north, not {self.west}, {self.south}, "
                f"{self.east}, {self.north}"
            )

    @classmethod
    def of(cls, geometry: BaseGeometry) -> BBox:
        """Return the box around a geometry that is not empty."""
        west, south, east, north = geometry.bounds
        return cls(west=west, south=south, east=east, north=north)

    def polygon(self) -> BaseGeometry:
        """Return the box as a polygon; a point or a line where it has no area."""
        if self.west == self.east and self.south == self.north:
            return shapely.Point(self.west, self.south)
        if self.west == self.east or self.south == self.north:
            return shapely.LineString([(self.west, self.south), (self.east, self.north)])
        return shapely.box(self.west, self.south, self.east, self.north)


def wkt_literal(geometry: BaseGeometry) -> Literal:
    """Return a CRS84 geometry as a geo:wktLiteral, trimmed to 7 decimals (about 1 cm)."""
    return Literal(
        shapely.to_wkt(geometry, rounding_precision=7, trim=True), datatype=GEO.wktLiteral
    )


def parse_wkt(literal: str) -> BaseGeometry:
    """Return the geometry of a CRS84 WKT literal.

    Raises:
        ValueError: The text is no WKT, or names a CRS other than CRS84.
    """
    text = literal.strip()
    if text.startswith("<"):
        crs, _, text = text[1:].partition(">")
        if crs != CRS84:
            raise ValueError(f"geometry in <{crs}>: only CRS84 (longitude, latitude) is read here")
    try:
        return shapely.from_wkt(text)
    except ShapelyError as error:
        raise ValueError(f"not a WKT geometry: {text[:60]!r}") from error


def geometry_quads(feature: NamedNode, geometry: BaseGeometry) -> Iterator[Quad]:
    """Yield the quads that give a feature its geometry node."""
    node = NamedNode(f"{feature.value}/geometry")
    yield Quad(feature, GEO.hasGeometry, node)
    yield Quad(feature, GEO.hasDefaultGeometry, node)
    yield from _geometry_node(node, geometry)


def bounding_box_quads(subject: NamedNode, bbox: BBox) -> Iterator[Quad]:
    """Yield the quads that give a data set its spatial extent."""
    node = NamedNode(f"{subject.value}/extent")
    yield Quad(subject, GEO.hasBoundingBox, node)
    yield from _geometry_node(node, bbox.polygon())


def _geometry_node(node: NamedNode, geometry: BaseGeometry) -> Iterator[Quad]:
    yield Quad(node, RDF.type, GEO.Geometry)
    yield Quad(node, RDF.type, getattr(SF, geometry.geom_type))
    yield Quad(node, GEO.asWKT, wkt_literal(geometry))
