"""The first page: what the graph holds, and what the latest run says."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.web.links import page_of
from api.web.prediction_page import page_of_run, page_values
from api.web.render import render
from kg.views.counts import counts
from kg.views.evaluations import evaluations, metrics_of
from kg.views.runs import runs
from kg.views.sources import sources

if TYPE_CHECKING:
    from api.state import State
    from kg.views.runs import RunRow

router = APIRouter()
ORDER = 10


@router.api_route("/", methods=["GET", "HEAD"])
async def home(request: Request) -> Response:
    """Show the sources, the runs, the scores of the latest and its severest predictions."""
    return await run_in_threadpool(_home, request, request.app.state.deepcube)


def _home(request: Request, state: State) -> Response:
    found = runs(state.store)
    values: dict[str, object] = {
        "counts": counts(state.store),
        "sources": sources(state.store),
        "runs": found,
        "predicted": None,
        "scores": [],
        "metrics": (),
        "page_of": partial(page_of, state.iris),
        "page_of_run": page_of_run,
    }
    if found:
        values |= _latest(state, found[0])
    return render(request, "home.html", values)


def _latest(state: State, run: RunRow) -> dict[str, object]:
    scores = evaluations(state.store, run.iri)
    return {
        "predicted": page_values(state, run, None),
        "scores": [(e, [e.score(m) for m in metrics_of(scores)]) for e in scores],
        "metrics": metrics_of(scores),
    }
