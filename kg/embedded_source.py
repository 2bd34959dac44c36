"""What the spatial planner asks of an embedded store."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING
from weakref import ref

from pyoxigraph import QuerySolutions

from kg.errors import EvaluationError, QueryError
from kg.geosparql.aggregates import CALLED
from kg.geosparql.functions import FUNCTIONS
from kg.planner.patterns import properties_in
from kg.planner.syntax import parse
from kg.unknown_functions import with_unknown_functions
from ontology.terms import DEEPF

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from weakref import ReferenceType

    import numpy as np
    from pyoxigraph import NamedNode, Store

    from kg.geosparql.functions import Function
    from kg.index_keeper import IndexKeeper
    from kg.planner.service_tables import Served
    from kg.property_tables import PropertyTable
    from kg.solutions import Term
    from kg.spatial_index import SpatialIndex
    from kg.store import Dataset, QueryResult
    from kg.write_log import WriteLog

#: Bytes of columns that are remembered at most.
_MEMORY = 256 * 2**20
#: What a text in a column is taken to weigh.
_TEXT_BYTES = 120


def mentions_geometry(sparql: str) -> bool:
    """Return whether a query may have something for the spatial planner."""
    return "opengis.net" in sparql or DEEPF.namespace in sparql


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """Columns, and what they stay true of."""

    columns: dict[str, np.ndarray]
    writes: int
    """How many writes there were when the store was asked."""
    properties: frozenset[str] | None
    """Those that were asked for; None for any."""
    index: ReferenceType[SpatialIndex]
    """Whose numbers of terms they hold."""
    terms: int | None
    """How many terms it must have, because one was missing; None where none was."""

    def is_true(self, log: WriteLog, index: SpatialIndex) -> bool:
        """Return whether the store would give the same columns again."""
        return (
            self.index() is index
            and self.terms in (None, len(index.terms))
            and not log.changed(self.writes, self.properties)
        )


class ColumnMemory:
    """Columns that were computed for parts of queries, until a write changes what they say.

    The least recently used go when they weigh too much.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._weight = 0

    def get(self, key: str, log: WriteLog, index: SpatialIndex) -> dict[str, np.ndarray] | None:
        """Return what was computed, where it is still true."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            if not entry.is_true(log, index):
                self._forget(key)
                return None
            self._entries.move_to_end(key)
            return entry.columns

    def put(self, key: str, entry: _Entry) -> None:
        """Keep what was computed."""
        with self._lock:
            self._forget(key)
            self._entries[key] = entry
            self._weight += _weight(entry.columns)
            while self._weight > _MEMORY and self._entries:
                self._forget(next(iter(self._entries)))

    def _forget(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._weight -= _weight(entry.columns)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
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
        find: Callable[[str], Function | None] | None = None,
        served: Served | None = None,
    ) -> None:
        """Name the store.

        Args:
            store: It.
            keeper: Of its spatial index.
            memory: For columns.
            base_iri: What relative IRIs are relative to.
            dataset: Overrides FROM and FROM NAMED.
            find: Returns a function that GeoSPARQL does not have.
            served: Has the tables that queries may mention.
        """
        self._store = store
        self._keeper = keeper
        self._memory = memory
        self._base_iri = base_iri
        self._dataset = dataset
        self._find = find
        self._served = served
        self._writes = keeper.log.count

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
        served = self._served
        if served is not None:
            sparql = served.written_out(sparql)
            functions = {**served.functions, **(functions or {})}
        try:
            return with_unknown_functions(
                lambda known: self._store.query(
                    sparql,
                    base_iri=self._base_iri,
                    default_graph=None if dataset is None else [*dataset.default],
                    named_graphs=None if dataset is None else [*dataset.named],
                    custom_functions=known,
                    custom_aggregate_functions=CALLED,
                ),
                {**FUNCTIONS, **functions} if functions else FUNCTIONS,
                self._find,
            )
        except QueryError:  # of an extension that cannot be loaded
            raise
        except (SyntaxError, ValueError) as error:
            raise QueryError.of_syntax("query", error) from error
        except (OSError, RuntimeError) as error:
            raise EvaluationError(f"the query cannot be evaluated: {error}") from error

    def within(self, dataset: Dataset) -> EmbeddedSource:
        """Return the same for another dataset."""
        return EmbeddedSource(
            self._store,
            self._keeper,
            self._memory,
            base_iri=self._base_iri,
            dataset=dataset,
            find=self._find,
            served=self._served,
        )

    def table(self, predicate: str, graph: bytes, *, read: bool) -> PropertyTable | None:
        """Return what a property says in a graph; None where only the store knows."""
        return self._keeper.table(predicate, graph, read=read)

    def solutions(self, sparql: str) -> QuerySolutions:
        """Return the solutions of a SELECT."""
        result = self.evaluate(sparql)
        if not isinstance(result, QuerySolutions):
            raise TypeError("a SELECT has solutions")
        return result

    def remembered(self, sparql: str) -> dict[str, np.ndarray] | None:
        """Return the columns that were computed for a query, where they are still true."""
        return self._memory.get(self._key(sparql), self._keeper.log, self.index)

    def remember(self, sparql: str, columns: dict[str, np.ndarray]) -> None:
        """Keep columns until a write changes what the query asks for."""
        index = self.index
        numbers = [c for c in columns.values() if c.dtype != object]
        missing = any(len(c) and int(c.min()) < 0 for c in numbers)
        syntax = parse(sparql, base_iri=self._base_iri)
        entry = _Entry(
            columns=columns,
            writes=self._writes,
            properties=None if syntax is None else properties_in(syntax, syntax.root),
            index=ref(index),
            terms=len(index.terms) if missing else None,
        )
        if entry.is_true(self._keeper.log, index):
            self._memory.put(self._key(sparql), entry)

    def _key(self, sparql: str) -> str:
        return f"{self._dataset} {self._base_iri} {sparql}"
