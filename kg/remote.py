"""A store behind a SPARQL 1.1 server: queries by SPARQLWrapper, writes as SPARQL updates."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.error import HTTPError, URLError

from pyoxigraph import (
    BlankNode,
    DefaultGraph,
    Quad,
    QueryResultsFormat,
    RdfFormat,
    Store,
    parse,
    parse_query_results,
    serialize,
)
from SPARQLWrapper import JSON, POST, POSTDIRECTLY, TURTLE, SPARQLWrapper
from SPARQLWrapper.SPARQLExceptions import QueryBadFormed, SPARQLWrapperException

from kg.errors import IriError, QueryError, RemoteStoreError, StoreError
from kg.parsing import parse_quads
from kg.query import select

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pyoxigraph import NamedNode

    from kg.store import GraphName, QueryResult, Subject, Term

#: Quads in one INSERT DATA: requests of some 2 MB.
_BLOCK = 10_000
_GRAPH_QUERIES = ("CONSTRUCT", "DESCRIBE")


class RemoteStore:
    """A `GraphStore` on another server.

    A write of more than 10,000 quads is sent in blocks, so that it is atomic only block by block.
    """

    def __init__(self, url: str, *, update_url: str | None = None, timeout_s: int = 60) -> None:
        """Name the server; nothing is sent yet.

        Args:
            url: Of our own server (`http://host:8000`), or of a query service.
            update_url: Where updates go, if not to the path `/update` beside the queries.
            timeout_s: How long to wait for an answer.
        """
        base = url.rstrip("/")
        if not base.startswith(("http://", "https://")):
            raise IriError(f"the endpoint is the URL of a SPARQL server, not {url!r}")
        self._query_url = (
            base if base.rsplit("/", 1)[-1] in ("sparql", "query") else base + "/sparql"
        )
        self._update_url = update_url or self._query_url.rsplit("/", 1)[0] + "/update"
        self._timeout_s = timeout_s

    @property
    def read_only(self) -> bool:
        """False: the server decides."""
        return False

    def close(self) -> None:
        """Nothing is held open between requests."""

    def query(self, sparql: str, *, base_iri: str | None = None) -> QueryResult:
        """Return the server's answer; see `GraphStore.query`."""
        if base_iri is not None:
            sparql = f"BASE <{base_iri}>\n{sparql}"
        client = self._client(self._query_url, sparql)
        if client.queryType in _GRAPH_QUERIES:
            client.setReturnFormat(TURTLE)
            body = self._send(client)
            scratch = Store()
            scratch.extend(parse(body, format=RdfFormat.TURTLE))
            return scratch.query("CONSTRUCT WHERE { ?s ?p ?o }")
        client.setReturnFormat(JSON)
        return parse_query_results(self._send(client), QueryResultsFormat.JSON)

    def update(self, sparql: str, *, base_iri: str | None = None) -> None:
        """Send an update; see `GraphStore.update`."""
        if base_iri is not None:
            sparql = f"BASE <{base_iri}>\n{sparql}"
        self._send(self._client(self._update_url, sparql))

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
            where = f"{{ {pattern} }} UNION {{ {in_graph} }}"
        else:
            where = pattern if isinstance(graph, DefaultGraph) else in_graph
        for row in select(self, f"SELECT * WHERE {{ {where} }}"):
            name = graph or row.get("g") or DefaultGraph()
            yield Quad(
                subject or cast("Subject", row["s"]),
                predicate or cast("NamedNode", row["p"]),
                object_ or row["o"],
                cast("GraphName", name),
            )

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

    def snapshot(self, folder: Path) -> None:
        """Refuse: the files are the server's."""
        raise StoreError(f"cannot copy a remote store to {folder}; dump it instead")

    def _send_data(self, verb: str, quads: Iterable[Quad]) -> None:
        iterator = iter(quads)
        while block := list(islice(iterator, _BLOCK)):
            if verb == "DELETE" and any(_has_blank_node(q) for q in block):
                raise StoreError(
                    "blank nodes of a remote store cannot be removed one by one; "
                    "use DELETE WHERE in an update"
                )
            self.update(f"{verb} DATA {{\n{_quad_data(block)}}}")

    def _client(self, url: str, sparql: str) -> SPARQLWrapper:
        client = SPARQLWrapper(url)
        client.setTimeout(self._timeout_s)
        client.setMethod(POST)
        client.setRequestMethod(POSTDIRECTLY)
        client.setQuery(sparql)
        return client

    def _send(self, client: SPARQLWrapper) -> bytes:
        try:
            body: bytes = client.query().response.read()
        except QueryBadFormed as error:
            raise QueryError(f"the server refused the query: {error.msg}") from error
        except HTTPError as error:
            detail = error.read().decode(errors="replace")[:500]
            raise RemoteStoreError(f"{client.endpoint} answered {error.code}: {detail}") from error
        except SPARQLWrapperException as error:
            raise RemoteStoreError(f"{client.endpoint} refused: {error}") from error
        except (URLError, TimeoutError, ConnectionError) as error:
            raise RemoteStoreError(
                f"cannot reach {client.endpoint}: {error}; is the server running?"
            ) from error
        return body


def _has_blank_node(quad: Quad) -> bool:
    return isinstance(quad.subject, BlankNode) or isinstance(quad.object, BlankNode)


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
