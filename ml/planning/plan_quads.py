"""A plan as triples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyoxigraph import Literal, NamedNode, Quad

from kg.rdf.iris import below
from kg.rdf.provenance import end_quad, start_quads
from kg.rdf.times import interval, interval_quads
from ontology.terms import DCTERMS, DEEP, PROV, RDF, RDFS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from kg.rdf.iris import Iris
    from kg.regions import Region
    from ml.card import Card
    from ml.planning.planned import InputPlan


def plan_quads(
    plan: InputPlan,
    iris: Iris,
    card: Card,
    region: Region,
    period: tuple[datetime, datetime],
    slots: dict[str, NamedNode],
) -> Iterator[Quad]:
    """Yield what the graph says of a plan, its choices and its refusals.

    Args:
        plan: The plan.
        iris: How IRIs are made.
        card: The use case that it is for.
        region: Where.
        period: First moment and moment after the last.
        slots: IRIs of the slots by their identifier.
    """
    activity = below(plan.iri, "reasoning")
    yield Quad(plan.iri, RDF.type, DEEP.InputPlan)
    label = f"inputs of {card.identifier} for {region.label}"
    yield Quad(plan.iri, RDFS.label, Literal(label))
    yield Quad(plan.iri, DEEP.forModel, card.iri)
    yield Quad(plan.iri, DEEP.planRegion, region.iri)
    yield from region.quads
    yield Quad(plan.iri, DCTERMS.temporal, interval(iris, *period))
    yield from interval_quads(iris, *period)
    yield Quad(plan.iri, PROV.wasGeneratedBy, activity)
    yield from start_quads(activity, PROV.Activity, [card.iri, *(i.variable for i in plan.inputs)])
    yield end_quad(activity)
    for chosen in plan.inputs:
        node = below(plan.iri, "selection", chosen.slot)
        yield Quad(plan.iri, DEEP.hasSelection, node)
        yield Quad(node, RDF.type, DEEP.Selection)
        yield Quad(node, DEEP.slot, slots[chosen.slot])
        yield Quad(node, DEEP.variable, chosen.variable)
        yield Quad(node, DEEP.reason, Literal(chosen.reason))
    for number, refusal in enumerate(plan.refused):
        node = below(plan.iri, "refusal", str(number))
        yield Quad(plan.iri, DEEP.hasRefusal, node)
        yield Quad(node, RDF.type, DEEP.Refusal)
        yield Quad(node, DEEP.slot, slots[refusal.slot])
        yield Quad(node, DEEP.variable, refusal.variable)
        yield Quad(node, DEEP.reason, Literal(refusal.reason))
        for requirement in refusal.failed:
            yield Quad(node, DEEP.failsRequirement, requirement)
