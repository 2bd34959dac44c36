"""The application: one store behind HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.exceptions import HTTPException

from api import graph_store, health, home, resources, sparql
from api.errors import NotAcceptableError, status_of
from api.negotiation import choose
from api.pages import render
from api.state import State
from kg.errors import DeepCubeError
from kg.iris import Iris

if TYPE_CHECKING:
    from http import HTTPStatus

    from kg.store import GraphStore


def create_app(
    store: GraphStore,
    *,
    iris: Iris | None = None,
    read_only: bool = False,
    rewrite: bool = True,
) -> FastAPI:
    """Return the web application on a store.

    Args:
        store: What is served; the caller closes it.
        iris: The IRIs of this deployment; None takes the default base.
        read_only: Refuse updates.
        rewrite: Derive relations of features and geometries where a query does not say.
    """
    app = FastAPI(
        title="DeepCube",
        description="A GeoSPARQL knowledge graph of Earth observation data and predictions.",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
    )
    app.state.deepcube = State(
        store=store,
        iris=iris or Iris(),
        read_only=read_only or store.read_only,
        rewrite=rewrite,
    )
    for part in (home, sparql, graph_store, resources, health):
        app.include_router(part.router)
    app.add_exception_handler(DeepCubeError, _our_error)
    app.add_exception_handler(HTTPException, _http_error)
    return app


async def _our_error(request: Request, error: Exception) -> Response:
    return _error_response(request, status_of(error), str(error))


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    detail = {404: f"no page at {request.url.path}", 405: f"no {request.method} here"}
    message = detail.get(error.status_code, str(error.detail))
    return _error_response(request, error.status_code, message, headers=error.headers)


def _error_response(
    request: Request,
    status: HTTPStatus | int,
    message: str,
    *,
    headers: object = None,
) -> Response:
    """Return an error as a page for a browser, as plain text for a program."""
    try:
        media_type = choose(request.headers.get("accept"), ["text/plain", "text/html"])
    except NotAcceptableError:
        media_type = "text/plain"
    extra = dict(headers) if isinstance(headers, dict) else {}
    if media_type == "text/html":
        values = {"status": int(status), "message": message}
        return render(request, "error.html", values, status=int(status), headers=extra)
    return PlainTextResponse(message + "\n", status_code=int(status), headers=extra)
