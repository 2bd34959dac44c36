"""The first page: what the graph holds, and the danger map of a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from pyoxigraph import NamedNode
from starlette.concurrency import run_in_threadpool

from api.errors import BadRequestError
from api.links import page_of
from api.maps import Shape, draw
from api.pages import render, stylesheet
from kg.geometry import parse_wkt
from kg.overview import danger_legend, evaluations, most_dangerous_day, sources
from kg.query import number, select, text
from kg.temporal import day_bounds, timestamp

if TYPE_CHECKING:
    from api.state import State

router = APIRouter()


@router.api_route("/", methods=["GET", "HEAD"])
async def home(request: Request, day: str | None = None) -> Response:
    """Show the sources, the models' scores, and the predictions of a day."""
    return await run_in_threadpool(_home, request, request.app.state.deepcube, day)


@router.api_route("/static/style.css", methods=["GET", "HEAD"])
async def style() -> Response:
    """Send the style sheet."""
    return Response(stylesheet(), media_type="text/css", headers={"Cache-Control": "max-age=3600"})


@router.api_route("/favicon.ico", methods=["GET", "HEAD"])
async def icon() -> Response:
    """Send nothing: there is no icon, and browsers ask for one."""
    return Response(status_code=204)


def _home(request: Request, state: State, day: str | None) -> Response:
    run = _latest_run(state)
    values: dict[str, object] = {
        "counts": _counts(state),
        "sources": sources(state.store),
        "run": run,
        "scores": evaluations(state.store, run.iri) if run else [],
        "day": None,
        "page_of": partial(page_of, state.iris),
    }
    if run:
        chosen = _parse_day(day) or most_dangerous_day(state.store, run.iri)
        if chosen is not None:
            values |= _danger(state, run.iri, chosen)
    return render(request, "home.html", values)


def _parse_day(day: str | None) -> date | None:
    if day is None:
        return None
    try:
        return date.fromisoformat(day)
    except ValueError as error:
        raise BadRequestError(f"day is a date like 2015-10-04, not {day!r}") from error


def _counts(state: State) -> list[tuple[str, int]]:
    rows = select(
        state.store,
        """SELECT ?label (COUNT(?x) AS ?n) WHERE {
             VALUES ?kind { deep:Source deep:Chunk deep:Series deep:ActiveFireDetection
                            deep:InputPlan deep:Run deep:Prediction deep:Alert }
             ?x a ?kind . ?kind rdfs:label ?label } GROUP BY ?label ORDER BY DESC(?n)""",
    )
    return [(text(r["label"]), int(number(r["n"]))) for r in rows if "label" in r]


@dataclass(frozen=True, kw_only=True)
class _Run:
    """The run whose predictions are shown."""

    iri: NamedNode
    label: str
    ended: str
    simulated: bool


def _latest_run(state: State) -> _Run | None:
    rows = select(
        state.store,
        """SELECT ?run ?label ?ended ?simulated WHERE {
             ?run a deep:Run ; deep:runStatus deep:RunSucceeded ; rdfs:label ?label ;
                  prov:endedAtTime ?ended .
             BIND(EXISTS { ?run a deep:Simulated } AS ?simulated)
           } ORDER BY DESC(?ended) LIMIT 1""",
    )
    if not rows:
        return None
    return _Run(
        iri=NamedNode(text(rows[0]["run"])),
        label=text(rows[0]["label"]),
        ended=text(rows[0]["ended"])[:16].replace("T", " "),
        simulated=text(rows[0]["simulated"]) == "true",
    )


def _danger(state: State, run: NamedNode, day: date) -> dict[str, object]:
    begin, end = (timestamp(moment) for moment in day_bounds(day))
    rows = select(
        state.store,
        f"""SELECT ?p ?cell ?wkt ?value ?low ?high ?class ?colour WHERE {{
              ?instant time:inXSDDateTimeStamp "{begin}"^^xsd:dateTime .
              ?interval time:hasBeginning ?instant .
              ?p sosa:phenomenonTime ?interval ; prov:wasGeneratedBy {run} ;
                 sosa:hasSimpleResult ?value ; deep:lowerBound ?low ; deep:upperBound ?high ;
                 deep:dangerClass ?c ; sosa:hasFeatureOfInterest ?f .
              ?c rdfs:label ?class ; deep:colour ?colour .
              ?f rdfs:label ?cell ; geo:hasDefaultGeometry/geo:asWKT ?wkt .
            }} ORDER BY DESC(?value) ?cell""",
    )
    cells = [
        {
            "href": page_of(state.iris, text(r["p"])),
            "cell": text(r["cell"]),
            "value": f"{number(r['value']):.2f}",
            "interval": f"{number(r['low']):.2f} to {number(r['high']):.2f}",
            "class": text(r["class"]),
            "wkt": text(r["wkt"]),
            "colour": text(r["colour"]),
        }
        for r in rows
    ]
    shapes = [
        Shape(
            geometry=parse_wkt(c["wkt"]),
            colour=c["colour"],
            label=f"{c['cell']}: {c['value']} ({c['interval']}), {c['class']}",
            href=c["href"],
        )
        for c in cells
    ]
    alerts = select(
        state.store,
        f"""SELECT ?alert ?headline ?area WHERE {{
              ?alert a deep:Alert ; prov:wasGeneratedBy {run} ; deep:capHeadline ?headline ;
                     deep:capOnset ?onset ; deep:capExpires ?expires ;
                     deep:capSeverity ?severity ; deep:alertArea/rdfs:label ?area .
              FILTER(?onset < "{end}"^^xsd:dateTime && ?expires > "{begin}"^^xsd:dateTime)
            }} ORDER BY ?severity DESC(?expires) ?onset ?area LIMIT 12""",
    )
    return {
        "day": day.isoformat(),
        "before": (day - timedelta(days=1)).isoformat(),
        "after": (day + timedelta(days=1)).isoformat(),
        "map": draw(state.store, shapes, f"Fire danger on {day.isoformat()}"),
        "cells": cells[:12],
        "legend": danger_legend(state.store),
        "alerts": [
            {
                "href": page_of(state.iris, text(a["alert"])),
                "headline": text(a["headline"]),
                "area": text(a["area"]),
            }
            for a in alerts
        ],
    }
