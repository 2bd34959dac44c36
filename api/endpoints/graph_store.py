"""The SPARQL 1.1 Graph Store HTTP Protocol: whole graphs at /rdf-graph-store.

https://www.w3.org/TR/sparql11-http-rdf-update/

A graph is named by ?graph=IRI or ?default, or by the address itself below /rdf-graph-store/. A
document holds one graph: in a format that can hold several, triples in named graphs are refused.
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING
from uuid import uuid4

from fastapi import APIRouter, Request, Response
from pyoxigraph import DefaultGraph, NamedNode, RdfFormat
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from api.errors import BadRequestError, GraphNotFoundError, UnsupportedMediaTypeError
from api.web.negotiation import choose
from api.web.parameters import media_type, parse_iri, url_parameters
from api.web.write_access import require_writable
from kg.rdf.documents import parse_graph
from kg.results.formats import RDF_FORMATS

if TYPE_CHECKING:
    from api.state import State
    from kg.store import GraphStore

    # What the protocol can name.
    Graph = NamedNode | DefaultGraph

router = APIRouter()
ORDER = 40

_PATH = "/rdf-graph-store"
_FORM = "multipart/form-data"
_METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE"]
#: What clients call a file whose type they do not know; its name says more.
_UNKNOWN = ("text/plain", "application/octet-stream")


@router.api_route(_PATH, methods=_METHODS)
@router.api_route(_PATH + "/{path:path}", methods=_METHODS)
async def graph_store(request: Request) -> Response:
    """Read, replace, extend or remove a graph."""
    state: State = request.app.state.deepcube
    reads = request.method in ("GET", "HEAD")
    if not reads:
        require_writable(request)
    graph = _graph_of(request)
    if graph is None and request.method != "POST":
        raise BadRequestError(f"name a graph: {_PATH}?graph=IRI or {_PATH}?default")
    if graph is None:
        graph = NamedNode(f"{_address(request).rstrip('/')}/{uuid4()}")
        return await _post(request, state.store, graph, location=graph.value)
    if reads:
        return await run_in_threadpool(_get, request, state.store, graph)
    if request.method == "PUT":
        return await _put(request, state.store, graph)
    if request.method == "POST":
        return await _post(request, state.store, graph)
    return await run_in_threadpool(_delete, state.store, graph)


def _graph_of(request: Request) -> Graph | None:
    """Return the graph that the request names; None where it names the service."""
    parameters = url_parameters(request)
    address = _address(request)
    direct = address.partition(_PATH)[2] not in ("", "/")
    ways = [w for w in ("graph", "default") if w in parameters] + ["the path"] * direct
    if len(ways) > 1:
        raise BadRequestError(f"the graph is named by {' and '.join(ways)}; name it once")
    if "default" in parameters:
        return DefaultGraph()
    if "graph" in parameters:
        return parse_iri("graph", parameters.one("graph"))
    return parse_iri("the address", address) if direct else None


def _address(request: Request) -> str:
    """Return the IRI of the request without its query, percent-encoded as the client sent it."""
    raw = request.scope.get("raw_path", request.url.path.encode()).decode("ascii")
    return f"{request.url.scheme}://{request.url.netloc}{raw}"


def _get(request: Request, store: GraphStore, graph: Graph) -> Response:
    _require(store, graph)
    wanted = choose(request.headers.get("accept"), list(RDF_FORMATS))
    document = io.BytesIO()
    store.dump(document, RDF_FORMATS[wanted], graph=graph)
    return Response(document.getvalue(), media_type=wanted, headers={"Vary": "Accept"})


async def _put(request: Request, store: GraphStore, graph: Graph) -> Response:
    rdf_format = _format_of(media_type(request.headers.get("content-type", "")))
    document = io.BytesIO(await request.body())
    existed = await run_in_threadpool(store.has_graph, graph)
    base_iri = _base_iri(request, graph)
    await run_in_threadpool(store.replace_graph, graph, document, rdf_format, base_iri=base_iri)
    return Response(status_code=204 if existed else 201)


async def _post(
    request: Request, store: GraphStore, graph: Graph, *, location: str | None = None
) -> Response:
    documents = await _documents(request)
    base_iri = _base_iri(request, graph)
    existed = await run_in_threadpool(_extend, store, graph, documents, base_iri)
    headers = {} if location is None else {"Location": location}
    return Response(status_code=204 if existed else 201, headers=headers)


def _extend(
    store: GraphStore, graph: Graph, documents: list[tuple[bytes, RdfFormat]], base_iri: str
) -> bool:
    """Add the triples of all documents at once; return whether the graph was there before."""
    quads = [
        quad
        for document, rdf_format in documents
        for quad in parse_graph(document, rdf_format, graph, base_iri=base_iri)
    ]
    existed = store.has_graph(graph)
    if quads:
        store.add(quads)
    elif not existed:
        store.update(f"CREATE SILENT GRAPH {graph}")
    return existed


def _delete(store: GraphStore, graph: Graph) -> Response:
    _require(store, graph)
    # SILENT, for another client may have removed it in the meantime.
    store.update(
        "CLEAR DEFAULT" if isinstance(graph, DefaultGraph) else f"DROP SILENT GRAPH {graph}"
    )
    return Response(status_code=204)


def _require(store: GraphStore, graph: Graph) -> None:
    if not store.has_graph(graph):
        raise GraphNotFoundError(
            f"no graph {graph}; SELECT DISTINCT ?g {{ GRAPH ?g {{ ?s ?p ?o }} }} lists those there"
        )


def _base_iri(request: Request, graph: Graph) -> str:
    return graph.value if isinstance(graph, NamedNode) else _address(request)


async def _documents(request: Request) -> list[tuple[bytes, RdfFormat]]:
    """Return the document that was posted, or the files of the form that was."""
    sent_as = media_type(request.headers.get("content-type", ""))
    if sent_as != _FORM:
        return [(await request.body(), _format_of(sent_as))]
    # Starlette leaves out a part that is cut off, without a word.
    if not _is_closed(request.headers["content-type"], await request.body()):
        raise BadRequestError(f"the body is no {_FORM}: it has no end")
    try:
        async with request.form(max_files=math.inf) as form:
            files = [_file(name, value) for name, value in form.multi_items()]
            if not files:
                raise BadRequestError(f"the body is no {_FORM}: it has no parts")
            return [(await file.read(), _format_of_file(file)) for file in files]
    except HTTPException as error:
        raise BadRequestError(f"the body is no {_FORM}: {error.detail}") from error


def _is_closed(content_type: str, body: bytes) -> bool:
    """Return whether a form ends as it has to."""
    _, options = parse_options_header(content_type)
    return b"--" + options.get(b"boundary", b"") + b"--" in body


def _file(name: str, value: UploadFile | str) -> UploadFile:
    if not isinstance(value, UploadFile):
        raise UnsupportedMediaTypeError(
            f"the part {name!r} of the form is a field; send files, with a filename each"
        )
    return value


def _format_of_file(file: UploadFile) -> RdfFormat:
    sent_as = media_type(file.content_type or _UNKNOWN[0])
    guessed = RdfFormat.from_extension((file.filename or "").rpartition(".")[2])
    return guessed if sent_as in _UNKNOWN and guessed else _format_of(sent_as)


def _format_of(sent_as: str) -> RdfFormat:
    if sent_as not in RDF_FORMATS:
        raise UnsupportedMediaTypeError(
            f"the Content-Type is {sent_as or 'missing'}; send one of {', '.join(RDF_FORMATS)}"
        )
    return RDF_FORMATS[sent_as]
