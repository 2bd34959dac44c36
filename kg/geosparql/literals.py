"""Geometry literals: five datatypes in and out, and the one decision on axis order.

Inside, x is easting or longitude whatever the reference system says; `parse` and
`serialise` swap where the system's own order is the other one. The rules per datatype:

- WKT: an optional `<srs>` before the text, CRS84 without one.
- GML: versions 2.1, 3.1 and 3.2; `srsName` of any spelling, CRS84 without one. The order is
  always that of the system, also for `EPSG:4326`. A result keeps the namespace as it was spelt.
- GeoJSON, KML: CRS84 only.
- DGGS: H3 cells, see `kg.geosparql.dggs`.

https://docs.ogc.org/is/22-047r1/22-047r1.html#10-8-geometry-serializations
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import shapely
from pyoxigraph import Literal, NamedNode
from shapely.errors import ShapelyError

from kg.geosparql.coordinates import is_finite, swapped
from kg.geosparql.dggs import read_dggs, write_dggs
from kg.geosparql.errors import InvalidGeometryError
from kg.geosparql.geojson import read_geojson, write_geojson
from kg.geosparql.gml_reader import read_gml
from kg.geosparql.gml_writer import write_gml
from kg.geosparql.kml import read_kml, write_kml
from kg.geosparql.noding import noded
from kg.geosparql.systems import is_north_first
from kg.geosparql.wkt import read_wkt, write_wkt
from kg.rdf.geometry import CRS84
from ontology.terms import GEO

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

#: The datatypes whose text cannot name a reference system.
CRS84_ONLY = frozenset({GEO.geoJSONLiteral, GEO.kmlLiteral, GEO.dggsLiteral})
_DATATYPES = {
    datatype.value: datatype for datatype in (GEO.wktLiteral, GEO.gmlLiteral, *CRS84_ONLY)
}
GEOMETRY_DATATYPES = frozenset(_DATATYPES)

_CACHED_LITERALS = 4096  # a constant and the candidates around it; bounds the memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """A geometry with the reference system and the form of the literal it came from."""

    shape: BaseGeometry
    """x is easting or longitude, y northing or latitude; Z and M are kept.

    Where two of its rings touch there is a corner: see `kg.geosparql.noding`.
    """
    srs: str
    """The IRI of the reference system."""
    datatype: NamedNode
    """One of the five literal datatypes."""
    is_srs_named: bool = False
    """The literal said its reference system, even if it is the default."""
    variant: str = ""
    """Of GML the version, of DGGS the resolution."""
    namespace: str = ""
    """Of GML the namespace as the text spells it."""
    lexical: str | None = field(default=None, compare=False)
    """The text as it was read; None for a computed geometry."""

    def with_shape(self, shape: BaseGeometry) -> Geometry:
        """Return another geometry in the same form and reference system."""
        return replace(self, shape=shape, lexical=None)


@lru_cache(maxsize=_CACHED_LITERALS)
def parse(lexical: str, datatype: str) -> Geometry:
    """Return the geometry of a literal.

    Raises:
        InvalidGeometryError: The text is no geometry of that datatype.
    """
    reader = _READERS.get(datatype)
    if reader is None:
        raise InvalidGeometryError(f"<{datatype}> is no datatype of geometry literals")
    try:
        read = reader(lexical) if lexical.strip() else _Parsed(shapely.GeometryCollection())
    except (ShapelyError, ValueError, RecursionError) as error:
        if isinstance(error, InvalidGeometryError):
            raise
        raise InvalidGeometryError(f"no geometry: {lexical[:60]!r}: {error}") from error
    if not is_finite(read.shape):
        raise InvalidGeometryError(f"not all coordinates are numbers: {lexical[:60]!r}")
    srs = read.srs or CRS84
    return Geometry(
        shape=noded(swapped(read.shape) if is_north_first(srs) else read.shape),
        srs=srs,
        datatype=_DATATYPES[datatype],
        is_srs_named=bool(read.srs),
        variant=read.variant,
        namespace=read.namespace,
        lexical=lexical,
    )


def serialise(geometry: Geometry) -> Literal:
    """Return the literal of a geometry; one that was only read comes back unchanged.

    Raises:
        InvalidGeometryError: The datatype holds CRS84 only and this is in another system, or
            a coordinate is no number.
    """
    if geometry.lexical is not None:
        return Literal(geometry.lexical, datatype=geometry.datatype)
    if not is_finite(geometry.shape):
        raise InvalidGeometryError("the numbers of the geometry are beyond those of computers")
    if geometry.datatype in CRS84_ONLY and geometry.srs != CRS84:
        raise InvalidGeometryError(f"{geometry.datatype} cannot hold <{geometry.srs}>")
    return Literal(_WRITERS[geometry.datatype.value](geometry), datatype=geometry.datatype)


class _Parsed(NamedTuple):
    """What a text says, with its coordinates in the order of the text."""

    shape: BaseGeometry
    srs: str = ""
    variant: str = ""
    namespace: str = ""


def _from_wkt(lexical: str) -> _Parsed:
    text = lexical.strip()
    srs = ""
    if text.startswith("<"):
        srs, _, text = text[1:].partition(">")
        text = text.lstrip()
    return _Parsed(read_wkt(text) if text else shapely.GeometryCollection(), srs)


def _to_wkt(geometry: Geometry) -> str:
    text = write_wkt(_ordered(geometry))
    if geometry.srs == CRS84 and not geometry.is_srs_named:
        return text
    return f"<{geometry.srs}> {text}"


def _from_gml(lexical: str) -> _Parsed:
    gml = read_gml(lexical)
    return _Parsed(gml.shape, gml.srs or "", gml.version, gml.namespace)


def _to_gml(geometry: Geometry) -> str:
    return write_gml(_ordered(geometry), geometry.srs, geometry.variant, geometry.namespace)


def _from_geojson(lexical: str) -> _Parsed:
    return _Parsed(read_geojson(lexical))


def _to_geojson(geometry: Geometry) -> str:
    return write_geojson(geometry.shape)


def _from_kml(lexical: str) -> _Parsed:
    return _Parsed(read_kml(lexical))


def _to_kml(geometry: Geometry) -> str:
    return write_kml(geometry.shape)


def _from_dggs(lexical: str) -> _Parsed:
    cells = read_dggs(lexical)
    return _Parsed(cells.shape, variant=cells.resolution)


def _to_dggs(geometry: Geometry) -> str:
    return write_dggs(geometry.shape, geometry.variant)


def _ordered(geometry: Geometry) -> BaseGeometry:
    """Return the shape with its coordinates in the order that the text has them."""
    return swapped(geometry.shape) if is_north_first(geometry.srs) else geometry.shape


_READERS = {
    GEO.wktLiteral.value: _from_wkt,
    GEO.gmlLiteral.value: _from_gml,
    GEO.geoJSONLiteral.value: _from_geojson,
    GEO.kmlLiteral.value: _from_kml,
    GEO.dggsLiteral.value: _from_dggs,
}
_WRITERS = {
    GEO.wktLiteral.value: _to_wkt,
    GEO.gmlLiteral.value: _to_gml,
    GEO.geoJSONLiteral.value: _to_geojson,
    GEO.kmlLiteral.value: _to_kml,
    GEO.dggsLiteral.value: _to_dggs,
}
