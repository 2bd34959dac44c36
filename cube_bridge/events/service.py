"""SERVICE deep:events: the events of concepts in zones, all zones of a query in one pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from pyoxigraph import Literal, NamedNode

from cube_bridge.errors import EventConceptError, SliceError, UnitError, VariableNotFoundError
from cube_bridge.events.concept import read_concept, unit_of, variables_of
from cube_bridge.events.detection import detect
from cube_bridge.values.arguments import weighting_from, zone_from
from cube_bridge.values.periods import Period, period_of
from cube_bridge.values.variable_terms import node_of
from cube_bridge.values.zone_questions import ZoneQuestion, answer_zones
from cube_bridge.values.zone_statistics import Wanted
from cube_bridge.values.zone_weights import Weighting
from kg.geosparql.errors import InvalidArgumentError, InvalidGeometryError
from kg.rdf.times import date_time_literal
from ontology.terms import DEEP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shapely.geometry.base import BaseGeometry

    from cube_bridge.events.concept import EventConcept
    from cube_bridge.events.detection import Condition, Event
    from cube_bridge.values.engine import Engine
    from cube_bridge.values.layers import Layer
    from kg.rdf.terms import Term
    from kg.store import GraphStore

    Request = Mapping[NamedNode, Term]
    Row = tuple[int, Mapping[NamedNode, Term]]

_DAY = np.timedelta64(1, "D")
_ALWAYS = Period()


@dataclass(frozen=True, kw_only=True)
class _Search:
    """One concept in one variable and zone."""

    request: int
    variable: Term
    layer: Layer
    condition: Condition
    """In the unit of the layer."""
    minimum_share: float | None
    period: Period
    series: tuple[int, ...]
    """Positions of the questions whose answers make the series."""

    def events(self, answers: Mapping[int, dict[np.datetime64, float]]) -> Iterator[Event]:
        """Yield the events that have a moment in the period."""
        times = self.layer.times
        if times is None:
            return
        columns = [
            np.array([answers.get(q, {}).get(t, np.nan) for t in times], float) for q in self.series
        ]
        if self.minimum_share is None:
            found = detect(times, columns[0], self.condition)
        else:
            valid, *areas = columns
            # What is beyond both bounds is what is beyond either, less what there is.
            beyond = sum(areas) - (len(areas) - 1) * valid
            share = np.divide(beyond, valid, out=np.full(len(valid), np.nan), where=valid > 0)
            found = detect(times, share, self.condition)
        first, last = self.period.first, self.period.last
        for event in found:
            if (last is None or event.begin <= last) and (first is None or event.end > first):
                yield event


@dataclass(kw_only=True)
class _Questions:
    """What has to be asked of the pixels, and for which searches."""

    asked: list[ZoneQuestion] = field(default_factory=list)
    searches: list[_Search] = field(default_factory=list)

    def ask(
        self, layer: Layer, zone: BaseGeometry, statistic: str, weighting: Weighting, bound: float
    ) -> int:
        """Note a question; return its position."""
        wanted = Wanted(statistics=frozenset({statistic}), weighting=weighting, threshold=bound)
        self.asked.append(
            ZoneQuestion(layer=layer, zone=zone, period=_ALWAYS, wanted=wanted, pooled=False)
        )
        return len(self.asked) - 1


@dataclass(frozen=True)
class Events:
    """Events of concepts that the graph defines; see `kg.extensions.Service`."""

    engine: Engine

    @property
    def iri(self) -> NamedNode:
        """See `kg.extensions.Service`."""
        return DEEP.events

    @property
    def inputs(self) -> Mapping[NamedNode, bool]:
        """See `kg.extensions.Service`."""
        optional = (DEEP.variable, DEEP.start, DEEP.end, DEEP.weighting)
        return {DEEP.concept: True, DEEP.geometry: True, **dict.fromkeys(optional, False)}

    @property
    def outputs(self) -> frozenset[NamedNode]:
        """See `kg.extensions.Service`."""
        return frozenset(
            {
                *(DEEP.eventBegin, DEEP.eventEnd, DEEP.durationDays, DEEP.foundIn),
                *(DEEP.peak, DEEP.peakTime, DEEP.meanExcess),
            }
        )

    def evaluate(
        self,
        store: GraphStore,
        requests: Sequence[Request],
        wanted: frozenset[NamedNode],
        bounds: Mapping[NamedNode, tuple[float, float]],  # noqa: ARG002 -- an event needs them all
    ) -> Iterator[Row]:
        """Yield a row for each event, whole even where the period cuts it."""
        questions = self._questions(store, requests)
        answers: dict[int, dict[np.datetime64, float]] = {}
        for answer in answer_zones(self.engine.scanner, questions.asked):
            if answer.time is not None:
                (value,) = answer.statistics.values()
                answers.setdefault(answer.question, {})[answer.time] = value
        for search in questions.searches:
            for event in search.events(answers):
                row = _row(search, event)
                yield search.request, {name: row[name] for name in wanted if name in row}

    def _questions(self, store: GraphStore, requests: Sequence[Request]) -> _Questions:
        questions = _Questions()
        concepts: dict[Term, EventConcept] = {}
        about: dict[Term, list[tuple[NamedNode, NamedNode | None]]] = {}
        for number, request in enumerate(requests):
            named = request[DEEP.concept]
            if not isinstance(named, NamedNode):
                raise InvalidArgumentError(f"{named} is no event concept; give the IRI of one")
            if named not in concepts:
                concepts[named] = read_concept(store, named)
            given = request.get(DEEP.variable)
            if given is None and named not in about:
                about[named] = variables_of(store, named)
            variables: list[tuple[Term, NamedNode | None]] = (
                [*about[named]] if given is None else [(given, unit_of(store, given))]
            )
            for variable, unit in variables:
                try:
                    self._search(questions, store, number, request, concepts[named], variable, unit)
                except (EventConceptError, SliceError):
                    # A variable that nobody named may not fit; one that is named must.
                    if given is not None:
                        raise
                except UnitError as error:
                    if given is not None:
                        raise EventConceptError(str(error)) from error
        return questions

    def _search(
        self,
        questions: _Questions,
        store: GraphStore,
        number: int,
        request: Request,
        concept: EventConcept,
        variable: Term,
        unit: NamedNode | None,
    ) -> None:
        """Note what to ask for one concept, variable and zone; nothing where there is no zone."""
        condition = concept.condition_in(unit)
        # One broken geometry in the data must not cost the other zones their answer.
        try:
            layer = self.engine.layer(store, variable)
            zone = zone_from(request[DEEP.geometry])
        except (InvalidGeometryError, VariableNotFoundError):
            return
        weighting = Weighting.AREA
        if DEEP.weighting in request:
            weighting = weighting_from(request[DEEP.weighting])
        if concept.minimum_share is None:
            series = [questions.ask(layer, zone, "mean", weighting, float("nan"))]
        else:
            # All that is valid is above minus infinity.
            series = [questions.ask(layer, zone, "areaAbove", weighting, -np.inf)]
            for statistic, bound in (
                ("areaAbove", condition.above),
                ("areaBelow", condition.below),
            ):
                if bound is not None:
                    series.append(questions.ask(layer, zone, statistic, weighting, bound))
            condition = concept.condition_on_share()
        questions.searches.append(
            _Search(
                request=number,
                variable=variable,
                layer=layer,
                condition=condition,
                minimum_share=concept.minimum_share,
                period=period_of(request.get(DEEP.start), request.get(DEEP.end)),
                series=tuple(series),
            )
        )


def _row(search: _Search, event: Event) -> dict[NamedNode, Term]:
    return {
        DEEP.eventBegin: _moment(event.begin),
        DEEP.eventEnd: _moment(event.end),
        DEEP.durationDays: Literal(float((event.end - event.begin) / _DAY)),
        DEEP.peak: Literal(event.peak),
        DEEP.peakTime: _moment(event.peak_time),
        DEEP.meanExcess: Literal(event.mean_excess),
        DEEP.foundIn: node_of(search.variable) or search.variable,
    }


def _moment(time: np.datetime64) -> Literal:
    return date_time_literal(time.astype("datetime64[us]").item())
