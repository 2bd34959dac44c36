"""The functions of GeoSPARQL 1.1 by IRI, on RDF terms.

A function raises for an argument that does not fit; in a query that leaves the expression
unbound and the other rows as they are. A geometry that comes out has the datatype and the
reference system of the first argument, and one that comes out as it went in keeps its text.

https://docs.ogc.org/is/22-047r1/22-047r1.html#annex-b
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from kg.geosparql import constructions, measures
from kg.geosparql.arguments import (
    geometry_in,
    geometry_of,
    integer_of,
    iri_of,
    number_of,
    text_of,
    unit_from,
)
from kg.geosparql.buffers import buffer
from kg.geosparql.crs import to_srs
from kg.geosparql.dggs import H3
from kg.geosparql.errors import InvalidArgumentError, InvalidGeometryError
from kg.geosparql.gml_writer import NAMESPACES
from kg.geosparql.literals import CRS84_ONLY, Geometry, serialise
from kg.geosparql.relations import RELATIONS, Constant, Relation, relate_pattern
from kg.geosparql.systems import crs_of, srs_iri
from kg.geosparql.units import METRE, SQUARE_METRE, Unit
from kg.rdf.geometry import CRS84
from ontology.terms import GEO, GEOF, SF, XSD

if TYPE_CHECKING:
    from collections.abc import Callable

    from shapely.geometry.base import BaseGeometry

    Function = Callable[..., NamedNode | BlankNode | Literal | Triple | None]


_TRUE, _FALSE = Literal(value=True), Literal(value=False)
_MATRIX = re.compile("[TF*012]{9}")
#: In the names of the profiles for simple features.
_SIMPLE_FEATURES = "gml-sf"
_GML_VERSION = re.compile(r"(?<![\d.])(?P<major>[23])(?:\.(?P<minor>\d))?")
_DGGS = re.compile(rf"{re.escape(H3)}(?:/res/(?P<resolution>\d|1[0-5]))?|{GEO.dggsLiteral.value}")


def _relation(relation: Relation) -> Function:
    predicate, converse = relation.predicate, relation.converse
    left, right = Constant(), Constant()

    def function(one: object, other: object) -> Literal:
        geometry = geometry_of(one)
        a, b = geometry.shape, geometry_in(other, geometry.srs).shape
        if (prepared := left.prepared(a)) is not None:
            holds = predicate(prepared, b)
        elif converse and (prepared := right.prepared(b)) is not None:
            holds = converse(prepared, a)
        else:
            holds = predicate(a, b)
        return _TRUE if holds else _FALSE

    return function


def relate(one: object, other: object, matrix: object) -> Literal:
    """Tell whether a DE-9IM pattern fits two geometries."""
    a, pattern = geometry_of(one), text_of(matrix).upper()
    if not _MATRIX.fullmatch(pattern):
        raise InvalidArgumentError(f"{pattern!r} is no DE-9IM pattern: nine of T, F, *, 0, 1, 2")
    shape = geometry_in(other, a.srs).shape
    return _boolean(relate_pattern(a.shape, shape, pattern))


# Geometries from geometries


def _made(make: Callable[[BaseGeometry], BaseGeometry]) -> Function:
    def function(geometry: object) -> Literal:
        source = geometry_of(geometry)
        with np.errstate(all="ignore"):  # GEOS divides by 0 on its way to a good result
            shape = make(source.shape)
        return serialise(source.with_shape(shape))

    return function


def _combined(combine: Callable[[BaseGeometry, BaseGeometry], BaseGeometry]) -> Function:
    def function(one: object, other: object) -> Literal:
        a = geometry_of(one)
        b = geometry_in(other, a.srs)
        with np.errstate(all="ignore"):
            shape = combine(a.shape, b.shape)
        return serialise(a.with_shape(shape))

    return function


def buffer_in(geometry: object, radius: object, unit: object) -> Literal:
    """Return the buffer with a radius in a unit."""
    return serialise(buffer(geometry_of(geometry), number_of(radius), unit_from(unit)))


def metric_buffer(geometry: object, radius: object) -> Literal:
    """Return the buffer with a radius in metres."""
    return serialise(buffer(geometry_of(geometry), number_of(radius), METRE))


def concave_hull(geometry: object, ratio: object = None) -> Literal:
    """Return the concave hull, at a ratio from 0 to 1 that the standard does not know."""
    source = geometry_of(geometry)
    chosen = constructions.CONCAVE_RATIO if ratio is None else number_of(ratio)
    return serialise(source.with_shape(constructions.concave_hull(source.shape, chosen)))


def geometry_n(geometry: object, number: object) -> Literal:
    """Return a member of a collection, counted from 1."""
    source = geometry_of(geometry)
    member = constructions.geometry_n(source.shape, integer_of(number))
    is_same = member.geom_type == source.shape.geom_type and member.equals_exact(source.shape)
    return serialise(source if is_same else source.with_shape(member))


def transform(geometry: object, srs: object) -> Literal:
    """Return the geometry in another reference system; in WKT if its own form has but one."""
    source, target = geometry_of(geometry), srs_iri(iri_of(srs))
    crs_of(target)
    moved = to_srs(source, target)
    if target != CRS84 and moved.datatype in CRS84_ONLY:
        moved = replace(moved, datatype=GEO.wktLiteral)
    return serialise(moved)


# Serialisations


def _as(datatype: NamedNode) -> Function:
    def function(geometry: object) -> Literal:
        source = geometry_of(geometry)
        return serialise(_in_form(source, datatype))

    return function


def as_gml(geometry: object, profile: object = None) -> Literal:
    """Return the geometry as GML, of the version that the profile names, or 3.2."""
    source = geometry_of(geometry)
    version = "3.2" if profile is None else _gml_version(iri_of(profile))
    if (source.variant, source.namespace) == (version, NAMESPACES[version]):
        return serialise(source)
    written = replace(source, datatype=GEO.gmlLiteral, variant=version, namespace="", lexical=None)
    return serialise(written)


def as_dggs(geometry: object, dggs: object = H3) -> Literal:
    """Return the geometry as cells of H3, of a resolution that the IRI may end with: /res/9."""
    source = geometry_of(geometry)
    match = _DGGS.fullmatch(dggs if isinstance(dggs, str) else iri_of(dggs))
    if match is None:
        raise InvalidArgumentError(f"{dggs} is no known DGGS; there is <{H3}>")
    resolution = match["resolution"] or ""
    if source.datatype == GEO.dggsLiteral and resolution in {"", source.variant}:
        return serialise(source)
    return serialise(replace(_in_form(source, GEO.dggsLiteral), variant=resolution))


def _in_form(geometry: Geometry, datatype: NamedNode) -> Geometry:
    if geometry.datatype == datatype:
        return geometry
    if datatype in CRS84_ONLY:
        geometry = to_srs(geometry, CRS84)
    return replace(geometry, datatype=datatype, variant="", namespace="", lexical=None)


def _gml_version(profile: str) -> str:
    if _SIMPLE_FEATURES in profile:
        return "3.2"  # the version in such a name is that of the profile (OGC 10-100r3)
    match = _GML_VERSION.search(profile)
    if match is None:
        raise InvalidArgumentError(f"{profile!r} names no version of GML; there is 3.2")
    if match["major"] == "2":
        return "2.1"
    return "3.1" if match["minor"] in {"0", "1"} else "3.2"


# Values


def _valued(value: Callable[[BaseGeometry], bool | float]) -> Function:
    def function(geometry: object) -> Literal:
        return Literal(value(geometry_of(geometry).shape))

    return function


def _measured(measure: Callable[[Geometry, Unit], float]) -> Function:
    def function(geometry: object, unit: object) -> Literal:
        return _double(measure(geometry_of(geometry), unit_from(unit)))

    return function


def _metric(measure: Callable[[Geometry, Unit], float], unit: Unit) -> Function:
    def function(geometry: object) -> Literal:
        return _double(measure(geometry_of(geometry), unit))

    return function


def distance(one: object, other: object, unit: object) -> Literal:
    """Return the shortest distance in a unit."""
    a = geometry_of(one)
    return _double(measures.distance(a, geometry_in(other, a.srs), unit_from(unit)))


def metric_distance(one: object, other: object) -> Literal:
    """Return the shortest distance in metres."""
    a = geometry_of(one)
    return _double(measures.distance_m(a, geometry_in(other, a.srs)))


def geometry_type(geometry: object) -> Literal:
    """Return the class of Simple Features."""
    kind: NamedNode = getattr(SF, geometry_of(geometry).shape.geom_type)
    return Literal(kind.value, datatype=XSD.anyURI)


def get_srid(geometry: object) -> Literal:
    """Return the IRI of the reference system."""
    return Literal(geometry_of(geometry).srs, datatype=XSD.anyURI)


def _extreme(axis: int, choose: Callable[[np.ndarray], Any]) -> Function:
    def function(geometry: object) -> Literal:
        shape = geometry_of(geometry).shape
        if shape.is_empty or (axis == 2 and not shape.has_z):
            raise InvalidGeometryError("there is no such coordinate")
        return _double(choose(shapely.get_coordinates(shape, include_z=True)[:, axis]))

    return function


def _dimension(shape: BaseGeometry) -> int:
    return max(int(shapely.get_dimensions(shape)), 0)


def _spatial_dimension(shape: BaseGeometry) -> int:
    return 2 + bool(shape.has_z)


def _coordinate_dimension(shape: BaseGeometry) -> int:
    return _spatial_dimension(shape) + bool(shape.has_m)


def _boolean(value: object) -> Literal:
    return _TRUE if value else _FALSE


def _double(value: float) -> Literal:
    return Literal(float(value))


FUNCTIONS: dict[NamedNode, Function] = {
    **{getattr(GEOF, name): _relation(relation) for name, relation in RELATIONS.items()},
    GEOF.relate: relate,
    GEOF.boundary: _made(constructions.boundary),
    GEOF.boundingCircle: _made(constructions.bounding_circle),
    GEOF.buffer: buffer_in,
    GEOF.metricBuffer: metric_buffer,
    GEOF.centroid: _made(shapely.centroid),
    GEOF.concaveHull: concave_hull,
    GEOF.convexHull: _made(shapely.convex_hull),
    GEOF.envelope: _made(constructions.envelope),
    GEOF.difference: _combined(shapely.difference),
    GEOF.intersection: _combined(shapely.intersection),
    GEOF.symDifference: _combined(shapely.symmetric_difference),
    GEOF.union: _combined(shapely.union),
    GEOF.geometryN: geometry_n,
    GEOF.transform: transform,
    GEOF.asDGGS: as_dggs,
    GEOF.asGML: as_gml,
    GEOF.asGeoJSON: _as(GEO.geoJSONLiteral),
    GEOF.asKML: _as(GEO.kmlLiteral),
    GEOF.asWKT: _as(GEO.wktLiteral),
    GEOF.area: _measured(measures.area),
    GEOF.length: _measured(measures.length),
    GEOF.perimeter: _measured(measures.perimeter),
    GEOF.metricArea: _metric(measures.area, SQUARE_METRE),
    GEOF.metricLength: _metric(measures.length, METRE),
    GEOF.metricPerimeter: _metric(measures.perimeter, METRE),
    GEOF.distance: distance,
    GEOF.metricDistance: metric_distance,
    GEOF.geometryType: geometry_type,
    GEOF.getSRID: get_srid,
    GEOF.coordinateDimension: _valued(_coordinate_dimension),
    GEOF.dimension: _valued(_dimension),
    GEOF.spatialDimension: _valued(_spatial_dimension),
    GEOF.is3D: _valued(lambda shape: bool(shape.has_z)),
    GEOF.isEmpty: _valued(lambda shape: bool(shape.is_empty)),
    GEOF.isMeasured: _valued(lambda shape: bool(shape.has_m)),
    GEOF.isSimple: _valued(constructions.is_simple),
    GEOF.numGeometries: _valued(lambda shape: int(shapely.get_num_geometries(shape))),
    GEOF.maxX: _extreme(0, np.nanmax),
    GEOF.maxY: _extreme(1, np.nanmax),
    GEOF.maxZ: _extreme(2, np.nanmax),
    GEOF.minX: _extreme(0, np.nanmin),
    GEOF.minY: _extreme(1, np.nanmin),
    GEOF.minZ: _extreme(2, np.nanmin),
}
