"""A basic graph pattern of a query, and what filters ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

    from kg.planner.constraints import Constraint, Scope
    from kg.sparql.patterns import TriplePattern
    from kg.sparql.syntax import Syntax


@dataclass(frozen=True, kw_only=True)
class Reaching:
    """A constraint of two variables of which a basic pattern has one."""

    constraint: Constraint
    own: str
    """The variable that the basic pattern has."""
    other: str
    """The variable that is bound outside of it."""
    binder: BasicPattern
    """A basic pattern that has the other, in each solution that the filter sees."""
    is_own: bool
    """The filter is in the group of the basic pattern."""


@dataclass(frozen=True, kw_only=True)
class BasicPattern:
    """What one group says in triple patterns and VALUES with nothing but filters in between."""

    group: Node
    """The group that it stands in."""
    blocks: tuple[Node, ...]
    """The blocks of triples, one at least."""
    patterns: tuple[TriplePattern, ...]
    """What the blocks say."""
    tables: tuple[Node, ...] = ()
    """VALUES in between."""
    scope: Scope
    per_solution: bool
    """It is evaluated anew for each solution outside, as in EXISTS."""
    constraints: tuple[Constraint, ...] = ()
    """What filters ask of variables that it has."""
    reaching: tuple[Reaching, ...] = ()
    """What filters ask of one of its variables and of one that is bound elsewhere."""

    @property
    def key(self) -> int:
        """A number that no other basic pattern of the text has."""
        return self.spans[0].id

    @property
    def spans(self) -> tuple[Node, ...]:
        """What a new text for the basic pattern replaces."""
        return (*self.blocks, *self.tables)

    @property
    def variables(self) -> frozenset[str]:
        """The variables of the triple patterns, with those that stand for blank nodes."""
        return frozenset().union(*(p.variables for p in self.patterns))

    def lonely_tables(self, syntax: Syntax) -> list[Node]:
        """Return the VALUES that share no variable with the patterns."""
        return [n for n in self.tables if not syntax.variables(n) & self.variables]

    def repeats(self, variable: str) -> bool:
        """Return whether several patterns speak of a literal, which then joins them."""
        return sum(variable in p.variables for p in self.patterns) > 1
