"""Predictions as triples: of any place, with a geometry or without, at any span of time or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pyoxigraph import Literal, NamedNode, Quad

from kg.rdf.geometry import geometry_quads
from kg.rdf.iris import below, slug
from kg.rdf.terms import double
from kg.rdf.times import date_time_literal, interval
from kg.views.moments import Moment
from ml.results.provenance import as_datetime, span_of
from ontology.terms import DEEP, PROV, QUDT, RDF, RDFS, SOSA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml.results.provenance import Made
    from ml.samples import Places
    from ml.use_case import Outcome, Output


def place_quads(places: Places, place: int) -> Iterator[Quad]:
    """Yield what the graph says of a place; nothing where it knows it already."""
    if places.are_in_graph:
        return
    node = places.iri[place]
    yield Quad(node, RDF.type, places.kind)
    yield Quad(node, RDFS.label, Literal(places.label[place]))
    geometry = places.geometry[place] if places.geometry is not None else None
    if geometry is not None:
        yield from geometry_quads(node, geometry)


def prediction_quads(made: Made, outcome: Outcome[object], position: int) -> Iterator[Quad]:
    """Yield what a run says of one sample, a prediction for each output; not what its time is.

    Args:
        made: Whose results they are.
        outcome: The results.
        position: Of the sample among those that were predicted.
    """
    samples, prediction = outcome.predicted
    for number, output in enumerate(made.case.outputs):
        node = made.prediction(samples, position, number)
        yield from _about(made, outcome, position, node, output)
        yield Quad(node, SOSA.hasSimpleResult, rounded(prediction.value[position, number]))
        if outcome.bounds is not None and made.case.intervals is not None:
            coverage = made.case.intervals.nominal_coverage
            yield Quad(node, DEEP.lowerBound, rounded(outcome.bounds.lower[position, number]))
            yield Quad(node, DEEP.upperBound, rounded(outcome.bounds.upper[position, number]))
            yield Quad(node, DEEP.nominalCoverage, double(coverage))
        if number == 0:
            yield from _of_first_output(outcome, position, node, output)


def _about(
    made: Made, outcome: Outcome[object], position: int, node: NamedNode, output: Output
) -> Iterator[Quad]:
    """Yield what a prediction is about and where it comes from."""
    samples, places = outcome.predicted.samples, outcome.places
    place = int(samples.place[position])
    span = span_of(samples, position)
    yield Quad(node, RDF.type, output.prediction_class)
    yield Quad(node, RDF.type, DEEP.Prediction)
    if made.simulated:
        yield Quad(node, RDF.type, DEEP.Simulated)
    where = (places.short_label or places.label)[place]
    when = [Moment(begin=span[0], end=span[1]).label] if span is not None else []
    yield Quad(node, RDFS.label, Literal(", ".join([output.label, where, *when])))
    yield Quad(node, SOSA.hasFeatureOfInterest, places.iri[place])
    yield Quad(node, SOSA.observedProperty, output.observed)
    if span is not None:
        yield Quad(node, SOSA.phenomenonTime, interval(made.iris, *span))
    if output.unit is not None:
        yield Quad(node, QUDT.hasUnit, output.unit)
    yield Quad(node, SOSA.usedProcedure, made.case.card.iri)
    yield Quad(node, PROV.wasGeneratedBy, made.run)
    for part in samples.rests_on(position):
        yield Quad(node, PROV.wasDerivedFrom, part)


def _of_first_output(
    outcome: Outcome[object], position: int, node: NamedNode, output: Output
) -> Iterator[Quad]:
    """Yield class, moment of change and attributions, which are of the first output."""
    prediction = outcome.predicted.prediction
    if prediction.classes is not None:
        found = output.classes[int(prediction.classes[position])]
        yield Quad(node, output.class_property, found)
    if prediction.moment is not None and not np.isnat(prediction.moment[position]):
        moment = as_datetime(prediction.moment[position])
        yield Quad(node, DEEP.changedAt, date_time_literal(moment))
    if prediction.attributions is not None:
        names, share = prediction.attributions
        for name, value in zip(names, share[position], strict=True):
            part = below(node, "attribution", slug(name))
            yield Quad(node, DEEP.hasAttribution, part)
            yield Quad(part, RDF.type, DEEP.Attribution)
            yield Quad(part, RDFS.label, Literal(name))
            yield Quad(part, DEEP.share, rounded(value))


def rounded(value: float) -> Literal:
    """Return a number with six decimals: far finer than any interval."""
    # Bounds stay on their side of the value, because rounding keeps the order.
    return double(round(float(value), 6))
