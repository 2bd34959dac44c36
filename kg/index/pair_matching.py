"""Which pairs of rows of the spatial index satisfy a constraint of two variables.

Boxes narrow, the geometries decide: what comes out is exact, but for `rows_near`, which only
leaves out what cannot be in a pair.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely import STRtree

from kg.geosparql.crs import to_srs
from kg.geosparql.errors import InvalidGeometryError
from kg.geosparql.literals import Geometry
from kg.index.spatial_tests import EQUALITIES, DistanceTest, RelationTest, grown, is_satisfied
from ontology.terms import GEO

if TYPE_CHECKING:
    from kg.geosparql.relations import Relation
    from kg.index.spatial_index import SpatialIndex
    from kg.index.spatial_tests import Test


#: Predicates of the tree that are the relation itself.
_TREE_PREDICATES = {
    "sfIntersects": "intersects",
    "sfWithin": "within",
    "sfContains": "contains",
    "sfTouches": "touches",
    "ehMeet": "touches",
}


def rows_near(index: SpatialIndex, known: np.ndarray, among: np.ndarray, test: Test) -> np.ndarray:
    """Return those rows that may satisfy a test with one of a few known rows: (m,).

    Args:
        index: The index.
        known: (k,) rows.
        among: (n,) rows; what is returned is in the same order.
        test: Holds either way round, as far as boxes can tell.
    """
    systems = index.rows["system"]
    marks = np.zeros(index.rows.count, bool)
    for system in np.unique(systems[known]).tolist():
        srs = index.systems.names[system]
        boxes = index.rows["box"][known[systems[known] == system]]
        boxes = boxes[~np.isnan(boxes[:, 0])]
        if isinstance(test, DistanceTest):
            # A tree knows no infinite boxes; nothing is that far out.
            wide = [b for bounds in boxes for b in grown(bounds, test, srs, index.span(system))]
            boxes = np.clip(np.array(wide).reshape(-1, 4), -1e12, 1e12)
        if len(boxes):
            marks[index.search(boxes, system)] = True
        # In another SRS the boxes say nothing: all of those may do.
        marks |= systems != system
    if isinstance(test, RelationTest) and test.relation.name in EQUALITIES:
        marks |= np.isnan(index.rows["box"][:, 0])
    return np.asarray(among[marks[among]])


def pairs_matching(
    index: SpatialIndex, left: np.ndarray, right: np.ndarray, test: Test
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs that satisfy a test: (n,) rows of the left, (n,) rows of the right.

    Args:
        index: The index.
        left: (a,) rows, each once; the first argument of the test.
        right: (b,) rows, each once.
        test: What must hold.
    """
    firsts, seconds = [np.empty(0, np.int32)], [np.empty(0, np.int32)]
    system = index.rows["system"]
    for a in np.unique(system[left]).tolist():
        for b in np.unique(system[right]).tolist():
            pair = left[system[left] == a], right[system[right] == b]
            one, two = _pairs_of_systems(index, *pair, test)
            firsts.append(one)
            seconds.append(two)
    return np.concatenate(firsts), np.concatenate(seconds)


def _pairs_of_systems(
    index: SpatialIndex, left: np.ndarray, right: np.ndarray, test: Test
) -> tuple[np.ndarray, np.ndarray]:
    """Return what `pairs_matching` does, of rows of one SRS on either side."""
    shapes = index.shapes(left)
    srs = index.systems.names[int(index.rows["system"][left[0]])]
    others, usable = _moved(index, right, srs)
    right, others = right[usable], others[usable]
    if isinstance(test, RelationTest):
        i, j = _related_pairs(shapes, others, test.relation)
    else:
        i, j = _close_pairs(shapes, others, test, srs)
    return left[i], right[j]


def _moved(index: SpatialIndex, rows: np.ndarray, srs: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the shapes of (n,) rows of one SRS in another, (n,), and which have a place there."""
    shapes = index.shapes(rows)
    own = index.systems.names[int(index.rows["system"][rows[0]])]
    usable = np.ones(len(rows), bool)
    if own != srs:
        for i, shape in enumerate(shapes):
            try:
                moved = to_srs(Geometry(shape=shape, srs=own, datatype=GEO.wktLiteral), srs)
            except InvalidGeometryError:
                usable[i] = False
            else:
                shapes[i] = moved.shape
    return shapes, usable


def _related_pairs(
    left: np.ndarray, right: np.ndarray, relation: Relation
) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of (a,) and (b,) shapes in one SRS that are so related: (n,) and (n,)."""
    predicate = _TREE_PREDICATES.get(relation.name, "intersects")
    if len(left) >= len(right):
        exchanged = {"within": "contains", "contains": "within"}.get(predicate, predicate)
        j, i = STRtree(left).query(right, predicate=exchanged)
    else:
        i, j = STRtree(right).query(left, predicate=predicate)
    if relation.name not in _TREE_PREDICATES:
        kept = relation.mask(left[i], right[j])
        i, j = i[kept], j[kept]
    if relation.name in EQUALITIES:
        a, b = np.flatnonzero(shapely.is_empty(left)), np.flatnonzero(shapely.is_empty(right))
        i = np.concatenate([i, np.repeat(a, len(b))])
        j = np.concatenate([j, np.tile(b, len(a))])
    return i, j


def _close_pairs(
    left: np.ndarray, right: np.ndarray, test: DistanceTest, srs: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of (a,) and (b,) shapes in an SRS that are so close: (n,) and (n,)."""
    full = np.flatnonzero(~shapely.is_empty(left))
    owners: list[int] = []
    boxes: list[np.ndarray] = []
    west, _, east, _ = shapely.total_bounds(right)
    if math.isnan(west):
        return np.empty(0, int), np.empty(0, int)
    for i, bounds in zip(full.tolist(), shapely.bounds(left[full]), strict=True):
        for box in grown(bounds, test, srs, (west, east)):
            owners.append(i)
            boxes.append(np.clip(box, -1e12, 1e12))
    if not boxes:
        return np.empty(0, int), np.empty(0, int)
    k, j = STRtree(right).query(shapely.box(*np.array(boxes).T))
    pairs = np.unique(np.column_stack([np.array(owners)[k], j]), axis=0)
    kept = [
        is_satisfied(
            test,
            Geometry(shape=left[i], srs=srs, datatype=GEO.wktLiteral),
            Geometry(shape=right[j], srs=srs, datatype=GEO.wktLiteral),
        )
        for i, j in pairs.tolist()
    ]
    pairs = pairs[np.array(kept, bool)]
    return pairs[:, 0], pairs[:, 1]
