"""A page and RDF for every IRI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from pyoxigraph import BlankNode, NamedNode
from starlette.concurrency import run_in_threadpool

from api.errors import BadRequestError
from api.web.links import show_terms
from api.web.maps import MapShape, draw
from api.web.negotiation import choose
from api.web.render import render
from kg.rdf.geometry import parse_wkt
from kg.results.formats import RDF_FORMATS, serialise_triples
from kg.views.locations import located_wkt
from kg.views.resources import ResourceDescription, describe
from ontology.terms import DEEP, RDF

if TYPE_CHECKING:
    from markupsafe import Markup

    from api.state import State
    from kg.rdf.terms import Term

router = APIRouter()
ORDER = 50

#: What a resource comes in, most preferred first; a client without a wish gets Turtle.
_OFFERED = ["text/turtle", "text/html", *(t for t in RDF_FORMATS if t != "text/turtle")]
#: Ending of a path to media type, for a link that a person can click.
_ENDINGS = {".ttl": "text/turtle", ".nt": "application/n-triples", ".jsonld": "application/ld+json"}


@router.api_route("/id/{path:path}", methods=["GET", "HEAD"])
async def item(request: Request, path: str) -> Response:
    """Answer for an item of this deployment, by the path of its IRI."""
    state: State = request.app.state.deepcube
    # As the client sent it: the IRIs of the graph are percent-encoded too.
    raw = request.scope.get("raw_path", path.encode()).decode("ascii")
    local = raw.partition("/id/")[2]
    return await run_in_threadpool(_answer, request, state, state.iris.base + local)


@router.api_route("/resource", methods=["GET", "HEAD"])
async def resource(request: Request, iri: str | None = None) -> Response:
    """Answer for any IRI that the graph speaks of."""
    if not iri:
        raise BadRequestError("name the resource: /resource?iri=...")
    return await run_in_threadpool(_answer, request, request.app.state.deepcube, iri)


def _answer(request: Request, state: State, iri: str) -> Response:
    wanted = request.query_params.get("format")
    if wanted is not None and f".{wanted}" not in _ENDINGS:
        raise BadRequestError(f"format is one of ttl, nt, jsonld, not {wanted!r}")
    media_type = (
        _ENDINGS[f".{wanted}"] if wanted else choose(request.headers.get("accept"), _OFFERED)
    )
    try:
        NamedNode(iri)
    except ValueError as error:
        raise BadRequestError(f"{iri!r} is no IRI: {error}") from error
    description = describe(state.store, iri)
    vary = {"Vary": "Accept"}
    if media_type == "text/html":
        return render(request, "resource.html", _page(state, description), headers=vary)
    triples = list(description.outgoing or description.incoming)
    body = serialise_triples(triples, RDF_FORMATS[media_type])
    return Response(body, media_type=media_type, headers=vary)


def _page(state: State, description: ResourceDescription) -> dict[str, object]:
    subject = NamedNode(description.iri)
    terms: set[Term] = {subject}
    for triple in (*description.outgoing, *description.incoming):
        terms |= {triple.subject, triple.predicate, triple.object}
    shown = show_terms(state.store, state.iris, list(terms))
    groups: dict[Term, list[Term]] = {}
    for triple in description.outgoing:
        if triple.subject == subject:
            groups.setdefault(triple.predicate, []).append(triple.object)
    nested: dict[Term, list[tuple[Term, Term]]] = {}
    for triple in description.outgoing:
        if isinstance(triple.subject, BlankNode):
            nested.setdefault(triple.subject, []).append((triple.predicate, triple.object))
    types = groups.pop(RDF.type, [])
    return {
        "iri": description.iri,
        "title": shown[subject].text,
        "types": [shown[t] for t in types],
        "simulated": DEEP.Simulated in types,
        "properties": [
            (shown[p], [shown[o] for o in sorted(objects, key=str)])
            for p, objects in sorted(groups.items(), key=lambda g: shown[g[0]].text)
        ],
        "nested": [
            (shown[node], [(shown[p], shown[o]) for p, o in pairs])
            for node, pairs in nested.items()
        ],
        "incoming": [(shown[t.subject], shown[t.predicate]) for t in description.incoming],
        "incoming_truncated": description.incoming_truncated,
        "map": _map(state, description.iri, shown[subject].text),
    }


def _map(state: State, iri: str, title: str) -> Markup | None:
    wkt = located_wkt(state.store, iri)
    if wkt is None:
        return None
    try:
        geometry = parse_wkt(wkt)
    except ValueError:
        return None  # in another CRS, which the map does not draw; the text is on the page
    return draw(state.store, [MapShape(geometry=geometry, colour="#c8452f", label=title)], title)
