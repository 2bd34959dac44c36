"""Which rows of the spatial index satisfy a constraint, and which pairs of rows.

Boxes narrow, the geometries decide: what comes out is exact, by the same predicates as the
functions of `kg.geosparql`. The SRS of the first argument is the one that is computed in.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely import STRtree

from kg.errors import DeepCubeError
from kg.geosparql.crs import is_geographic, to_srs
from kg.geosparql.errors import InvalidGeometryError
from kg.geosparql.literals import Geometry
from kg.geosparql.relations import Relation, relate_pattern
from kg.geosparql.systems import axis_unit, is_same_system
from kg.packed_boxes import meets
from kg.planner.moved_boxes import moved_boxes
from ontology.terms import GEO

if TYPE_CHECKING:
    from collections.abc import Callable

    from shapely.geometry.base import BaseGeometry

    from kg.spatial_index import SpatialIndex

#: Predicates of the tree that are the relation itself.
_TREE_PREDICATES = {
    "sfIntersects": "intersects",
    "sfWithin": "within",
    "sfContains": "contains",
    "sfTouches": "touches",
    "ehMeet": "touches",
}
_EQUALITIES = frozenset({"sfEquals", "ehEquals", "rcc8eq"})
#: Rows below which a tree is no help.
_FEW = 5_000
#: The shortest degree of latitude and of longitude at the equator, less a thousandth.
_METRES_PER_DEGREE = 110_460.0
_TURN = 360.0
#: Boxes of one place at several longitudes; for data on more turns one box is quicker.
_MOST_TURNS = 8


@dataclass(frozen=True, kw_only=True)
class RelationTest:
    """A topological relation, or `relate` with a matrix that only touching shapes satisfy."""

    relation: Relation

    def single(self, a: Geometry, b: Geometry) -> bool:
        """Return whether it holds, computed in the SRS of the first."""
        return self.relation.test(a.shape, to_srs(b, a.srs).shape)


@dataclass(frozen=True, kw_only=True)
class DistanceTest:
    """A distance below a bound."""

    measure: Callable[[Geometry, Geometry], float]
    """The distance, as the function in the query has it."""
    bound: float
    """In the unit of the query."""
    strict: bool
    metres: float | None = None
    """The bound, where the unit is a length."""
    radians: float | None = None
    """The bound, where the unit is an angle; with neither it is in units of the SRS."""

    def single(self, a: Geometry, b: Geometry) -> bool:
        """Return whether it holds."""
        value = self.measure(a, b)
        return value < self.bound if self.strict else value <= self.bound


Test = RelationTest | DistanceTest


def matrix_relation(matrix: str) -> Relation | None:
    """Return the relation of a DE-9IM matrix; None for what is no matrix."""
    if not re.fullmatch(r"[TF*012]{9}", matrix):
        return None
    touching = any(matrix[i] in "T012" for i in (0, 1, 3, 4))
    predicate = partial(relate_pattern, pattern=matrix)
    return Relation(name=f"relate {matrix}", predicate=predicate, disjoint=not touching)


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
    """Return about how many rows of the index a test with a constant may hold for, by boxes."""
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
    """Return the rows of an SRS that may satisfy a test in the SRS of the constant."""
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
    """Return which rows satisfy a relation by their boxes alone: (n,) bool.

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
    """Return the rows of an SRS that may satisfy a test with a shape in it."""
    if shape.is_empty:
        if not (isinstance(test, RelationTest) and test.relation.name in _EQUALITIES):
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
    """Return the boxes outside of which no row of an SRS satisfies a test with a shape in it."""
    if shape.is_empty:
        return []
    bounds = np.array(shape.bounds)
    if isinstance(test, RelationTest):
        return [bounds]
    return grown(bounds, test, index.systems.names[system], index.span(system))


def grown(
    box: np.ndarray, test: DistanceTest, srs: str, span: tuple[float, float]
) -> list[np.ndarray]:
    """Return boxes that hold all within a distance of a box.

    Args:
        box: West, south, east, north.
        test: The distance.
        srs: Of the box. On the globe a place has many longitudes, a whole turn apart.
        span: The least and the greatest longitude, or first coordinate, that is looked for.
    """
    west, south, east, north = box
    if math.isnan(test.bound):
        return [np.full(4, math.nan)]  # nothing is nearer than what is no number
    if test.metres is None or not is_geographic(srs):
        share = test.metres if test.radians is None else test.radians
        reach = max(test.bound if share is None else share / axis_unit(srs), 0.0)
        reach = reach * (1 + 1e-9) + 1e-12
        return [np.array([west - reach, south - reach, east + reach, north + reach])]
    reach = test.metres / _METRES_PER_DEGREE
    low, high = south - reach, north + reach
    everywhere = [np.array([-math.inf, low, math.inf, high])]
    if low <= -90 or high >= 90:  # noqa: PLR2004 -- the poles are near every longitude
        return everywhere
    cosine = math.cos(math.radians(max(abs(low), abs(high))))
    sine = math.sin(min(math.pi / 2, math.radians(reach))) / cosine
    aside = _TURN if sine >= 1 else math.degrees(math.asin(sine)) * 1.01
    first = math.ceil((span[0] - east - aside) / _TURN)
    last = math.floor((span[1] - west + aside) / _TURN)
    if last - first >= _MOST_TURNS:
        return everywhere
    return [
        np.array([west - aside + turn, low, east + aside + turn, high])
        for turn in np.arange(first, max(first, last) + 1) * _TURN
    ]


def geometry_at(index: SpatialIndex, row: int) -> Geometry:
    """Return the geometry of one row."""
    shape = index.shapes(np.array([row]))[0]
    srs = index.systems.names[int(index.rows["system"][row])]
    return Geometry(shape=shape, srs=srs, datatype=GEO.wktLiteral)


def geometries_at(index: SpatialIndex, rows: np.ndarray) -> list[Geometry]:
    """Return the geometries of rows."""
    systems = index.rows["system"][rows].tolist()
    return [
        Geometry(shape=shape, srs=index.systems.names[s], datatype=GEO.wktLiteral)
        for shape, s in zip(index.shapes(rows), systems, strict=True)
    ]


def _one_by_one(
    index: SpatialIndex, rows: np.ndarray, test: Test, constant: Geometry, *, row_first: bool
) -> np.ndarray:
    kept = [
        _satisfied(test, *((g, constant) if row_first else (constant, g)))
        for g in geometries_at(index, rows)
    ]
    return np.asarray(rows[np.array(kept, bool)])


def _satisfied(test: Test, a: Geometry, b: Geometry) -> bool:
    try:
        return test.single(a, b)
    except (DeepCubeError, ValueError):  # what makes the expression an error in the query, too
        return False


def rows_near(index: SpatialIndex, known: np.ndarray, among: np.ndarray, test: Test) -> np.ndarray:
    """Return those rows that may satisfy a test with one of a few known rows: (m,) ascending.

    Args:
        index: The index.
        known: (k,) rows.
        among: (n,) rows.
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
    if isinstance(test, RelationTest) and test.relation.name in _EQUALITIES:
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
    """Return the shapes of rows in an SRS, and which of them have a place there."""
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
    predicate = _TREE_PREDICATES.get(relation.name, "intersects")
    if len(left) >= len(right):
        exchanged = {"within": "contains", "contains": "within"}.get(predicate, predicate)
        j, i = STRtree(left).query(right, predicate=exchanged)
    else:
        i, j = STRtree(right).query(left, predicate=predicate)
    if relation.name not in _TREE_PREDICATES:
        kept = relation.mask(left[i], right[j])
        i, j = i[kept], j[kept]
    if relation.name in _EQUALITIES:
        a, b = np.flatnonzero(shapely.is_empty(left)), np.flatnonzero(shapely.is_empty(right))
        i = np.concatenate([i, np.repeat(a, len(b))])
        j = np.concatenate([j, np.tile(b, len(a))])
    return i, j


def _close_pairs(
    left: np.ndarray, right: np.ndarray, test: DistanceTest, srs: str
) -> tuple[np.ndarray, np.ndarray]:
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
        _satisfied(
            test,
            Geometry(shape=left[i], srs=srs, datatype=GEO.wktLiteral),
            Geometry(shape=right[j], srs=srs, datatype=GEO.wktLiteral),
        )
        for i, j in pairs.tolist()
    ]
    pairs = pairs[np.array(kept, bool)]
    return pairs[:, 0], pairs[:, 1]
