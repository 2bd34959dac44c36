"""Regions that people name: a place of the graph, an IRI, or WKT."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pyoxigraph import Literal, NamedNode, Quad

from kg.errors import RegionError
from kg.rdf.geometry import BBox, geometry_quads, parse_wkt
from kg.rdf.terms import text
from kg.rows import select
from ontology.axioms import UNRANKED, search_ranks
from ontology.terms import GEO, RDF, RDFS

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from kg.rdf.iris import Iris
    from kg.store import GraphStore


#: What a place may be given as.
Place: TypeAlias = "BaseGeometry | BBox | NamedNode | str"


@dataclass(frozen=True, kw_only=True)
class Region:
    """An area that something is asked of."""

    iri: NamedNode
    label: str
    geometry: BaseGeometry
    """CRS84."""
    quads: tuple[Quad, ...]
    """What the graph does not say of it yet; none for a place that is there."""


def find_region(store: GraphStore, iris: Iris, name: str) -> Region:
    """Return the region that a name, an IRI or a WKT text stands for.

    Raises:
        RegionError: No place has that name, more than one has, or the WKT is none.
    """
    return _drawn(iris, name) if "(" in name else _named(store, name)


def region_geometry(store: GraphStore, place: Place) -> BaseGeometry:
    """Return the geometry of a place, in CRS84.

    Args:
        store: The graph that knows the place.
        place: A geometry, a box, an IRI, or a text: a name, an IRI or WKT.

    Raises:
        RegionError: The graph knows no such place, or more than one; the WKT is none; or there
            is nothing in it.
    """
    if isinstance(place, BBox):
        return place.polygon()
    if isinstance(place, NamedNode):
        place = place.value
    if isinstance(place, str):
        if "(" not in place:
            return _named(store, place).geometry
        try:
            place = parse_wkt(place)
        except ValueError as error:
            raise RegionError(f"the region is no WKT: {error}") from error
    if place.is_empty:
        raise RegionError("the region is empty")
    return place


def _named(store: GraphStore, name: str) -> Region:
    if name.startswith(("http://", "https://", "urn:")):
        return _place(store, f"VALUES ?place {{ <{name}> }}", name)
    return _place(store, f"?place rdfs:label {Literal(name)} .", name)


def _place(store: GraphStore, condition: str, name: str) -> Region:
    ranks = " ".join(f"({kind} {rank})" for kind, rank in search_ranks().items())
    rows = select(
        store,
        # Ranks of our modules are known to a store that does not hold them, too.
        f"""SELECT ?place (SAMPLE(?l) AS ?label) ?wkt (MIN(?o) AS ?order) WHERE {{
              {condition}
              ?place geo:hasDefaultGeometry/geo:asWKT ?wkt .
              OPTIONAL {{ ?place rdfs:label ?l }}
              OPTIONAL {{ ?place a/rdfs:subClassOf* ?kind .
                {{ VALUES (?kind ?rank) {{ {ranks} }} }} UNION {{ ?kind deep:searchRank ?rank }} }}
              BIND(COALESCE(?rank, {UNRANKED}) AS ?o)
            }} GROUP BY ?place ?wkt ORDER BY ?order ?place""",
    )
    if not rows:
        raise RegionError(
            f"the graph has no place {name!r}; index places first "
            "(deepcube index natural-earth-countries), or give WKT in longitude and latitude"
        )
    places = list(dict.fromkeys(text(r["place"]) for r in rows if r["order"] == rows[0]["order"]))
    if len(places) > 1:
        raise RegionError(f"{len(places)} places are called {name!r}; give one's IRI: {places[:5]}")
    return Region(
        iri=NamedNode(places[0]),
        label=text(rows[0]["label"]) if "label" in rows[0] else places[0],
        geometry=parse_wkt(text(rows[0]["wkt"])),
        quads=(),
    )


def _drawn(iris: Iris, wkt: str) -> Region:
    try:
        geometry = parse_wkt(wkt)
    except ValueError as error:
        raise RegionError(f"the region is no WKT: {error}") from error
    if geometry.area == 0:
        raise RegionError("the region has no area; draw a polygon")
    iri = iris.mint("region", hashlib.sha256(geometry.wkt.encode()).hexdigest()[:12])
    quads = (
        Quad(iri, RDF.type, GEO.Feature),
        Quad(iri, RDFS.label, Literal("region drawn by a user")),
        *geometry_quads(iri, geometry),
    )
    return Region(iri=iri, label="the region drawn", geometry=geometry, quads=quads)
