"""Pairs of geometry nodes that a constraint relates, as VALUES that narrow what it is about.

The pairs are those of all graphs and of all literals that a node has, so they may be too many.
All patterns and filters stay beside them; each pair comes once, so that nothing is counted
twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kg.planner.components import Component, anchor_of, components_of
from kg.planner.constraints import Nearest
from kg.planner.evaluation import candidate_rows, few_by_the_rest
from kg.planner.pair_matching import pairs_matching, rows_near
from kg.planner.spatial_tests import DistanceTest, RelationTest
from kg.planner.values import values_block

if TYPE_CHECKING:
    from kg.planner.components import Anchor, Source
    from kg.planner.constraints import BasicPattern, Constraint, Reaching
    from kg.planner.syntax import Syntax

#: Pairs above which they are no help.
_MANY = 200_000
#: Rows of one side for which the boxes of the other are searched one by one.
_FEW = 50


@dataclass(frozen=True, kw_only=True)
class _End:
    """One side of a constraint between two components."""

    component: Component
    anchor: Anchor
    constraints: list[Constraint]
    """What else is asked of its variable."""


class Pairing:
    """The pairs of one query."""

    def __init__(self, source: Source, prologue: str, syntax: Syntax, steps: list[str]) -> None:
        self.exposed: set[str] = set()
        """Variables that their basic pattern must bind, because pairs speak of them."""
        self._source = source
        self._prologue = prologue
        self._syntax = syntax
        self._steps = steps

    def within(self, basic: BasicPattern, join: Constraint) -> tuple[str, list[Component]] | None:
        """Return the text for two components that a constraint joins, and the components."""
        ends = self._end(basic, join.variables[0]), self._end(basic, join.variables[1])
        left, right = ends
        if left is None or right is None or left.component is right.component:
            return None
        found = self._pairs(left, right, join)
        table = None if found is None else self._table(left, right, *found)
        if table is None:
            return None
        used = [left.component, right.component]
        both = Component(
            patterns=[p for c in used for p in c.patterns],
            tables=[t for c in used for t in c.tables],
            scope=basic.scope,
        )
        return f"{{ {both.looked_up(table, both.patterns)} }}", used

    def across(self, basic: BasicPattern, reaching: Reaching) -> Across | None:
        """Return what pairs make of a pattern whose other side is bound outside of it."""
        mine, theirs = self._end(basic, reaching.own), self._end(reaching.binder, reaching.other)
        if mine is None or theirs is None or not reaching.is_own:
            return None
        bound = frozenset().union(*(p.variables for p in reaching.binder.patterns))
        if mine.component.variables & bound:
            return None  # the store goes from one to the other by what they share
        is_first = reaching.constraint.left == reaching.own
        left, right = (mine, theirs) if is_first else (theirs, mine)
        found = self._pairs(left, right, reaching.constraint)
        table = None if found is None else self._table(left, right, *found)
        if found is None or table is None:
            return None
        self.exposed.add(theirs.anchor.geometry)
        return Across(
            component=mine.component,
            text=f"{{ {mine.component.looked_up(table, mine.component.patterns)} }}",
            outer_rows=np.unique(found[1] if is_first else found[0]),
        )

    def _end(self, basic: BasicPattern, variable: str) -> _End | None:
        """Return the side that binds a variable; None where the index does not have it."""
        for component in components_of(basic, self._syntax):
            anchor = anchor_of(component, variable, self._source.index)
            if anchor is not None:
                own = [
                    c
                    for c in basic.constraints
                    if c.variables == (variable,) and not isinstance(c.test, Nearest)
                ]
                return _End(component=component, anchor=anchor, constraints=own)
        return None

    def _pairs(
        self, left: _End, right: _End, constraint: Constraint
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the rows that a constraint relates, those of its first argument first."""
        test, index = constraint.test, self._source.index
        if not isinstance(test, RelationTest | DistanceTest):
            return None
        one, two = self._rows(left), self._rows(right)
        if len(one) * _FEW < len(two):
            two = rows_near(index, one, two, test)
        elif len(two) * _FEW < len(one):
            one = rows_near(index, two, one, test)
        i, j = pairs_matching(index, one, two, test)
        self._steps.append(
            f"{constraint.text}: {len(i)} pairs of {len(one)} and {len(two)} rows, to narrow"
        )
        return i, j

    def _rows(self, end: _End) -> np.ndarray:
        source, component, anchor = self._source, end.component, end.anchor
        rows = candidate_rows(
            source, self._prologue, component, anchor, end.constraints, self._steps
        )
        mask = np.zeros(source.index.rows.count, bool)
        mask[rows] = True
        if not end.constraints:
            mask = few_by_the_rest(
                source, self._prologue, component, anchor, mask, len(rows), self._steps
            )
        return np.flatnonzero(mask).astype(np.int32)

    def _table(self, left: _End, right: _End, one: np.ndarray, two: np.ndarray) -> str | None:
        """Return VALUES for the geometry nodes; None where they cannot be named or are many."""
        index = self._source.index
        nodes = np.column_stack([index.rows["subject"][one], index.rows["subject"][two]])
        nodes = np.unique(nodes, axis=0)
        names = [left.anchor.geometry, right.anchor.geometry]
        if len(nodes) > _MANY or names[0] == names[1] or index.terms.has_blank(np.unique(nodes)):
            return None
        columns = [index.terms.texts(nodes[:, i]) for i in range(2)]
        return values_block(names, columns, len(nodes), f"{self._syntax.fresh}n")


@dataclass(frozen=True, kw_only=True)
class Across:
    """What pairs make of a basic pattern."""

    component: Component
    """The part of it that has a new text."""
    text: str
    outer_rows: np.ndarray
    """(n,) the rows of the other side that are in a pair."""
