"""What planning needs of a store, and what the parts of one plan ask it with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from pyoxigraph import QuerySolutions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kg.index.pairs_table import PropertyTable
    from kg.index.spatial_index import SpatialIndex
    from kg.planner.costs import Costs
    from kg.planner.fetched import Remembered
    from kg.results.solutions import QueryResult
    from kg.store import Dataset


class Source(Protocol):
    """A store as the planner sees it, for one request."""

    @property
    def block(self) -> int | None:
        """How many rows of VALUES a request may have where only SPARQL 1.1 is spoken.

        None for our own store, which takes any number of them and knows LATERAL.
        """

    @property
    def costs(self) -> Costs:
        """The thresholds by which ways are chosen."""

    @property
    def index(self) -> SpatialIndex:
        """The spatial index, up to date."""

    def evaluate(self, sparql: str) -> QueryResult:
        """Evaluate a query as it stands, in the dataset of the request."""

    def within(self, dataset: Dataset) -> Source:
        """Return the same store for another dataset."""

    def table(self, predicate: str, graph: bytes, *, read: bool) -> PropertyTable | None:
        """Return what a property says in a graph; None where only the store knows.

        Args:
            predicate: The property's IRI.
            graph: The graph's name as the index writes it.
            read: A table that is not there is read from the store first.
        """

    def remembered(self, sparql: str) -> Remembered | None:
        """Return what was found out about a query, where it is still true."""

    def remember(self, sparql: str, found: Remembered) -> None:
        """Keep what was found out, until a write changes what the query asks for."""


@dataclass(frozen=True, kw_only=True)
class Asking:
    """What the parts of one plan have in common: the store, the query's words, the steps."""

    source: Source
    prologue: str = ""
    """The declarations of the query, with which each question about a part of it begins."""
    steps: list[str] = field(default_factory=list)
    """What was done, a line each, for people to read."""

    @property
    def index(self) -> SpatialIndex:
        """The spatial index, up to date."""
        return self.source.index

    @property
    def costs(self) -> Costs:
        """The thresholds by which ways are chosen."""
        return self.source.costs

    @property
    def is_local(self) -> bool:
        """Whether the store is in this process, so that a question costs no round trip."""
        return self.source.block is None

    def quietly(self) -> Asking:
        """Return the same for questions whose steps nobody wants to read."""
        return replace(self, steps=[])

    def note(self, step: str) -> None:
        """Add a line on what was done."""
        self.steps.append(step)

    def select(self, names: Iterable[str], body: str) -> str:
        """Return a query for some variables of what is inside of a group."""
        return f"{self.prologue} SELECT {' '.join(names)} {{ {body} }}"

    def solutions(self, select: str) -> QuerySolutions:
        """Return the solutions of a SELECT."""
        result = self.source.evaluate(select)
        if not isinstance(result, QuerySolutions):
            raise TypeError("a SELECT has solutions")
        return result
