"""What the platform asks of a graph store; `kg.embedded` and `kg.remote` implement it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

from pyoxigraph import NamedNode, RdfFormat

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pyoxigraph import (
        NamedNode,
        Quad,
        RdfFormat,
    )

    from kg.rdf.terms import (
        GraphName,
        Subject,
        Term,
    )
    from kg.results.solutions import (
        QueryResult,
    )


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """The RDF dataset that a request names in the protocol, in place of FROM and FROM NAMED."""

    default: tuple[NamedNode, ...] = ()
    """Graphs whose merge is the default graph; each once."""
    named: tuple[NamedNode, ...] = ()

    def __post_init__(self) -> None:
        for name in ("default", "named"):
            object.__setattr__(self, name, tuple(dict.fromkeys(getattr(self, name))))


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """How a query is planned."""

    steps: tuple[str, ...]
    """What was decided, a line each, with the counts that decided it."""
    sparql: str
    """The query that the store evaluates in the end; long VALUES are shortened."""

    def __str__(self) -> str:
        return "\n".join([*self.steps, "", self.sparql])


class GraphStore(Protocol):
    """A SPARQL 1.1 dataset. Every method that writes is atomic."""

    @property
    def read_only(self) -> bool:
        """True where a write would be refused."""

    def query(
        self,
        sparql: str,
        *,
        base_iri: str | None = None,
        dataset: Dataset | None = None,
        infer: bool = False,
        rewrite: bool = True,
    ) -> QueryResult:
        """Return solutions, a boolean or triples, evaluated as they are read.

        Args:
            sparql: The query.
            base_iri: What relative IRIs are relative to.
            dataset: Overrides FROM and FROM NAMED.
            infer: Answer under RDFS entailment.
            rewrite: Answer the properties geo:sfWithin and so on from geometries too.

        Raises:
            QueryError: The query is malformed.
        """

    def explain(
        self,
        sparql: str,
        *,
        base_iri: str | None = None,
        dataset: Dataset | None = None,
        infer: bool = False,
        rewrite: bool = True,
    ) -> Explanation:
        """Return how the query is planned, with what was counted; the arguments are `query`'s.

        Raises:
            QueryError: The query is malformed.
        """

    def update(
        self, sparql: str, *, base_iri: str | None = None, dataset: Dataset | None = None
    ) -> None:
        """Execute a SPARQL update as one transaction.

        Args:
            sparql: The update.
            base_iri: What relative IRIs are relative to.
            dataset: What USING and USING NAMED would say; both together are refused.

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

    def broken_geometries(self) -> list[BrokenGeometry]:
        """Return the geometry literals that are no geometries; queries pass them over."""

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

    def has_graph(self, graph: GraphName) -> bool:
        """Return whether a named graph is there; the default graph always is."""

    def replace_graph(
        self,
        graph: GraphName,
        source: BinaryIO,
        rdf_format: RdfFormat,
        *,
        base_iri: str | None = None,
    ) -> int:
        """Parse a document, then put it in a graph's place; return how many triples it held.

        Raises:
            RdfSyntaxError: The document is malformed or has named graphs; the store is as before.
        """

    def snapshot(self, folder: Path) -> None:
        """Write a consistent copy into a new folder, which opens as a store.

        Raises:
            StoreError: The folder exists, or this store has no files.
        """

    def close(self) -> None:
        """Let go of the files, so that another process can open them."""


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
