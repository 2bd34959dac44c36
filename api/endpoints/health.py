"""Whether the server lives, and whether it can answer."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

router = APIRouter()
ORDER = 70


@router.api_route("/healthz", methods=["GET", "HEAD"])
async def healthz() -> dict[str, str]:
    """Answer while the process lives."""
    return {"status": "ok"}


@router.api_route("/readyz", methods=["GET", "HEAD"])
async def readyz(request: Request) -> dict[str, str]:
    """Answer once the store answers a query; a store that cannot is a 503."""
    await run_in_threadpool(request.app.state.deepcube.store.query, "ASK {}")
    return {"status": "ready"}
