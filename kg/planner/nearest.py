"""The k nearest: deepf:nearest(?literal, constant, k).

It keeps the solutions of its basic graph pattern (under the other filters of the group that
speak of that pattern only) whose literal is among the k nearest by geof:metricDistance.
Literals at the distance of the k-th are all kept, so that the answer has no order in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kg.geosparql.errors import InvalidGeometryError
from kg.geosparql.literals import Geometry
from kg.geosparql.measures import distance_m
from kg.index.row_matching import geometries_at, rows_matching
from kg.index.spatial_tests import DistanceTest
from kg.planner.components import in_scope, rest_of
from kg.planner.constraints import Nearest
from kg.planner.counting import count_up_to
from kg.planner.evaluation import evaluate

if TYPE_CHECKING:
    from kg.index.spatial_index import SpatialIndex
    from kg.planner.components import Anchor
    from kg.planner.constraints import Constraint
    from kg.planner.source import Asking

#: Metres: half the way around the Earth, and some more.
_FARTHEST_M = 20_100_000.0
#: Metres that are looked at first.
_START_M = 1_000.0
#: Each search looks this much farther than the one before.
_GROWTH = 4.0


def nearest_rows(
    asking: Asking, anchor: Anchor, rows: np.ndarray, constraint: Constraint
) -> np.ndarray:
    """Return the rows that are nearest: (n,) int32, ascending.

    Args:
        asking: The store.
        anchor: Where the component, of which the rows must be part, touches the index.
        rows: (m,) candidates.
        constraint: Of a `Nearest` test.
    """
    test, centre = constraint.test, constraint.right
    if not isinstance(test, Nearest) or not isinstance(centre, Geometry):
        raise TypeError("nearest needs a constant geometry and a count")
    if test.count == 0 or not len(rows):
        return np.empty(0, np.int32)
    component, index = anchor.component, asking.index
    alone = not rest_of(anchor, keep_literal=False) and component.is_bare
    if not alone:
        few = asking.costs.counted // 10
        if count_up_to(asking, in_scope(component.text, component.scope), few) < few:
            return _closest(index, _within(asking, anchor, rows), centre, test.count)
    among = np.zeros(index.rows.count, bool)
    among[rows] = True
    reach = _START_M
    while True:
        bound = DistanceTest(measure=distance_m, bound=reach, strict=False, metres=reach)
        found = rows_matching(index, among, bound, centre, row_first=True)
        if not alone:
            found = _within(asking, anchor, found)
        if len(found) >= test.count or reach >= _FARTHEST_M:
            return _closest(index, found, centre, test.count)
        reach = min(reach * _GROWTH, _FARTHEST_M)


def _within(asking: Asking, anchor: Anchor, rows: np.ndarray) -> np.ndarray:
    """Return those rows that the component has a solution for."""
    if not len(rows):
        return rows
    table = evaluate(asking.quietly(), anchor, rows, set())
    return np.unique(table.rows[anchor.variable])


def _closest(index: SpatialIndex, rows: np.ndarray, centre: Geometry, count: int) -> np.ndarray:
    distances = np.array([_distance(g, centre) for g in geometries_at(index, rows)])
    reachable = np.isfinite(distances)
    rows, distances = rows[reachable], distances[reachable]
    if len(rows) <= count:
        return rows
    farthest = np.partition(distances, count - 1)[count - 1]
    return np.asarray(rows[distances <= farthest])


def _distance(geometry: Geometry, centre: Geometry) -> float:
    try:
        return distance_m(geometry, centre)
    except InvalidGeometryError:
        return np.inf
