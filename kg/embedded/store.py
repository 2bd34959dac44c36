"""The store in this process: pyoxigraph on a RocksDB folder, or in memory."""

from __future__ import annotations

import gc
import shutil
from dataclasses import replace
from threading import RLock
from typing import TYPE_CHECKING, BinaryIO, Self, cast

from pyoxigraph import DefaultGraph, NamedNode, Quad, Store

from kg.embedded.bulk import bulk_load, large_file
from kg.embedded.index_keeper import Added, IndexKeeper
from kg.embedded.kept_index import folder_state
from kg.embedded.opening import checkpoint_of, open_folder, restore_checkpoint
from kg.embedded.removal import remove_quads
from kg.embedded.shared_triples import SharedTriples
from kg.embedded.source import EmbeddedSource
from kg.errors import (
    EvaluationError,
    QueryError,
    RdfSyntaxError,
    StoreError,
)
from kg.extensions import Extensions
from kg.geosparql.aggregates import CALLED
from kg.geosparql.functions import FUNCTIONS
from kg.planner.column_memory import ColumnMemory
from kg.planner.costs import Costs
from kg.planner.plan import Plan, mentions_geometry, plan_query, plan_update
from kg.rdf.documents import parse_graph, parse_quads
from kg.services.resolver import serve
from kg.sparql.aggregates import with_aggregates
from kg.sparql.expansion import expanded
from kg.sparql.graph_merge import as_merge
from kg.sparql.nesting import refuse_deep_nesting
from kg.sparql.replacement import replacing_update
from kg.sparql.schema import Schema, read_schema
from kg.sparql.syntax import Sparql
from kg.sparql.unevaluated import check
from kg.sparql.unknown_functions import with_unknown_functions
from kg.sparql.using import with_using
from kg.sparql.values_blocks import shortened
from kg.store import Dataset, Explanation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pyoxigraph import QuerySolutions, RdfFormat

    from kg.extensions import Extension
    from kg.geosparql.functions import Function
    from kg.index.spatial_index import SpatialIndex
    from kg.rdf.terms import GraphName, Subject, Term
    from kg.results.solutions import QueryResult
    from kg.services.questions import Question
    from kg.services.tables import Row, Served
    from kg.store import BrokenGeometry


class EmbeddedStore:
    """A `GraphStore` on a folder, or in memory where no folder is given.

    Use it as a context manager, or `close` it: one process at a time may write a folder.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        read_only: bool = False,
        extensions: Sequence[Extension] | None = None,
        costs: Costs | None = None,
    ) -> None:
        """Open or create the store.

        Args:
            folder: Where it is; None for one in memory.
            read_only: Refuse writes.
            extensions: What queries can call besides GeoSPARQL, if not what is installed.
            costs: By which thresholds a way to an answer is chosen, if not the measured ones.

        Raises:
            StoreLockedError: Another process has the folder open for writing.
            StoreNotFoundError: Reading was asked for where there is no store.
            StoreError: The folder is there but is no store.
        """
        self.folder = folder
        self._read_only = read_only
        self._extensions = Extensions(extensions)
        self._costs = costs or Costs()
        self._start()
        self._known_schema: tuple[int, Schema] | None = None
        self.remembered = ColumnMemory()
        self._shared_triples = SharedTriples()
        # pyoxigraph does not notice that two transactions at once touch the same quads.
        self._writing = RLock()

    def _start(self) -> None:
        folder = self.folder
        if folder is not None:
            restore_checkpoint(folder)
        state = None if folder is None or not folder.is_dir() else folder_state(folder)
        self._open: Store | None = (
            Store() if folder is None else open_folder(folder, read_only=self._read_only)
        )
        self._keeper = IndexKeeper(self._open, is_empty=next(iter(self._open), None) is None)
        if folder is not None and state is not None:
            self._keeper.offer(folder, state)

    @property
    def read_only(self) -> bool:
        """True where a write would be refused."""
        return self._read_only

    @property
    def opened(self) -> Store:
        """The store itself."""
        if self._open is None:
            raise StoreError("the store is closed")
        return self._open

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Write out and let go of the folder."""
        if self._open is None:
            return
        if self.folder is None:
            self._open = None
            return
        self._open.flush()
        self._open = None
        self._keeper.let_go()
        self._keeper.keep(self.folder)

    def query(
        self,
        sparql: str,
        *,
        base_iri: str | None = None,
        dataset: Dataset | None = None,
        infer: bool = False,
        rewrite: bool = True,
    ) -> QueryResult:
        """Return the result; see `GraphStore.query`."""
        asked = self._expanded(Sparql(text=sparql, base=base_iri), infer=infer, rewrite=rewrite)
        return self._answer(self._served(asked, dataset), dataset)

    def _answer(self, served: Served, dataset: Dataset | None) -> QueryResult:
        source = self._source(served.sparql.base, dataset, served)
        sparql = as_merge(served.sparql, dataset, self._shared)
        if not mentions_geometry(sparql.text):
            return source.evaluate(sparql.text)
        plan = plan_query(sparql, source, dataset=dataset)
        if plan.solutions is not None:
            return plan.solutions
        return source.evaluate(plan.sparql, plan.functions)

    def explain(
        self,
        sparql: str,
        *,
        base_iri: str | None = None,
        dataset: Dataset | None = None,
        infer: bool = False,
        rewrite: bool = True,
    ) -> Explanation:
        """Return the plan; see `GraphStore.explain`."""
        asked = self._expanded(Sparql(text=sparql, base=base_iri), infer=infer, rewrite=rewrite)
        served = self._served(asked, dataset)
        merged = as_merge(served.sparql, dataset, self._shared)
        if mentions_geometry(merged.text):
            source = self._source(base_iri, dataset, served)
            plan = plan_query(merged, source, dataset=dataset)
        else:
            check(merged.text, base_iri)
            plan = Plan(sparql=merged.text, steps=("evaluated as it stands: no geometry in it",))
        return Explanation(
            steps=(*served.steps, *plan.steps), sparql=shortened(served.written_out(plan.sparql))
        )

    def _source(
        self, base_iri: str | None, dataset: Dataset | None, served: Served | None = None
    ) -> EmbeddedSource:
        return EmbeddedSource(
            self.opened,
            self._keeper,
            self.remembered,
            costs=self._costs,
            base_iri=base_iri,
            dataset=dataset,
            find=self._function,
            served=served,
        )

    def _served(self, sparql: Sparql, dataset: Dataset | None) -> Served:
        """Return a query or update in which tables stand for the services of extensions."""

        def ask(question: Question) -> list[Row]:
            text = Sparql(text=question.sparql, base=sparql.base)
            result = self._answer(replace(question.served, sparql=text), question.dataset)
            return [tuple(s) for s in cast("QuerySolutions", result)]

        services = self._extensions.services
        return serve(sparql, services, self, ask, dataset=dataset)

    def _function(self, iri: str) -> Function | None:
        return self._extensions.function(iri, self)

    def _expanded(self, sparql: Sparql, *, infer: bool, rewrite: bool) -> Sparql:
        return expanded(
            sparql,
            schema=self._schema() if infer else None,
            index=(lambda: self.spatial_index) if rewrite else None,
        )

    def _shared(self, graphs: tuple[NamedNode, ...], predicate: str | None) -> bool:
        return self._shared_triples.any(self.opened, self._keeper.log, graphs, predicate)

    def _schema(self) -> Schema:
        """Return the vocabulary of the data and of GeoSPARQL, read again after a write."""
        writes = self._keeper.log.count
        if self._known_schema is None or self._known_schema[0] != writes:
            self._known_schema = (writes, read_schema(self._source(None, None).solutions))
        return self._known_schema[1]

    @property
    def spatial_index(self) -> SpatialIndex:
        """The spatial index, up to date."""
        return self._keeper.index

    def update(
        self, sparql: str, *, base_iri: str | None = None, dataset: Dataset | None = None
    ) -> None:
        """Execute as one transaction; see `GraphStore.update`."""
        self._require_writable()
        store = self.opened
        refuse_deep_nesting(sparql)
        if dataset is not None:
            sparql = with_using(sparql, dataset)
        try:
            called = with_aggregates(Sparql(text=sparql, base=base_iri))
            with self._writing:
                served = self._served(called, None)
                instrumented = self._keeper.instrumented(served.sparql)
                plan = self._planned(instrumented.sparql, served)
                functions = {**instrumented.functions, **plan.functions, **served.functions}
                with_unknown_functions(
                    lambda known: store.update(
                        served.written_out(plan.sparql),
                        base_iri=base_iri,
                        custom_functions=known,
                        custom_aggregate_functions=CALLED,
                    ),
                    {**FUNCTIONS, **functions},
                    self._function,
                )
                self._keeper.updated(instrumented.touched)
        except QueryError:  # what is wrong with a SERVICE
            raise
        except (SyntaxError, ValueError) as error:
            raise QueryError.of_syntax("update", error) from error
        except (OSError, RuntimeError) as error:
            raise EvaluationError(f"the update cannot be executed: {error}") from error

    def _planned(self, update: Sparql, served: Served) -> Plan:
        """Return the plan of an update."""
        if not mentions_geometry(update.text):
            return Plan(sparql=update.text)
        return plan_update(update, self._source(update.base, None, served))

    def add(self, quads: Iterable[Quad]) -> None:
        """Add quads in one transaction."""
        self._require_writable()
        with self._writing:
            added = Added()
            self.opened.extend(self._keeper.adding(quads, added))
            self._keeper.added(added)

    def remove(self, quads: Iterable[Quad]) -> None:
        """Remove quads in one transaction."""
        self._require_writable()
        gone = list(quads)
        with self._writing:
            remove_quads(self.opened, gone)
            self._keeper.removed(gone)

    def quads(
        self,
        subject: Subject | None = None,
        predicate: NamedNode | None = None,
        object_: Term | None = None,
        graph: GraphName | None = None,
    ) -> Iterator[Quad]:
        """Return the quads that match; None matches anything.

        They are read at once: an iterator of pyoxigraph's that is left half-read must be
        dropped on the thread that made it, which nobody who holds one in a frame can promise.
        """
        return iter(list(self.opened.quads_for_pattern(subject, predicate, object_, graph)))

    def broken_geometries(self) -> list[BrokenGeometry]:
        """Return the geometry literals that are no geometries."""
        return self.spatial_index.broken_geometries()

    def load(
        self, source: BinaryIO, rdf_format: RdfFormat, *, graph: GraphName | None = None
    ) -> int:
        """Parse everything first, then write it in one transaction.

        A large file goes into a folder by pyoxigraph's bulk loader, without being held in
        memory; a checkpoint made before is what there is again if that fails or is killed.
        """
        self._require_writable()
        path = large_file(source)
        if self.folder is None or path is None:
            quads = parse_quads(source, rdf_format, graph=graph)
            self.add(quads)
            return len(quads)
        with self._writing:
            return self._load_large(path, rdf_format, graph)

    def _load_large(self, path: Path, rdf_format: RdfFormat, graph: GraphName | None) -> int:
        folder = cast("Path", self.folder)
        checkpoint = checkpoint_of(folder)
        self.opened.backup(str(checkpoint))
        try:
            count = bulk_load(self.opened, self._keeper, path, rdf_format, graph)
        except (RdfSyntaxError, OSError, KeyboardInterrupt) as error:
            failure = type(error)(str(error))
        else:
            shutil.rmtree(checkpoint)
            return count
        self._open = None
        self._keeper.let_go()
        gc.collect()  # the traceback held the store, and the store its lock
        restore_checkpoint(folder)
        self._start()
        raise failure

    def dump(
        self, target: BinaryIO, rdf_format: RdfFormat, *, graph: GraphName | None = None
    ) -> None:
        """Write the data set, or one graph; a format without graphs gets the default one."""
        if graph is None and not rdf_format.supports_datasets:
            graph = DefaultGraph()
        self.opened.dump(target, rdf_format, from_graph=graph)

    def has_graph(self, graph: GraphName) -> bool:
        """Return whether a graph is there, with triples or without."""
        return isinstance(graph, DefaultGraph) or self.opened.contains_named_graph(graph)

    def replace_graph(
        self,
        graph: GraphName,
        source: BinaryIO,
        rdf_format: RdfFormat,
        *,
        base_iri: str | None = None,
    ) -> int:
        """Parse everything first, then replace in one transaction."""
        self._require_writable()
        quads = parse_graph(source, rdf_format, graph, base_iri=base_iri)
        with self._writing:
            self.opened.update(replacing_update(graph, quads, by_pattern=True))
            self._keeper.replaced(graph, quads)
        return len(quads)

    def snapshot(self, folder: Path) -> None:
        """Write a checkpoint by hard links, in milliseconds."""
        if self.folder is None:
            raise StoreError("a store in memory has no files to copy; dump it instead")
        if folder.exists():
            raise StoreError(f"{folder} exists already; name a folder that does not")
        with self._writing:
            self.opened.backup(str(folder))
            self._keeper.write_beside(folder)

    def __len__(self) -> int:
        return len(self.opened)

    def _require_writable(self) -> None:
        if self._read_only:
            raise StoreError("the store was opened read-only")
