"""Requests to a SPARQL 1.1 server, and its answers as RDF terms.

Requests are form-encoded POSTs: Virtuoso 7.2.5 never answers a query that is the body itself.
"""

from __future__ import annotations

from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from pyoxigraph import (
    Literal,
    QueryBoolean,
    QueryResultsFormat,
    QuerySolutions,
    QueryTriples,
    RdfFormat,
    Store,
    Triple,
    parse,
    parse_query_results,
)
from SPARQLWrapper import JSON, POST, TURTLE, URLENCODED, SPARQLWrapper

from kg.errors import QueryError, RemoteStoreError
from kg.remote.dialects import is_cut_by_time, standard_json, standard_term

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from http.client import HTTPResponse

    from kg.rdf.terms import Term
    from kg.store import Dataset

    QueryResult = QuerySolutions | QueryBoolean | QueryTriples


#: Rows of VALUES in one request: some 50 kB, which all servers that we know take.
BLOCK = 1_000
#: A server that refuses a block is asked for halves of it, down to this.
_SMALLEST_BLOCK = 125
#: Servers that cut answers cut them at round numbers from here on.
_CUT_FROM = 1_000
#: Characters of a server's message that are passed on.
_DETAIL = 500
#: Triples that are looked at to see what the default graph is: first a few, then more.
_SAMPLES = (20, 1_000)
_GRAPH_QUERIES = ("CONSTRUCT", "DESCRIBE")
_BOTH = "{{ {0} }} UNION {{ GRAPH ?g {{ {0} }} }}"


class SparqlClient:
    """Sends queries and updates to one SPARQL 1.1 server, and reads its answers.

    It knows that servers refuse long tables of VALUES, and cut long answers.
    """

    def __init__(self, query_url: str, update_url: str, timeout_s: int) -> None:
        """Name the server.

        Args:
            query_url: Where queries are sent.
            update_url: Where updates are sent.
            timeout_s: Seconds that one request may take.
        """
        self._query_url = query_url
        self._update_url = update_url
        self._timeout_s = timeout_s
        self._block = BLOCK
        self._keeps_labels: bool | None = None

    def query(self, sparql: str, dataset: Dataset | None = None) -> QueryResult:
        """Return the server's answer to a query.

        Raises:
            QueryError: The server says that the query is malformed.
            RemoteStoreError: It cannot be reached, or fails.
        """
        client = self._wrapper(self._query_url, sparql, dataset)
        if client.queryType in _GRAPH_QUERIES:
            client.setReturnFormat(TURTLE)
            body = self._send(client)
            try:
                return _triples(body)
            except (SyntaxError, ValueError) as error:
                raise RemoteStoreError(
                    f"{self._query_url} sent no RDF in Turtle: {error}"
                ) from error
        client.setReturnFormat(JSON)
        result = self._parsed(self._send(client))
        if client.queryType == "ASK" and isinstance(result, QuerySolutions):
            return _boolean(next(result, None) is not None)  # Virtuoso's form of a boolean
        return result

    def whole(
        self, select: str, *, prologue: str = "", dataset: Dataset | None = None
    ) -> QuerySolutions | None:
        """Return the answer to a SELECT; None where the server sends no more than a part of it."""
        client = self._wrapper(self._query_url, f"{prologue} {select}", dataset)
        client.setReturnFormat(JSON)
        body = self._send(client)
        result, again = self._parsed(body), self._parsed(body)
        if not isinstance(result, QuerySolutions) or not isinstance(again, QuerySolutions):
            raise TypeError("a SELECT has solutions")
        size = sum(1 for _ in result) if len(body) > _CUT_FROM else 0
        total = self.uncut(size, f"{{ {{ {select} }} }}", prologue=prologue, dataset=dataset)
        return again if size == total else None

    def _parsed(self, body: bytes) -> QuerySolutions | QueryBoolean:
        try:
            return parse_query_results(standard_json(body), QueryResultsFormat.JSON)
        except (SyntaxError, ValueError) as error:
            raise RemoteStoreError(
                f"{self._query_url} sent no SPARQL results in JSON: {error}"
            ) from error

    def update(self, sparql: str) -> None:
        """Send an update.

        Raises:
            QueryError: The server says that the update is malformed.
            RemoteStoreError: It cannot be reached, or refuses.
        """
        self._send(self._wrapper(self._update_url, sparql))

    def ask(self, sparql: str, dataset: Dataset | None = None) -> bool:
        """Return the answer to an ASK."""
        return bool(self.query(sparql, dataset))

    def rows(
        self, names: Sequence[str], body: str, *, prologue: str = "", dataset: Dataset | None = None
    ) -> list[tuple[Term | None, ...]]:
        """Return all solutions of a pattern, also from a server that cuts long answers.

        Args:
            names: The variables to select, `?name`.
            body: The pattern.
            prologue: Its prefixes.
            dataset: What it is matched against.

        Raises:
            RemoteStoreError: The server cuts the answer and cannot page it.
        """
        chosen = " ".join(names)
        rows = self._rows(f"{prologue} SELECT {chosen} {{ {body} }}", dataset)
        size = len(rows)
        total = self.uncut(size, f"{{ {body} }}", prologue=prologue, dataset=dataset)
        if total == size:
            return rows
        rows = []
        while len(rows) < total:
            # The sub-select is for Virtuoso, which sorts no more rows than it would send.
            page = self._rows(
                f"{prologue} SELECT {chosen} {{ {{ SELECT {chosen} {{ {body} }} "
                f"ORDER BY {chosen} }} }} LIMIT {size} OFFSET {len(rows)}",
                dataset,
            )
            if not page:
                raise RemoteStoreError(
                    f"{self._query_url} sends {size} of {total} rows and no page after "
                    f"{len(rows)}; raise its limit on rows"
                )
            rows += page
        return rows

    def uncut(
        self, size: int, group: str, *, prologue: str = "", dataset: Dataset | None = None
    ) -> int:
        """Return how many solutions a group has of which an answer held so many.

        Only an answer that looks cut is counted.
        """
        if size < _CUT_FROM or (size % 100 and size & (size - 1)):
            return size
        counted = self._rows(f"{prologue} SELECT (COUNT(*) AS ?n) {group}", dataset)
        value = counted[0][0]
        return int(value.value) if isinstance(value, Literal) else size

    def rows_among(
        self,
        names: Sequence[str],
        table: tuple[str, Sequence[str]],
        body: Callable[[str], str],
        *,
        prologue: str = "",
        dataset: Dataset | None = None,
    ) -> Iterator[tuple[Term | None, ...]]:
        """Yield the solutions for some values of a variable, asked in blocks of them.

        Args:
            names: The variables to select.
            table: The variable, and its values as SPARQL.
            body: Returns the pattern with VALUES in it.
            prologue: Its prefixes.
            dataset: What it is matched against.
        """
        variable, values = table
        start = 0
        while start < len(values):
            block = values[start : start + self._block]
            text = body(f"VALUES {variable} {{ {' '.join(block)} }}")
            try:
                found = self.rows(names, text, prologue=prologue, dataset=dataset)
            except (QueryError, RemoteStoreError):
                if self._block <= _SMALLEST_BLOCK or len(block) <= _SMALLEST_BLOCK:
                    raise
                self._block //= 2
                continue
            start += len(block)
            yield from found

    def default_is_union(self) -> bool:
        """Return whether the default graph is the union of the named ones, as far as can be seen.

        It is taken for one where a sample of the triples of named graphs is in it, one of its own
        is in named ones, and it has no more triples than they have. A few are looked at first:
        that is enough where it is none.
        """
        default, named = "{ ?s ?p ?o }", "{ GRAPH ?g { ?s ?p ?o } }"
        if not self.ask(f"ASK {named}"):
            return False
        for limit in _SAMPLES:
            for a, b in ((named, default), (default, named)):
                sample = f"SELECT ?s ?p ?o {a} LIMIT {limit}"
                if self.ask(f"ASK {{ {{ {sample} }} FILTER NOT EXISTS {b} }}"):
                    return False
        sizes = [self._rows(f"SELECT (COUNT(*) AS ?n) {p}", None)[0][0] for p in (default, named)]
        counts = [int(n.value) for n in sizes if isinstance(n, Literal)]
        return counts == sorted(counts)

    def keeps_labels(self) -> bool:
        """Return whether a blank node has the same label in two answers, as far as can be seen."""
        if self._keeps_labels is None:
            nodes = _BOTH.format("?s ?p ?o")
            query = f"SELECT DISTINCT ?s {{ {nodes} FILTER(isBlank(?s)) }}"
            one, two = (self._rows(f"{query} LIMIT 2", None) for _ in range(2))
            last = self._rows(f"{query} OFFSET {max(len(one) - 1, 0)} LIMIT 1", None)
            self._keeps_labels = one == two and one[-1:] == last
        return self._keeps_labels

    def _rows(self, sparql: str, dataset: Dataset | None) -> list[tuple[Term | None, ...]]:
        result = self.query(sparql, dataset)
        if not isinstance(result, QuerySolutions):
            raise TypeError("a SELECT has solutions")
        return [tuple(row) for row in result]

    def _wrapper(self, url: str, sparql: str, dataset: Dataset | None = None) -> SPARQLWrapper:
        client = _Request(url)
        client.setTimeout(self._timeout_s)
        client.setMethod(POST)
        client.setRequestMethod(URLENCODED)
        client.setQuery(sparql)
        if dataset is not None:
            for name, graphs in (("default", dataset.default), ("named", dataset.named)):
                for graph in graphs:
                    client.addParameter(f"{name}-graph-uri", graph.value)
        return client

    def _send(self, client: SPARQLWrapper) -> bytes:
        try:
            response: HTTPResponse = client.query().response
            body: bytes = response.read()
        except HTTPError as error:
            raise _refusal(client.endpoint, error) from error
        except (URLError, TimeoutError, ConnectionError) as error:
            raise RemoteStoreError(
                f"cannot reach {client.endpoint}: {error}; is the server running?"
            ) from error
        except HTTPException as error:
            raise RemoteStoreError(
                f"{client.endpoint} broke off its answer, or speaks no HTTP: {error!r}"
            ) from error
        if is_cut_by_time(response.headers):
            raise RemoteStoreError(
                f"{client.endpoint} ran out of time and sent a part of the answer"
            )
        return body


class _Request(SPARQLWrapper):
    """A request whose failure keeps the server's answer.

    SPARQLWrapper reads the answer and raises an exception that only its text is left of.
    """

    def _query(self) -> tuple[HTTPResponse, str]:
        # Only http: and https: are servers; `SPARQLWrapper._createRequest` builds a POST.
        return urlopen(self._createRequest(), timeout=self.timeout), self.returnFormat  # noqa: S310


def _refusal(endpoint: str, error: HTTPError) -> QueryError | RemoteStoreError:
    """Return the error for an answer of a status from 400 on, by that status and its body."""
    try:
        body = error.read()
    except (OSError, HTTPException):
        body = b""  # Broken off: the status says enough.
    said = " ".join(body.decode(errors="replace").split())[:_DETAIL]
    if error.code == HTTPStatus.BAD_REQUEST:
        return QueryError(f"{endpoint} refused: {said or error.reason}")
    return RemoteStoreError(
        f"{endpoint} refused: it answered {error.code} {error.reason}: {said or 'nothing more'}"
    )


def _triples(body: bytes) -> QueryTriples:
    scratch = Store()
    for quad in parse(body, format=RdfFormat.TURTLE):
        target = standard_term(quad.object)
        scratch.extend([type(quad)(quad.subject, quad.predicate, target)])
    result = scratch.query("CONSTRUCT WHERE { ?s ?p ?o }")
    if not isinstance(result, QueryTriples):
        raise TypeError("a CONSTRUCT has triples")
    return result


def as_result(triples: list[Triple]) -> QueryTriples:
    """Return triples as the answer of a query."""
    lines = "".join(f"{t} .\n" for t in triples)
    return _triples(lines.encode())


def _boolean(value: bool) -> QueryBoolean:
    result = Store().query(f"ASK {{ FILTER({str(value).lower()}) }}")
    if not isinstance(result, QueryBoolean):
        raise TypeError("an ASK has a boolean")
    return result
