"""A few solutions of a selection: LIMIT without ORDER BY, where any of them are right.

Rows of the index are looked at in slices that grow, until there are enough.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kg.planner.candidate_rows import candidate_rows, near_of
from kg.planner.constraints import Among
from kg.planner.evaluation import evaluate
from kg.planner.tables import one_below_another

if TYPE_CHECKING:
    from kg.planner.components import Anchor
    from kg.planner.constraints import Constraint
    from kg.planner.source import Asking
    from kg.planner.tables import Table


def first_solutions(
    asking: Asking, anchor: Anchor, constraints: list[Constraint], needed: set[str], wanted: int
) -> Table | None:
    """Return at least as many solutions as are wanted, or all that there are.

    Args:
        asking: The store.
        anchor: Where the component touches the index.
        constraints: On the literal of the anchor, one at least.
        needed: The variables that are asked for.
        wanted: How many solutions are enough.

    Returns:
        None where so many are wanted that nothing would be saved.
    """
    index, costs = asking.index, asking.costs
    near = near_of(index, constraints, anchor.variable)
    if near is None or near < max(wanted * costs.slice_share, costs.first_slice):
        return None
    mask = index.select(predicate=anchor.predicate, graphs=anchor.component.scope.graphs)
    mine = np.flatnonzero(mask)
    tables: list[Table] = []
    start, size = 0, costs.first_slice
    while start == 0 or (start < len(mine) and sum(map(len, tables)) < wanted):
        stop = start + size
        part = Among(rows=mine[start:stop])
        own = [*constraints, replace(constraints[0], test=part, text=f"rows {start} to {stop}")]
        rows = candidate_rows(asking, anchor, own)
        tables.append(evaluate(asking, anchor, rows, needed))
        start, size = stop, size * costs.slice_growth
    return one_below_another(tables)
