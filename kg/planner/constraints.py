"""Spatial constraints of a query, and the triple patterns that they are about.

A run is what one group says in triple patterns (and VALUES) without anything but filters in
between: a basic graph pattern in the words of SPARQL. `kg.planner.filters` reads constraints,
`kg.planner.runs` finds the runs that they are about.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyoxigraph import NamedNode

from kg.store import Dataset

if TYPE_CHECKING:
    import numpy as np
    from tree_sitter import Node

    from kg.geosparql.literals import Geometry
    from kg.planner.matching import Test
    from kg.planner.syntax import Syntax, TriplePattern


@dataclass(frozen=True, kw_only=True)
class Nearest:
    """The rows that are nearest to a constant, out of those that the run has."""

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
    """The conjunct asks for nothing else of this run, so that it may go; else it stays."""

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
    """A constraint of two variables of which a run has one."""

    constraint: Constraint
    own: str
    """The variable that the run has."""
    other: str
    binder: Run
    """A run that has the other, in each solution that the filter sees."""
    is_own: bool
    """The filter is in the group of the run."""


@dataclass(kw_only=True)
class Run:
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
        """What a new text for the run replaces."""
        return [*self.blocks, *self.tables]

    def lonely_tables(self, syntax: Syntax) -> list[Node]:
        """Return the VALUES that share no variable with the patterns."""
        known = {v for p in self.patterns for v in p.variables}
        return [n for n in self.tables if not syntax.variables(n) & known]

    def repeats(self, variable: str) -> bool:
        """Return whether several patterns speak of a literal, which then joins them."""
        return sum(variable in p.variables for p in self.patterns) > 1


def dataset_of(syntax: Syntax) -> Dataset | None:
    """Return what FROM and FROM NAMED say; None where the query has neither."""
    default = list(syntax.walk("default_graph_clause"))
    named = list(syntax.walk("named_graph_clause"))
    return _dataset(syntax, default, named) if default or named else None


def using_of(syntax: Syntax, operation: Node) -> Dataset | None:
    """Return what USING and USING NAMED say; None where the operation has neither."""
    clauses = [n for n in operation.named_children if n.type == "using_clause"]
    named = [n for n in clauses if any(c.type == "NAMED" for c in n.children)]
    return _dataset(syntax, [n for n in clauses if n not in named], named) if clauses else None


def _dataset(syntax: Syntax, default: list[Node], named: list[Node]) -> Dataset:
    def graphs(clauses: list[Node]) -> tuple[NamedNode, ...]:
        names = [syntax.iri(n.named_children[-1]) for n in clauses]
        return tuple(NamedNode(n) for n in dict.fromkeys(names) if n is not None)

    return Dataset(default=graphs(default), named=graphs(named))


def default_scope(dataset: Dataset | None) -> Scope:
    """Return what triple patterns outside of GRAPH are matched against."""
    if dataset is None:
        return Scope()
    return Scope(graphs=tuple(str(g).encode() for g in dataset.default))
