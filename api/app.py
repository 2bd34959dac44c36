"""The application: one store behind HTTP."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.exceptions import HTTPException

from api import endpoints
from api.errors import NotAcceptableError, status_of
from api.state import State
from api.web.negotiation import choose
from api.web.render import render
from kg.errors import DeepCubeError
from kg.rdf.iris import Iris

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
    for router in routers():
        app.include_router(router)
    app.add_exception_handler(DeepCubeError, _our_error)
    app.add_exception_handler(HTTPException, _http_error)
    return app


def routers() -> list[APIRouter]:
    """Return the routers of all modules of `api.endpoints` that have one, by their ORDER."""
    names = [m.name for m in pkgutil.iter_modules(endpoints.__path__)]
    modules = [importlib.import_module(f"{endpoints.__name__}.{name}") for name in names]
    found = [m for m in modules if isinstance(getattr(m, "router", None), APIRouter)]
    return [m.router for m in sorted(found, key=lambda m: (m.ORDER, m.__name__))]


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
