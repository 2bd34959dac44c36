"""The way back: predictions, intervals, danger classes, alerts and scores as triples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyoxigraph import Literal, NamedNode, Quad

from cube_bridge.kinds.series import series_iri
from kg.rdf.geometry import geometry_quads
from kg.rdf.iris import Iris, below, coordinate, slug
from kg.rdf.terms import double
from kg.rdf.times import date_time_literal, day_bounds, interval, interval_quads
from ml.cell_days import HALF_SIDE, WEATHER
from ml.danger import CLASSES
from ontology.terms import DEEP, DQV, PROV, RDF, RDFS, SOSA, XSD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml.cell_days import CellDays
    from ml.danger import Spell
    from ml.evaluate import Evaluation
    from ml.inputs import PlannedInput
    from ml.run import RunResult


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A run's result with all that its triples refer to."""

    run: NamedNode
    model: NamedNode
    inputs: tuple[PlannedInput, ...]
    data: CellDays
    result: RunResult
    simulated: bool
    """True where any input is simulated, and so all that follows from it."""


def cell_iri(iris: Iris, longitude: float, latitude: float) -> NamedNode:
    """Return the IRI of the cell around a point."""
    return iris.mint(
        "cell", f"{2 * HALF_SIDE:g}-degrees", f"{coordinate(longitude)}_{coordinate(latitude)}"
    )


def cell_blocks(outcome: Outcome, iris: Iris) -> Iterator[list[Quad]]:
    """Yield for each cell what was predicted: the cell, its predictions, its alerts."""
    spells: dict[int, list[Spell]] = {}
    for spell in outcome.result.spells:
        spells.setdefault(spell.cell, []).append(spell)
    for cell in range(len(outcome.data.longitude)):
        yield list(_cell_quads(outcome, cell, spells.get(cell, []), iris))


def _cell_quads(outcome: Outcome, cell: int, spells: list[Spell], iris: Iris) -> Iterator[Quad]:
    data, result = outcome.data, outcome.result
    lon, lat = float(data.longitude[cell]), float(data.latitude[cell])
    node = cell_iri(iris, lon, lat)
    yield Quad(node, RDF.type, DEEP.Cell)
    yield Quad(node, RDFS.label, Literal(f"cell around {_position(lon, lat)}"))
    yield from geometry_quads(
        node,
        shapely.box(lon - HALF_SIDE, lat - HALF_SIDE, lon + HALF_SIDE, lat + HALF_SIDE),
    )
    inputs = [_input_at(planned, lon, lat) for planned in outcome.inputs]
    for day in range(result.probability.shape[1]):
        yield from _prediction_quads(outcome, cell, day, node, inputs, iris)
    for spell in spells:
        yield from _alert_quads(outcome, spell, node)


def _input_at(planned: PlannedInput, longitude: float, latitude: float) -> NamedNode:
    """Return the part of an input that a prediction for a cell rests on."""
    if planned.slot in WEATHER:
        return series_iri(planned.source, longitude, latitude, planned.name)
    return planned.variable


def _prediction_iri(outcome: Outcome, cell: int, day: int) -> NamedNode:
    data = outcome.data
    place = f"{coordinate(data.longitude[cell])}_{coordinate(data.latitude[cell])}"
    date = data.days[outcome.result.first + day].date().isoformat()
    return below(outcome.run, "prediction", place, date)


def _prediction_quads(
    outcome: Outcome,
    cell: int,
    day: int,
    node: NamedNode,
    inputs: list[NamedNode],
    iris: Iris,
) -> Iterator[Quad]:
    result = outcome.result
    begin, end = day_bounds(outcome.data.days[result.first + day].date())
    prediction = _prediction_iri(outcome, cell, day)
    yield Quad(prediction, RDF.type, DEEP.FireDangerPrediction)
    yield Quad(prediction, RDF.type, DEEP.Prediction)
    if outcome.simulated:
        yield Quad(prediction, RDF.type, DEEP.Simulated)
    data = outcome.data
    where = _position(float(data.longitude[cell]), float(data.latitude[cell]))
    label = f"fire danger, {where}, {begin.date().isoformat()}"
    yield Quad(prediction, RDFS.label, Literal(label))
    yield Quad(prediction, SOSA.hasFeatureOfInterest, node)
    yield Quad(prediction, SOSA.observedProperty, DEEP.FireDangerOfCell)
    yield Quad(prediction, SOSA.phenomenonTime, interval(iris, begin, end))
    yield from interval_quads(iris, begin, end)
    yield Quad(prediction, SOSA.hasSimpleResult, _rounded(result.probability[cell, day]))
    yield Quad(prediction, DEEP.lowerBound, _rounded(result.intervals.lower[cell, day]))
    yield Quad(prediction, DEEP.upperBound, _rounded(result.intervals.upper[cell, day]))
    yield Quad(prediction, DEEP.nominalCoverage, double(result.intervals.nominal_coverage))
    yield Quad(prediction, DEEP.dangerClass, CLASSES[result.classes[cell, day]])
    yield Quad(prediction, SOSA.usedProcedure, outcome.model)
    yield Quad(prediction, PROV.wasGeneratedBy, outcome.run)
    for part in inputs:
        yield Quad(prediction, PROV.wasDerivedFrom, part)


def _rounded(value: float) -> Literal:
    # Six decimals: far finer than any interval, and bounds stay on their side of the value.
    return double(round(float(value), 6))


def _alert_quads(outcome: Outcome, spell: Spell, node: NamedNode) -> Iterator[Quad]:
    days, first = outcome.data.days, outcome.result.first
    onset, _ = day_bounds(days[first + spell.first].date())
    _, expires = day_bounds(days[first + spell.last].date())
    place = node.value.rsplit("/", 1)[1]
    alert = below(outcome.run, "alert", place, onset.date().isoformat())
    peak = outcome.result.probability[spell.cell, spell.peak]
    likely = 0.5  # CAP 1.2: "Likely" is a probability over 50 %
    yield Quad(alert, RDF.type, DEEP.Alert)
    if outcome.simulated:
        yield Quad(alert, RDF.type, DEEP.Simulated)
    label = "simulated fire danger" if outcome.simulated else "fire danger"
    grade = "very extreme" if spell.very_extreme else "extreme"
    lasting = spell.last - spell.first + 1
    headline = f"{grade} {label} for {lasting} day{'s' if lasting > 1 else ''}, up to {peak:.0%}"
    yield Quad(alert, RDFS.label, Literal(headline))
    yield Quad(alert, DEEP.capHeadline, Literal(headline))
    yield Quad(alert, DEEP.alertArea, node)
    # The predictions look back on days that have passed: nobody is to act on them.
    yield Quad(alert, DEEP.capStatus, Literal("Test"))
    yield Quad(alert, DEEP.capMessageType, Literal("Alert"))
    yield Quad(alert, DEEP.capCategory, Literal("Fire"))
    yield Quad(alert, DEEP.capEvent, Literal("Fire danger"))
    yield Quad(alert, DEEP.capUrgency, Literal("Past"))
    yield Quad(alert, DEEP.capSeverity, Literal("Extreme" if spell.very_extreme else "Severe"))
    yield Quad(alert, DEEP.capCertainty, Literal("Likely" if peak > likely else "Possible"))
    yield Quad(alert, DEEP.capOnset, date_time_literal(onset))
    yield Quad(alert, DEEP.capExpires, date_time_literal(expires))
    yield Quad(alert, PROV.wasGeneratedBy, outcome.run)
    for day in range(spell.first, spell.last + 1):
        yield Quad(alert, PROV.wasDerivedFrom, _prediction_iri(outcome, spell.cell, day))


def run_quads(outcome: Outcome) -> Iterator[Quad]:
    """Yield what is said of the run as a whole: class bounds, device, scores."""
    run, result = outcome.run, outcome.result
    yield Quad(run, DEEP.device, Literal(result.device))
    if outcome.simulated:
        yield Quad(run, RDF.type, DEEP.Simulated)
    for danger, bound in zip(CLASSES, result.bounds, strict=True):
        node = below(run, "class-bound", danger.value.rsplit("#", 1)[1])
        yield Quad(run, DEEP.hasClassBound, node)
        yield Quad(node, RDF.type, DEEP.ClassBound)
        yield Quad(node, DEEP.boundOf, danger)
        yield Quad(node, DEEP.lowerBound, _rounded(bound))
    for evaluation in result.evaluations:
        yield from _evaluation_quads(run, evaluation)
    if not np.isnan(result.coverage):
        width = float((result.intervals.upper - result.intervals.lower).mean())
        yield from _measurement(run, run, DEEP.IntervalCoverage, result.coverage)
        yield from _measurement(run, run, DEEP.IntervalWidth, width)


def _evaluation_quads(run: NamedNode, evaluation: Evaluation) -> Iterator[Quad]:
    protocol = evaluation.protocol.partition(":")[0]
    node = below(run, "evaluation", slug(protocol), slug(evaluation.method))
    yield Quad(node, RDF.type, DEEP.Evaluation)
    yield Quad(node, PROV.wasGeneratedBy, run)
    yield Quad(node, DEEP.protocol, Literal(evaluation.protocol))
    yield Quad(node, DEEP.evaluatedMethod, Literal(evaluation.method))
    baseline = Literal("true" if evaluation.is_baseline else "false", datatype=XSD.boolean)
    yield Quad(node, DEEP.isBaseline, baseline)
    for metric, value in (
        (DEEP.AUC, evaluation.scores.auc),
        (DEEP.AUPRC, evaluation.scores.auprc),
        (DEEP.BrierScore, evaluation.scores.brier),
        (DEEP.BaseRate, evaluation.scores.base_rate),
    ):
        yield from _measurement(node, run, metric, value)


def _measurement(
    subject: NamedNode, run: NamedNode, metric: NamedNode, value: float
) -> Iterator[Quad]:
    node = below(subject, "measurement", metric.value.rsplit("#", 1)[1])
    yield Quad(subject, DQV.hasQualityMeasurement, node)
    yield Quad(node, RDF.type, DQV.QualityMeasurement)
    yield Quad(node, DQV.isMeasurementOf, metric)
    yield Quad(node, DQV.computedOn, run)
    yield Quad(node, DQV.value, double(value))


def _position(longitude: float, latitude: float) -> str:
    north, east = "NS"[latitude < 0], "EW"[longitude < 0]
    return f"{abs(latitude):g}°{north} {abs(longitude):g}°{east}"
