"""Parts of a basic pattern that hang together, each around one geometry.

A component is answered from two sides: the index knows the rows, and with them the features
and geometry nodes; the store knows the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from kg.geometry_statements import LINKS
from kg.planner.patterns import connected
from kg.planner.tables import join

if TYPE_CHECKING:
    import numpy as np

    from kg.planner.constraints import BasicPattern, Scope
    from kg.planner.patterns import TriplePattern
    from kg.planner.syntax import Syntax
    from kg.property_tables import PropertyTable
    from kg.spatial_index import SpatialIndex
    from kg.store import Dataset, QueryResult


class Source(Protocol):
    """What planning needs of a store."""

    @property
    def block(self) -> int | None:
        """How many rows of VALUES a request may have where only SPARQL 1.1 is spoken.

        None for our own store, which takes any number of them and knows LATERAL.
        """

    @property
    def index(self) -> SpatialIndex:
        """The spatial index, up to date."""

    def evaluate(self, sparql: str) -> QueryResult:
        """Evaluate a query as it stands, in the dataset of the request."""

    def within(self, dataset: Dataset) -> Source:
        """Return the same for another dataset."""

    def table(self, predicate: str, graph: bytes, *, read: bool) -> PropertyTable | None:
        """Return what a property says in a graph; None where only the store knows.

        Args:
            predicate: The property's IRI.
            graph: As the index writes its name.
            read: Where it is not known it is read from the store.
        """

    def remembered(self, sparql: str) -> dict[str, np.ndarray] | None:
        """Return columns that were computed for a query, where they are still true."""

    def remember(self, sparql: str, columns: dict[str, np.ndarray]) -> None:
        """Keep columns until a write changes what the query asks for."""


@dataclass(kw_only=True)
class Component:
    """Triple patterns that share variables, and VALUES on them."""

    patterns: list[TriplePattern]
    tables: list[str] = field(default_factory=list)
    filters: list[str] = field(default_factory=list)
    scope: Scope

    @property
    def text(self) -> str:
        """The component as SPARQL."""
        return self.body(self.patterns)

    def body(self, patterns: list[TriplePattern]) -> str:
        """Return some of the patterns as SPARQL, with the tables and filters."""
        return " ".join([*self.tables, *(str(p) for p in patterns), *self.filters])

    def looked_up(self, table: str, patterns: list[TriplePattern], *, lateral: bool = True) -> str:
        """Return the patterns as SPARQL, evaluated for each row of a table."""
        rest = " ".join([*(str(p) for p in patterns), *self.filters])
        if not lateral:
            return " ".join([table, *self.tables, rest])
        each = f"LATERAL {{ {rest} }}" if rest else ""
        return " ".join([table, *self.tables, each])

    @property
    def is_bare(self) -> bool:
        """Return whether there is nothing beside the patterns."""
        return not (self.tables or self.filters)

    @property
    def variables(self) -> frozenset[str]:
        """All variables of the patterns."""
        return frozenset().union(*(p.variables for p in self.patterns))


@dataclass(kw_only=True)
class Anchor:
    """Where a component touches the index: a variable that is a geometry literal."""

    variable: str
    literal: TriplePattern
    """`?g geo:asWKT ?w`"""
    link: TriplePattern | None
    """`?s geo:hasGeometry ?g`, where the index can answer it."""

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
        mine = Component(patterns=[pattern], scope=basic.scope)
        others = []
        for other in found:
            if other.variables & mine.variables:
                mine.patterns = other.patterns + mine.patterns
                mine.tables += other.tables
            else:
                others.append(other)
        found = [*others, mine]
    for node in basic.tables:
        names = syntax.variables(node)
        touched = [c for c in found if c.variables & names]
        if not touched:
            continue
        merged = Component(
            patterns=[p for c in touched for p in c.patterns],
            tables=[*(t for c in touched for t in c.tables), syntax.text(node)],
            scope=basic.scope,
        )
        found = [*(c for c in found if c not in touched), merged]
    return found


def anchor_of(component: Component, variable: str, index: SpatialIndex) -> Anchor | None:
    """Return where a variable of a component is in the index; None where it is not."""
    for pattern in component.patterns:
        predicate = pattern.predicate[1:-1]
        if (
            pattern.object == variable
            and not pattern.is_path
            and pattern.predicate.startswith("<")
            and pattern.subject.startswith("?")
            and index.covers(predicate)
        ):
            return Anchor(
                variable=variable, literal=pattern, link=_link_to(component, pattern.subject)
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
            and pattern.predicate[1:-1] in LINKS
            and pattern.subject.startswith("?")
            and pattern.subject != geometry
        ):
            return pattern
    return None


@dataclass(kw_only=True)
class Keys:
    """Candidates as terms: for each pair of a key and a row, their numbers."""

    rows: np.ndarray
    """(n,) rows of the index."""
    geometries: np.ndarray
    """(n,) numbers of terms."""
    keys: np.ndarray
    """(n,) numbers of terms: the feature where there is a link, else the geometry."""


def keys_of(index: SpatialIndex, component: Component, anchor: Anchor, rows: np.ndarray) -> Keys:
    """Return candidates with the features they belong to."""
    geometries = index.rows["subject"][rows]
    if anchor.link is None:
        return Keys(rows=rows, geometries=geometries, keys=geometries)
    links = index.links_to(
        index.distinct(geometries), anchor.link.predicate[1:-1], component.scope.graphs
    )
    i, j = join(geometries, index.links["geometry"][links])
    return Keys(rows=rows[i], geometries=geometries[i], keys=index.links["feature"][links[j]])


def rest_of(component: Component, anchor: Anchor, *, keep_literal: bool) -> list[TriplePattern]:
    """Return the patterns that the index does not answer."""
    return [
        p
        for p in component.patterns
        if p is not anchor.link and (keep_literal or p is not anchor.literal)
    ]


def asked_rest(component: Component, anchor: Anchor, *, keep_literal: bool) -> list[TriplePattern]:
    """Return the patterns that the store is asked for, the key of the anchor among them.

    Without the link what is said of geometries would be joined with all that is said of features.
    """
    rest = rest_of(component, anchor, keep_literal=keep_literal)
    start = next((p for p in rest if anchor.geometry in p.variables), None)
    if anchor.link is None or start is None:
        return rest
    reached = {v for p in connected(start, rest) for v in p.variables}
    return rest if anchor.key in reached else [anchor.link, *rest]


def in_scope(body: str, scope: Scope) -> str:
    """Return a group's inside as it is asked outside of the query."""
    return body if scope.name is None else f"GRAPH {scope.name} {{ {body} }}"
