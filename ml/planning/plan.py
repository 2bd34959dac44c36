"""Input plans: which variables a model is given, inferred by the reasoner, with reasons.

What a slot admits is an OWL class; HermiT says which variables belong to it. Space and time
are settled before that on the graph (does the source's extent share most of the region, does
its period hold the plan's) and enter the reasoning as facts.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pyoxigraph import DefaultGraph

from kg.rdf.times import timestamp
from kg.reasoning.facts import model_axioms, variable_facts
from kg.reasoning.hermit import entailed_types, ontology_axioms
from kg.validation.shacl import validate_quads
from kg.vocabulary import install_use_case
from ml.errors import PlanError
from ml.planning.candidates import candidates_for, coverage_facts
from ml.planning.plan_quads import plan_quads
from ml.planning.planned import InputPlan, PlannedInput, Refused
from ml.planning.reasons import found_instead, nothing_fits, why
from ml.planning.slots import slots
from ontology.terms import DEEP, RDF

if TYPE_CHECKING:
    from datetime import datetime

    from pyoxigraph import NamedNode

    from kg.rdf.iris import Iris
    from kg.regions import Region
    from kg.store import GraphStore
    from ml.card import Card
    from ml.planning.candidates import Candidate
    from ml.planning.slots import Slot


def make_plan(
    store: GraphStore,
    iris: Iris,
    card: Card,
    region: Region,
    period: tuple[datetime, datetime],
) -> InputPlan:
    """Infer what fills each slot of a model, and write the plan with its reasons to the graph.

    Args:
        store: The graph.
        iris: How IRIs are made.
        card: The model.
        region: Where.
        period: First moment and moment after the last.

    Raises:
        PlanError: A slot can be filled by nothing; the message says why each source fails.
        ReasonerError: The facts contradict the ontology.
    """
    begin, end = period
    if end <= begin:
        raise PlanError(f"the period ends ({timestamp(end)}) before it begins ({timestamp(begin)})")
    install_use_case(store, card.iri, card.turtle, card.shapes)
    wanted = slots(store, card.iri)
    candidates = candidates_for(store, region)
    if not candidates:
        raise PlanError("the graph holds no source with variables; add some with `deepcube index`")
    facts = [*variable_facts(store), *coverage_facts(candidates, region, period)]
    types = entailed_types([*ontology_axioms(), *model_axioms(store, card.iri)], facts)
    inputs: list[PlannedInput] = []
    refused: list[Refused] = []
    for slot in wanted:
        chosen = _fill(slot, candidates, types, region, refused)
        if chosen is None:
            raise PlanError(nothing_fits(slot, card.identifier, region, refused))
        inputs.append(chosen)
    digest = hashlib.sha256(
        repr([card.iri, region.iri, timestamp(begin), timestamp(end), inputs, refused]).encode()
    )
    plan = InputPlan(
        iri=iris.mint("plan", card.identifier, digest.hexdigest()[:12]),
        inputs=tuple(inputs),
        refused=tuple(refused),
    )
    if not any(store.quads(plan.iri, RDF.type, DEEP.InputPlan, DefaultGraph())):
        quads = list(
            plan_quads(plan, iris, card, region, period, {s.identifier: s.iri for s in wanted})
        )
        validate_quads(quads)
        store.add(quads)
    return plan


def _fill(
    slot: Slot,
    candidates: list[Candidate],
    types: dict[NamedNode, frozenset[NamedNode]],
    region: Region,
    refused: list[Refused],
) -> PlannedInput | None:
    """Return what fills the slot best, and note why the others do not."""
    admitted = []
    for candidate in candidates:
        kinds = types.get(candidate.iri, frozenset())
        if slot.admits in kinds:
            admitted.append(candidate)
            continue
        failed = [r for r in slot.requirements if r.iri not in kinds]
        reasons = (f"{r.message} ({found_instead(candidate, r, region)})" for r in failed)
        refused.append(_refusal(slot, candidate, "; ".join(reasons), tuple(r.iri for r in failed)))
    if not admitted:
        return None
    # The most of the region first, then the coarsest cadence that serves: the least to read.
    admitted.sort(key=lambda c: (-c.share, -(c.sampling_s or 0), c.iri.value))
    best, *others = admitted
    for other in others:
        reason = f"would serve, but {best.source_title!r} covers as much or more of the region"
        refused.append(_refusal(slot, other, reason, ()))
    return PlannedInput(
        slot=slot.identifier,
        variable=best.iri,
        name=best.name,
        source=best.source,
        unit=best.unit,
        read_in=slot.unit,
        reason=why(slot, best, region),
    )


def _refusal(
    slot: Slot, candidate: Candidate, reason: str, failed: tuple[NamedNode, ...]
) -> Refused:
    return Refused(
        slot=slot.identifier,
        variable=candidate.iri,
        source_title=candidate.source_title,
        reason=reason,
        failed=failed,
        met=len(slot.requirements) - len(failed),
    )
