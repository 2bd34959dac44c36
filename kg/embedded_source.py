"""What the spatial planner asks of an embedded store."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

from pyoxigraph import QuerySolutions, Store

from kg.errors import EvaluationError, QueryError
from kg.geosparql.functions import AGGREGATES, FUNCTIONS
from kg.unknown_functions import with_unknown_functions
from ontology.terms import DEEPF

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from pyoxigraph import NamedNode

    from kg.index_keeper import IndexKeeper
    from kg.solutions import Term
    from kg.spatial_index import SpatialIndex
    from kg.store import Dataset, QueryResult

#: Bytes of columns that are remembered at most.
_MEMORY = 256 * 2**20
#: What a text in a column is taken to weigh.
_TEXT_BYTES = 120


def mentions_geometry(sparql: str) -> bool:
    """Return whether a query may have something for the spatial planner."""
    return "opengis.net" in sparql or DEEPF.namespace in sparql


class ColumnMemory:
    """Columns that were computed for parts of queries, until the next write.

    The least recently used go when they weigh too much.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._columns: OrderedDict[str, dict[str, np.ndarray]] = OrderedDict()
        self._writes = -1
        self._weight = 0

    def get(self, key: str, writes: int) -> dict[str, np.ndarray] | None:
        """Return what was computed after a number of writes."""
        with self._lock:
            if writes != self._writes or key not in self._columns:
                return None
            self._columns.move_to_end(key)
            return self._columns[key]

    def put(self, key: str, writes: int, columns: dict[str, np.ndarray]) -> None:
        """Keep what was computed after a number of writes."""
        with self._lock:
            if writes != self._writes:
                self._columns.clear()
                self._writes, self._weight = writes, 0
            self._columns[key] = columns
            self._weight += _weight(columns)
            while self._weight > _MEMORY and self._columns:
                self._weight -= _weight(self._columns.popitem(last=False)[1])

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._columns.clear()
            self._weight = 0


def _weight(columns: dict[str, np.ndarray]) -> int:
    return sum(
        len(c) * _TEXT_BYTES if c.dtype == object else int(c.nbytes) for c in columns.values()
    )


class EmbeddedSource:
    """What the planner asks of an embedded store, for one request."""

    block = None

    def __init__(
        self,
        store: Store,
        keeper: IndexKeeper,
        memory: ColumnMemory,
        *,
        base_iri: str | None,
        dataset: Dataset | None,
    ) -> None:
        self._store = store
        self._keeper = keeper
        self._memory = memory
        self._base_iri = base_iri
        self._dataset = dataset
        self._writes = keeper.writes

    @property
    def index(self) -> SpatialIndex:
        """The spatial index, up to date."""
        return self._keeper.index

    def evaluate(
        self,
        sparql: str,
        functions: Mapping[NamedNode, Callable[..., Term | None]] | None = None,
    ) -> QueryResult:
        """Return the answer of the store itself, with the functions of GeoSPARQL."""
        dataset = self._dataset
        try:
            return with_unknown_functions(
                lambda known: self._store.query(
                    sparql,
                    base_iri=self._base_iri,
                    default_graph=None if dataset is None else [*dataset.default],
                    named_graphs=None if dataset is None else [*dataset.named],
                    custom_functions=known,
                    custom_aggregate_functions=AGGREGATES,
                ),
                {**FUNCTIONS, **functions} if functions else FUNCTIONS,
            )
        except (SyntaxError, ValueError) as error:
            raise QueryError(f"malformed SPARQL query: {error}") from error
        except (OSError, RuntimeError) as error:
            raise EvaluationError(f"the query cannot be evaluated: {error}") from error

    def within(self, dataset: Dataset) -> EmbeddedSource:
        """Return the same for another dataset."""
        return EmbeddedSource(
            self._store, self._keeper, self._memory, base_iri=self._base_iri, dataset=dataset
        )

    def solutions(self, sparql: str) -> QuerySolutions:
        """Return the solutions of a SELECT."""
        result = self.evaluate(sparql)
        if not isinstance(result, QuerySolutions):
            raise TypeError("a SELECT has solutions")
        return result

    def check(self, sparql: str) -> None:
        """Refuse a malformed query, without evaluating it on any data."""
        try:
            with_unknown_functions(
                lambda known: Store().query(
                    sparql,
                    base_iri=self._base_iri,
                    custom_functions=known,
                    custom_aggregate_functions=AGGREGATES,
                ),
                FUNCTIONS,
            )
        except (SyntaxError, ValueError) as error:
            raise QueryError(f"malformed SPARQL query: {error}") from error

    def remembered(self, sparql: str) -> dict[str, np.ndarray] | None:
        """Return the columns that were computed for a query since the last write."""
        return self._memory.get(self._key(sparql), self._writes)

    def remember(self, sparql: str, columns: dict[str, np.ndarray]) -> None:
        """Keep columns until the next write."""
        if self._writes == self._keeper.writes:
            self._memory.put(self._key(sparql), self._writes, columns)

    def _key(self, sparql: str) -> str:
        return f"{self._dataset} {self._base_iri} {sparql}"
