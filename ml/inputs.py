"""Input plans: which variables a model is given, inferred by the reasoner, with reasons.

What a slot admits is an OWL class; HermiT says which variables belong to it. Space and time
are settled before that on the graph (does the source's extent share most of the region, does
its period hold the plan's) and enter the reasoning as facts.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Triple

from kg.rdf.geometry import parse_wkt
from kg.rdf.iris import below
from kg.rdf.provenance import end_quad, start_quads
from kg.rdf.terms import text
from kg.rdf.times import duration_text, interval, interval_quads, timestamp
from kg.reasoning.facts import model_axioms, variable_facts
from kg.reasoning.hermit import entailed_types, ontology_axioms
from kg.rows import select
from kg.validation.shacl import validate_quads
from ml.errors import PlanError
from ml.model import install_model
from ontology.terms import DCTERMS, DEEP, GEO, PROV, QUDT, RDF, RDFS, SOSA, compact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from kg.rdf.iris import Iris
    from kg.regions import Region
    from kg.store import GraphStore
    from ml.model import ModelCard

#: Share of the region that a source's extent must hold to count as covering it.
_MIN_SHARE = 0.5


@dataclass(frozen=True, kw_only=True)
class Slot:
    """An input slot of a model."""

    iri: NamedNode
    identifier: str
    label: str
    admits: NamedNode
    """OWL class of the variables that can fill it."""
    unit: NamedNode
    """Unit in which the model reads it."""
    requirements: tuple[Requirement, ...]


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """One of the classes that a slot's class is the intersection of."""

    iri: NamedNode
    message: str
    """What to tell of a variable that is not in the class."""
    checks: NamedNode
    """The property that it looks at."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A variable of the graph, with all that a plan may need to say of it."""

    iri: NamedNode
    name: str
    """Name in its source."""
    source: NamedNode
    source_title: str
    source_kind: str
    """Label of the class of the source."""
    observes: str
    """Label of what it observes, as its source declares it."""
    unit: NamedNode | None
    sampling_s: int | None
    share: float
    """Share of the region within the source's extent, 0 to 1."""
    period: tuple[str, str] | None
    """First moment and moment after the last, as xsd:dateTime text."""


@dataclass(frozen=True, kw_only=True)
class PlannedInput:
    """What fills a slot."""

    slot: str
    """Identifier of the slot."""
    variable: NamedNode
    name: str
    """Name of the variable in its source."""
    source: NamedNode
    unit: NamedNode | None
    """Unit in the source; None where it has none."""
    read_in: NamedNode
    """Unit in which the model reads it."""
    reason: str


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A variable that does not fill a slot."""

    slot: str
    variable: NamedNode
    source_title: str
    reason: str
    failed: tuple[NamedNode, ...]
    """The requirements that it fails; none for one that was passed over for a better one."""
    met: int
    """How many of the slot's requirements it meets."""


@dataclass(frozen=True, kw_only=True)
class InputPlan:
    """What a model reads for a region and period."""

    iri: NamedNode
    inputs: tuple[PlannedInput, ...]
    refused: tuple[Refused, ...]


def make_plan(
    store: GraphStore,
    iris: Iris,
    card: ModelCard,
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
    install_model(store, card)
    slots = _slots(store, card.iri)
    candidates = _candidates(store, region)
    if not candidates:
        raise PlanError("the graph holds no source with variables; add some with `deepcube index`")
    facts = [*variable_facts(store), *_coverage_facts(candidates, region, period)]
    types = entailed_types([*ontology_axioms(), *model_axioms(store, card.iri)], facts)
    inputs: list[PlannedInput] = []
    refused: list[Refused] = []
    for slot in slots:
        chosen = _fill(slot, candidates, types, region, refused)
        if chosen is None:
            raise PlanError(_nothing_fits(slot, card, region, refused))
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
        quads = list(_plan_quads(plan, iris, card, region, period))
        validate_quads(quads)
        store.add(quads)
    return plan


def read_plan(store: GraphStore, plan: NamedNode) -> tuple[PlannedInput, ...]:
    """Return the inputs of a plan of the graph.

    Raises:
        PlanError: The graph has no such plan.
    """
    rows = select(
        store,
        f"""SELECT ?slot ?variable ?name ?source ?unit ?readIn ?reason WHERE {{
              {plan} deep:hasSelection ?selection .
              ?selection deep:slot ?s ; deep:variable ?variable ; deep:reason ?reason .
              ?s dcterms:identifier ?slot ; deep:readInUnit ?readIn .
              ?variable deep:variableName ?name ; deep:variableOf ?source .
              OPTIONAL {{ ?variable qudt:hasUnit ?unit }}
            }} ORDER BY ?slot""",
    )
    if not rows:
        raise PlanError(f"the graph has no plan {plan}, or its sources have been removed")
    return tuple(
        PlannedInput(
            slot=text(r["slot"]),
            variable=NamedNode(text(r["variable"])),
            name=text(r["name"]),
            source=NamedNode(text(r["source"])),
            unit=NamedNode(text(r["unit"])) if "unit" in r else None,
            read_in=NamedNode(text(r["readIn"])),
            reason=text(r["reason"]),
        )
        for r in rows
    )


def _slots(store: GraphStore, model: NamedNode) -> list[Slot]:
    rows = select(
        store,
        f"""SELECT ?slot ?id ?label ?class ?unit ?requirement ?message ?checks WHERE {{
              {model} deep:hasSlot ?slot .
              ?slot dcterms:identifier ?id ; rdfs:label ?label ; deep:admits ?class ;
                    deep:readInUnit ?unit ; deep:requires ?requirement .
              ?requirement deep:unmetMessage ?message ; deep:checks ?checks .
            }} ORDER BY ?id ?requirement""",
    )
    if not rows:
        raise PlanError(f"the description of {model} has no complete input slot")
    by_slot: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        flat = {name: text(term) for name, term in row.items()}
        by_slot.setdefault(flat["slot"], []).append(flat)
    return [
        Slot(
            iri=NamedNode(iri),
            identifier=group[0]["id"],
            label=group[0]["label"],
            admits=NamedNode(group[0]["class"]),
            unit=NamedNode(group[0]["unit"]),
            requirements=tuple(
                Requirement(
                    iri=NamedNode(r["requirement"]),
                    message=r["message"],
                    checks=NamedNode(r["checks"]),
                )
                for r in group
            ),
        )
        for iri, group in by_slot.items()
    ]


def _candidates(store: GraphStore, region: Region) -> list[Candidate]:
    rows = select(
        store,
        """SELECT ?variable ?name ?source ?title ?sourceKind ?observes ?unit ?seconds
                  ?wkt ?from ?to WHERE {
             ?variable a deep:Variable ; deep:variableName ?name ; deep:variableOf ?source .
             ?source dcterms:title ?title ; geo:hasBoundingBox/geo:asWKT ?wkt ;
                     deep:indexStatus deep:IndexComplete ; a ?class .
             ?class rdfs:subClassOf deep:Source ; rdfs:label ?sourceKind .
             OPTIONAL { ?variable sosa:observedProperty ?p . ?p a ?kind .
                        FILTER(?kind != sosa:ObservableProperty) ?kind rdfs:label ?observes }
             OPTIONAL { ?variable qudt:hasUnit ?unit }
             OPTIONAL { ?variable deep:samplingSeconds ?seconds }
             OPTIONAL { ?source dcterms:temporal ?t .
                        ?t time:hasBeginning/time:inXSDDateTimeStamp ?from ;
                           time:hasEnd/time:inXSDDateTimeStamp ?to }
           } ORDER BY ?variable""",
    )
    area = region.geometry.area
    found: dict[str, Candidate] = {}
    for row in rows:
        extent = parse_wkt(text(row["wkt"]))
        found[text(row["variable"])] = Candidate(
            iri=NamedNode(text(row["variable"])),
            name=text(row["name"]),
            source=NamedNode(text(row["source"])),
            source_title=text(row["title"]),
            source_kind=text(row["sourceKind"]),
            observes=text(row["observes"]) if "observes" in row else "nothing that is declared",
            unit=NamedNode(text(row["unit"])) if "unit" in row else None,
            sampling_s=int(text(row["seconds"])) if "seconds" in row else None,
            share=region.geometry.intersection(extent).area / area,
            period=(text(row["from"]), text(row["to"])) if "from" in row else None,
        )
    return list(found.values())


def _coverage_facts(
    candidates: list[Candidate], region: Region, period: tuple[datetime, datetime]
) -> Iterator[Triple]:
    wanted = NamedNode("urn:deepcube:plan-period")
    yield Triple(region.iri, RDF.type, DEEP.PlanRegion)
    yield Triple(wanted, RDF.type, DEEP.PlanPeriod)
    begin, end = (timestamp(moment) for moment in period)
    for candidate in candidates:
        if candidate.share >= _MIN_SHARE:
            yield Triple(candidate.iri, DEEP.coversRegion, region.iri)
        # Texts of one form and time zone, so that they order as the moments do.
        if candidate.period and candidate.period[0] <= begin and end <= candidate.period[1]:
            yield Triple(candidate.iri, DEEP.coversPeriod, wanted)


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
        reasons = (f"{r.message} ({_found(candidate, r, region)})" for r in failed)
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
        reason=_why(slot, best, region),
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


def _why(slot: Slot, candidate: Candidate, region: Region) -> str:
    unit = compact(candidate.unit.value) if candidate.unit else "no unit"
    reading = "" if candidate.unit in (None, slot.unit) else f", read in {compact(slot.unit.value)}"
    return (
        f"observes {candidate.observes}, which the reasoner infers to serve as {slot.label}; "
        f"{unit}{reading}; {_cadence(candidate)}; extent holds {candidate.share:.0%} of "
        f"{region.label}"
    )


def _found(candidate: Candidate, requirement: Requirement, region: Region) -> str:
    """Return what the variable has where the requirement looks."""
    found = {
        SOSA.observedProperty: f"observes {candidate.observes}",
        DEEP.variableOf: f"part of a {candidate.source_kind}",
        QUDT.hasUnit: compact(candidate.unit.value) if candidate.unit else "no unit known",
        DEEP.samplingSeconds: _cadence(candidate),
        GEO.hasBoundingBox: f"its extent holds {candidate.share:.0%} of {region.label}",
        DCTERMS.temporal: " to ".join(candidate.period) if candidate.period else "has no period",
    }
    return found.get(requirement.checks, f"see {compact(requirement.checks.value)}")


def _cadence(candidate: Candidate) -> str:
    if candidate.sampling_s is None:
        return "no cadence known"
    return f"sampled every {duration_text(candidate.sampling_s)}"


def _nothing_fits(slot: Slot, card: ModelCard, region: Region, refused: list[Refused]) -> str:
    lines = [f"  {r.source_title}: {r.reason}" for r in refused if r.slot == slot.identifier]
    return (
        f"no source can serve as {slot.label} of {card.identifier} for {region.label}; "
        "index one that can. Refused:\n" + "\n".join(lines)
    )


def _plan_quads(
    plan: InputPlan,
    iris: Iris,
    card: ModelCard,
    region: Region,
    period: tuple[datetime, datetime],
) -> Iterator[Quad]:
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
        yield Quad(node, DEEP.slot, NamedNode(f"{card.iri.value}#{chosen.slot}"))
        yield Quad(node, DEEP.variable, chosen.variable)
        yield Quad(node, DEEP.reason, Literal(chosen.reason))
    for number, refusal in enumerate(plan.refused):
        node = below(plan.iri, "refusal", str(number))
        yield Quad(plan.iri, DEEP.hasRefusal, node)
        yield Quad(node, RDF.type, DEEP.Refusal)
        yield Quad(node, DEEP.slot, NamedNode(f"{card.iri.value}#{refusal.slot}"))
        yield Quad(node, DEEP.variable, refusal.variable)
        yield Quad(node, DEEP.reason, Literal(refusal.reason))
        for requirement in refusal.failed:
            yield Quad(node, DEEP.failsRequirement, requirement)
