"""A few solutions of a selection: LIMIT without ORDER BY, where any of them are right.

Rows of the index are looked at in slices that grow, until there are enough.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kg.planner.constraints import Among
from kg.planner.evaluation import candidate_rows, evaluate, near_of
from kg.planner.tables import one_below_another

if TYPE_CHECKING:
    from kg.planner.components import Anchor, Component, Source
    from kg.planner.constraints import Constraint
    from kg.planner.tables import Table

#: Rows of the first slice: few enough to do without a tree.
_FIRST = 4_096
_GROWTH = 8
#: Rows that meet a box, for one that is wanted, below which all are looked at anyway.
_SHARE = 20


def first_solutions(
    source: Source,
    prologue: str,
    component: Component,
    anchor: Anchor,
    constraints: list[Constraint],
    needed: set[str],
    wanted: int,
    steps: list[str],
) -> Table | None:
    """Return at least as many solutions as are wanted, or all that there are.

    Args:
        source: The store.
        prologue: Of the query, for the prefixes.
        component: What to evaluate.
        anchor: Where it touches the index.
        constraints: On its literal.
        needed: The variables that are asked for.
        wanted: How many solutions are enough.
        steps: Takes lines on what was done.

    Returns:
        None where so many are wanted that nothing would be saved.
    """
    near = near_of(source.index, constraints, anchor.variable)
    if near is None or near < max(wanted * _SHARE, _FIRST):
        return None
    index, predicate = source.index, anchor.literal.predicate[1:-1]
    mine = np.flatnonzero(index.select(predicate=predicate, graphs=component.scope.graphs))
    tables: list[Table] = []
    start, size = 0, _FIRST
    while start == 0 or (start < len(mine) and sum(map(len, tables)) < wanted):
        stop = start + size
        part = Among(rows=mine[start:stop])
        own = [*constraints, replace(constraints[0], test=part, text=f"rows {start} to {stop}")]
        rows = candidate_rows(source, prologue, component, anchor, own, steps)
        tables.append(evaluate(source, prologue, component, anchor, rows, needed, steps))
        start, size = stop, size * _GROWTH
    return one_below_another(tables)
