"""What the platform asks of a graph store; implemented by `kg.embedded` and `kg.remote`."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol

from pyoxigraph import (
    BlankNode,
    DefaultGraph,
    Literal,
    NamedNode,
    QueryBoolean,
    QuerySolutions,
    QueryTriples,
    Triple,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pyoxigraph import Quad, RdfFormat

Term = NamedNode | BlankNode | Literal | Triple
Subject = NamedNode | BlankNode | Triple
GraphName = NamedNode | BlankNode | DefaultGraph
QueryResult = QuerySolutions | QueryBoolean | QueryTriples


class GraphStore(Protocol):
    """A SPARQL 1.1 dataset. Every method that writes is atomic."""

    @property
    def read_only(self) -> bool:
        """True where a write would be refused."""

    def query(self, sparql: str, *, base_iri: str | None = None) -> QueryResult:
        """Return solutions, a boolean or triples, evaluated as they are read.

        Raises:
            QueryError: The query is malformed.
        """

    def update(self, sparql: str, *, base_iri: str | None = None) -> None:
        """Execute a SPARQL update as one transaction.

        Raises:
            QueryError: The update is malformed.
            StoreError: The store is read-only or cannot be written.
        """

    def add(self, quads: Iterable[Quad]) -> None:
        """Add quads, all or none."""

    def remove(self, quads: Iterable[Quad]) -> None:
        """Remove quads that are there."""

    def quads(
        self,
        subject: Subject | None = None,
        predicate: NamedNode | None = None,
        object_: Term | None = None,
        graph: GraphName | None = None,
    ) -> Iterator[Quad]:
        """Yield the quads that match; None matches anything."""

    def load(
        self, source: BinaryIO, rdf_format: RdfFormat, *, graph: GraphName | None = None
    ) -> int:
        """Parse a document into the store, all or nothing; return how many quads it held.

        Raises:
            RdfSyntaxError: The document is malformed; the store is as before.
        """

    def dump(
        self, target: BinaryIO, rdf_format: RdfFormat, *, graph: GraphName | None = None
    ) -> None:
        """Write the data set, or one graph of it."""

    def snapshot(self, folder: Path) -> None:
        """Write a consistent copy into a new folder, which opens as a store.

        Raises:
            StoreError: The folder exists, or this store has no files.
        """

    def close(self) -> None:
        """Let go of the files, so that another process can open them."""
