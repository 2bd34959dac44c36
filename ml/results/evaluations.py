"""What is said of a run as a whole: device, bounds of classes, scores, intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pyoxigraph import Literal, NamedNode, Quad

from kg.rdf.iris import below, slug
from kg.rdf.terms import double
from ml.results.predictions import rounded
from ontology.terms import DEEP, DQV, PROV, RDF, XSD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml.results.provenance import Made
    from ml.use_case import Outcome, Score


def run_quads(made: Made, outcome: Outcome[object]) -> Iterator[Quad]:
    """Yield what the graph says of a run beside its single results."""
    run = made.run
    yield Quad(run, DEEP.device, Literal(outcome.device))
    if made.simulated:
        yield Quad(run, RDF.type, DEEP.Simulated)
    if outcome.class_bounds is not None:
        yield from _class_bound_quads(made, outcome.class_bounds)
    for score in outcome.scores:
        yield from _score_quads(made, score)
    if outcome.bounds is not None and not np.isnan(outcome.coverage):
        width = float((outcome.bounds.upper - outcome.bounds.lower).mean())
        yield from measurement(run, run, DEEP.IntervalCoverage, outcome.coverage)
        yield from measurement(run, run, DEEP.IntervalWidth, width)


def _class_bound_quads(made: Made, bounds: np.ndarray) -> Iterator[Quad]:
    for concept, bound in zip(made.case.outputs[0].classes, bounds, strict=True):
        node = below(made.run, "class-bound", concept.value.rsplit("#", 1)[1])
        yield Quad(made.run, DEEP.hasClassBound, node)
        yield Quad(node, RDF.type, DEEP.ClassBound)
        yield Quad(node, DEEP.boundOf, concept)
        yield Quad(node, DEEP.lowerBound, rounded(bound))


def _score_quads(made: Made, score: Score) -> Iterator[Quad]:
    several = len(made.case.outputs) > 1
    of = made.case.outputs[score.output].label
    short = score.protocol.partition(":")[0]
    segments = [slug(short), *([slug(of)] if several else []), slug(score.method)]
    node = below(made.run, "evaluation", *segments)
    yield Quad(node, RDF.type, DEEP.Evaluation)
    yield Quad(node, PROV.wasGeneratedBy, made.run)
    protocol = f"{score.protocol} ({of})" if several else score.protocol
    yield Quad(node, DEEP.protocol, Literal(protocol))
    yield Quad(node, DEEP.evaluatedMethod, Literal(score.method))
    baseline = Literal("true" if score.is_baseline else "false", datatype=XSD.boolean)
    yield Quad(node, DEEP.isBaseline, baseline)
    yield from measurement(node, made.run, score.metric, score.value)


def measurement(
    subject: NamedNode, run: NamedNode, metric: NamedNode, value: float
) -> Iterator[Quad]:
    """Yield what the graph says of the value of a metric.

    Args:
        subject: What is measured: an evaluation, or a run as a whole.
        run: The run that it was computed on.
        metric: A deep:Metric.
        value: Of the metric.
    """
    node = below(subject, "measurement", metric.value.rsplit("#", 1)[1])
    yield Quad(subject, DQV.hasQualityMeasurement, node)
    yield Quad(node, RDF.type, DQV.QualityMeasurement)
    yield Quad(node, DQV.isMeasurementOf, metric)
    yield Quad(node, DQV.computedOn, run)
    yield Quad(node, DQV.value, double(value))
