"""Input slots of a model, as its description in the graph says them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyoxigraph import NamedNode

from kg.rdf.terms import text
from kg.rows import select
from ml.errors import PlanError

if TYPE_CHECKING:
    from kg.store import GraphStore


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


def slots(store: GraphStore, model: NamedNode) -> list[Slot]:
    """Return the slots of a model, by identifier.

    Raises:
        PlanError: The graph describes no slot of it completely, or a slot names a class that
            nothing defines.
    """
    _refuse_undefined_classes(store, model)
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


def _refuse_undefined_classes(store: GraphStore, model: NamedNode) -> None:
    """Refuse slots that admit or require what no Turtle defines: a typo, which admits nothing."""
    rows = select(
        store,
        f"""SELECT DISTINCT ?slot ?class WHERE {{
              {model} deep:hasSlot ?slot . ?slot deep:admits|deep:requires ?class .
              FILTER NOT EXISTS {{ ?class a owl:Class }} }} ORDER BY ?slot ?class""",
    )
    if rows:
        named = "; ".join(f"{text(r['slot'])} names {text(r['class'])}" for r in rows)
        raise PlanError(
            f"the description of {model} names classes that no Turtle defines as owl:Class: {named}"
        )
