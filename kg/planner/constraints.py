"""Spatial constraints of a query, and the triple patterns that they are about.

A basic pattern is what one group says in triple patterns (and VALUES) without anything but
filters in between: a basic graph pattern in the words of SPARQL. `kg.planner.filters` reads
constraints, `kg.planner.basic_patterns` finds the basic patterns that they are about.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from tree_sitter import Node

    from kg.geosparql.literals import Geometry
    from kg.planner.patterns import TriplePattern
    from kg.planner.spatial_tests import Test
    from kg.planner.syntax import Syntax
    from kg.store import Dataset


@dataclass(frozen=True, kw_only=True)
class Nearest:
    """The rows that are nearest to a constant, out of those that the basic pattern has."""

    count: int


@dataclass(frozen=True, kw_only=True)
class WithConstant:
    """A test of which one side is a constant."""

    test: Test
    constant: Geometry
    row_first: bool
    """The constant is the second argument."""


@dataclass(frozen=True, kw_only=True)
class AnyOf:
    """One of several tests with constants holds."""

    alternatives: tuple[WithConstant, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Among:
    """It is one of some rows of the index."""

    rows: np.ndarray
    """(n,)"""


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """What one conjunct of a filter asks of a variable, or of two, that an index can answer."""

    test: Test | Nearest | AnyOf | Among
    left: str | Geometry
    """A variable, or a constant."""
    right: str | Geometry | None
    """None where the test has the constants itself."""
    text: str
    """As it was written."""
    conjunct: Node
    filter: Node
    is_whole: bool
    """The filter says nothing else."""
    is_exact: bool
    """The conjunct asks nothing else of its basic pattern, so that it may go; else it stays."""

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables, left before right."""
        return tuple(s for s in (self.left, self.right) if isinstance(s, str))


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Which graphs triple patterns are matched against."""

    graphs: tuple[bytes, ...] | None = (b"",)
    """As the index writes their names; None for every named graph."""
    name: str | None = None
    """What stands behind GRAPH: `<iri>`, `?name`, or None for the default graph."""


@dataclass(frozen=True, kw_only=True)
class Reaching:
    """A constraint of two variables of which a basic pattern has one."""

    constraint: Constraint
    own: str
    """The variable that the basic pattern has."""
    other: str
    binder: BasicPattern
    """A basic pattern that has the other, in each solution that the filter sees."""
    is_own: bool
    """The filter is in the group of the basic pattern."""


@dataclass(kw_only=True)
class BasicPattern:
    """A basic graph pattern, with the constraints on it."""

    group: Node
    blocks: list[Node]
    patterns: list[TriplePattern]
    tables: list[Node] = field(default_factory=list)
    """VALUES in between."""
    scope: Scope
    per_solution: bool
    """It is evaluated anew for each solution outside, as in EXISTS."""
    constraints: list[Constraint] = field(default_factory=list)
    reaching: list[Reaching] = field(default_factory=list)

    @property
    def spans(self) -> list[Node]:
        """What a new text for the basic pattern replaces."""
        return [*self.blocks, *self.tables]

    def lonely_tables(self, syntax: Syntax) -> list[Node]:
        """Return the VALUES that share no variable with the patterns."""
        known = {v for p in self.patterns for v in p.variables}
        return [n for n in self.tables if not syntax.variables(n) & known]

    def repeats(self, variable: str) -> bool:
        """Return whether several patterns speak of a literal, which then joins them."""
        return sum(variable in p.variables for p in self.patterns) > 1


def default_scope(dataset: Dataset | None) -> Scope:
    """Return what triple patterns outside of GRAPH are matched against."""
    if dataset is None:
        return Scope()
    return Scope(graphs=tuple(str(g).encode() for g in dataset.default))
