"""The spatial index of a store on another server, read by plain SPARQL 1.1.

It follows what is written through this process. What others write is noticed before the next
spatial query, by digests that the server computes (`kg.remote.digests`); but not what they write
in the moment between a write of ours and the digest after it. `RemoteStore.refresh` has
everything read again.
"""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING

import numpy as np
from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad

from kg.geosparql.literals import GEOMETRY_DATATYPES
from kg.index.spatial_index import SpatialIndex
from kg.index.statements import LINKS
from kg.remote.dialects import VIRTUOSO_GEOMETRY
from kg.remote.digests import anywhere, digests
from kg.store import Dataset
from kg.updates.following import add_quads, follow
from kg.updates.reader import touched_by
from kg.updates.touched import Touched

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kg.rdf.terms import GraphName
    from kg.remote.client import QueryResult, SparqlClient


_BLANK_ONLY = "FILTER(isBlank(?s))"
_DATATYPES = ", ".join(f"<{d}>" for d in sorted({*GEOMETRY_DATATYPES, VIRTUOSO_GEOMETRY}))


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
            if self._index is None or self._digests(self._index) != self._seen:
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
            if touched.everything or touched.loaded or blank or new:
                self._index = None
                return
            follow(index, touched, _ServerReader(self, index))
            self._seen = self._digests(index)

    def _ask(self, query: str, graphs: list[GraphName] | None) -> QueryResult:
        named = tuple(g for g in graphs or () if isinstance(g, NamedNode))
        return self._client.query(query, Dataset(default=named) if named else None)

    # -- reading the server

    def _built(self) -> SpatialIndex:
        index = SpatialIndex()
        found = self._client.rows(
            ["?p"],
            f"{{ SELECT DISTINCT ?p {{ {anywhere('?s ?p ?o')} "
            f"FILTER(isLiteral(?o) && datatype(?o) IN ({_DATATYPES})) }} }}",
        )
        for (predicate,) in found:
            if isinstance(predicate, NamedNode):
                index.predicates.number(predicate.value)
        self._blank = (-1, False)
        self._seen = self._digests(index)
        for name in _followed(index):
            add_quads(index, self.statements_with(NamedNode(name), None))
        return index

    def statements_with(
        self, predicate: NamedNode, graph: GraphName | None, condition: str = ""
    ) -> Iterator[Quad]:
        """Yield what one property says, in a graph or in all."""
        pattern = f"?s {predicate} ?o {condition}"
        if graph is None:
            names, body = ["?s", "?o", "?g"], anywhere(pattern)
        elif isinstance(graph, DefaultGraph):
            names, body = ["?s", "?o"], pattern
        else:
            names, body = ["?s", "?o"], f"GRAPH {graph} {{ {pattern} }}"
        for row in self._client.rows(names, body):
            yield from _quad(row[0], predicate, row[1], row[2] if graph is None else graph)

    def statements_about(self, subjects: list[str]) -> Iterator[Quad]:
        """Yield what is said of some nodes."""
        rows = self._client.rows_among(
            ["?s", "?p", "?o", "?g"],
            ("?s", subjects),
            lambda table: f"{{ {table} ?s ?p ?o }} UNION {{ {table} GRAPH ?g {{ ?s ?p ?o }} }}",
        )
        for s, p, o, g in rows:
            yield from _quad(s, p, o, g)

    def _digests(self, index: SpatialIndex) -> dict[str, tuple[str, str]]:
        """Return, for each property that the index follows, what changes when others write."""
        return digests(self._client, _followed(index))


class _ServerReader:
    """Reads for an index, which follows a write, what the server now holds."""

    def __init__(self, server: RemoteIndex, index: SpatialIndex) -> None:
        self._server = server
        self._properties = [NamedNode(p) for p in _followed(index)]

    def in_graph(self, graph: GraphName) -> Iterator[Quad]:
        """Yield what a graph says by the properties of the index."""
        for predicate in self._properties:
            yield from self._server.statements_with(predicate, graph)

    def about(self, subjects: Iterable[NamedNode | BlankNode]) -> Iterator[Quad]:
        """Yield what is said of some nodes."""
        return self._server.statements_about([str(s) for s in subjects])

    def of_new_nodes(self, touched: Touched) -> Iterator[Quad]:
        """Yield what is said of all blank nodes: only the server knows the new ones' labels."""
        if touched.literals or touched.geometries or touched.blank_links:
            for predicate in self._properties:
                yield from self._server.statements_with(predicate, None, _BLANK_ONLY)


def _followed(index: SpatialIndex) -> frozenset[str]:
    return frozenset((*index.predicates.names, *LINKS))


def _quad(s: object, p: object, o: object, g: object) -> Iterator[Quad]:
    """Yield the quad of four terms, where they are those of one."""
    graph = DefaultGraph() if g is None else g
    if (
        isinstance(s, NamedNode | BlankNode)
        and isinstance(p, NamedNode)
        and isinstance(o, NamedNode | BlankNode | Literal)
        and isinstance(graph, NamedNode | BlankNode | DefaultGraph)
    ):
        yield Quad(s, p, o, graph)
