"""Which rows of the index a variable may be, by its constraints with constants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kg.geosparql.literals import Geometry
from kg.index.row_matching import count_near, rows_matching
from kg.planner.components import rest_of
from kg.planner.constraints import Among, AnyOf, Nearest, WithConstant
from kg.planner.rest import AskedRest, Rest, rest_of_store

if TYPE_CHECKING:
    from kg.index.spatial_index import SpatialIndex
    from kg.planner.components import Anchor
    from kg.planner.constraints import Constraint
    from kg.planner.source import Asking


def candidate_rows(asking: Asking, anchor: Anchor, constraints: list[Constraint]) -> np.ndarray:
    """Return the rows that satisfy the constraints with constants: (n,) int32, ascending.

    Where the rest of the component has fewer solutions than there are boxes that meet, it is
    asked first, and only its geometries are tested.
    """
    index = asking.index
    mask = index.select(predicate=anchor.predicate, graphs=anchor.component.scope.graphs)
    for among in (c.test.rows for c in constraints if isinstance(c.test, Among)):
        few = np.zeros(len(mask), bool)
        few[among] = True
        mask = mask & few
    choices = [a for c in constraints if (a := _alternatives(c, anchor.variable)) is not None]
    if not choices:
        return np.flatnonzero(mask).astype(np.int32)
    near = near_of(index, constraints, anchor.variable) or 0
    if near > asking.costs.few_candidates:
        mask = few_by_the_rest(asking, anchor, mask, near)
    for tests in choices:
        found = np.zeros(len(mask), bool)
        for t in tests:
            found[rows_matching(index, mask, t.test, t.constant, row_first=t.row_first)] = True
        mask = found
    rows = np.flatnonzero(mask).astype(np.int32)
    texts = " and ".join(c.text for c in constraints)
    asking.note(f"{texts}: {len(rows)} of {len(index)} geometries, {near} by their boxes")
    return rows


class CandidateRows:
    """The candidates of the variables of one query, each worked out once."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._found: dict[Anchor, tuple[list[Constraint], np.ndarray]] = {}

    def of(self, anchor: Anchor, constraints: list[Constraint]) -> np.ndarray:
        """Return the rows that satisfy constraints with constants: (n,) int32, ascending."""
        known = self._found.get(anchor)
        if known is not None and known[0] == constraints:
            return known[1]
        rows = candidate_rows(self._asking, anchor, constraints)
        self._found[anchor] = (constraints, rows)
        return rows


def near_of(index: SpatialIndex, constraints: list[Constraint], variable: str) -> int | None:
    """Return about how many rows may satisfy constraints with constants; None without any."""
    choices = (_alternatives(c, variable) for c in constraints)
    return min(
        (
            sum(count_near(index, t.test, t.constant, row_first=t.row_first) for t in tests)
            for tests in choices
            if tests is not None
        ),
        default=None,
    )


def _alternatives(constraint: Constraint, variable: str) -> tuple[WithConstant, ...] | None:
    """Return the tests of which one must hold; None where it is not about constants."""
    test = constraint.test
    if isinstance(test, AnyOf):
        return test.alternatives
    row_first = constraint.left == variable
    constant = constraint.right if row_first else constraint.left
    if isinstance(test, Nearest | Among) or not isinstance(constant, Geometry):
        return None
    return (WithConstant(test=test, constant=constant, row_first=row_first),)


def few_by_the_rest(asking: Asking, anchor: Anchor, mask: np.ndarray, near: int) -> np.ndarray:
    """Return a mask of rows, narrowed to those that the rest speaks of where that is fewer.

    Args:
        asking: The store.
        anchor: Whose rows they are.
        mask: (rows,) bool.
        near: How many rows would have to be tested else.
    """
    costs = asking.costs
    patterns = rest_of(anchor, keep_literal=False)
    rest = Rest(anchor=anchor, patterns=patterns, names=(anchor.key,))
    # Behind a variable graph name the rest says nothing about which graph's geometry it is.
    if rest.is_nothing or not any(anchor.key in p.variables for p in patterns):
        return mask
    asked = AskedRest(
        rest=rest,
        most_in_tables=near // costs.least_share + 1,
        most_in_store=min(int(near / costs.lookup), costs.counted),
    )
    found = rest_of_store(asking, asked)
    if found is None:
        return mask
    asking.note(f"thematic first: {len(found)} solutions of the rest, {near} boxes meet")
    return np.asarray(mask & rows_with_keys(asking.index, anchor, found.known_keys))


def rows_with_keys(index: SpatialIndex, anchor: Anchor, keys: np.ndarray) -> np.ndarray:
    """Return which rows of the index belong to some keys: (rows,) bool.

    Args:
        index: The index.
        anchor: Says whether a key is a geometry node or the feature that has it.
        keys: (n,) numbers of terms.
    """
    link = None if anchor.link is None else anchor.link.predicate_iri
    marks = np.zeros(index.rows.count, bool)
    marks[index.rows_of(index.distinct(keys), link)] = True
    return marks
