"""What the spatial planner asks of a store on another server, for one request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg.errors import RemoteStoreError
from kg.remote.client import BLOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pyoxigraph import QuerySolutions

    from kg.index.spatial_index import SpatialIndex
    from kg.planner.costs import Costs
    from kg.planner.fetched import Remembered
    from kg.rdf.terms import Term
    from kg.remote.client import SparqlClient
    from kg.store import Dataset


class CutAnswerError(RemoteStoreError):
    """The server sent a part of an answer that is needed whole."""


class RemoteSource:
    """What the planner asks of a remote store, for one request."""

    block = BLOCK

    def __init__(
        self,
        client: SparqlClient,
        index: SpatialIndex,
        *,
        costs: Costs,
        prologue: str,
        dataset: Dataset | None,
    ) -> None:
        """Name the server, and what a request says beside its query.

        Args:
            client: Sends the questions.
            index: The spatial index of the server's geometries.
            costs: The thresholds of the planner.
            prologue: The declarations of the query, which are sent with each question.
            dataset: Overrides FROM and FROM NAMED.
        """
        self.costs = costs
        self._client = client
        self._dataset = dataset
        self.index = index
        self.prologue = prologue

    def evaluate(self, sparql: str) -> QuerySolutions:
        """Return the server's answer to a SELECT, whole.

        Raises:
            CutAnswerError: The server sends no more than a part of it.
        """
        result = self._client.whole(
            sparql.removeprefix(self.prologue), prologue=self.prologue, dataset=self._dataset
        )
        if result is None:
            raise CutAnswerError("the server cuts an answer that is needed whole")
        return result

    def rows(self, names: Sequence[str], body: str) -> list[tuple[Term | None, ...]]:
        """Return all solutions of a pattern."""
        return self._client.rows(names, body, prologue=self.prologue, dataset=self._dataset)

    def uncut_rows(self, names: Sequence[str], body: str) -> list[tuple[Term | None, ...]] | None:
        """Return all solutions of a pattern in one answer; None where the server cuts it."""
        try:
            result = self.evaluate(f"{self.prologue} SELECT {' '.join(names)} {{ {body} }}")
        except CutAnswerError:
            return None
        return [tuple(row) for row in result]

    def rows_among(
        self,
        names: Sequence[str],
        table: tuple[str, Sequence[str]],
        body: Callable[[str], str],
    ) -> Iterator[tuple[Term | None, ...]]:
        """Yield the solutions for some values of a variable."""
        return self._client.rows_among(
            names, table, body, prologue=self.prologue, dataset=self._dataset
        )

    def within(self, dataset: Dataset) -> RemoteSource:
        """Return the same for another dataset."""
        return RemoteSource(
            self._client, self.index, costs=self.costs, prologue=self.prologue, dataset=dataset
        )

    def table(self, predicate: str, graph: bytes, *, read: bool) -> None:
        """Return None: others may have written since."""

    def remembered(self, sparql: str) -> Remembered | None:
        """Return None: others may have written since."""

    def remember(self, sparql: str, found: Remembered) -> None:
        """Keep nothing: others may write."""
