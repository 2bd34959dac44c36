"""What a spatial constraint asks of two geometries, and the boxes outside of which it fails.

The tests are those of the functions in `kg.geosparql`, and exact. The SRS of the first argument
is the one that is computed in.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from kg.errors import DeepCubeError
from kg.geosparql.crs import is_geographic, to_srs
from kg.geosparql.relations import Relation, relate_pattern
from kg.geosparql.systems import axis_unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from kg.geosparql.literals import Geometry


#: The relations that two empty geometries have, too.
EQUALITIES = frozenset({"sfEquals", "ehEquals", "rcc8eq"})
#: The shortest degree of latitude and of longitude at the equator, less a thousandth.
_METRES_PER_DEGREE = 110_460.0
_TURN = 360.0
#: Boxes of one place at several longitudes; for data on more turns one box is quicker.
_MOST_TURNS = 8


@dataclass(frozen=True, kw_only=True)
class RelationTest:
    """A topological relation, or `relate` with a matrix that only touching shapes satisfy."""

    relation: Relation
    """Holds for no two shapes that do not touch."""

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
    """The distance must be less than the bound, and not equal to it."""
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


def is_satisfied(test: Test, a: Geometry, b: Geometry) -> bool:
    """Return whether a test holds; False where the filter of the query would be an error."""
    try:
        return test.single(a, b)
    except (DeepCubeError, ValueError):  # what makes the expression an error in the query, too
        return False


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
