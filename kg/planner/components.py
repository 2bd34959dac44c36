"""Parts of a basic pattern that hang together, each around one geometry.

A component is answered from two sides: the index knows the rows, and with them the features
and geometry nodes; the store knows the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kg.index.statements import LINKS
from kg.planner.tables import join
from kg.sparql.patterns import connected

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    from kg.index.spatial_index import SpatialIndex
    from kg.planner.basic_pattern import BasicPattern
    from kg.planner.constraints import Scope
    from kg.sparql.patterns import TriplePattern
    from kg.sparql.syntax import Syntax


@dataclass(frozen=True, kw_only=True)
class Component:
    """Triple patterns that share variables, and VALUES on them."""

    patterns: tuple[TriplePattern, ...]
    tables: tuple[str, ...] = ()
    """VALUES, as they are written."""
    filters: tuple[str, ...] = ()
    """Filters that only speak of the patterns, as they are written."""
    scope: Scope

    @property
    def text(self) -> str:
        """The component as SPARQL."""
        return self.body(self.patterns)

    def body(self, patterns: Iterable[TriplePattern]) -> str:
        """Return some of the patterns as SPARQL, with the tables and filters."""
        return " ".join([*self.tables, *(str(p) for p in patterns), *self.filters])

    def looked_up(
        self, table: str, patterns: Iterable[TriplePattern], *, lateral: bool = True
    ) -> str:
        """Return the patterns as SPARQL, evaluated for each row of a table."""
        rest = " ".join([*(str(p) for p in patterns), *self.filters])
        if not lateral:
            return " ".join([table, *self.tables, rest])
        each = f"LATERAL {{ {rest} }}" if rest else ""
        return " ".join([table, *self.tables, each])

    @property
    def is_bare(self) -> bool:
        """Whether there is nothing beside the patterns."""
        return not (self.tables or self.filters)

    @property
    def variables(self) -> frozenset[str]:
        """All variables of the patterns."""
        return frozenset().union(*(p.variables for p in self.patterns))

    def speaks_twice_of(self, variable: str) -> bool:
        """Return whether several patterns speak of a literal, which then joins them."""
        return sum(variable in p.variables for p in self.patterns) > 1


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """Where a component touches the index: a variable that is a geometry literal."""

    component: Component
    variable: str
    literal: TriplePattern
    """`?g geo:asWKT ?w`"""
    link: TriplePattern | None
    """`?s geo:hasGeometry ?g`; None where the index cannot answer one."""

    @property
    def predicate(self) -> str:
        """The IRI of the property that leads to the literal."""
        return self.literal.predicate_iri

    @property
    def geometry(self) -> str:
        """The variable that is the geometry node."""
        return self.literal.subject

    @property
    def key(self) -> str:
        """The variable by which the store's part is joined."""
        return self.literal.subject if self.link is None else self.link.subject


def components_of(basic: BasicPattern, syntax: Syntax) -> list[Component]:
    """Return the parts of a basic pattern that share no variables."""
    found: list[Component] = []
    for pattern in basic.patterns:
        mine = Component(patterns=(pattern,), scope=basic.scope)
        found = _merged(found, mine, pattern.variables)
    for node in basic.tables:
        names = syntax.variables(node)
        # A table that shares no variable with a pattern is no part of a component.
        if any(c.variables & names for c in found):
            table = Component(patterns=(), tables=(syntax.text(node),), scope=basic.scope)
            found = _merged(found, table, names)
    return found


def _merged(found: list[Component], new: Component, names: frozenset[str]) -> list[Component]:
    """Return components of which those that have one of some variables are one with a new one."""
    near = [c for c in found if c.variables & names]
    together = Component(
        patterns=(*(p for c in near for p in c.patterns), *new.patterns),
        tables=(*(t for c in near for t in c.tables), *new.tables),
        scope=new.scope,
    )
    return [*(c for c in found if not c.variables & names), together]


def anchor_of(component: Component, variable: str, index: SpatialIndex) -> Anchor | None:
    """Return where a variable of a component is in the index; None where it is not."""
    for pattern in component.patterns:
        if (
            pattern.object == variable
            and not pattern.is_path
            and pattern.predicate.startswith("<")
            and pattern.subject.startswith("?")
            and index.covers(pattern.predicate_iri)
        ):
            return Anchor(
                component=component,
                variable=variable,
                literal=pattern,
                link=_link_to(component, pattern.subject),
            )
    return None


def _link_to(component: Component, geometry: str) -> TriplePattern | None:
    # With several graphs merged a link may be said twice; then the store has to answer it.
    if component.scope.graphs is None or len(component.scope.graphs) != 1:
        return None
    for pattern in component.patterns:
        if (
            pattern.object == geometry
            and not pattern.is_path
            and pattern.predicate_iri in LINKS
            and pattern.subject.startswith("?")
            and pattern.subject != geometry
        ):
            return pattern
    return None


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Candidates as terms: for each pair of a key and a row, their numbers."""

    anchor: Anchor
    rows: np.ndarray
    """(n,) rows of the index."""
    geometries: np.ndarray
    """(n,) numbers of terms."""
    keys: np.ndarray
    """(n,) numbers of terms: the feature where there is a link, else the geometry."""

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """The numbers by the variables that they are of, each (n,)."""
        return {self.anchor.geometry: self.geometries, self.anchor.key: self.keys}


def keys_of(index: SpatialIndex, anchor: Anchor, rows: np.ndarray) -> Keys:
    """Return candidates with the features they belong to.

    Args:
        index: The index.
        anchor: What the rows are candidates for.
        rows: (n,) rows of the index; one comes as often as it has features.
    """
    geometries = index.rows["subject"][rows]
    if anchor.link is None:
        return Keys(anchor=anchor, rows=rows, geometries=geometries, keys=geometries)
    links = index.links_to(
        index.distinct(geometries), anchor.link.predicate_iri, anchor.component.scope.graphs
    )
    i, j = join(geometries, index.links["geometry"][links])
    features = index.links["feature"][links[j]]
    return Keys(anchor=anchor, rows=rows[i], geometries=geometries[i], keys=features)


def rest_of(anchor: Anchor, *, keep_literal: bool) -> tuple[TriplePattern, ...]:
    """Return the patterns of a component that the index does not answer."""
    return tuple(
        p
        for p in anchor.component.patterns
        if p is not anchor.link and (keep_literal or p is not anchor.literal)
    )


def asked_rest(anchor: Anchor, *, keep_literal: bool) -> tuple[TriplePattern, ...]:
    """Return the patterns that the store is asked for, the key of the anchor among them.

    Without the link what is said of geometries would be joined with all that is said of features.
    """
    rest = rest_of(anchor, keep_literal=keep_literal)
    start = next((p for p in rest if anchor.geometry in p.variables), None)
    if anchor.link is None or start is None:
        return rest
    reached = {v for p in connected(start, rest) for v in p.variables}
    return rest if anchor.key in reached else (anchor.link, *rest)


def in_scope(body: str, scope: Scope) -> str:
    """Return a group's inside as it is asked outside of the query."""
    return body if scope.name is None else f"GRAPH {scope.name} {{ {body} }}"
