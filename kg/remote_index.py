"""The spatial index of a store on another server, read by plain SPARQL 1.1.

It follows what is written through this process. What others write is noticed before the next
spatial query, by how many statements there are of each property that matters and how long
their terms are together: so a literal that is replaced by another of the same length, within
one property, is not noticed. Neither is a write of theirs in the moment between a write of
ours and the count after it. `RemoteStore.refresh` has everything read again.
"""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING

import numpy as np
from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad

from kg.geometry_statements import (
    LINKS,
    Link,
    Statement,
    graph_text,
    statement_of,
)
from kg.geosparql.literals import GEOMETRY_DATATYPES
from kg.planner.touched import Touched, touched_by
from kg.sparql_client import VIRTUOSO_GEOMETRY
from kg.spatial_index import SpatialIndex
from kg.store import Dataset

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kg.sparql_client import QueryResult, SparqlClient
    from kg.store import GraphName

_ANYWHERE = "{{ {0} }} UNION {{ {1} GRAPH ?g {{ {2} }} }}"
_BLANK_ONLY = "FILTER(isBlank(?s))"
_DATATYPES = ", ".join(f"<{d}>" for d in sorted({*GEOMETRY_DATATYPES, VIRTUOSO_GEOMETRY}))
_LENGTHS = " + ".join(
    f"{weight} * COALESCE(STRLEN(STR({v})), 0)" for weight, v in ((1, "?s"), (3, "?o"), (7, "?g"))
)


class RemoteIndex:
    """The spatial index of one server's geometries."""

    def __init__(self, client: SparqlClient, *, fresh_s: float = 0.0) -> None:
        """Name the server; nothing is read yet.

        Args:
            client: The server.
            fresh_s: For how long others are taken not to have written.
        """
        self._client = client
        self._fresh_s = fresh_s
        self._checked_at = -math.inf
        self._lock = threading.RLock()
        self._index: SpatialIndex | None = None
        self._seen: dict[str, tuple[str, str]] = {}
        self._blank = (-1, False)

    def checked(self) -> SpatialIndex:
        """Return the index, read again where others have written since it was read."""
        with self._lock:
            now = time.monotonic()
            if self._index is not None and now - self._checked_at < self._fresh_s:
                return self._index
            if self._index is None or self._lengths(self._index) != self._seen:
                self._index = self._built()
            self._checked_at = now
            return self._index

    @property
    def covered(self) -> frozenset[str]:
        """The properties that the index follows; none before it is first asked for."""
        with self._lock:
            return frozenset() if self._index is None else _followed(self._index)

    def has_blank_nodes(self) -> bool:
        """Return whether a geometry, or what has it, is a blank node."""
        with self._lock:
            if self._index is not None and self._index.version != self._blank[0]:
                texts = self._index.terms.texts(np.arange(len(self._index.terms)))
                self._blank = (self._index.version, any(t.startswith(b"_:") for t in texts))
            return self._blank[1]

    def forget(self) -> None:
        """Let go of the index; the next spatial query reads everything again."""
        with self._lock:
            self._index = None

    def touched(self, update: str, base_iri: str | None) -> Touched:
        """Return what an update will change of the index."""
        with self._lock:
            index = self._index
        if index is None:
            return Touched()
        return touched_by(update, index.predicates.names, self._ask, base_iri=base_iri)

    def updated(self, touched: Touched) -> None:
        """Read again what a write of ours changed."""
        with self._lock:
            index = self._index
            if index is None or touched.is_nothing:
                return
            # A blank node of the server's cannot be asked for.
            blank = any(isinstance(s, BlankNode) for s in touched.subjects)
            new = [p for p in touched.predicates if not index.covers(p)]
            if touched.everything or blank or new:
                self._index = None
                return
            for graph in touched.graphs:
                index.remove_graph(graph_text(graph))
                for predicate in _followed(index):
                    _take(index, self._said_by(NamedNode(predicate), graph))
            subjects = [str(s) for s in touched.subjects]
            index.remove_subjects([s.encode() for s in subjects])
            _take(index, self._said_of(subjects))
            if touched.literals or touched.geometries:
                # They are at new blank nodes, whose labels only the server knows.
                for predicate in _followed(index):
                    _take(index, self._said_by(NamedNode(predicate), None, _BLANK_ONLY))
            self._seen = self._lengths(index)

    def _ask(self, query: str, graphs: list[GraphName] | None) -> QueryResult:
        named = tuple(g for g in graphs or () if isinstance(g, NamedNode))
        return self._client.query(query, Dataset(default=named) if named else None)

    # -- reading the server

    def _built(self) -> SpatialIndex:
        index = SpatialIndex()
        found = self._client.rows(
            ["?p"],
            f"{{ SELECT DISTINCT ?p {{ {_anywhere('?s ?p ?o')} "
            f"FILTER(isLiteral(?o) && datatype(?o) IN ({_DATATYPES})) }} }}",
        )
        for (predicate,) in found:
            if isinstance(predicate, NamedNode):
                index.predicates.number(predicate.value)
        self._blank = (-1, False)
        self._seen = self._lengths(index)
        for name in _followed(index):
            _take(index, self._said_by(NamedNode(name), None))
        return index

    def _said_by(
        self, predicate: NamedNode, graph: GraphName | None, condition: str = ""
    ) -> Iterator[Quad | None]:
        """Return what one property says, in a graph or in all."""
        pattern = f"?s {predicate} ?o {condition}"
        if graph is None:
            names, body = ["?s", "?o", "?g"], _anywhere(pattern)
        elif isinstance(graph, DefaultGraph):
            names, body = ["?s", "?o"], pattern
        else:
            names, body = ["?s", "?o"], f"GRAPH {graph} {{ {pattern} }}"
        for row in self._client.rows(names, body):
            yield _quad(row[0], predicate, row[1], row[2] if graph is None else graph)

    def _said_of(self, subjects: list[str]) -> Iterator[Quad | None]:
        """Return what is said of some nodes."""
        rows = self._client.rows_among(
            ["?s", "?p", "?o", "?g"],
            ("?s", subjects),
            lambda table: f"{{ {table} ?s ?p ?o }} UNION {{ {table} GRAPH ?g {{ ?s ?p ?o }} }}",
        )
        for s, p, o, g in rows:
            yield _quad(s, p, o, g)

    def _lengths(self, index: SpatialIndex) -> dict[str, tuple[str, str]]:
        """Return, for each property, what changes when others write."""
        table = f"VALUES ?p {{ {' '.join(_iri(n) for n in sorted(_followed(index)))} }}"
        result = self._client.query(
            f"SELECT ?p (COUNT(*) AS ?n) (SUM({_LENGTHS}) AS ?l) {{ "
            f"{_ANYWHERE.format(f'{table} ?s ?p ?o', table, '?s ?p ?o')} }} GROUP BY ?p"
        )
        rows = [tuple(row) for row in result]  # type: ignore[union-attr]
        return {str(p): (str(n), str(length)) for p, n, length in rows if p is not None}


def _followed(index: SpatialIndex) -> frozenset[str]:
    return frozenset((*index.predicates.names, *LINKS))


def _anywhere(pattern: str) -> str:
    return _ANYWHERE.format(pattern, "", pattern)


def _iri(name: str) -> str:
    return f"<{name}>"


def _quad(s: object, p: object, o: object, g: object) -> Quad | None:
    graph = DefaultGraph() if g is None else g
    if (
        isinstance(s, NamedNode | BlankNode)
        and isinstance(p, NamedNode)
        and isinstance(o, NamedNode | BlankNode | Literal)
        and isinstance(graph, NamedNode | BlankNode | DefaultGraph)
    ):
        return Quad(s, p, o, graph)
    return None


def _take(index: SpatialIndex, quads: Iterable[Quad | None]) -> None:
    """Add what the index takes of some quads, and note the properties of the others."""
    found: list[Statement | Link] = []
    others: set[str] = set()
    for quad in quads:
        item = None if quad is None else statement_of(quad)
        if item is not None:
            found.append(item)
        elif quad is not None:
            others.add(quad.predicate.value)
    index.add(found)
    index.mix(others)
