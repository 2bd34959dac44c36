"""How one query is answered from a store on another server that has no GeoSPARQL."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from pyoxigraph import BlankNode, NamedNode, QuerySolutions, QueryTriples, Store

from kg.embedded.index_keeper import Added, IndexKeeper
from kg.embedded.source import EmbeddedSource
from kg.errors import EvaluationError
from kg.planner.column_memory import ColumnMemory
from kg.planner.constraints import default_scope
from kg.planner.plan import Plan, plan_query
from kg.remote.client import BLOCK, as_result
from kg.remote.partial_copy import PartialCopy, everything
from kg.remote.source import CutAnswerError, RemoteSource
from kg.sparql.constants import Constants
from kg.sparql.datasets import dataset_of
from kg.sparql.syntax import Edit
from kg.sparql.unevaluated import check
from ontology.terms import DEEPF, GEOF, XSD

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyoxigraph import Quad, Triple
    from tree_sitter import Node

    from kg.geosparql.functions import Function
    from kg.index.spatial_index import SpatialIndex
    from kg.planner.costs import Costs
    from kg.remote.client import SparqlClient
    from kg.results.solutions import QueryResult, Solutions
    from kg.services.tables import Served
    from kg.sparql.syntax import Sparql
    from kg.store import Dataset


_OURS = (GEOF.namespace, DEEPF.namespace)


def calls_of(sparql: Sparql) -> frozenset[str]:
    """Return the functions that a query calls by IRI, without the casts of SPARQL itself."""
    if "(" not in sparql.text:
        return frozenset()
    syntax = sparql.syntax
    if syntax is None:
        # What cannot be read may call whatever it mentions.
        return frozenset(n for n in _OURS if n in sparql.text)
    calls = (syntax.iri(n.named_children[0]) for n in syntax.walk("function_call"))
    return frozenset(c for c in calls if c is not None and not c.startswith(XSD.namespace))


def needs_us(calls: frozenset[str]) -> bool:
    """Return whether a query has functions that only we have."""
    return any(c.startswith(_OURS) for c in calls)


class RemotePlan:
    """The plan of one query."""

    def __init__(
        self,
        served: Served,
        client: SparqlClient,
        index: SpatialIndex,
        *,
        blank: bool,
        dataset: Dataset | None,
        find: Callable[[str], Function | None],
        costs: Costs,
    ) -> None:
        """Read the query.

        Args:
            served: The query, rewritten and entailed.
            client: The server.
            index: Of its geometries.
            blank: Whether the index has blank nodes.
            dataset: Overrides FROM and FROM NAMED.
            find: Returns a function that GeoSPARQL does not have.
            costs: The thresholds of the planner.

        Raises:
            QueryError: The query is malformed.
        """
        base_iri = served.sparql.base
        check(served.sparql.text, base_iri)
        self._served = served
        self._find = find
        self._costs = costs
        self._client = client
        self._blank = blank
        self._steps: list[str] = []
        self._sparql = served.sparql.spelt_out
        self._syntax = self._sparql.syntax
        self._dataset = dataset
        prologue = "" if base_iri is None else f"BASE <{base_iri}>\n"
        if self._syntax is not None:
            prologue += self._syntax.prologue
            self._dataset = dataset or dataset_of(self._syntax)
        self._source = RemoteSource(
            client, index, costs=costs, prologue=prologue, dataset=self._dataset
        )

    def answer(self) -> QueryResult:
        """Return the answer."""
        solutions = self._by_index()
        if solutions is not None:
            return solutions
        source, plan = self._local()
        result: QueryResult = (
            source.evaluate(plan.sparql, plan.functions)
            if plan.solutions is None
            else plan.solutions
        )
        described = self._described()
        return result if described is None else self._description(result, described)

    def explained(self) -> Plan:
        """Return the steps, and the query that is left to be evaluated here."""
        if self._by_index() is not None:
            return Plan(sparql=self._sparql.text, steps=tuple(self._steps))
        _, plan = self._local()
        return replace(plan, steps=(*self._steps, "evaluated here:", *plan.steps))

    def _by_index(self) -> Solutions | None:
        """Return the answer of a query that selects from one run, put together from columns."""
        if self._syntax is None or (self._blank and not self._client.keeps_labels()):
            return None
        if self._dataset is None and self._client.default_is_union():
            return None  # such a server may answer a triple once for each graph that has it
        try:
            plan = plan_query(self._sparql, self._source, dataset=self._dataset)
        except CutAnswerError:
            return None
        if plan.solutions is not None:
            self._steps += plan.steps
        return plan.solutions

    def _local(self) -> tuple[EmbeddedSource, Plan]:
        """Return a store of what the query can see, and the plan of the query on it."""
        local = Store()
        added = Added()
        keeper = IndexKeeper(local, is_empty=True)
        quads, graphs = self._fetched()
        local.extend(keeper.adding(quads, added))
        keeper.added(added)
        for graph in graphs:
            local.add_graph(graph)
        source = EmbeddedSource(
            local,
            keeper,
            ColumnMemory(),
            costs=self._costs,
            base_iri=self._sparql.base,
            dataset=None,
            find=self._find,
            served=self._served,
        )
        return source, plan_query(self._text, source)

    def _fetched(self) -> tuple[set[Quad], set[NamedNode]]:
        syntax = self._syntax
        if self._served.has_blank and not self._client.keeps_labels():
            raise EvaluationError(
                "a SERVICE is given blank nodes or finds some, which the server labels anew in "
                "each answer; give it IRIs or literals"
            )
        if syntax is None:
            self._steps.append("syntax beyond SPARQL 1.1")
            return everything(self._source, self._steps), set()
        if self._blank and not self._client.keeps_labels():
            # The index knows blank nodes by labels that say nothing in another answer.
            self._steps.append("the server labels blank nodes anew in each answer")
            return everything(self._source, self._steps), set()
        scope = default_scope(self._dataset)
        constants = Constants(self._source.prologue, self._sparql.base)
        copy = PartialCopy(syntax, self._source, scope, constants, self._steps)
        copy.fetch()
        if _has_blank(copy.quads) and not self._client.keeps_labels():
            self._steps.append("the server labels blank nodes anew in each answer")
            return everything(self._source, self._steps), copy.graphs
        return copy.quads, copy.graphs

    @property
    def _text(self) -> Sparql:
        """The query as it is evaluated here: on what is its data set already."""
        if self._syntax is None:
            return self._sparql
        edits = [
            Edit(start=n.start_byte, end=n.end_byte, text=" ")
            for n in self._syntax.walk("dataset_clause")
        ]
        described = self._described()
        if described is not None:
            # What there is to say of the things, only the server knows.
            where = next(self._syntax.walk("where_clause", within=described))
            names = " ".join(
                self._syntax.text(n) for n in described.named_children if n.type == "var"
            )
            chosen = f"SELECT DISTINCT {names or '*'} "
            edits.append(Edit(start=described.start_byte, end=where.start_byte, text=chosen))
        return self._sparql.edited(edits)

    def _described(self) -> Node | None:
        """Return the DESCRIBE with a pattern; None for any other query."""
        if self._syntax is None:
            return None
        for query in self._syntax.walk("describe_query"):
            if next(self._syntax.walk("where_clause", within=query), None) is not None:
                return query
        return None

    def _description(self, result: QueryResult, query: Node) -> QueryTriples:
        """Return what the server says of the solutions, and of the things named in the query."""
        syntax = self._syntax
        iris = [i for n in query.named_children if syntax is not None and (i := syntax.iri(n))]
        things = {f"<{i}>" for i in iris}
        for row in cast("QuerySolutions", result):
            things |= {str(t) for t in row if isinstance(t, NamedNode)}
        ordered = sorted(things)
        triples: list[Triple] = []
        for start in range(0, len(ordered), BLOCK):
            block = " ".join(ordered[start : start + BLOCK])
            triples += cast("QueryTriples", self._client.query(f"DESCRIBE {block}", self._dataset))
        return as_result(triples)


def _has_blank(quads: set[Quad]) -> bool:
    return any(isinstance(t, BlankNode) for q in quads for t in (q.subject, q.object))
