"""Which rows of the spatial index satisfy a constraint with a constant geometry.

Boxes narrow, the geometries decide: what comes out is exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from kg.geosparql.crs import to_srs
from kg.geosparql.errors import InvalidGeometryError
from kg.geosparql.literals import Geometry
from kg.geosparql.systems import is_same_system
from kg.index.boxes import meets
from kg.index.moved_boxes import moved_boxes
from kg.index.spatial_tests import EQUALITIES, DistanceTest, RelationTest, grown, is_satisfied
from ontology.terms import GEO

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from kg.geosparql.relations import Relation
    from kg.index.spatial_index import SpatialIndex
    from kg.index.spatial_tests import Test


#: Rows below which a tree is no help.
_FEW = 5_000


def rows_matching(
    index: SpatialIndex, among: np.ndarray, test: Test, constant: Geometry, *, row_first: bool
) -> np.ndarray:
    """Return the rows that satisfy a test with a constant: (m,) int32, ascending.

    Args:
        index: The index.
        among: (rows,) bool, the rows that are asked about.
        test: What must hold.
        constant: The other argument.
        row_first: The row is the first argument.
    """
    found = [
        _rows_of_system(index, among, test, constant, system, row_first=row_first)
        for system in index.systems_in_use()
    ]
    return np.sort(np.concatenate([np.empty(0, np.int32), *found]))


def count_near(index: SpatialIndex, test: Test, constant: Geometry, *, row_first: bool) -> int:
    """Return about how many rows of the index a test with a constant may hold for, by boxes.

    Args:
        index: The index.
        test: What must hold.
        constant: The other argument.
        row_first: The row is the first argument.
    """
    total = 0
    for system in index.systems_in_use():
        srs = index.systems.names[system]
        if not (row_first or is_same_system(srs, constant.srs)):
            total += len(_moved_near(index, test, constant, system))
            continue
        try:
            here = to_srs(constant, srs)
        except InvalidGeometryError:
            continue
        boxes = _boxes(index, test, here.shape, system)
        total += sum(index.count_near(box, system) for box in boxes)
    return total


def _rows_of_system(
    index: SpatialIndex,
    among: np.ndarray,
    test: Test,
    constant: Geometry,
    system: int,
    *,
    row_first: bool,
) -> np.ndarray:
    srs = index.systems.names[system]
    if not (row_first or is_same_system(srs, constant.srs)):
        rows = _moved_near(index, test, constant, system)
        return _one_by_one(index, rows[among[rows]], test, constant, row_first=row_first)
    try:
        here = to_srs(constant, srs)
    except InvalidGeometryError:
        return np.empty(0, np.int32)
    rows = _near(index, among, test, here.shape, system)
    if isinstance(test, DistanceTest):
        return _one_by_one(index, rows, test, constant, row_first=row_first)
    sure = _surely(index, rows, test.relation, here.shape, row_first=row_first)
    certain, rows = rows[sure], rows[~sure]
    shapes = index.shapes(rows)
    pair = (shapes, here.shape) if row_first else (here.shape, shapes)
    return np.concatenate([certain, rows[test.relation.mask(*pair)]])


def _moved_near(index: SpatialIndex, test: Test, constant: Geometry, system: int) -> np.ndarray:
    """Return the rows of an SRS that may satisfy a test in the SRS of the constant: (m,) int32."""
    if constant.shape.is_empty:
        # Only what is empty too could: it is not worth a search.
        return np.flatnonzero(index.rows["system"] == system).astype(np.int32)
    rows, own = moved_boxes(index, system, constant.srs)
    boxes = [np.array(constant.shape.bounds)]
    if isinstance(test, DistanceTest):
        known = own[~np.isnan(own[:, 0])]
        span = (known[:, 0].min(), known[:, 2].max()) if len(known) else (0.0, 0.0)
        boxes = grown(boxes[0], test, constant.srs, span)
    return np.asarray(rows[np.logical_or.reduce([meets(own, box) for box in boxes])])


def _surely(
    index: SpatialIndex,
    rows: np.ndarray,
    relation: Relation,
    shape: BaseGeometry,
    *,
    row_first: bool,
) -> np.ndarray:
    """Return which of (n,) rows satisfy a relation by their boxes alone: (n,) bool.

    A geometry whose box is in the inside of a rectangle intersects it, and is within it.
    """
    names = ("sfIntersects", "sfWithin" if row_first else "sfContains")
    if relation.name not in names or not shape.equals(shapely.box(*shape.bounds)):
        return np.zeros(len(rows), bool)
    west, south, east, north = shape.bounds
    boxes = index.rows["box"][rows]
    inside = (boxes[:, 0] > west) & (boxes[:, 1] > south)
    inside &= (boxes[:, 2] < east) & (boxes[:, 3] < north)
    return np.asarray(inside)


def _near(
    index: SpatialIndex, among: np.ndarray, test: Test, shape: BaseGeometry, system: int
) -> np.ndarray:
    """Return the rows of an SRS that may satisfy a test with a shape in it: (m,) int32.

    `among` is (rows,) bool: the rows that are asked about.
    """
    if shape.is_empty:
        if not (isinstance(test, RelationTest) and test.relation.name in EQUALITIES):
            return np.empty(0, np.int32)
        empty = np.isnan(index.rows["box"][:, 0]) & (index.rows["system"] == system) & among
        return np.flatnonzero(empty).astype(np.int32)
    boxes = _boxes(index, test, shape, system)
    if np.count_nonzero(among) < _FEW:  # quicker one by one than through the tree
        rows = np.flatnonzero(among)
        rows = rows[index.rows["system"][rows] == system].astype(np.int32)
        own = index.rows["box"][rows]
        return np.asarray(rows[np.logical_or.reduce([meets(own, box) for box in boxes])])
    found = [index.search(box, system) for box in boxes]
    rows = found[0] if len(found) == 1 else np.unique(np.concatenate(found))
    return np.asarray(rows[among[rows]])


def _boxes(index: SpatialIndex, test: Test, shape: BaseGeometry, system: int) -> list[np.ndarray]:
    """Return boxes, (4,) each, outside of which no row of an SRS satisfies a test with a shape."""
    if shape.is_empty:
        return []
    bounds = np.array(shape.bounds)
    if isinstance(test, RelationTest):
        return [bounds]
    return grown(bounds, test, index.systems.names[system], index.span(system))


def geometries_at(index: SpatialIndex, rows: np.ndarray) -> list[Geometry]:
    """Return the geometries of (n,) rows, each in its own SRS."""
    systems = index.rows["system"][rows].tolist()
    return [
        Geometry(shape=shape, srs=index.systems.names[s], datatype=GEO.wktLiteral)
        for shape, s in zip(index.shapes(rows), systems, strict=True)
    ]


def _one_by_one(
    index: SpatialIndex, rows: np.ndarray, test: Test, constant: Geometry, *, row_first: bool
) -> np.ndarray:
    """Return those of (n,) rows whose geometry satisfies a test, exactly: (m,)."""
    kept = [
        is_satisfied(test, *((g, constant) if row_first else (constant, g)))
        for g in geometries_at(index, rows)
    ]
    return np.asarray(rows[np.array(kept, bool)])
