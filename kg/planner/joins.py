"""Components that only a spatial filter holds together: a spatial join.

The side with the fewer solutions goes first. Where the other side is large, the join with
the index comes before the store is asked, so that it is asked for fewer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kg.planner.components import Anchor, Component, Source, anchor_of, in_scope, rest_of
from kg.planner.constraints import Constraint, Nearest
from kg.planner.evaluation import candidate_rows, count_up_to, evaluate
from kg.planner.pair_matching import pairs_matching, rows_near
from kg.planner.spatial_tests import DistanceTest, RelationTest
from kg.planner.table_joins import least, patterns_of
from kg.planner.tables import Table, distinct, join

if TYPE_CHECKING:
    from kg.planner.constraints import BasicPattern
    from kg.planner.spatial_tests import Test
    from kg.spatial_index import SpatialIndex


#: How far the sides are counted at first, and how much farther each time.
_FIRST_LIMIT = 1_000
_GROWTH = 8
#: Pairs that a row is taken to have, times what a lookup costs more than a scan.
_SHARE = 20


#: Rows that a tree takes in while one box is searched for.
_FEW = 50


@dataclass(kw_only=True)
class _Side:
    """One component and the variable by which it is joined."""

    component: Component
    anchor: Anchor
    rows: np.ndarray
    """Candidates by the constraints with constants."""
    estimate: int
    """Of its solutions: at most so many."""


def joins_of(basic: BasicPattern, components: list[Component]) -> list[Constraint]:
    """Return the constraints that hold two components together, by literals of one pattern."""
    return [
        c
        for c in basic.constraints
        if sum(any(v in k.variables for v in c.variables) for k in components) == 2
        and not any(basic.repeats(v) for v in c.variables)
    ]


def join_components(
    source: Source,
    prologue: str,
    components: list[Component],
    joins: list[Constraint],
    constants: list[Constraint],
    needed: set[str],
    steps: list[str],
) -> Table | None:
    """Return the solutions of components that constraints hold together.

    Returns:
        None where a component is joined by two of its variables, or nothing joins it.
    """
    sides: dict[str, _Side] = {}
    for component in components:
        variables = {v for j in joins for v in j.variables if v in component.variables}
        if len(variables) != 1:
            return None
        side = _side(source, prologue, component, variables.pop(), constants, steps)
        if side is None:
            return None
        sides[side.anchor.variable] = side
    if any(isinstance(j.test, Nearest) for j in joins):
        return None
    _race(source, prologue, list(sides.values()))
    return _Join(source, prologue, sides, joins, needed, steps).table()


def _side(
    source: Source,
    prologue: str,
    component: Component,
    variable: str,
    constants: list[Constraint],
    steps: list[str],
) -> _Side | None:
    anchor = anchor_of(component, variable, source.index)
    if anchor is None:
        return None
    own = [c for c in constants if c.variables == (variable,)]
    rows = candidate_rows(source, prologue, component, anchor, own, steps)
    return _Side(component=component, anchor=anchor, rows=rows, estimate=len(rows))


def _race(source: Source, prologue: str, sides: list[_Side]) -> None:
    """Count what the store has for each side, in turns, until the smallest is known.

    So the counting costs no more than a few times what the smallest side does.
    """
    running = {}
    for number, side in enumerate(sides):
        rest = rest_of(side.component, side.anchor, keep_literal=False)
        patterns = patterns_of(source, side.component, rest)
        if patterns is not None:
            side.estimate = min(side.estimate, least(patterns))
        elif rest or not side.component.is_bare:
            running[number] = in_scope(side.component.body(rest), side.component.scope)
    limit = _FIRST_LIMIT
    smallest = min((s.estimate for n, s in enumerate(sides) if n not in running), default=None)
    while running and (smallest is None or smallest > limit):
        for number, body in list(running.items()):
            found = count_up_to(source, prologue, body, limit)
            if found < limit or limit >= sides[number].estimate:
                sides[number].estimate = min(found, sides[number].estimate)
                smallest = min(sides[number].estimate, smallest or sides[number].estimate)
                del running[number]
        limit *= _GROWTH


class _Join:
    """The joining of some sides, smallest first."""

    def __init__(
        self,
        source: Source,
        prologue: str,
        sides: dict[str, _Side],
        joins: list[Constraint],
        needed: set[str],
        steps: list[str],
    ) -> None:
        self._source = source
        self._prologue = prologue
        self._sides = sides
        self._joins = list(joins)
        self._needed = needed
        self._steps = steps

    def table(self) -> Table | None:
        """Return the joined solutions."""
        first = min(self._sides, key=lambda v: self._sides[v].estimate)
        table = self._evaluated(self._sides[first], self._sides[first].rows)
        done = {first}
        while self._joins:
            constraint = next((j for j in self._joins if set(j.variables) & done), None)
            if constraint is None:
                return None
            self._joins.remove(constraint)
            new = [v for v in constraint.variables if v not in done]
            if new:
                table = self._extended(table, constraint, new[0])
                done.add(new[0])
            else:
                table = self._filtered(table, constraint)
        return table if done == set(self._sides) else None

    def _evaluated(self, side: _Side, rows: np.ndarray) -> Table:
        return evaluate(
            self._source,
            self._prologue,
            side.component,
            side.anchor,
            rows,
            self._needed,
            self._steps,
        )

    def _extended(self, table: Table, constraint: Constraint, new: str) -> Table:
        left, right = constraint.variables
        old = left if new == right else right
        side = self._sides[new]
        index = self._source.index
        known = distinct(table.rows[old])
        other: Table | None = None
        rows = side.rows
        # Asking for few by name is dear: beyond a share of them all are asked for anyway.
        if side.estimate < _SHARE * len(known):
            other = self._evaluated(side, rows)
            rows = distinct(other.rows[new])
        test = _test_of(constraint)
        if len(known) * _FEW < len(rows):
            rows = rows_near(index, known, rows, test)
        old_rows, new_rows = _pairs(index, known, rows, test, old_first=old == left)
        self._steps.append(
            f"{constraint.text}: {len(old_rows)} pairs of {len(known)} and {len(rows)} rows"
        )
        if other is None:
            other = self._evaluated(side, distinct(new_rows))
        i, p = join(table.rows[old], old_rows)
        q, k = join(new_rows[p], other.rows[new])
        return table.take(i[q]).beside(other.take(k))

    def _filtered(self, table: Table, constraint: Constraint) -> Table:
        left, right = constraint.variables
        one, two = table.rows[left], table.rows[right]
        a, b = _pairs(
            self._source.index, distinct(one), distinct(two), _test_of(constraint), old_first=True
        )
        size = np.int64(self._source.index.rows.count + 1)
        kept = np.isin(one * size + two, a * size + b)
        return table.take(np.flatnonzero(kept))


def _pairs(
    index: SpatialIndex,
    old: np.ndarray,
    new: np.ndarray,
    test: Test,
    *,
    old_first: bool,
) -> tuple[np.ndarray, np.ndarray]:
    if old_first:
        return pairs_matching(index, old, new, test)
    new_rows, old_rows = pairs_matching(index, new, old, test)
    return old_rows, new_rows


def _test_of(constraint: Constraint) -> Test:
    if not isinstance(constraint.test, RelationTest | DistanceTest):
        raise TypeError("only a test of two variables joins")
    return constraint.test
