"""Reading from a store what the spatial index takes in, property by property.

As TSV, which pyoxigraph writes without holding the interpreter's lock: several properties are
read at the same time, and one is taken apart while others are read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyoxigraph import BlankNode, NamedNode, QueryResultsFormat, QuerySolutions

from kg.geosparql.literals import GEOMETRY_DATATYPES
from kg.index.statements import LINKS, SERIALISATIONS, Block, Link, Statement, statement_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyoxigraph import Quad, Store

    from kg.index.spatial_index import SpatialIndex
    from kg.rdf.terms import GraphName
    from kg.updates.touched import Touched


#: Bytes of a document that are taken apart at a time.
BLOCK = 16 * 2**20
#: Literals of a property that are looked at to see whether it is one of geometries.
_SAMPLE = 20
_DATATYPES = {f"<{d}>".encode(): d for d in GEOMETRY_DATATYPES}
#: What pyoxigraph escapes in a literal: https://www.w3.org/TR/sparql11-results-csv-tsv/#tsv
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r", '"': '"', "\\": "\\"}


def geometry_properties(store: Store) -> list[str]:
    """Return the properties beyond the standard's that have geometry literals."""
    found = []
    pattern = "{ ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } }"
    for (predicate,) in _solutions(store, f"SELECT DISTINCT ?p {{ {pattern} }}"):
        if not isinstance(predicate, NamedNode) or predicate.value in SERIALISATIONS:
            continue
        quads = store.quads_for_pattern(None, predicate, None, None)
        sample = [q for q, _ in zip(quads, range(_SAMPLE), strict=False)]
        if any(isinstance(statement_of(q), Statement) for q in sample):
            found.append(predicate.value)
    return found


def property_tsv(store: Store, predicate: str) -> bytes:
    """Return all statements with a property as TSV: subject, object and graph, under a header."""
    pattern = f"?s <{predicate}> ?o"
    query = f"SELECT ?s ?o ?g {{ {{ {pattern} }} UNION {{ GRAPH ?g {{ {pattern} }} }} }}"
    return _solutions(store, query).serialize(format=QueryResultsFormat.TSV) or b""


def statements(document: bytes, predicate: str) -> Iterator[Block]:
    """Yield the statements of a `property_tsv`, in blocks; objects as the store writes them."""
    for lines in _blocks(document):
        by_graph: dict[bytes, Block] = {}
        for line in lines:
            subject, target, graph = line.split(b"\t")
            block = by_graph.get(graph)
            if block is None:
                block = by_graph[graph] = Block(
                    predicate=predicate, graph=graph, subjects=[], objects=[]
                )
            block.subjects.append(subject)
            block.objects.append(target)
        yield from by_graph.values()


def items(document: bytes, predicate: str) -> Iterator[tuple[int, list[Statement | Link]]]:
    """Yield, in blocks, how many statements `property_tsv` returned, and which the index holds."""
    for lines in _blocks(document):
        yield len(lines), _items(lines, predicate)


class StoreReader:
    """Reads for an index, which follows a write, what the store now holds."""

    def __init__(self, store: Store, index: SpatialIndex) -> None:
        """Name the store, after the write, and the index that follows it."""
        self._store = store
        self._index = index

    def in_graph(self, graph: GraphName) -> Iterator[Quad]:
        """Yield what a graph says by the properties of the index."""
        for predicate in (*self._index.predicates.names, *LINKS):
            yield from self._store.quads_for_pattern(None, NamedNode(predicate), None, graph)

    def about(self, subjects: Iterable[NamedNode | BlankNode]) -> Iterator[Quad]:
        """Yield what is said of some nodes, and of blank ones by what has them."""
        for subject in subjects:
            yield from self._store.quads_for_pattern(subject, None, None, None)
            if isinstance(subject, BlankNode):
                yield from self._links(subject)

    def of_new_nodes(self, touched: Touched) -> Iterator[Quad]:
        """Yield what leads from known terms to new blank nodes, and what is said of these."""
        found: set[NamedNode | BlankNode] = set()
        for literal in touched.literals:
            for quad in self._store.quads_for_pattern(None, None, literal, None):
                if isinstance(quad.subject, NamedNode | BlankNode):
                    found.add(quad.subject)
        yield from self.about(found)
        for geometry in touched.geometries:
            yield from self._links(geometry)
        for predicate in touched.blank_links:
            for quad in self._store.quads_for_pattern(None, NamedNode(predicate), None, None):
                if isinstance(quad.subject, BlankNode) and isinstance(quad.object, BlankNode):
                    yield quad

    def _links(self, geometry: NamedNode | BlankNode) -> Iterator[Quad]:
        for predicate in LINKS:
            yield from self._store.quads_for_pattern(None, NamedNode(predicate), geometry, None)


def _blocks(document: bytes) -> Iterator[list[bytes]]:
    start = document.index(b"\n") + 1
    while start < len(document):
        end = document.index(b"\n", min(start + BLOCK, len(document) - 1))
        yield document[start:end].split(b"\n")
        start = end + 1


def _items(lines: list[bytes], predicate: str) -> list[Statement | Link]:
    found: list[Statement | Link] = []
    is_link = predicate in LINKS
    for line in lines:
        subject, target, graph = line.split(b"\t")
        if target.startswith(b'"'):
            quoted, _, name = target.rpartition(b"^^")
            datatype = _DATATYPES.get(name)
            if datatype is not None:
                found.append(Statement(subject, predicate, graph, _lexical(quoted), datatype))
        elif is_link and target.startswith((b"<", b"_")) and not target.startswith(b"<<"):
            found.append(Link(subject, predicate, target, graph))
    return found


def _lexical(quoted: bytes) -> str:
    text = quoted[1:-1].decode()
    return _ESCAPE.sub(lambda m: _ESCAPED[m[1]], text) if "\\" in text else text


def _solutions(store: Store, query: str) -> QuerySolutions:
    result = store.query(query)
    if not isinstance(result, QuerySolutions):
        raise TypeError("a SELECT has solutions")
    return result
