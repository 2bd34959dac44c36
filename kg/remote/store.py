"""A store behind a SPARQL 1.1 server, which need not know GeoSPARQL.

A query without functions of GeoSPARQL goes to the server as it is. Any other one is planned
here, on a spatial index of the server's geometries: a selection or a spatial join is put
together from the index and from what the server answers for the candidates; for all else the
part of the data that the query can see is fetched, and the query is evaluated on it here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, cast

from pyoxigraph import (
    BlankNode,
    DefaultGraph,
    NamedNode,
    Quad,
    QuerySolutions,
    RdfFormat,
    serialize,
)

from kg.errors import EvaluationError, IriError, QueryError, RemoteStoreError, StoreError
from kg.extensions import Extensions
from kg.planner.costs import Costs
from kg.planner.plan import Plan
from kg.rdf.documents import parse_graph, parse_quads
from kg.rdf.quad_blocks import blocks, has_blank_node
from kg.remote.client import BLOCK, SparqlClient
from kg.remote.index import RemoteIndex
from kg.remote.plan import RemotePlan, calls_of, needs_us
from kg.services.resolver import serve
from kg.sparql.expansion import expanded
from kg.sparql.nesting import refuse_deep_nesting
from kg.sparql.replacement import replacing_update
from kg.sparql.schema import Schema, read_schema
from kg.sparql.syntax import Sparql
from kg.sparql.using import with_using
from kg.sparql.values_blocks import shortened
from kg.store import Dataset, Explanation
from kg.updates.touched import Touched

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from kg.extensions import Extension
    from kg.geosparql.functions import Function
    from kg.index.spatial_index import SpatialIndex
    from kg.rdf.terms import GraphName, Subject, Term
    from kg.results.solutions import QueryResult
    from kg.services.questions import Question
    from kg.services.tables import Row, Served
    from kg.store import BrokenGeometry


#: Quads in one INSERT DATA: requests of some 2 MB.
_BLOCK = 10_000
#: A refused block of fewer is not refused for its size.
_SMALL = 500


class RemoteStore:
    """A `GraphStore` on another server.

    A write of more than 10,000 quads is sent in blocks, so that it is atomic only block by block;
    so is a smaller one that the server has no room for.
    """

    def __init__(
        self,
        url: str,
        *,
        update_url: str | None = None,
        timeout_s: int = 60,
        fresh_s: float = 0.0,
        extensions: Sequence[Extension] | None = None,
        costs: Costs | None = None,
    ) -> None:
        """Name the server; nothing is sent yet.

        Args:
            url: Of our own server (`http://host:8000`), or of a query service.
            update_url: Where updates go, if not to the path `/update` beside the queries.
            timeout_s: How long to wait for an answer.
            fresh_s: For how long others are taken not to have written geometries, once that was
                checked: the check reads the statements of each property that leads to geometries
                (some 4 us each on oxigraph, 25 on Virtuoso).
            extensions: What queries can call besides GeoSPARQL, if not what is installed.
            costs: By which thresholds a way to an answer is chosen, if not the measured ones.
        """
        base = url.rstrip("/")
        if not base.startswith(("http://", "https://")):
            raise IriError(f"the endpoint is the URL of a SPARQL server, not {url!r}")
        query_url = base if base.rsplit("/", 1)[-1] in ("sparql", "query") else base + "/sparql"
        self._client = SparqlClient(
            query_url, update_url or query_url.rsplit("/", 1)[0] + "/update", timeout_s
        )
        self._index = RemoteIndex(self._client, fresh_s=fresh_s)
        self._known_schema: Schema | None = None
        self._extensions = Extensions(extensions)
        self._costs = costs or Costs()

    @property
    def read_only(self) -> bool:
        """False: the server decides."""
        return False

    def close(self) -> None:
        """Nothing is held open between requests."""

    def refresh(self) -> None:
        """Read the geometries and the schema again when they are next needed.

        What others write is noticed, but for the cases that `kg.remote.index` names; a change
        of theirs to classes and properties is not.
        """
        self._index.forget()
        self._known_schema = None

    @property
    def spatial_index(self) -> SpatialIndex:
        """The spatial index of the server's geometries, up to date."""
        return self._index.checked()

    def query(
        self,
        sparql: str,
        *,
        base_iri: str | None = None,
        dataset: Dataset | None = None,
        infer: bool = False,
        rewrite: bool = True,
    ) -> QueryResult:
        """Return the server's answer, or ours from what it has; see `GraphStore.query`."""
        asked = self._expanded(Sparql(text=sparql, base=base_iri), infer=infer, rewrite=rewrite)
        served = self._served(asked, dataset)
        calls = calls_of(served.sparql)
        if not needs_us(calls) and _can_be_sent(served):
            try:
                text = served.written_out(served.sparql.text)
                return self._client.query(_based(text, base_iri), dataset)
            except (QueryError, RemoteStoreError):
                # Where the server does not know a function, the rest is still to be answered.
                if not calls:
                    raise
        return self._plan(served, dataset).answer()

    def explain(
        self,
        sparql: str,
        *,
        base_iri: str | None = None,
        dataset: Dataset | None = None,
        infer: bool = False,
        rewrite: bool = True,
    ) -> Explanation:
        """Return the plan, for which the server is asked all; see `GraphStore.explain`."""
        asked = self._expanded(Sparql(text=sparql, base=base_iri), infer=infer, rewrite=rewrite)
        served = self._served(asked, dataset)
        if not needs_us(calls_of(served.sparql)) and _can_be_sent(served):
            step = "sent to the server as it stands: no function of GeoSPARQL in it"
            plan = Plan(sparql=served.sparql.text, steps=(step,))
        else:
            plan = self._plan(served, dataset).explained()
        return Explanation(
            steps=(*served.steps, *plan.steps), sparql=shortened(served.written_out(plan.sparql))
        )

    def _plan(self, served: Served, dataset: Dataset | None) -> RemotePlan:
        return RemotePlan(
            served,
            self._client,
            self._index.checked(),
            blank=self._index.has_blank_nodes(),
            dataset=dataset,
            find=self._function,
            costs=self._costs,
        )

    def _served(self, sparql: Sparql, dataset: Dataset | None) -> Served:
        """Return a query or update in which tables stand for the services of extensions."""

        def ask(question: Question) -> list[Row]:
            text = Sparql(text=_based(question.sparql, sparql.base))
            asked = replace(question.served, sparql=text)
            if needs_us(calls_of(asked.sparql)) or not _can_be_sent(asked):
                result = self._plan(asked, question.dataset).answer()
                return [tuple(s) for s in cast("QuerySolutions", result)]
            names = " ".join(question.names)
            body = asked.written_out(f"{{ SELECT DISTINCT {names} {{ {question.body} }} }}")
            prologue = _based(question.prologue, sparql.base)
            return self._client.rows(
                question.names, body, prologue=prologue, dataset=question.dataset
            )

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

    def _schema(self) -> Schema:
        """Return the vocabulary of the data and of GeoSPARQL, read again after a write of ours."""
        if self._known_schema is None:
            self._known_schema = read_schema(self._solutions)
        return self._known_schema

    def _solutions(self, sparql: str) -> QuerySolutions:
        result = self._client.whole(sparql)
        if result is None:
            raise RemoteStoreError("the server cuts the answer that has the schema")
        return result

    def update(
        self, sparql: str, *, base_iri: str | None = None, dataset: Dataset | None = None
    ) -> None:
        """Send an update; see `GraphStore.update`."""
        refuse_deep_nesting(sparql)
        if dataset is not None:
            sparql = with_using(sparql, dataset)
        served = self._served(Sparql(text=sparql, base=base_iri), None)
        if served.functions:
            raise EvaluationError(
                "what a SERVICE is given or finds here cannot be written into an update for "
                "another server: blank nodes, or inputs that only some solutions bind"
            )
        sparql = served.written_out(served.sparql.text)
        self._write(_based(sparql, base_iri), self._index.touched(sparql, base_iri))

    def _write(self, update: str, touched: Touched) -> None:
        self._known_schema = None
        try:
            self._client.update(update)
        except RemoteStoreError:
            # It may have been carried out, and only the answer lost.
            self._index.forget()
            raise
        self._index.updated(touched)

    def add(self, quads: Iterable[Quad]) -> None:
        """Send INSERT DATA."""
        self._send_data("INSERT", quads)

    def remove(self, quads: Iterable[Quad]) -> None:
        """Send DELETE DATA."""
        self._send_data("DELETE", quads)

    def quads(
        self,
        subject: Subject | None = None,
        predicate: NamedNode | None = None,
        object_: Term | None = None,
        graph: GraphName | None = None,
    ) -> Iterator[Quad]:
        """Ask for the quads that match; a blank node of the server cannot be asked for."""
        if any(isinstance(t, BlankNode) for t in (subject, object_, graph)):
            return
        pattern = " ".join(
            str(t or v) for t, v in ((subject, "?s"), (predicate, "?p"), (object_, "?o"))
        )
        in_graph = f"GRAPH {'?g' if graph is None else graph} {{ {pattern} }}"
        if graph is None:
            # Where the default graph is all graphs together, its triples are those of the graphs.
            union = self._client.default_is_union()
            where = in_graph if union else f"{{ {pattern} }} UNION {{ {in_graph} }}"
        else:
            where = pattern if isinstance(graph, DefaultGraph) else in_graph
        names = [n for n, t in (("?s", subject), ("?p", predicate), ("?o", object_)) if t is None]
        names += [] if graph is not None else ["?g"]
        rows = self._client.rows(names or ["*"], where)
        for values in rows:
            row = {n[1:]: v for n, v in zip(names, values, strict=False) if v is not None}
            name = graph or row.get("g") or DefaultGraph()
            yield Quad(
                subject or cast("Subject", row["s"]),
                predicate or cast("NamedNode", row["p"]),
                object_ or row["o"],
                cast("GraphName", name),
            )

    def broken_geometries(self) -> list[BrokenGeometry]:
        """Return the geometry literals that are no geometries."""
        return self.spatial_index.broken_geometries()

    def load(
        self, source: BinaryIO, rdf_format: RdfFormat, *, graph: GraphName | None = None
    ) -> int:
        """Parse everything first, then send it."""
        quads = parse_quads(source, rdf_format, graph=graph)
        self.add(quads)
        return len(quads)

    def dump(
        self, target: BinaryIO, rdf_format: RdfFormat, *, graph: GraphName | None = None
    ) -> None:
        """Fetch the quads and write them."""
        if graph is None and not rdf_format.supports_datasets:
            graph = DefaultGraph()
        quads = self.quads(None, None, None, graph)
        if rdf_format.supports_datasets:
            serialize(quads, target, rdf_format)
        else:
            serialize((q.triple for q in quads), target, rdf_format)

    def has_graph(self, graph: GraphName) -> bool:
        """Ask whether a graph has triples: not every server knows a graph without any."""
        return isinstance(graph, DefaultGraph) or bool(
            self.query(f"ASK {{ GRAPH {graph} {{ ?s ?p ?o }} }}")
        )

    def replace_graph(
        self,
        graph: GraphName,
        source: BinaryIO,
        rdf_format: RdfFormat,
        *,
        base_iri: str | None = None,
    ) -> int:
        """Parse everything first, then replace in one update, of whatever size."""
        quads = parse_graph(source, rdf_format, graph, base_iri=base_iri)
        self.update(replacing_update(graph, quads))
        return len(quads)

    def snapshot(self, folder: Path) -> None:
        """Refuse: the files are the server's."""
        raise StoreError(f"cannot copy a remote store to {folder}; dump it instead")

    def _send_data(self, verb: str, quads: Iterable[Quad]) -> None:
        for block in blocks(quads, _BLOCK):
            if verb == "DELETE" and any(has_blank_node(q) for q in block):
                raise StoreError(
                    "blank nodes of a remote store cannot be removed one by one; "
                    "use DELETE WHERE in an update"
                )
            self._send_block(verb, block)

    def _send_block(self, verb: str, block: list[Quad]) -> None:
        """Send a block; what a server's parser has no room for goes in halves."""
        touched = Touched()
        touched.add_quads(block, self._index.covered)
        data = f"{{\n{_quad_data(block)}}}"
        # Virtuoso takes blank nodes in a template, and not in INSERT DATA.
        blank = any(has_blank_node(q) for q in block)
        try:
            self._write(f"INSERT {data} WHERE {{}}" if blank else f"{verb} DATA {data}", touched)
        except QueryError:
            parts = list(blocks(block, len(block) // 2)) if len(block) > _SMALL else []
            if len(parts) < 2:
                raise
            for part in parts:
                self._send_block(verb, part)


def _can_be_sent(served: Served) -> bool:
    """Return whether a server can be expected to take the tables of a query."""
    return served.rows <= BLOCK and not served.functions


def _based(sparql: str, base_iri: str | None) -> str:
    return sparql if base_iri is None else f"BASE <{base_iri}>\n{sparql}"


def _quad_data(quads: list[Quad]) -> str:
    by_graph: dict[GraphName, list[str]] = {}
    for quad in quads:
        by_graph.setdefault(quad.graph_name, []).append(f"{quad.triple} .\n")
    return "".join(
        "".join(lines)
        if isinstance(graph, DefaultGraph)
        else f"GRAPH {graph} {{\n{''.join(lines)}}}\n"
        for graph, lines in by_graph.items()
    )
