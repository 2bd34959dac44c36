"""Pairs of geometry nodes that a constraint relates, as VALUES that narrow what it is about.

The pairs are those of all graphs and of all literals that a node has, so they may be too many.
All patterns and filters stay beside them; each pair comes once, so that nothing is counted
twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kg.index.pair_matching import pairs_matching, rows_near
from kg.index.spatial_tests import DistanceTest, RelationTest
from kg.planner.candidate_rows import candidate_rows, few_by_the_rest
from kg.planner.components import Component, anchor_of, components_of
from kg.planner.constraints import Nearest
from kg.sparql.values_blocks import values_block

if TYPE_CHECKING:
    from kg.planner.basic_pattern import BasicPattern, Reaching
    from kg.planner.components import Anchor
    from kg.planner.constraints import Constraint
    from kg.planner.source import Asking
    from kg.sparql.syntax import Syntax


@dataclass(frozen=True, kw_only=True)
class PairedPattern:
    """What pairs make of a part of a basic pattern."""

    components: tuple[Component, ...]
    """The parts of it that have a new text."""
    text: str
    """The new text."""


@dataclass(frozen=True, kw_only=True)
class Across(PairedPattern):
    """What pairs make of a basic pattern whose other side is bound outside of it."""

    outer_rows: np.ndarray
    """(n,) the rows of the other side that are in a pair."""
    exposed: str
    """The variable of the other side that the pairs speak of, so that its pattern must bind it."""


@dataclass(frozen=True, kw_only=True)
class _End:
    """One side of a constraint between two components."""

    anchor: Anchor
    constraints: list[Constraint]
    """What else is asked of its variable."""

    @property
    def component(self) -> Component:
        return self.anchor.component


@dataclass(frozen=True, kw_only=True)
class _Pairs:
    """Rows of the index that a constraint relates."""

    left: np.ndarray
    """(n,) rows for the first argument of the constraint."""
    right: np.ndarray
    """(n,) the row that each goes with."""


class Pairing:
    """Finds the pairs for the constraints of one query."""

    def __init__(self, asking: Asking, syntax: Syntax) -> None:
        self._asking = asking
        self._syntax = syntax

    def within(self, basic: BasicPattern, join: Constraint) -> PairedPattern | None:
        """Return what pairs make of two components of a basic pattern that a constraint joins."""
        left, right = (self._end(basic, v) for v in join.variables)
        if left is None or right is None or left.component == right.component:
            return None
        table = self._table(left, right, self._pairs(left, right, join))
        if table is None:
            return None
        used = (left.component, right.component)
        both = Component(
            patterns=tuple(p for c in used for p in c.patterns),
            tables=tuple(t for c in used for t in c.tables),
            scope=basic.scope,
        )
        text = f"{{ {both.looked_up(table, both.patterns)} }}"
        return PairedPattern(components=used, text=text)

    def across(self, basic: BasicPattern, reaching: Reaching) -> Across | None:
        """Return what pairs make of a pattern whose other side is bound outside of it."""
        mine, theirs = self._end(basic, reaching.own), self._end(reaching.binder, reaching.other)
        if mine is None or theirs is None or not reaching.is_own:
            return None
        if mine.component.variables & reaching.binder.variables:
            return None  # the store goes from one to the other by what they share
        is_first = reaching.constraint.left == reaching.own
        left, right = (mine, theirs) if is_first else (theirs, mine)
        found = self._pairs(left, right, reaching.constraint)
        table = self._table(left, right, found)
        if found is None or table is None:
            return None
        component = mine.component
        return Across(
            components=(component,),
            text=f"{{ {component.looked_up(table, component.patterns)} }}",
            outer_rows=np.unique(found.right if is_first else found.left),
            exposed=theirs.anchor.geometry,
        )

    def _end(self, basic: BasicPattern, variable: str) -> _End | None:
        """Return the side that binds a variable; None where the index does not have it."""
        for component in components_of(basic, self._syntax):
            anchor = anchor_of(component, variable, self._asking.index)
            if anchor is not None:
                own = [
                    c
                    for c in basic.constraints
                    if c.variables == (variable,) and not isinstance(c.test, Nearest)
                ]
                return _End(anchor=anchor, constraints=own)
        return None

    def _pairs(self, left: _End, right: _End, constraint: Constraint) -> _Pairs | None:
        """Return the rows that a constraint relates; None where it is no test of two."""
        test, index = constraint.test, self._asking.index
        if not isinstance(test, RelationTest | DistanceTest):
            return None
        one, two = self._rows(left), self._rows(right)
        few = self._asking.costs.few_boxes
        if len(one) * few < len(two):
            two = rows_near(index, one, two, test)
        elif len(two) * few < len(one):
            one = rows_near(index, two, one, test)
        i, j = pairs_matching(index, one, two, test)
        self._asking.note(
            f"{constraint.text}: {len(i)} pairs of {len(one)} and {len(two)} rows, to narrow"
        )
        return _Pairs(left=i, right=j)

    def _rows(self, end: _End) -> np.ndarray:
        """Return the rows that a side may be: (n,) int32, ascending."""
        rows = candidate_rows(self._asking, end.anchor, end.constraints)
        if end.constraints:
            return rows
        mask = np.zeros(self._asking.index.rows.count, bool)
        mask[rows] = True
        mask = few_by_the_rest(self._asking, end.anchor, mask, len(rows))
        return np.flatnonzero(mask).astype(np.int32)

    def _table(self, left: _End, right: _End, pairs: _Pairs | None) -> str | None:
        """Return VALUES for the geometry nodes; None where they cannot be named or are many."""
        if pairs is None:
            return None
        index = self._asking.index
        subjects = index.rows["subject"]
        nodes = np.column_stack([subjects[pairs.left], subjects[pairs.right]])
        nodes = np.unique(nodes, axis=0)
        names = [left.anchor.geometry, right.anchor.geometry]
        if (
            len(nodes) > self._asking.costs.most_pairs
            or names[0] == names[1]
            or index.terms.has_blank(np.unique(nodes))
        ):
            return None
        columns = [index.terms.texts(nodes[:, i]) for i in range(2)]
        return values_block(names, columns, len(nodes), f"{self._syntax.fresh}n")
