"""The way back: what a run found becomes triples, through the SHACL gate, place by place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kg.rdf.times import interval_quads
from kg.validation.shacl import validate_quads
from ml.results.alerts import alert_quads
from ml.results.evaluations import run_quads
from ml.results.predictions import place_quads, prediction_quads
from ml.results.provenance import Made, place_keys, span_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from pyoxigraph import NamedNode, Quad

    from kg.rdf.iris import Iris
    from kg.store import GraphStore
    from ml.use_case import Outcome, Progress, UseCase

#: Quads that are validated and written together, at least: some 20 MB while they are validated.
_BLOCK = 50_000


def write_results(
    store: GraphStore,
    iris: Iris,
    run: NamedNode,
    case: UseCase[Any, Any, Any],
    outcome: Outcome[Any],
    *,
    simulated: bool,
    progress: Progress,
) -> list[Quad]:
    """Write the predictions and alerts of a run, and return what is to be said of it as a whole.

    Places are written some at a time, each whole. The caller takes all of it back should
    anything fail, and writes what is returned together with the end of the run.

    Args:
        store: The graph.
        iris: How IRIs are made.
        run: The run.
        case: The use case, whose own shapes the gate adds.
        outcome: What was found.
        simulated: Whether it rests on simulated inputs.
        progress: Called as places are done.

    Raises:
        ValidationFailedError: Something violates a shape.
    """
    made = Made(
        run=run,
        case=case,
        iris=iris,
        simulated=simulated,
        place_keys=place_keys(outcome.places),
    )
    pending: list[Quad] = []
    total = len(outcome.places.iri)
    for done, quads in enumerate(_by_place(made, outcome), 1):
        pending += quads
        if len(pending) >= _BLOCK or done == total:
            validate_quads(pending, shapes=case.card.shapes)
            store.add(pending)
            pending = []
            progress("writing predictions", done, total)
    return list(run_quads(made, outcome))


def _by_place(made: Made, outcome: Outcome[Any]) -> Iterator[list[Quad]]:
    """Yield for each place what was predicted: the place, its predictions, its alerts."""
    place = outcome.predicted.samples.place
    order = np.argsort(place, kind="stable")
    ends = np.searchsorted(place[order], np.arange(len(outcome.places.iri) + 1))
    alerts: dict[int, list[Quad]] = {}
    for alert in outcome.alerts:
        alerts.setdefault(alert.place, []).extend(alert_quads(made, outcome, alert))
    # Most places share their times, which are described once.
    described: set[tuple[datetime, datetime] | None] = {None}
    for number in range(len(outcome.places.iri)):
        own = order[ends[number] : ends[number + 1]]
        quads = list(place_quads(outcome.places, number)) if len(own) else []
        for position in own:
            span = span_of(outcome.predicted.samples, int(position))
            if span is not None and span not in described:
                described.add(span)
                quads += interval_quads(made.iris, *span)
            quads += prediction_quads(made, outcome, int(position))
        yield [*quads, *alerts.get(number, ())]
