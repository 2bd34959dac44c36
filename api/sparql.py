"""The SPARQL 1.1 Protocol: queries at /sparql, updates at /update.

https://www.w3.org/TR/sparql11-protocol/
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Request, Response
from pyoxigraph import QuerySolutions, QueryTriples
from starlette.concurrency import run_in_threadpool

from api.errors import BadRequestError, ForbiddenError, UnsupportedMediaTypeError
from api.links import show_terms
from api.negotiation import choose
from api.pages import render
from kg.errors import DeepCubeError, QueryError
from kg.query import RDF_FORMATS, RESULT_FORMATS, is_graph, serialise_result
from ontology.terms import PREFIXES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.state import State
    from kg.store import QueryResult, Term

router = APIRouter()

_FORM = "application/x-www-form-urlencoded"
_HTML = "text/html"
#: Rows that the page shows; programs get all.
_ROWS_ON_PAGE = 500
_DATASET_PARAMETERS = {
    "query": ("default-graph-uri", "named-graph-uri"),
    "update": ("using-graph-uri", "using-named-graph-uri"),
}


@router.api_route("/sparql", methods=["GET", "HEAD"])
async def query_by_get(request: Request) -> Response:
    """Answer a query in the URL; without one, show people a form."""
    accept = request.headers.get("accept")
    if "query" not in request.query_params:
        if choose(accept, ["text/plain", _HTML]) == _HTML:
            return render(request, "sparql.html", _form(""))
        raise BadRequestError("no query: send one as ?query=... or in the body of a POST")
    _refuse_dataset(dict(request.query_params), "query")
    return await _answer(request, request.query_params["query"])


@router.post("/sparql")
async def query_by_post(request: Request) -> Response:
    """Answer a query in the body."""
    return await _answer(request, await _operation(request, "query"))


@router.post("/update")
async def update(request: Request) -> Response:
    """Execute an update in the body, as one transaction."""
    state: State = request.app.state.deepcube
    _refuse_other_sites(request)
    text = await _operation(request, "update")
    if state.read_only:
        raise ForbiddenError("the server is read-only; start it without --read-only to write")
    await run_in_threadpool(state.store.update, text)
    return Response(status_code=204)


def _refuse_other_sites(request: Request) -> None:
    # A form on any page that a user has open could post here; browsers say where it came from.
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise ForbiddenError(f"updates from pages of {origin} are refused")


async def _operation(request: Request, name: str) -> str:
    """Return the text of a query or update that was posted."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequestError(f"the body is not UTF-8: {error}") from error
    if media_type == f"application/sparql-{name}":
        _refuse_dataset(dict(request.query_params), name)
        return text
    if media_type == _FORM:
        fields = parse_qs(text, keep_blank_values=True)
        _refuse_dataset(fields, name)
        if len(fields.get(name, [])) != 1:
            raise BadRequestError(f"the form needs exactly one field {name!r}")
        return fields[name][0]
    raise UnsupportedMediaTypeError(
        f"send the {name} as application/sparql-{name} or {_FORM}, not {media_type or 'nothing'!r}"
    )


def _refuse_dataset(parameters: Mapping[str, object], name: str) -> None:
    given = [p for p in _DATASET_PARAMETERS[name] if p in parameters]
    if given:
        raise BadRequestError(f"{given[0]} is not supported; say FROM or USING in the text")


async def _answer(request: Request, sparql: str) -> Response:
    return await run_in_threadpool(_evaluate, request, sparql)


def _evaluate(request: Request, sparql: str) -> Response:
    state: State = request.app.state.deepcube
    result = state.store.query(sparql)
    failure: DeepCubeError
    try:
        formats = RDF_FORMATS if is_graph(result) else RESULT_FORMATS
        media_type = choose(request.headers.get("accept"), [*formats, _HTML])
        if media_type == _HTML:
            return render(request, "sparql.html", _results(state, sparql, result))
        body = serialise_result(result, formats[media_type])
        return Response(body, media_type=media_type, headers={"Vary": "Accept"})
    except DeepCubeError as error:
        failure = type(error)(str(error))
    except (OSError, RuntimeError) as error:
        failure = QueryError(f"the query cannot be evaluated: {error}")
    finally:
        del result
    # A result must die on the thread that made it; the frames of the first error hold it.
    raise failure


def _form(sparql: str) -> dict[str, object]:
    prefixes = "".join(
        f"PREFIX {p}: <{PREFIXES[p]}>\n"
        for p in ("deep", "geo", "geof", "prov", "rdfs", "sosa", "time", "xsd")
    )
    example = prefixes + (
        "\nSELECT ?prediction ?value ?class WHERE {\n"
        "  ?prediction a deep:FireDangerPrediction ;\n"
        "      sosa:hasSimpleResult ?value ; deep:dangerClass ?class .\n"
        "} ORDER BY DESC(?value) LIMIT 20\n"
    )
    return {"sparql": sparql or example, "names": [], "rows": None, "more": False, "text": None}


def _results(state: State, sparql: str, result: QueryResult) -> dict[str, object]:
    rows: list[list[Term | None]]
    if isinstance(result, QuerySolutions):
        names = [v.value for v in result.variables]
        rows = [list(row) for row in islice(result, _ROWS_ON_PAGE + 1)]
    elif isinstance(result, QueryTriples):
        names = ["subject", "predicate", "object"]
        first = islice(result, _ROWS_ON_PAGE + 1)
        rows = [[t.subject, t.predicate, t.object] for t in first]
    else:
        return {**_form(sparql), "text": "yes" if result else "no"}
    shown = show_terms(state.store, state.iris, [t for row in rows for t in row if t is not None])
    return {
        **_form(sparql),
        "names": names,
        "rows": [[None if t is None else shown[t] for t in row] for row in rows[:_ROWS_ON_PAGE]],
        "more": len(rows) > _ROWS_ON_PAGE,
    }
