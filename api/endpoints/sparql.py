"""The SPARQL 1.1 Protocol: queries at /sparql, updates at /update.

https://www.w3.org/TR/sparql11-protocol/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from api.endpoints.sparql_form import empty_form, filled_form, with_result
from api.errors import BadRequestError, UnsupportedMediaTypeError
from api.web.negotiation import choose
from api.web.parameters import Parameters, decode, media_type, parse_parameters, url_parameters
from api.web.render import render
from api.web.service_description import describe_service
from api.web.write_access import require_writable
from kg.errors import DeepCubeError, EvaluationError
from kg.results.formats import (
    RDF_FORMATS,
    RESULT_FORMATS,
    is_graph,
    serialise_result,
    serialise_triples,
)
from kg.store import Dataset

if TYPE_CHECKING:
    from api.state import State
    from kg.store import Explanation

router = APIRouter()
ORDER = 30

_FORM = "application/x-www-form-urlencoded"
_HTML = "text/html"
_VARY = {"Vary": "Accept"}


@dataclass(frozen=True, kw_only=True)
class _Question:
    """A query with all that the request says about it."""

    sparql: str
    base_iri: str
    dataset: Dataset | None
    """None where the request names no graphs."""
    infer: bool
    rewrite: bool
    explain: bool
    """True where the plan is asked for, not the answer."""


@router.api_route("/sparql", methods=["GET", "HEAD", "POST"])
async def query(request: Request) -> Response:
    """Answer a query; without any, show people a form and programs what this service is."""
    if request.method == "POST":
        parameters = await _posted(request, "query")
    else:
        parameters = url_parameters(request)
        if not parameters:
            return await run_in_threadpool(_introduce, request)
    state: State = request.app.state.deepcube
    question = _Question(
        sparql=parameters.one("query"),
        base_iri=_base_iri(request),
        dataset=_dataset(parameters, "default-graph-uri", "named-graph-uri"),
        infer=parameters.flag("infer", default=False),
        rewrite=parameters.flag("rewrite", default=state.rewrite),
        explain=parameters.flag("explain", default=False),
    )
    return await run_in_threadpool(_explain if question.explain else _evaluate, request, question)


@router.post("/update")
async def update(request: Request) -> Response:
    """Execute an update in the body, as one transaction."""
    require_writable(request)
    parameters = await _posted(request, "update")
    store = request.app.state.deepcube.store
    text = parameters.one("update")
    dataset = _dataset(parameters, "using-graph-uri", "using-named-graph-uri")
    base_iri = _base_iri(request)
    await run_in_threadpool(store.update, text, base_iri=base_iri, dataset=dataset)
    return Response(status_code=204)


async def _posted(request: Request, name: str) -> Parameters:
    """Return the parameters of a POST, the query or update among them."""
    parameters = url_parameters(request)
    body = await request.body()
    sent_as = media_type(request.headers.get("content-type", ""))
    if sent_as == f"application/sparql-{name}":
        text = decode(body, "the body")
        return parameters.joined(Parameters(values={name: [text]}))
    if sent_as == _FORM:
        return parameters.joined(parse_parameters(body, "the form"))
    raise UnsupportedMediaTypeError(
        f"send the {name} as application/sparql-{name} or {_FORM}, not {sent_as or 'nothing'!r}"
    )


def _dataset(parameters: Parameters, default: str, named: str) -> Dataset | None:
    if default not in parameters and named not in parameters:
        return None
    return Dataset(default=parameters.iris(default), named=parameters.iris(named))


def _base_iri(request: Request) -> str:
    return str(request.url.replace(query=""))


def _introduce(request: Request) -> Response:
    """Return the form or the service description; to a client that wants results, an error."""
    offered = ["text/turtle", _HTML, *(t for t in RDF_FORMATS if t != "text/turtle")]
    wanted = choose(request.headers.get("accept"), [*offered, *RESULT_FORMATS])
    if wanted == _HTML:
        values = empty_form(request.app.state.deepcube)
        return render(request, "sparql.html", values, headers=_VARY)
    if wanted not in offered:
        raise BadRequestError("no query: send one as ?query=... or in the body of a POST")
    triples = describe_service(request.app.state.deepcube, _base_iri(request))
    body = serialise_triples(triples, RDF_FORMATS[wanted])
    return Response(body, media_type=wanted, headers=_VARY)


def _explain(request: Request, question: _Question) -> Response:
    state: State = request.app.state.deepcube
    explanation: Explanation = state.store.explain(
        question.sparql,
        base_iri=question.base_iri,
        dataset=question.dataset,
        infer=question.infer,
        rewrite=question.rewrite,
    )
    wanted = choose(request.headers.get("accept"), ["text/plain", "application/json", _HTML])
    if wanted == _HTML:
        values = {**_form_of(question), "plan": str(explanation)}
        return render(request, "sparql.html", values, headers=_VARY)
    if wanted == "application/json":
        plan = {"steps": list(explanation.steps), "sparql": explanation.sparql}
        return JSONResponse(plan, headers=_VARY)
    return Response(f"{explanation}\n", media_type=wanted, headers=_VARY)


def _evaluate(request: Request, question: _Question) -> Response:
    state: State = request.app.state.deepcube
    result = state.store.query(
        question.sparql,
        base_iri=question.base_iri,
        dataset=question.dataset,
        infer=question.infer,
        rewrite=question.rewrite,
    )
    failure: DeepCubeError
    try:
        formats = RDF_FORMATS if is_graph(result) else RESULT_FORMATS
        wanted = choose(request.headers.get("accept"), [*formats, _HTML])
        if wanted == _HTML:
            values = with_result(_form_of(question), state, result)
            return render(request, "sparql.html", values, headers=_VARY)
        body = serialise_result(result, formats[wanted])
        return Response(body, media_type=wanted, headers=_VARY)
    except DeepCubeError as error:
        failure = type(error)(str(error))
    except (OSError, RuntimeError) as error:
        failure = EvaluationError(f"the query cannot be evaluated: {error}")
    finally:
        del result
    # A result must die on the thread that made it; the frames of the first error hold it.
    raise failure


def _form_of(question: _Question) -> dict[str, object]:
    return filled_form(question.sparql, infer=question.infer, explain=question.explain)
