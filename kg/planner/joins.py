"""Components that only a spatial filter holds together: a spatial join.

The side with the fewer solutions goes first. Where the other side is large, the join with
the index comes before the store is asked, so that it is asked for fewer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from kg.index.pair_matching import pairs_matching, rows_near
from kg.index.spatial_tests import DistanceTest, RelationTest
from kg.planner.candidate_rows import candidate_rows
from kg.planner.components import anchor_of, rest_of
from kg.planner.constraints import Nearest
from kg.planner.counting import count_up_to
from kg.planner.evaluation import evaluate
from kg.planner.rest import Rest
from kg.planner.table_joins import least
from kg.planner.tables import distinct, join

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from kg.index.spatial_index import SpatialIndex
    from kg.index.spatial_tests import Test
    from kg.planner.basic_pattern import BasicPattern
    from kg.planner.components import Anchor, Component
    from kg.planner.constraints import Constraint
    from kg.planner.source import Asking
    from kg.planner.tables import Table
    from kg.sparql.syntax import Syntax


@dataclass(frozen=True, kw_only=True)
class _Side:
    """One component and the variable by which it is joined."""

    anchor: Anchor
    rows: np.ndarray
    """(n,) candidates by the constraints with constants."""
    estimate: int
    """How many solutions it has at most."""


@dataclass(frozen=True, kw_only=True)
class SpatialJoin:
    """Components of one basic pattern that spatial constraints hold together."""

    components: tuple[Component, ...]
    joins: tuple[Constraint, ...]
    """The constraints between two of them."""
    constants: tuple[Constraint, ...]
    """What else is asked of the variables by which they are joined."""

    @property
    def answered(self) -> tuple[Constraint, ...]:
        """The constraints that may go once it is evaluated."""
        return tuple(c for c in (*self.joins, *self.constants) if c.is_exact)

    @property
    def variables(self) -> frozenset[str]:
        """All variables of the components."""
        return frozenset().union(*(c.variables for c in self.components))


def is_joinable(basic: BasicPattern, syntax: Syntax) -> bool:
    """Return whether the components of a basic pattern can be joined from columns."""
    named = basic.scope.graphs
    undef = any("UNDEF" in syntax.text(n).upper() for n in basic.tables)
    return named is not None and len(named) == 1 and not undef


def join_of(
    basic: BasicPattern, components: Iterable[Component], joins: list[Constraint]
) -> SpatialJoin:
    """Return what some constraints join of a basic pattern, with all that narrows it."""
    joined = {v for j in joins for v in j.variables}
    used = tuple(c for c in components if c.variables & joined)
    return SpatialJoin(
        components=used,
        joins=tuple(joins),
        constants=tuple(
            c
            for c in basic.constraints
            if c not in joins
            and len(c.variables) == 1
            and not isinstance(c.test, Nearest)
            and c.variables[0] in joined
            and any(c.variables[0] in k.variables for k in used)
        ),
    )


def joins_of(basic: BasicPattern, components: Collection[Component]) -> list[Constraint]:
    """Return the constraints that hold two components together, by literals of one pattern."""
    return [
        c
        for c in basic.constraints
        if sum(any(v in k.variables for v in c.variables) for k in components) == 2
        and not any(basic.repeats(v) for v in c.variables)
    ]


def join_components(asking: Asking, join: SpatialJoin, needed: set[str]) -> Table | None:
    """Return the solutions of components that constraints hold together.

    Args:
        asking: The store.
        join: The components and constraints.
        needed: The variables that are asked for.

    Returns:
        None where a component is joined by two of its variables, or nothing joins it.
    """
    sides: list[_Side] = []
    for component in join.components:
        variables = {v for j in join.joins for v in j.variables if v in component.variables}
        if len(variables) != 1:
            return None
        side = _side(asking, component, variables.pop(), join.constants)
        if side is None:
            return None
        sides.append(side)
    if any(isinstance(j.test, Nearest) for j in join.joins):
        return None
    estimated = _race(asking, sides)
    return _Join(asking, {s.anchor.variable: s for s in estimated}, join.joins, needed).table()


def _side(
    asking: Asking, component: Component, variable: str, constants: tuple[Constraint, ...]
) -> _Side | None:
    anchor = anchor_of(component, variable, asking.index)
    if anchor is None:
        return None
    own = [c for c in constants if c.variables == (variable,)]
    rows = candidate_rows(asking, anchor, own)
    return _Side(anchor=anchor, rows=rows, estimate=len(rows))


def _race(asking: Asking, sides: list[_Side]) -> list[_Side]:
    """Count what the store has for each side, in turns, until the smallest is known.

    So the counting costs no more than a few times what the smallest side does.

    Returns:
        The sides with better estimates.
    """
    estimates = [s.estimate for s in sides]
    running: dict[int, str] = {}
    for number, side in enumerate(sides):
        patterns = rest_of(side.anchor, keep_literal=False)
        rest = Rest(anchor=side.anchor, patterns=patterns, names=(side.anchor.key,))
        tables = rest.tables(asking)
        if tables is not None:
            estimates[number] = min(side.estimate, least(tables))
        elif not rest.is_nothing:
            running[number] = rest.body
    limit = asking.costs.first_count
    smallest = min((e for n, e in enumerate(estimates) if n not in running), default=None)
    while running and (smallest is None or smallest > limit):
        for number, body in list(running.items()):
            found = count_up_to(asking, body, limit)
            if found < limit or limit >= estimates[number]:
                estimates[number] = min(found, estimates[number])
                smallest = min(estimates[number], smallest or estimates[number])
                del running[number]
        limit *= asking.costs.count_growth
    return [replace(s, estimate=e) for s, e in zip(sides, estimates, strict=True)]


class _Join:
    """The joining of some sides, smallest first."""

    def __init__(
        self,
        asking: Asking,
        sides: Mapping[str, _Side],
        joins: tuple[Constraint, ...],
        needed: set[str],
    ) -> None:
        self._asking = asking
        self._sides = sides
        """By the variable of the anchor."""
        self._joins = joins
        self._needed = needed

    def table(self) -> Table | None:
        """Return the joined solutions."""
        first = min(self._sides, key=lambda v: self._sides[v].estimate)
        table = self._evaluated(self._sides[first], self._sides[first].rows)
        done, left = {first}, list(self._joins)
        while left:
            constraint = next((j for j in left if set(j.variables) & done), None)
            if constraint is None:
                return None
            left.remove(constraint)
            new = [v for v in constraint.variables if v not in done]
            if new:
                table = self._extended(table, constraint, new[0])
                done.add(new[0])
            else:
                table = self._filtered(table, constraint)
        return table if done == set(self._sides) else None

    def _evaluated(self, side: _Side, rows: np.ndarray) -> Table:
        return evaluate(self._asking, side.anchor, rows, self._needed)

    def _extended(self, table: Table, constraint: Constraint, new: str) -> Table:
        """Return a table joined with the side of a variable that it does not have."""
        left, right = constraint.variables
        old = left if new == right else right
        side, index, costs = self._sides[new], self._asking.index, self._asking.costs
        known = distinct(table.rows[old])
        other: Table | None = None
        rows = side.rows
        # Asking for few by name is dear: beyond a share of them all are asked for anyway.
        if side.estimate < costs.join_share * len(known):
            other = self._evaluated(side, rows)
            rows = distinct(other.rows[new])
        test = _test_of(constraint)
        if len(known) * costs.few_boxes < len(rows):
            rows = rows_near(index, known, rows, test)
        old_rows, new_rows = _pairs(index, known, rows, test, old_first=old == left)
        self._asking.note(
            f"{constraint.text}: {len(old_rows)} pairs of {len(known)} and {len(rows)} rows"
        )
        if other is None:
            other = self._evaluated(side, distinct(new_rows))
        i, p = join(table.rows[old], old_rows)
        q, k = join(new_rows[p], other.rows[new])
        return table.take(i[q]).beside(other.take(k))

    def _filtered(self, table: Table, constraint: Constraint) -> Table:
        """Return the solutions of a table that satisfy a constraint of two of its variables."""
        left, right = constraint.variables
        one, two = table.rows[left], table.rows[right]
        index = self._asking.index
        a, b = pairs_matching(index, distinct(one), distinct(two), _test_of(constraint))
        size = np.int64(index.rows.count + 1)
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
    """Return the pairs that satisfy a test: (n,) old rows, and (n,) the new row of each."""
    if old_first:
        return pairs_matching(index, old, new, test)
    new_rows, old_rows = pairs_matching(index, new, old, test)
    return old_rows, new_rows


def _test_of(constraint: Constraint) -> Test:
    if not isinstance(constraint.test, RelationTest | DistanceTest):
        raise TypeError("only a test of two variables joins")
    return constraint.test
