"""The functions of pixel values by IRI, on RDF terms.

A function raises for an argument that does not fit, and returns None where there is no value;
either leaves the expression unbound.
"""

from __future__ import annotations

import math
from string import ascii_lowercase
from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyoxigraph import Literal, NamedNode

from cube_bridge.cubes.distributions import choose_distribution
from cube_bridge.values.arguments import season_from, share_from, zone_from
from cube_bridge.values.coverage_json import clip_to_window, clip_to_zone, dimensions
from cube_bridge.values.periods import Period, period_of, position_at, time_span_of
from cube_bridge.values.series_statistics import Season
from cube_bridge.values.variable_terms import node_of, operation_of, slice_of
from cube_bridge.values.zone_questions import ZoneQuestion, answer_zones
from cube_bridge.values.zone_statistics import Wanted
from kg.geosparql.arguments import number_of, text_of
from kg.geosparql.errors import InvalidArgumentError
from ontology.terms import DEEP, DEEPF, RDF

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cube_bridge.cubes.distributions import Access
    from cube_bridge.values.engine import Engine
    from cube_bridge.values.layers import Layer
    from kg.rdf.terms import Term
    from kg.store import GraphStore

    Function = Callable[..., Term | None]

_ACCESS: dict[str, Access] = {"map": "map", "series": "series"}
_PLAIN = (
    *("mean", "minimum", "maximum", "sum", "count", "standardDeviation"),
    *("trend", "trendSignificance"),
)


class Functions:
    """The SPARQL functions of pixel values, over the cubes that one store knows."""

    def __init__(self, engine: Engine, store: GraphStore) -> None:
        self._engine = engine
        self._store = store

    def by_iri(self) -> Mapping[NamedNode, Function]:
        """Return the functions."""
        return {
            **{getattr(DEEPF, name): self._statistic(name) for name in _PLAIN},
            DEEPF.quantile: self.quantile,
            DEEPF.areaAbove: self._area("areaAbove"),
            DEEPF.areaBelow: self._area("areaBelow"),
            DEEPF.anomaly: self.anomaly,
            DEEPF.valueAt: self.value_at,
            DEEPF.dimension: self.dimension,
            DEEPF.size: self.size,
            DEEPF.clip: self.clip,
            DEEPF.clipWindow: self.clip_window,
            DEEPF.cellOperation: cell_operation,
            DEEPF.slice: slice_at,
            DEEPF.distribution: self.distribution,
        }

    def _statistic(self, name: str) -> Function:
        def function(
            variable: Term, geometry: Term, start: Term | None = None, end: Term | None = None
        ) -> Literal | None:
            wanted = Wanted(statistics=frozenset({name}))
            return self._zonal(variable, geometry, period_of(start, end), wanted)

        return function

    def quantile(self, variable: Term, geometry: Term, *rest: Term | None) -> Literal | None:
        """Return a quantile; the arguments end with the probability, times may stand before."""
        period, share = _period_and_last(rest)
        wanted = Wanted(statistics=frozenset({"quantile"}), share=share_from(share))
        return self._zonal(variable, geometry, period, wanted)

    def _area(self, name: str) -> Function:
        def function(variable: Term, geometry: Term, *rest: Term | None) -> Literal | None:
            period, threshold = _period_and_last(rest)
            wanted = Wanted(statistics=frozenset({name}), threshold=number_of(threshold))
            return self._zonal(variable, geometry, period, wanted)

        return function

    def anomaly(
        self,
        variable: Term,
        geometry: Term,
        start: Term | None,
        end: Term | None,
        reference_start: Term | None,
        reference_end: Term | None,
        season: Term | None = None,
    ) -> Literal | None:
        """Return how far the mean is from what is usual at the season."""
        wanted = Wanted(statistics=frozenset({"anomaly"}))
        question = ZoneQuestion(
            layer=self._layer(variable),
            zone=zone_from(geometry),
            period=period_of(start, end),
            wanted=wanted,
            reference=period_of(reference_start, reference_end),
            season=Season.MONTH if season is None else season_from(season),
        )
        return self._answered(question)

    def distribution(
        self, dataset: Term, access: Term, resolution_m: Term | None = None
    ) -> NamedNode:
        """Return the cube of a data set that serves a map or a series with the least reading."""
        wanted = _ACCESS.get(text_of(access))
        if not isinstance(dataset, NamedNode) or wanted is None:
            raise InvalidArgumentError('a distribution is of a data set, for "map" or "series"')
        metres = None if resolution_m is None else number_of(resolution_m)
        return choose_distribution(self._store, dataset, access=wanted, resolution_m=metres).source

    def _zonal(
        self, variable: Term, geometry: Term, period: Period, wanted: Wanted
    ) -> Literal | None:
        return self._answered(
            ZoneQuestion(
                layer=self._layer(variable), zone=zone_from(geometry), period=period, wanted=wanted
            )
        )

    def _answered(self, question: ZoneQuestion) -> Literal | None:
        (answer,) = answer_zones(self._engine.scanner, [question])
        (value,) = answer.statistics.values() or (math.nan,)
        return None if math.isnan(value) else Literal(value)

    def value_at(self, variable: Term, point: Term, time: Term | None = None) -> Literal | None:
        """Return the value of the cell that a point is in, at a time."""
        layer, place = self._layer(variable), zone_from(point)
        if not isinstance(place, shapely.Point):
            raise InvalidArgumentError(f"{point} is no point")
        when: int | None = 0
        if layer.times is not None and time is not None:
            when = position_at(layer.times, time_span_of(time))
        elif layer.times is not None and len(layer.times) > 1:
            raise InvalidArgumentError("the variable has several times; say which")
        cell = _cell_at(layer, place)
        if when is None or cell is None:
            return None
        part = tuple(slice(i, i + 1) for i in (when, *cell))
        value = float(self._engine.scanner.reader.window(layer, part).ravel()[0])
        return Literal(value) if math.isfinite(value) else None

    def dimension(self, variable: Term, name: Term | None = None) -> Literal:
        """Return the number of positions along a dimension, or all of them as text."""
        sizes = dimensions(self._layer(variable))
        if name is None:
            return Literal(",".join(f"{dim}={size}" for dim, size in sizes.items()))
        if text_of(name) not in sizes:
            raise InvalidArgumentError(f"there is no dimension {name}, but {', '.join(sizes)}")
        return Literal(sizes[text_of(name)])

    def size(self, variable: Term) -> Literal:
        """Return the number of values: valid or not, at all times."""
        return Literal(math.prod(dimensions(self._layer(variable)).values()))

    def clip(
        self, variable: Term, geometry: Term, start: Term | None = None, end: Term | None = None
    ) -> Literal | None:
        """Return the part of a cube that a geometry touches, as CoverageJSON."""
        found = clip_to_zone(
            self._engine.scanner,
            self._layer(variable),
            zone_from(geometry),
            period_of(start, end),
            self._unit(variable),
        )
        return None if found is None else Literal(found, datatype=RDF.JSON)

    def clip_window(self, variable: Term, window: Term) -> Literal | None:
        """Return the part of a cube in a window of positions, as CoverageJSON."""
        layer, unit = self._layer(variable), self._unit(variable)
        found = clip_to_window(self._engine.scanner, layer, text_of(window), unit)
        return None if found is None else Literal(found, datatype=RDF.JSON)

    def _layer(self, variable: Term) -> Layer:
        return self._engine.layer(self._store, variable)

    def _unit(self, variable: Term) -> str | None:
        node = node_of(variable)
        if node is None:
            return None
        units = (q.object for q in self._store.quads(node, DEEP.unitText, None, None))
        return next((u.value for u in units if isinstance(u, Literal)), None)


def cell_operation(expression: Term, *variables: Term) -> Literal:
    """Return a variable that is computed from others: a, b, c in the order they are given."""
    if not 0 < len(variables) <= len(ascii_lowercase):
        raise InvalidArgumentError(f"a cell operation has 1 to {len(ascii_lowercase)} variables")
    names = dict(zip(ascii_lowercase, variables, strict=False))
    return operation_of(text_of(expression), names).literal()


def slice_at(variable: Term, *where: Term | None) -> Literal:
    """Return a variable at one place along some of its dimensions: "level", 850, "month", 1."""
    return slice_of(variable, *where).literal()


def _period_and_last(rest: tuple[Term | None, ...]) -> tuple[Period, Term]:
    last = rest[-1] if 1 <= len(rest) <= 3 else None
    if last is None:
        raise InvalidArgumentError("the arguments are variable, geometry, start, end, number")
    start, end = (*rest[:-1], None, None)[:2]
    return period_of(start, end), last


def _cell_at(layer: Layer, point: shapely.Point) -> tuple[int, ...] | None:
    """Return the cell that a point is in; on a border that with the nearest centre."""
    best: tuple[float, tuple[int, ...]] | None = None
    for window in layer.grid.windows(point):
        shares = layer.grid.coverage(point, window)
        x, y = layer.grid.centres(window)
        apart = np.hypot((x - point.x + 180) % 360 - 180, y - point.y)
        apart = np.where(shares > 0, apart, np.inf)
        nearest = np.unravel_index(int(np.argmin(apart)), apart.shape)
        distance = float(apart[nearest])
        if math.isfinite(distance) and (best is None or distance < best[0]):
            cell = tuple(int(i) + s.start for i, s in zip(nearest, window, strict=True))
            best = distance, cell
    return None if best is None else best[1]
