"""`SERVICE deep:zones`: statistics of zones and periods."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pyoxigraph import Literal, NamedNode

from cube_bridge.errors import VariableNotFoundError
from cube_bridge.values.arguments import (
    boolean_from,
    cell_statistic_from,
    season_from,
    share_from,
    weighting_from,
    zone_from,
)
from cube_bridge.values.requests import (
    RequestReader,
    time_literal,
)
from cube_bridge.values.scanner import Limits
from cube_bridge.values.series_statistics import Season
from cube_bridge.values.zone_questions import SERIES_STATISTICS, ZoneQuestion, answer_zones
from cube_bridge.values.zone_statistics import STATISTICS, Wanted
from cube_bridge.values.zone_weights import Weighting
from kg.geosparql.arguments import number_of
from kg.geosparql.errors import InvalidArgumentError, InvalidGeometryError
from ontology.terms import DEEP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cube_bridge.values.engine import Engine
    from cube_bridge.values.requests import (
        Bounds,
        Request,
        Row,
    )
    from kg.rdf.terms import Term
    from kg.store import GraphStore

#: Statistics by the property that a query asks for them.
_ZONAL = {getattr(DEEP, name): name for name in STATISTICS | SERIES_STATISTICS}


@dataclass(frozen=True)
class Zones:
    """`SERVICE deep:zones`: statistics of the cells in zones, a row for each zone and time."""

    engine: Engine

    @property
    def iri(self) -> NamedNode:
        """See `kg.extensions.Service`."""
        return DEEP.zones

    @property
    def inputs(self) -> Mapping[NamedNode, bool]:
        """See `kg.extensions.Service`."""
        optional = (
            *(DEEP.start, DEEP.end, DEEP.reduceTime, DEEP.weighting, DEEP.cellStatistic),
            *(DEEP.threshold, DEEP.probability, DEEP.season, DEEP.lowest, DEEP.highest),
            *(DEEP.geometry, DEEP.referenceStart, DEEP.referenceEnd),
        )
        return {DEEP.variable: True, **dict.fromkeys(optional, False)}

    @property
    def outputs(self) -> frozenset[NamedNode]:
        """See `kg.extensions.Service`."""
        return frozenset({DEEP.time, *_ZONAL})

    def evaluate(
        self,
        store: GraphStore,
        requests: Sequence[Request],
        wanted: frozenset[NamedNode],
        bounds: Bounds,
    ) -> Iterator[Row]:
        """Yield a row for each zone and time, or for each zone; none where nothing is known."""
        names = {iri: _ZONAL[iri] for iri in wanted if iri in _ZONAL}
        read = RequestReader(self.engine, store)
        asked: list[int] = []
        questions: list[ZoneQuestion] = []
        for number, request in enumerate(requests):
            question = _zone_question(read, request, frozenset(names.values()))
            if question is not None:
                asked.append(number)
                questions.append(question)
        variables = [requests[number][DEEP.variable] for number in asked]
        questions = _with_blocks(self.engine, store, variables, questions)
        within = {names[iri]: b for iri, b in bounds.items() if iri in names}
        for answer in answer_zones(self.engine.scanner, questions):
            known = {n: v for n, v in answer.statistics.items() if not math.isnan(v)}
            if (names and not known) or not _is_within(known, within):
                continue
            row: dict[NamedNode, Term] = {
                iri: Literal(known[name]) for iri, name in names.items() if name in known
            }
            if answer.time is not None and DEEP.time in wanted:
                row[DEEP.time] = time_literal(answer.time)
            yield asked[answer.question], row


def _zone_question(
    read: RequestReader, request: Request, statistics: frozenset[str]
) -> ZoneQuestion | None:
    """Return what a request asks; None where it is of no cube, or its geometry is none."""
    try:
        layer = read.layer(request)
        zone = read.optional(request, DEEP.geometry, zone_from, None)
    except (InvalidGeometryError, VariableNotFoundError):
        return None
    if statistics & {"areaAbove", "areaBelow"} and DEEP.threshold not in request:
        raise InvalidArgumentError("an area above or below something needs deep:threshold")
    cell_statistic = read.optional(request, DEEP.cellStatistic, cell_statistic_from, None)
    if cell_statistic is not None and statistics & SERIES_STATISTICS:
        raise InvalidArgumentError("deep:cellStatistic leaves no series for a trend or anomaly")
    threshold = read.optional(request, DEEP.threshold, number_of, Wanted.threshold)
    return ZoneQuestion(
        layer=layer,
        zone=zone,
        period=read.period(request),
        wanted=Wanted(
            statistics=statistics,
            weighting=read.optional(request, DEEP.weighting, weighting_from, Weighting.AREA),
            threshold=threshold,
            share=read.optional(request, DEEP.probability, share_from, 0.5),
        ),
        pooled=read.optional(request, DEEP.reduceTime, boolean_from, default=False),
        cell_statistic=cell_statistic,
        reference=read.period(request, DEEP.referenceStart, DEEP.referenceEnd),
        season=read.optional(request, DEEP.season, season_from, Season.MONTH),
        limits=Limits(
            lowest=read.optional(request, DEEP.lowest, number_of, -math.inf),
            highest=read.optional(request, DEEP.highest, number_of, math.inf),
        ),
    )


def _with_blocks(
    engine: Engine, store: GraphStore, variables: list[Term], questions: list[ZoneQuestion]
) -> list[ZoneQuestion]:
    """Return questions that know which chunks may hold values within their limits."""
    groups: dict[tuple[Term, Limits], list[int]] = {}
    for number, (variable, question) in enumerate(zip(variables, questions, strict=True)):
        if question.limits.is_bounded:
            groups.setdefault((variable, question.limits), []).append(number)
    found = list(questions)
    for (variable, limits), numbers in groups.items():
        own = [questions[n] for n in numbers]
        periods = [*(q.period for q in own), *(q.reference for q in own if _is_usual(q))]
        blocks = engine.blocks_within(
            *(store, variable, own[0].layer, [q.zone for q in own], periods),
            (limits.lowest, limits.highest),
        )
        for number in numbers:
            known = replace(limits, blocks=blocks)
            found[number] = replace(questions[number], limits=known)
    return found


def _is_usual(question: ZoneQuestion) -> bool:
    """Return whether a question also reads its reference period."""
    return "anomaly" in question.wanted.statistics


def _is_within(values: dict[str, float], bounds: dict[str, tuple[float, float]]) -> bool:
    return all(
        name in values and low <= values[name] <= high for name, (low, high) in bounds.items()
    )
