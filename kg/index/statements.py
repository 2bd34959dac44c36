"""The statements that a spatial index takes in: geometry literals, and features' links to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, RdfFormat
from pyoxigraph import parse as parse_rdf

from kg.geosparql.literals import GEOMETRY_DATATYPES
from ontology.terms import GEO

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def term_text(term: NamedNode | BlankNode | object) -> bytes:
    """Return a node as the index writes it, in N-Triples."""
    return str(term).encode()


def graph_text(graph: NamedNode | BlankNode | DefaultGraph) -> bytes:
    """Return how the index writes a graph's name."""
    return DEFAULT_GRAPH if isinstance(graph, DefaultGraph) else term_text(graph)


def statement_of(quad: Quad) -> Statement | Link | None:
    """Return a quad as the index holds it; None for one that it does not hold."""
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


@dataclass(frozen=True, kw_only=True)
class Block:
    """What a property says in one graph, or a part of it, as N-Triples writes the terms."""

    predicate: str
    graph: bytes
    subjects: list[bytes]
    objects: list[bytes]
    ending: bytes | None = None
    """Where all subjects are IRIs and the objects are alike: `>` of IRIs; of literals all from
    the quote on at their end."""

    def some(self, places: list[int]) -> Block:
        """Return some of the statements."""
        return Block(
            predicate=self.predicate,
            graph=self.graph,
            subjects=[self.subjects[i] for i in places],
            objects=[self.objects[i] for i in places],
            ending=self.ending,
        )

    def has_start(self, start: bytes) -> bool:
        """Return whether the text of a subject or an object starts with these bytes."""
        # One search in all of them is quicker than one in each; a term has no line break.
        return self.ending is None and b"\n" + start in b"\n".join(
            [b"", *self.subjects, *self.objects]
        )

    def parts(self) -> tuple[Block, Block, Block]:
        """Return the statements with geometry literals, the links, and the others."""
        none = self.some([])
        is_link = self.predicate in LINKS
        if self.ending is not None:
            if self.ending[3:] in _DATATYPES:
                return self, none, none
            return (none, self, none) if is_link and self.ending == b">" else (none, none, self)
        if not is_link and _ENDING not in b"\n".join(self.objects):
            return none, none, self
        kinds = [
            "literal" if d in _DATATYPES else "link" if is_link and _is_node(o) else "other"
            for d, o in zip(_datatypes(self.objects), self.objects, strict=True)
        ]
        literals, links, others = (
            self.some([i for i, k in enumerate(kinds) if k == kind])
            for kind in ("literal", "link", "other")
        )
        return literals, links, others

    def literals(self) -> tuple[list[str], list[str]]:
        """Return the lexical forms and the datatypes of objects that are all geometry literals."""
        if self.ending is not None:
            length = len(self.ending)
            name = _DATATYPES[self.ending[3:]]
            return [o[1:-length].decode() for o in self.objects], [name] * len(self.objects)
        return [_lexical(o) for o in self.objects], [
            _DATATYPES[d] for d in _datatypes(self.objects)
        ]


def blocks_of(quads: Iterable[Quad], *, graph: bytes | None = None) -> list[Block]:
    """Return quads property by property; all in one graph, where one is given."""
    found: dict[tuple[str, bytes], Block] = {}
    for quad in quads:
        named = graph_text(quad.graph_name) if graph is None else graph
        key = quad.predicate.value, named
        block = found.get(key)
        if block is None:
            block = found[key] = Block(predicate=key[0], graph=named, subjects=[], objects=[])
        block.subjects.append(term_text(quad.subject))
        block.objects.append(term_text(quad.object))
    return list(found.values())


def _datatypes(objects: list[bytes]) -> list[bytes]:
    return [o[o.rfind(b"^") + 1 :] for o in objects]


def _is_node(text: bytes) -> bool:
    return text.startswith((b"<", b"_")) and not text.startswith(b"<<")


def _lexical(text: bytes) -> str:
    """Return the lexical form of a typed literal in N-Triples."""
    if b"\\" not in text:
        return text[1 : text.rindex(b'"')].decode()
    (quad,) = parse_rdf(b"<urn:s> <urn:p> " + text + b" .", format=RdfFormat.N_TRIPLES)
    if not isinstance(quad.object, Literal):
        raise TypeError("the object is a literal")
    return quad.object.value
