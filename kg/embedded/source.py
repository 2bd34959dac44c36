"""What the spatial planner asks of an embedded store."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import ref

from pyoxigraph import QuerySolutions

from kg.errors import EvaluationError, QueryError
from kg.geosparql.aggregates import CALLED
from kg.geosparql.functions import FUNCTIONS
from kg.planner.column_memory import Entry
from kg.sparql.patterns import properties_in
from kg.sparql.syntax import parse
from kg.sparql.unknown_functions import with_unknown_functions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyoxigraph import NamedNode, Store

    from kg.embedded.index_keeper import IndexKeeper
    from kg.geosparql.functions import Function
    from kg.index.pairs_table import PropertyTable
    from kg.index.spatial_index import SpatialIndex
    from kg.planner.column_memory import ColumnMemory
    from kg.planner.costs import Costs
    from kg.planner.fetched import Remembered
    from kg.rdf.terms import Term
    from kg.results.solutions import QueryResult
    from kg.services.tables import Served
    from kg.store import Dataset


class EmbeddedSource:
    """What the planner asks of an embedded store, for one request."""

    block = None

    def __init__(
        self,
        store: Store,
        keeper: IndexKeeper,
        memory: ColumnMemory,
        *,
        costs: Costs,
        base_iri: str | None,
        dataset: Dataset | None,
        find: Callable[[str], Function | None] | None = None,
        served: Served | None = None,
    ) -> None:
        """Name the store, and what a request says beside its query.

        Args:
            store: The store of pyoxigraph that is asked.
            keeper: Has the spatial index and the tables of properties of that store.
            memory: Keeps what was found out, for later requests too.
            costs: The thresholds of the planner.
            base_iri: What relative IRIs are relative to.
            dataset: Overrides FROM and FROM NAMED.
            find: Returns a function that GeoSPARQL does not have.
            served: Has the tables of services that a text may mention by their marks.
        """
        self.costs = costs
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
            costs=self.costs,
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

    def remembered(self, sparql: str) -> Remembered | None:
        """Return what was found out about a query, where it is still true."""
        return self._memory.get(self._key(sparql), self._keeper.log, self.index)

    def remember(self, sparql: str, found: Remembered) -> None:
        """Keep what was found out, until a write changes what the query asks for."""
        index = self.index
        syntax = parse(sparql, base_iri=self._base_iri)
        entry = Entry(
            found=found,
            writes=self._writes,
            properties=None if syntax is None else properties_in(syntax, syntax.root),
            index=ref(index),
            terms=len(index.terms) if found.lacks_terms else None,
        )
        if entry.is_true(self._keeper.log, index):
            self._memory.put(self._key(sparql), entry)

    def _key(self, sparql: str) -> str:
        return f"{self._dataset} {self._base_iri} {sparql}"
