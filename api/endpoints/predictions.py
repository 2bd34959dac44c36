"""The page of a run's predictions for a span of time: a map or a table, and the alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.web.parameters import parse_iri
from api.web.prediction_page import check_moment, page_of_run, page_values
from api.web.render import render
from kg.errors import ResourceNotFoundError
from kg.views.runs import runs

if TYPE_CHECKING:
    from api.state import State

router = APIRouter()
ORDER = 20


@router.api_route("/predictions", methods=["GET", "HEAD"])
async def predictions(
    request: Request, run: str | None = None, moment: str | None = None
) -> Response:
    """Show what a run predicts for a day, a month, a year or any other span of time.

    Args:
        request: The request.
        run: IRI of the run; the latest where it is left out.
        moment: Like 2015-10-04, 2015-10 or 2015; the most severe on average where it is left out.
    """
    return await run_in_threadpool(_page, request, request.app.state.deepcube, run, moment)


def _page(request: Request, state: State, run: str | None, moment: str | None) -> Response:
    asked = check_moment(moment)
    known = runs(state.store)
    if run is not None:
        iri = parse_iri("run", run)
        chosen = [r for r in known if r.iri == iri]
        if not chosen:
            raise ResourceNotFoundError(iri.value)
    else:
        chosen = known[:1]
    values = {
        "runs": known,
        "page_of_run": page_of_run,
        "predicted": page_values(state, chosen[0], asked) if chosen else None,
    }
    return render(request, "predictions.html", values)
