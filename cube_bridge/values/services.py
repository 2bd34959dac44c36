"""SERVICE deep:zones and SERVICE deep:cells: all regions and times of a query in one pass."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
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
from cube_bridge.values.cells import (
    CellQuestion,
    centres,
    find_cells,
    find_reduced_cells,
    geometries,
)
from cube_bridge.values.passes import Limits
from cube_bridge.values.periods import period_of
from cube_bridge.values.series_statistics import Season
from cube_bridge.values.weights import Weighting
from cube_bridge.values.zone_answers import SERIES_STATISTICS, ZoneQuestion, answer_zones
from cube_bridge.values.zones import STATISTICS, Wanted
from kg.geosparql.arguments import number_of
from kg.geosparql.errors import InvalidArgumentError, InvalidGeometryError
from kg.rdf.geometry import wkt_literal
from kg.rdf.times import date_time_literal
from ontology.terms import DEEP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cube_bridge.values.cells import CellBlock
    from cube_bridge.values.engine import Engine
    from cube_bridge.values.layers import Layer
    from cube_bridge.values.periods import Period
    from kg.rdf.terms import Term
    from kg.store import GraphStore

    Request = Mapping[NamedNode, Term]
    Row = tuple[int, Mapping[NamedNode, Term]]
    Bounds = Mapping[NamedNode, tuple[float, float]]

_ANY = (-math.inf, math.inf)
#: Statistics by the property that a query asks for them.
_ZONAL = {getattr(DEEP, name): name for name in STATISTICS | SERIES_STATISTICS}


@dataclass(frozen=True)
class Zones:
    """Statistics of zones."""

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
        read = _Read(self.engine, store)
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
                row[DEEP.time] = _time_literal(answer.time)
            yield asked[answer.question], row


@dataclass(frozen=True)
class Cells:
    """Cells one by one."""

    engine: Engine

    @property
    def iri(self) -> NamedNode:
        """See `kg.extensions.Service`."""
        return DEEP.cells

    @property
    def inputs(self) -> Mapping[NamedNode, bool]:
        """See `kg.extensions.Service`."""
        optional = (
            *(DEEP.geometry, DEEP.start, DEEP.end, DEEP.weighting),
            *(DEEP.cellStatistic, DEEP.probability),
        )
        return {DEEP.variable: True, **dict.fromkeys(optional, False)}

    @property
    def outputs(self) -> frozenset[NamedNode]:
        """See `kg.extensions.Service`."""
        return frozenset(
            {
                *(DEEP.value, DEEP.time, DEEP.cellGeometry),
                *(DEEP.longitude, DEEP.latitude, DEEP.coverage),
            }
        )

    def evaluate(
        self,
        store: GraphStore,
        requests: Sequence[Request],
        wanted: frozenset[NamedNode],
        bounds: Bounds,
    ) -> Iterator[Row]:
        """Yield a row for each valid cell; chunks that cannot hold values within are not read."""
        within = bounds.get(DEEP.value, _ANY)
        read = _Read(self.engine, store)
        groups: dict[tuple[Any, ...], dict[int, CellQuestion]] = {}
        for number, request in enumerate(requests):
            try:
                layer = read.layer(request)
                zone = read.optional(request, DEEP.geometry, zone_from, None)
            except (InvalidGeometryError, VariableNotFoundError):
                continue
            statistic = read.optional(request, DEEP.cellStatistic, cell_statistic_from, None)
            share = read.optional(request, DEEP.probability, share_from, 0.5)
            weighting = read.optional(request, DEEP.weighting, weighting_from, Weighting.AREA)
            question = CellQuestion(zone=zone, period=read.period(request))
            key = (request[DEEP.variable], layer, weighting, statistic, share)
            groups.setdefault(key, {})[number] = question
        for (term, layer, weighting, statistic, share), group in groups.items():
            numbers, questions = list(group), list(group.values())
            if statistic is None:
                limits = self._limits(store, term, layer, questions, within)
                found = find_cells(self.engine.scanner, layer, questions, weighting, limits)
            else:
                found = self._reduced(layer, questions, weighting, statistic, share, within)
            for block in found:
                for row in _rows(layer, block, wanted):
                    yield numbers[block.question], row

    def _limits(
        self,
        store: GraphStore,
        term: Term,
        layer: Layer,
        questions: list[CellQuestion],
        within: tuple[float, float],
    ) -> Limits:
        zones, periods = [q.zone for q in questions], [q.period for q in questions]
        blocks = self.engine.blocks_within(store, term, layer, zones, periods, within)
        return Limits(lowest=within[0], highest=within[1], blocks=blocks)

    def _reduced(
        self,
        layer: Layer,
        questions: list[CellQuestion],
        weighting: Weighting,
        statistic: str,
        share: float,
        within: tuple[float, float],
    ) -> Iterator[CellBlock]:
        for place, question in enumerate(questions):
            for block in find_reduced_cells(
                self.engine.scanner, layer, question, weighting, statistic, share, within
            ):
                yield replace(block, question=place)


class _Read:
    """Reads the terms of requests; what many of them share is read once."""

    def __init__(self, engine: Engine, store: GraphStore) -> None:
        self._engine = engine
        self._store = store
        self._layers: dict[Term, Layer] = {}
        self._read: dict[tuple[Any, ...], Any] = {}

    def layer(self, request: Request) -> Layer:
        term = request[DEEP.variable]
        if term not in self._layers:
            self._layers[term] = self._engine.layer(self._store, term)
        return self._layers[term]

    def period(
        self, request: Request, start: NamedNode = DEEP.start, end: NamedNode = DEEP.end
    ) -> Period:
        key = (request.get(start), request.get(end))
        if key not in self._read:
            self._read[key] = period_of(*key)
        period: Period = self._read[key]
        return period

    def optional(
        self, request: Request, name: NamedNode, read: Callable[[Term], Any], default: Any
    ) -> Any:
        return read(request[name]) if name in request else default


def _zone_question(
    read: _Read, request: Request, statistics: frozenset[str]
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


def _rows(
    layer: Layer, block: CellBlock, wanted: frozenset[NamedNode]
) -> Iterator[dict[NamedNode, Term]]:
    columns: dict[NamedNode, list[Term]] = {}
    if DEEP.value in wanted:
        columns[DEEP.value] = [Literal(v) for v in block.values.tolist()]
    if DEEP.coverage in wanted:
        columns[DEEP.coverage] = [Literal(s) for s in block.shares.tolist()]
    if DEEP.time in wanted and block.times is not None and layer.times is not None:
        columns[DEEP.time] = [_time_literal(t) for t in layer.times[block.times]]
    # A cell that is found at many times is placed once.
    cells, places = np.unique(block.cells, return_inverse=True)
    if wanted & {DEEP.longitude, DEEP.latitude}:
        for name, numbers in zip(
            (DEEP.longitude, DEEP.latitude), centres(layer, block.tile, cells), strict=True
        ):
            if name in wanted:
                terms: list[Term] = [Literal(n) for n in numbers.tolist()]
                columns[name] = [terms[p] for p in places]
    if DEEP.cellGeometry in wanted:
        shapes = geometries(layer, block.tile, cells)
        terms = [wkt_literal(shape) for shape in shapely.normalize(shapes)]
        columns[DEEP.cellGeometry] = [terms[p] for p in places]
    for row in range(len(block.values)):
        yield {name: column[row] for name, column in columns.items()}


@lru_cache(maxsize=65536)
def _time_literal(time: np.datetime64) -> Literal:
    return date_time_literal(time.astype("datetime64[us]").item())
