"""`SERVICE deep:cells`: single cells with value, time and place."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from pyoxigraph import Literal, NamedNode

from cube_bridge.errors import VariableNotFoundError
from cube_bridge.values.arguments import (
    cell_statistic_from,
    share_from,
    weighting_from,
    zone_from,
)
from cube_bridge.values.cell_questions import (
    CellQuestion,
    centres,
    find_cells,
    find_reduced_cells,
    geometries,
)
from cube_bridge.values.requests import (
    RequestReader,
    time_literal,
)
from cube_bridge.values.scanner import Limits
from cube_bridge.values.zone_weights import Weighting
from kg.geosparql.errors import InvalidGeometryError
from kg.rdf.geometry import wkt_literal
from ontology.terms import DEEP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cube_bridge.values.cell_questions import CellBlock
    from cube_bridge.values.engine import Engine
    from cube_bridge.values.layers import Layer
    from cube_bridge.values.requests import (
        Bounds,
        Request,
        Row,
    )
    from kg.rdf.terms import Term
    from kg.store import GraphStore


_ANY = (-math.inf, math.inf)


@dataclass(frozen=True)
class Cells:
    """`SERVICE deep:cells`: the values of cells one by one, a row for each cell and time."""

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
        read = RequestReader(self.engine, store)
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


def _rows(
    layer: Layer, block: CellBlock, wanted: frozenset[NamedNode]
) -> Iterator[dict[NamedNode, Term]]:
    columns: dict[NamedNode, list[Term]] = {}
    if DEEP.value in wanted:
        columns[DEEP.value] = [Literal(v) for v in block.values.tolist()]
    if DEEP.coverage in wanted:
        columns[DEEP.coverage] = [Literal(s) for s in block.shares.tolist()]
    if DEEP.time in wanted and block.times is not None and layer.times is not None:
        columns[DEEP.time] = [time_literal(t) for t in layer.times[block.times]]
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
