"""Event concepts as the graph defines them, and which variables they are about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from pyoxigraph import NamedNode

from cube_bridge.errors import EventConceptError
from cube_bridge.events.detection import Condition, Measure, Statistic
from cube_bridge.units.quantities import convert
from cube_bridge.values.variable_terms import node_of
from kg.rdf.terms import number, text
from kg.rdf.times import duration_seconds
from kg.rows import select
from ontology.terms import DEEP, compact

if TYPE_CHECKING:
    from kg.rdf.terms import Term
    from kg.store import GraphStore

_MEASURES: dict[str, Measure] = {
    DEEP.AbsoluteValue.value: "value",
    DEEP.Anomaly.value: "anomaly",
    DEEP.StandardisedAnomaly.value: "standardised",
    DEEP.RatioToMedian.value: "ratio",
    DEEP.QuantileOfClimatology.value: "quantile",
}
_STATISTICS: dict[str, Statistic] = {
    DEEP.mean.value: "mean",
    DEEP.minimum.value: "minimum",
    DEEP.maximum.value: "maximum",
    DEEP.sum.value: "sum",
}
#: What the bounds are bounds of is in the unit of the variable only for these.
_IN_UNITS = ("value", "anomaly")


@dataclass(frozen=True, kw_only=True)
class EventConcept:
    """A concept, read from the graph."""

    iri: NamedNode
    condition: Condition
    """Its bounds are in the unit of the concept."""
    unit: NamedNode | None
    """None where the bounds are pure numbers, or in whatever unit the variable has."""
    minimum_share: float | None
    """Share of a zone's valid area on whose cells the condition holds; None for the zone's mean."""

    def condition_in(self, unit: NamedNode | None) -> Condition:
        """Return the condition for values in another unit.

        Raises:
            UnitError: The two units measure different things, or one is unknown.
            EventConceptError: The concept has a unit and the values have none.
        """
        condition = self.condition
        if self.unit is None or condition.measure not in _IN_UNITS:
            return condition
        if unit is None:
            raise EventConceptError(
                f"the bounds of {compact(self.iri.value)} are in {compact(self.unit.value)}, but "
                "the variable has no known unit; give it one in its mapping"
            )
        bounds = (condition.above, condition.below)
        zero = float(convert(0.0, self.unit, unit)) if condition.measure == "anomaly" else 0.0
        above, below = (
            None if b is None else float(convert(b, self.unit, unit)) - zero for b in bounds
        )
        return replace(condition, above=above, below=below)

    def condition_on_share(self) -> Condition:
        """Return the condition on the share of a zone on whose cells the concept holds."""
        # At least a share is more than the number before it.
        above = float(np.nextafter(self.minimum_share or 0.0, -1.0))
        return replace(self.condition, above=above, below=None)


def read_concept(store: GraphStore, iri: NamedNode) -> EventConcept:
    """Return an event concept of the graph.

    Raises:
        EventConceptError: There is none by that IRI, or its definition is incomplete; says what
            is missing.
    """
    statements = _statements_of(store, iri)
    if DEEP.ofProperty.value not in statements:
        known = [
            compact(text(r["c"])) for r in select(store, "SELECT ?c { ?c a deep:EventConcept }")
        ]
        raise EventConceptError(
            f"the graph holds no event concept {compact(iri.value)} with a deep:ofProperty; "
            f"it has {', '.join(sorted(known)) or 'none'}; load one as Turtle, or `deepcube reason`"
        )
    try:
        condition = _condition(statements)
        shares = statements.get(DEEP.minimumShare.value, [])
        minimum_share = number(shares[0]) if shares else None
    except (KeyError, ValueError) as error:
        raise EventConceptError(
            f"the definition of {compact(iri.value)} cannot be read: {error}; "
            "`deepcube validate` lists what is wrong"
        ) from error
    if condition.above is None and condition.below is None:
        raise EventConceptError(f"{compact(iri.value)} says neither deep:above nor deep:below what")
    if minimum_share is not None and (condition.measure != "value" or condition.window is not None):
        raise EventConceptError(
            f"{compact(iri.value)} has a deep:minimumShare, which only goes with plain values: "
            "leave out deep:measuredAs and deep:movingWindow"
        )
    units = statements.get("http://qudt.org/schema/qudt/hasUnit", [])
    unit = units[0] if units and isinstance(units[0], NamedNode) else None
    return EventConcept(iri=iri, condition=condition, unit=unit, minimum_share=minimum_share)


def _statements_of(store: GraphStore, iri: NamedNode) -> dict[str, list[Term]]:
    found: dict[str, list[Term]] = {}
    for row in select(store, f"SELECT ?p ?o {{ {iri} ?p ?o }} ORDER BY ?p ?o"):
        found.setdefault(text(row["p"]), []).append(row["o"])
    return found


def _condition(statements: dict[str, list[Term]]) -> Condition:
    def one(name: NamedNode) -> str | None:
        values = statements.get(name.value)
        if values and len(values) > 1:
            raise ValueError(f"{compact(name.value)} is said {len(values)} times")
        return text(values[0]) if values else None

    def duration(name: NamedNode) -> np.timedelta64 | None:
        written = one(name)
        return None if written is None else np.timedelta64(duration_seconds(written), "s")

    def bound(name: NamedNode) -> float | None:
        written = one(name)
        return None if written is None else float(written)

    def day(name: NamedNode) -> np.datetime64 | None:
        written = one(name)
        return None if written is None else np.datetime64(written, "D")

    none = np.timedelta64(0, "s")
    return Condition(
        measure=_MEASURES[one(DEEP.measuredAs) or DEEP.AbsoluteValue.value],
        window=duration(DEEP.movingWindow),
        statistic=_STATISTICS[one(DEEP.movingStatistic) or DEEP.mean.value],
        above=bound(DEEP.above),
        below=bound(DEEP.below),
        months=frozenset(int(text(m)) for m in statements.get(DEEP.inMonth.value, [])),
        minimum_duration=duration(DEEP.minimumDuration) or none,
        maximum_gap=duration(DEEP.maximumGap) or none,
        reference=(day(DEEP.referenceStart), day(DEEP.referenceEnd)),
    )


def unit_of(store: GraphStore, variable: Term) -> NamedNode | None:
    """Return the unit of a variable; None where the graph knows none."""
    node = node_of(variable)
    if node is None:
        return None
    units = [r["u"] for r in select(store, f"SELECT ?u {{ {node} qudt:hasUnit ?u }}")]
    return next((u for u in units if isinstance(u, NamedNode)), None)


def variables_of(store: GraphStore, concept: NamedNode) -> list[tuple[NamedNode, NamedNode | None]]:
    """Return the variables of cubes that a concept is about, each with its unit."""
    rows = select(
        store,
        f"""SELECT DISTINCT ?variable ?unit {{
          {concept} deep:ofProperty ?wanted .
          ?class (rdfs:subClassOf|owl:equivalentClass|^owl:equivalentClass)* ?wanted .
          ?variable sosa:observedProperty/a ?class ; deep:variableOf/a deep:Cube .
          OPTIONAL {{ ?variable qudt:hasUnit ?unit }} }} ORDER BY ?variable""",
    )
    found: dict[NamedNode, NamedNode | None] = {}
    for row in rows:
        variable, unit = row["variable"], row.get("unit")
        if isinstance(variable, NamedNode):
            found.setdefault(variable, unit if isinstance(unit, NamedNode) else None)
    return list(found.items())
