"""What a plan says: what fills each slot, and what does not, with reasons."""

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
