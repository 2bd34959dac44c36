"""Alerts as triples, spelt as in CAP 1.2."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pyoxigraph import Literal, Quad

from kg.rdf.iris import below
from kg.rdf.times import date_time_literal
from ontology.terms import DEEP, PROV, RDF, RDFS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml.results.provenance import Made
    from ml.use_case import Alert, Outcome


def alert_quads(made: Made, outcome: Outcome[object], alert: Alert) -> Iterator[Quad]:
    """Yield what the graph says of an alert."""
    key = made.place_keys[alert.place]
    node = below(made.run, "alert", key, alert.begin.date().isoformat())
    yield Quad(node, RDF.type, DEEP.Alert)
    if made.simulated:
        yield Quad(node, RDF.type, DEEP.Simulated)
    is_past = alert.end <= datetime.now(UTC)
    yield Quad(node, RDFS.label, Literal(alert.headline))
    yield Quad(node, DEEP.capHeadline, Literal(alert.headline))
    yield Quad(node, DEEP.alertArea, outcome.places.iri[alert.place])
    # Nobody has cleared it for the public, and most predictions look back on times that passed.
    yield Quad(node, DEEP.capStatus, Literal("Test"))
    yield Quad(node, DEEP.capMessageType, Literal("Alert"))
    yield Quad(node, DEEP.capCategory, Literal(alert.category))
    yield Quad(node, DEEP.capEvent, Literal(alert.event))
    yield Quad(node, DEEP.capUrgency, Literal("Past" if is_past else "Future"))
    yield Quad(node, DEEP.capSeverity, Literal(alert.severity))
    yield Quad(node, DEEP.capCertainty, Literal(alert.certainty))
    yield Quad(node, DEEP.capOnset, date_time_literal(alert.begin))
    yield Quad(node, DEEP.capExpires, date_time_literal(alert.end))
    yield Quad(node, PROV.wasGeneratedBy, made.run)
    for position in alert.why:
        prediction = made.prediction(outcome.predicted.samples, position, 0)
        yield Quad(node, PROV.wasDerivedFrom, prediction)
