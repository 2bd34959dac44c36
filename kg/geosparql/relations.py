"""The 24 topological relations, each on two shapes or on arrays of them.

A relation is a list of DE-9IM patterns; where GEOS has a predicate that equals them it is
taken, because it stops early and works on whole arrays. Where the tables of the standard
need reading:

- Equals is that of Simple Features, "each within the other" (T*F**FFF*, and two empty
  geometries): TFFFTFFFT as printed would make no point equal to itself.
- sfIntersects is the opposite of sfDisjoint; GeoSPARQL 1.1 prints the pattern of sfTouches.
- sfCrosses and sfOverlaps depend on the dimensions; sfCrosses holds in both directions
  (a polygon crosses the line that crosses it), as in PostGIS and JTS.
- RCC8 relates areas: so the table of the properties ("applies to geometry types: A/A"), while
  that of the functions has the patterns alone, some of which would fit a line too. With any
  other geometry a relation is false; only two empty geometries are equal of any type.

A shape that is asked about again and again is prepared, on a copy: GEOS builds the index
of a prepared shape at its first use, which threads must not do together.

https://docs.ogc.org/is/22-047r1/22-047r1.html#11-geometry-topology-extension-relation_family-serialization-version
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

if TYPE_CHECKING:
    from collections.abc import Callable

    Predicate = Callable[[Any, Any], Any]

_REPEATS = 16  # a shape seen so often in a row is a constant of the query


@dataclass(frozen=True, kw_only=True)
class Relation:
    """One topological relation."""

    name: str
    """Its local name, as sfWithin."""
    predicate: Predicate
    """Works on two shapes, and elementwise on arrays of shapes; quick if the first is prepared."""
    converse: Predicate | None = None
    """The same with its arguments exchanged, if there is one that is quick."""
    disjoint: bool = False
    """Shapes whose boxes are apart may satisfy it, so that no spatial index can answer it."""

    def test(self, a: BaseGeometry, b: BaseGeometry) -> bool:
        """Tell whether the relation holds."""
        return bool(self.predicate(a, b))

    def mask(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Tell for each pair whether the relation holds; either side may be one shape."""
        if self.converse and isinstance(b, BaseGeometry) and not isinstance(a, BaseGeometry):
            return np.asarray(self.converse(prepared_copy(b), a))
        if isinstance(a, BaseGeometry) and not isinstance(b, BaseGeometry):
            return np.asarray(self.predicate(prepared_copy(a), b))
        return np.asarray(self.predicate(a, b))


def prepared_copy(shape: BaseGeometry) -> BaseGeometry:
    """Return a copy of a shape that is quick to compare with many."""
    copy = shapely.from_wkb(shapely.to_wkb(shape))
    shapely.prepare(copy)
    return copy


class Constant(threading.local):
    """Notices that a thread asks about the same shape again, and prepares a copy."""

    _last: BaseGeometry | None = None
    _copy: BaseGeometry | None = None
    _times = 0

    def prepared(self, shape: BaseGeometry) -> BaseGeometry | None:
        """Return the prepared copy of a shape that came often in a row."""
        if shape is not self._last:
            self._last, self._copy, self._times = shape, None, 0
        elif self._copy is None:
            self._times += 1
            if self._times == _REPEATS:
                self._copy = prepared_copy(shape)
        return self._copy


def _relations(
    one: str, other: str, predicate: Predicate, converse: Predicate, *, disjoint: bool = False
) -> dict[str, Relation]:
    """Return a relation and its converse by name; they may be the same."""
    return {
        one: Relation(name=one, predicate=predicate, converse=converse, disjoint=disjoint),
        other: Relation(name=other, predicate=converse, converse=predicate, disjoint=disjoint),
    }


def _symmetric(name: str, predicate: Predicate, *, disjoint: bool = False) -> dict[str, Relation]:
    return _relations(name, name, predicate, predicate, disjoint=disjoint)


def _matrix(pattern: str) -> Predicate:
    return partial(shapely.relate_pattern, pattern=pattern)


def relate_pattern(a: Any, b: Any, pattern: str) -> Any:
    """Tell whether a DE-9IM pattern fits two shapes, or each two of arrays.

    GEOS 3.14 misses boundary points of several lines in the exterior of the other shape: it
    passes over the lines apart from that shape once any end of a line was found outside, also
    one that is no boundary. So these two entries of the matrix are looked at again.
    """
    fits = shapely.relate_pattern(a, b, pattern)
    ends, other_ends = pattern[5], pattern[7]
    if ends == other_ends == "*":
        return fits
    doubtful = _are_lines(a) if ends != "*" else np.False_
    doubtful = doubtful | _are_lines(b) if other_ends != "*" else doubtful
    if not np.any(doubtful):
        return fits
    left, right, doubtful = np.broadcast_arrays(a, b, doubtful)
    found = np.array(np.broadcast_to(fits, doubtful.shape))
    for place in np.argwhere(doubtful):
        at = tuple(place)
        found[at] = _matches(_with_line_ends(left[at], right[at]), pattern)
    return found if found.shape else bool(found)


def _with_line_ends(a: BaseGeometry, b: BaseGeometry) -> str:
    """Return the matrix of two shapes with the ends of several lines that are outside."""
    entries = list(shapely.relate(a, b))
    for place, lines, other in ((5, a, b), (7, b, a)):
        outside = bool(_are_lines(lines)) and not shapely.covers(other, lines.boundary)
        if outside and not lines.boundary.is_empty:
            entries[place] = "0"
    return "".join(entries)


def _matches(matrix: str, pattern: str) -> bool:
    allowed = {"*": "F012", "T": "012"}
    return all(m in allowed.get(p, p) for m, p in zip(matrix, pattern, strict=True))


def _are_lines(shape: Any) -> Any:
    return shapely.get_type_id(shape) == shapely.GeometryType.MULTILINESTRING


def _areas(pattern: str) -> Predicate:
    """Return the predicate of a pattern that only areas can fit."""

    def predicate(a: Any, b: Any) -> Any:
        return _is_area(a) & _is_area(b) & shapely.relate_pattern(a, b, pattern)

    return predicate


def _equal_areas(a: Any, b: Any) -> Any:
    are_empty = shapely.is_empty(a) & shapely.is_empty(b)
    return are_empty | (_is_area(a) & _is_area(b) & shapely.equals(a, b))


def _is_area(shape: Any) -> Any:
    return shapely.get_dimensions(shape) == 2


RELATIONS: dict[str, Relation] = {
    **_symmetric("sfEquals", shapely.equals),
    **_symmetric("sfDisjoint", shapely.disjoint, disjoint=True),
    **_symmetric("sfIntersects", shapely.intersects),
    **_symmetric("sfTouches", shapely.touches),
    **_symmetric("sfCrosses", shapely.crosses),
    **_relations("sfContains", "sfWithin", shapely.contains, shapely.within),
    **_symmetric("sfOverlaps", shapely.overlaps),
    **_symmetric("ehEquals", shapely.equals),
    **_symmetric("ehDisjoint", shapely.disjoint, disjoint=True),
    **_symmetric("ehMeet", shapely.touches),
    **_symmetric("ehOverlap", _matrix("T*T***T**")),
    **_relations("ehCovers", "ehCoveredBy", _matrix("T*TFT*FF*"), _matrix("TFF*TFT**")),
    **_relations("ehContains", "ehInside", _matrix("T*TFF*FF*"), _matrix("TFF*FFT**")),
    **_symmetric("rcc8eq", _equal_areas),
    **_symmetric("rcc8dc", _areas("FFTFFTTTT"), disjoint=True),
    **_symmetric("rcc8ec", _areas("FFTFTTTTT")),
    **_symmetric("rcc8po", _areas("TTTTTTTTT")),
    **_relations("rcc8tppi", "rcc8tpp", _areas("TTTFTTFFT"), _areas("TFFTTFTTT")),
    **_relations("rcc8ntppi", "rcc8ntpp", _areas("TTTFFTFFT"), _areas("TFFTFFTTT")),
}
