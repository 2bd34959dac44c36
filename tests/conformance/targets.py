"""What is tested: a store in this process, or a server."""

from __future__ import annotations

import io

import httpx2 as httpx
from pyoxigraph import (
    DefaultGraph,
    Quad,
    QueryResultsFormat,
    RdfFormat,
    parse,
    parse_query_results,
    serialize,
)

from kg.embedded.store import EmbeddedStore
from kg.errors import EvaluationError, QueryError
from kg.results.formats import serialise_result
from tests.conformance.answers import answer_of

_ALL = "SELECT ?g ?s ?p ?o { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }"


def _insert(quads):
    """Return an update that adds a data set; a blank node may be in several of its graphs."""
    data = "".join(
        f"{q.triple} .\n"
        if q.graph_name == DefaultGraph()
        else f"GRAPH {q.graph_name} {{ {q.triple} }}\n"
        for q in quads
    )
    return f"INSERT DATA {{\n{data}}}"


class InProcess:
    """A store in memory."""

    def __init__(self):
        self.store = EmbeddedStore()

    def put(self, quads, graph=None):
        """Add a document, or put it in a named graph's place."""
        if graph is None:
            self.store.update(_insert(quads))
        else:
            document = serialize((q.triple for q in quads), format=RdfFormat.N_TRIPLES)
            self.store.replace_graph(graph, io.BytesIO(document), RdfFormat.N_TRIPLES)

    def query(self, sparql, *, base_iri):
        try:
            return answer_of(self.store.query(sparql, base_iri=base_iri))
        except OSError as error:
            raise EvaluationError(str(error)) from error

    def csv(self, sparql, *, base_iri):
        result = self.store.query(sparql, base_iri=base_iri)
        return serialise_result(result, QueryResultsFormat.CSV).decode()

    def update(self, sparql, *, base_iri):
        self.store.update(sparql, base_iri=base_iri)

    def contents(self):
        return list(self.store.quads())


class OverHttp:
    """A server that has nothing in it."""

    def __init__(self, url):
        self.client = httpx.Client(base_url=url, timeout=30)

    def close(self):
        self.client.close()

    def put(self, quads, graph=None):
        if graph is None:
            self._send("/update", "update", _insert(quads))
            return
        answer = self.client.put(
            "/rdf-graph-store",
            params={"graph": graph.value},
            content=serialize((q.triple for q in quads), format=RdfFormat.N_TRIPLES),
            headers={"Content-Type": "application/n-triples"},
        )
        assert answer.status_code in (201, 204), answer.text

    def query(self, sparql, *, base_iri):
        wanted = "application/sparql-results+json, application/n-triples;q=0.9"
        answer = self._send("/sparql", "query", f"BASE <{base_iri}>\n{sparql}", accept=wanted)
        if answer.headers["content-type"] == "application/n-triples":
            return list(parse(answer.content, format=RdfFormat.N_TRIPLES))
        return answer_of(parse_query_results(answer.content, QueryResultsFormat.JSON))

    def csv(self, sparql, *, base_iri):
        sparql = f"BASE <{base_iri}>\n{sparql}"
        return self._send("/sparql", "query", sparql, accept="text/csv").text

    def update(self, sparql, *, base_iri):
        self._send("/update", "update", f"BASE <{base_iri}>\n{sparql}")

    def contents(self):
        answer = self.query(_ALL, base_iri="urn:x")
        return [
            Quad(row["s"], row["p"], row["o"], row.get("g", DefaultGraph())) for row in answer.rows
        ]

    def _send(self, path, name, sparql, *, accept="*/*"):
        answer = self.client.post(
            path,
            content=sparql.encode(),
            headers={"Content-Type": f"application/sparql-{name}", "Accept": accept},
        )
        if answer.status_code == 400:
            raise QueryError(answer.text)
        if answer.status_code == 500 and "cannot be" in answer.text:
            raise EvaluationError(answer.text)
        assert answer.status_code < 300, f"{answer.status_code}: {answer.text}"
        return answer
