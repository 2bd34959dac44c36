"""The statements that a spatial index takes in: geometry literals, and features' links to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely
from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, RdfFormat
from pyoxigraph import parse as parse_rdf

from kg.geometry import CRS84
from kg.geosparql.errors import InvalidGeometryError
from kg.geosparql.literals import GEOMETRY_DATATYPES, parse
from ontology.terms import GEO

if TYPE_CHECKING:
    from pyoxigraph import Quad

#: Properties by which a feature has a geometry; the index knows them both ways.
LINKS = (
    GEO.hasGeometry.value,
    GEO.hasDefaultGeometry.value,
    GEO.hasCentroid.value,
    GEO.hasBoundingBox.value,
)
#: Properties by which a geometry has a literal; others count where a literal shows them to.
SERIALISATIONS = (
    GEO.asWKT.value,
    GEO.asGML.value,
    GEO.asGeoJSON.value,
    GEO.asKML.value,
    GEO.asDGGS.value,
    GEO.hasSerialization.value,
)
DEFAULT_GRAPH = b""
_DATATYPES = {f"<{d}>".encode(): d for d in GEOMETRY_DATATYPES}
#: What the datatypes of all geometry literals end with.
_ENDING = b"Literal>"


class Statement(NamedTuple):
    """A statement with a geometry literal."""

    subject: bytes
    predicate: str
    graph: bytes
    lexical: str
    datatype: str


class Link(NamedTuple):
    """A statement that a feature has a geometry."""

    feature: bytes
    predicate: str
    geometry: bytes
    graph: bytes


@dataclass(frozen=True, kw_only=True)
class BrokenGeometry:
    """A literal that is no geometry."""

    subject: str
    predicate: str
    lexical: str
    """Its first 80 characters."""
    reason: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.reason}: {self.lexical!r}"


def term_text(term: NamedNode | BlankNode | object) -> bytes:
    """Return how the index writes a node."""
    return str(term).encode()


def graph_text(graph: NamedNode | BlankNode | DefaultGraph) -> bytes:
    """Return how the index writes a graph's name."""
    return DEFAULT_GRAPH if isinstance(graph, DefaultGraph) else term_text(graph)


def statement_of(quad: Quad) -> Statement | Link | None:
    """Return what the index takes from a quad; None for most."""
    target = quad.object
    if isinstance(target, Literal):
        datatype = target.datatype.value
        if datatype not in GEOMETRY_DATATYPES:
            return None
        return Statement(
            term_text(quad.subject),
            quad.predicate.value,
            graph_text(quad.graph_name),
            target.value,
            datatype,
        )
    if quad.predicate.value in LINKS and isinstance(target, NamedNode | BlankNode):
        return Link(
            term_text(quad.subject),
            quad.predicate.value,
            term_text(target),
            graph_text(quad.graph_name),
        )
    return None


def items_of(
    predicate: str, graph: bytes, subjects: list[bytes], objects: list[bytes]
) -> tuple[list[Statement | Link], tuple[list[bytes], list[bytes]] | None]:
    """Return what the index takes of what a property says, and the other subjects and objects.

    Args:
        predicate: The property's IRI.
        graph: As `graph_text`.
        subjects: (n,) as N-Triples writes them.
        objects: (n,) the same.
    """
    is_link = predicate in LINKS
    kinds = [
        _DATATYPES.get(o[o.rfind(b"^") + 1 :]) if o.endswith(_ENDING) else None for o in objects
    ]
    if not (is_link or any(kinds)):
        return [], (subjects, objects)
    items: list[Statement | Link] = []
    others: tuple[list[bytes], list[bytes]] = ([], [])
    for subject, target, kind in zip(subjects, objects, kinds, strict=True):
        if kind is not None:
            items.append(Statement(subject, predicate, graph, _lexical(target), kind))
        elif is_link and target[:1] in (b"<", b"_") and target[:2] != b"<<":
            items.append(Link(subject, predicate, target, graph))
        else:
            others[0].append(subject)
            others[1].append(target)
    return items, others if others[0] else None


def _lexical(text: bytes) -> str:
    """Return the lexical form of a typed literal in N-Triples."""
    if b"\\" not in text:
        return text[1 : text.rfind(b'"')].decode()
    (quad,) = parse_rdf(b"<urn:s> <urn:p> " + text + b" .", format=RdfFormat.N_TRIPLES)
    if not isinstance(quad.object, Literal):
        raise TypeError("the object is a literal")
    return quad.object.value


def _plain_shapes(texts: list[str]) -> np.ndarray:
    """Return the shapes of WKT texts; None where `parse` has more to say about it."""
    # As objects: numpy would make all of them as wide as the longest.
    column = np.array(texts, object)
    try:
        shapes = np.asarray(shapely.from_wkt(column, on_invalid="ignore"), object)
    except NotImplementedError:  # an arc among them
        return np.full(len(texts), None, object)
    parts = shapely.get_num_geometries(shapes) > 1
    holes = shapely.get_num_interior_rings(shapes) > 0
    odd = ~np.isfinite(shapely.bounds(shapes)).all(axis=1)
    shapes[parts | holes | odd] = None
    return shapes


def parse_all(
    statements: list[Statement],
) -> tuple[np.ndarray, list[str | None], list[str | None]]:
    """Return shape, SRS and, where it is no geometry, the reason, of each statement."""
    shapes = np.full(len(statements), None, object)
    systems: list[str | None] = [None] * len(statements)
    reasons: list[str | None] = [None] * len(statements)
    wkt = GEO.wktLiteral.value
    plain = [i for i, s in enumerate(statements) if s.datatype == wkt and s.lexical[:1].isalpha()]
    # Plain CRS84 text is parsed at once, ten times as fast; all else one by one.
    shapes[plain] = _plain_shapes([statements[i].lexical for i in plain])
    for i, statement in enumerate(statements):
        if shapes[i] is not None:
            systems[i] = CRS84
            continue
        try:
            geometry = parse(statement.lexical, statement.datatype)
        except InvalidGeometryError as error:
            reasons[i] = str(error)
        else:
            shapes[i], systems[i] = geometry.shape, geometry.srs
    return shapes, systems, reasons
