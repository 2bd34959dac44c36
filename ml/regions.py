"""Regions that people name: a place of the graph, an IRI, or WKT."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyoxigraph import Literal, NamedNode, Quad

from kg.geometry import geometry_quads, parse_wkt
from kg.query import select, text
from ml.errors import PlanError
from ontology.terms import GEO, RDF, RDFS

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from kg.iris import Iris
    from kg.store import GraphStore


@dataclass(frozen=True, kw_only=True)
class Region:
    """An area that a plan is for."""

    iri: NamedNode
    label: str
    geometry: BaseGeometry
    """CRS84."""
    quads: tuple[Quad, ...]
    """What the graph does not say of it yet; none for a place that is there."""


def find_region(store: GraphStore, iris: Iris, name: str) -> Region:
    """Return the region that a name, an IRI or a WKT text stands for.

    Raises:
        PlanError: No place has that name, more than one has, or the WKT is none.
    """
    if name.startswith(("http://", "https://")):
        return _place(store, f"VALUES ?place {{ <{name}> }}", name)
    if "(" in name:
        return _drawn(iris, name)
    return _place(store, f"?place rdfs:label {Literal(name)} .", name)


def _place(store: GraphStore, condition: str, name: str) -> Region:
    rows = select(
        store,
        f"""SELECT ?place ?label ?wkt ?kind WHERE {{
              {condition}
              ?place a ?kind ; rdfs:label ?label ; geo:hasDefaultGeometry/geo:asWKT ?wkt .
              VALUES (?kind ?order) {{ (deep:Country 0) (deep:ProtectedArea 1) (deep:Settlement 2)
                                       (deep:Place 3) (deep:Cell 4) (geo:Feature 5) }}
            }} ORDER BY ?order ?place""",
    )
    if not rows:
        raise PlanError(
            f"the graph has no place {name!r}; index places first "
            "(deepcube index natural-earth-countries), or give WKT in longitude and latitude"
        )
    places = list(dict.fromkeys(text(r["place"]) for r in rows if r["kind"] == rows[0]["kind"]))
    if len(places) > 1:
        raise PlanError(f"{len(places)} places are called {name!r}; give one's IRI: {places[:5]}")
    return Region(
        iri=NamedNode(places[0]),
        label=text(rows[0]["label"]),
        geometry=parse_wkt(text(rows[0]["wkt"])),
        quads=(),
    )


def _drawn(iris: Iris, wkt: str) -> Region:
    try:
        geometry = parse_wkt(wkt)
    except ValueError as error:
        raise PlanError(f"the region is no WKT: {error}") from error
    if geometry.area == 0:
        raise PlanError("the region has no area; draw a polygon")
    iri = iris.mint("region", hashlib.sha256(geometry.wkt.encode()).hexdigest()[:12])
    quads = (
        Quad(iri, RDF.type, GEO.Feature),
        Quad(iri, RDFS.label, Literal("region drawn by a user")),
        *geometry_quads(iri, geometry),
    )
    return Region(iri=iri, label="the region drawn", geometry=geometry, quads=quads)
