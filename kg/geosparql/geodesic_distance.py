"""The shortest geodesic distance between two shapes on an ellipsoid.

Edges are straight in longitude and latitude, as for the topological relations, so that the
distance is 0 exactly where the shapes intersect. Edges lie in two trees of bounding balls
in space (earth-centred coordinates, hence no seam at the antimeridian and no bad scale
near the poles); pairs of balls that cannot hold the nearest points are dropped, the rest
halved, until the pieces are short enough to be straight in space. The best of these pairs
are measured with `Geod.inv`. The result is within 1 mm or one part in a million, whichever
is larger, of the true minimum; between two points it is `Geod.inv` itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import shapely

from kg.geosparql.coordinates import leaves
from kg.geosparql.errors import InvalidGeometryError

if TYPE_CHECKING:
    from pyproj import Geod
    from shapely.geometry.base import BaseGeometry


_SHORT_M = 1_000.0  # a piece this short leaves its chord by less than 10 cm
_SHORT_SHARE = 0.05  # ... and one this short beside the distance, by little beside it,
_LONG_M = 10_000.0  # up to here, or on the far side of the globe
_FAR_SHARE = 0.005
_SLACK = 0.002  # chords and geodesics of near-equal length may be in another order
_MOST_PAIRS = 200_000  # bounds the memory where all is equally far, as around two poles
_ROUNDS = 4  # of straightening, each on an eighth of the piece before
_WINDOW = 1 / 16
_SETTLED_M = 1e-6
# Edges are cut to begin with, into about so many steps of so many degrees.
_STEPS, _SHORTEST, _LONGEST, _MOST_STEPS = 100, 0.02, 1.0, 20_000
_ROOTS = 64  # balls at which a tree begins


@dataclass(frozen=True, kw_only=True)
class _Pieces:
    """Pieces of edges in longitude and latitude, each with a ball around it in space."""

    ends: np.ndarray
    """(n, 4): longitude and latitude of the start, then of the end."""
    centres: np.ndarray
    """(n, 3) metres."""
    radii: np.ndarray
    """(n,) metres."""


def nearest_m(a: BaseGeometry, b: BaseGeometry, geod: Geod) -> float:
    """Return the shortest distance in metres; shapes are in degrees, x the longitude.

    Raises:
        InvalidGeometryError: One of the two is empty.
    """
    if a.is_empty or b.is_empty:
        raise InvalidGeometryError("there is no distance to an empty geometry")
    if isinstance(a, shapely.Point) and isinstance(b, shapely.Point):
        return float(geod.inv(a.x, a.y, b.x, b.y)[2])
    if _is_intersecting(a, b):
        return 0.0
    ellipsoid = _Ellipsoid(geod)
    return ellipsoid.shortest(*ellipsoid.nearest_pairs(_laid_out(a, geod), _laid_out(b, geod)))


def _laid_out(shape: BaseGeometry, geod: Geod) -> _Pieces:
    return _cached_pieces(shape, geod.a, geod.f)


@lru_cache(maxsize=64)
def _cached_pieces(shape: BaseGeometry, axis: float, flattening: float) -> _Pieces:
    from pyproj import Geod  # noqa: PLC0415 -- slow to load, and CRS84 does without

    # The same shape is asked about row by row; a Geod is no key, its two numbers are.
    return _Ellipsoid(Geod(a=axis, f=flattening)).pieces(_edges(shape))


def _is_intersecting(a: BaseGeometry, b: BaseGeometry) -> bool:
    """Tell whether the shapes meet, also where one counts longitudes on beyond 180."""
    if a.intersects(b):
        return True
    bounds = [*a.bounds[::2], *b.bounds[::2]]
    if min(bounds) >= -180 and max(bounds) <= 180:  # noqa: PLR2004
        return False
    return any(
        a.intersects(shapely.transform(b, lambda xy, turn=turn: xy + np.array([turn, 0])))
        for turn in (-360, 360)
    )


def _edges(shape: BaseGeometry) -> np.ndarray:
    """Return all edges in steps, (n, 4); a point is an edge without length."""
    step = min(max(shape.length / _STEPS, _SHORTEST), _LONGEST)
    step = max(step, shape.length / _MOST_STEPS)
    edges: list[np.ndarray] = []
    for part in leaves(shape):
        rings = [part.exterior, *part.interiors] if isinstance(part, shapely.Polygon) else [part]
        for ring in rings:
            positions = shapely.get_coordinates(shapely.segmentize(ring, step))
            ends = positions[1:] if len(positions) > 1 else positions
            edges.append(np.hstack([positions[: len(ends)], ends]))
    return np.concatenate(edges)


class _Ellipsoid:
    """Space around an ellipsoid."""

    def __init__(self, geod: Geod) -> None:
        self._geod = geod

    def nearest_pairs(self, a: _Pieces, b: _Pieces) -> tuple[np.ndarray, np.ndarray]:
        """Return short pieces of edges, pair by pair, among which are the nearest points."""
        i, j = _search(a, b)
        ends_a, ends_b = a.ends[i], b.ends[j]
        while True:
            pieces_a, pieces_b = self.pieces(ends_a), self.pieces(ends_b)
            apart = np.linalg.norm(pieces_a.centres - pieces_b.centres, axis=1)
            reach = pieces_a.radii + pieces_b.radii
            best = float(apart.min())
            kept = apart - reach <= best * (1 + _SLACK)
            ends_a, ends_b = ends_a[kept], ends_b[kept]
            short = max(_SHORT_M, min(best * _SHORT_SHARE, _LONG_M), best * _FAR_SHARE)
            long_a, long_b = pieces_a.radii[kept] > short, pieces_b.radii[kept] > short
            if not (long_a.any() or long_b.any()) or len(ends_a) > _MOST_PAIRS:
                return ends_a, ends_b
            ends_a, ends_b = _halved(ends_a, ends_b, long_a)
            ends_b, ends_a = _halved(ends_b, ends_a, np.concatenate([long_b, long_b[long_a]]))

    def shortest(self, a: np.ndarray, b: np.ndarray) -> float:
        """Return the length of the shortest geodesic between two short pieces of a pair."""
        best = np.inf
        for _ in range(_ROUNDS):
            on_a, on_b = _nearest_shares(*(self._space(x) for x in (*_both(a), *_both(b))))
            points_a, points_b = _along(a, on_a), _along(b, on_b)
            _, _, lengths = self._geod.inv(*points_a.T.copy(), *points_b.T.copy())
            found = float(np.min(lengths))
            if found >= best - _SETTLED_M:
                return min(best, found)
            best = found
            a, b = _around(a, on_a), _around(b, on_b)
        return best

    def pieces(self, ends: np.ndarray) -> _Pieces:
        """Return pieces of edges with the balls around them."""
        start, end = _both(ends)
        centres = self._space((start + end) / 2)
        # A ball reaches as far as half the way along the piece, or a little less.
        south, north = np.sort([start[:, 1], end[:, 1]], axis=0)
        lowest = np.clip(0, south, north)
        across = (end - start) * np.column_stack([np.cos(np.radians(lowest)), np.ones(len(ends))])
        radii = np.radians(np.hypot(*across.T)) * self._geod.a * 1.01 / 2
        return _Pieces(ends=ends, centres=centres, radii=radii)

    def _space(self, positions: np.ndarray) -> np.ndarray:
        longitude, latitude = np.radians(positions.T)
        squared = self._geod.es
        normal = self._geod.a / np.sqrt(1 - squared * np.sin(latitude) ** 2)
        return np.column_stack(
            [
                normal * np.cos(latitude) * np.cos(longitude),
                normal * np.cos(latitude) * np.sin(longitude),
                normal * (1 - squared) * np.sin(latitude),
            ]
        )


def _search(a: _Pieces, b: _Pieces) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of all pairs of pieces that may hold the nearest points."""
    trees = _tree(a), _tree(b)
    i, j = (np.ravel(x) for x in np.indices([len(tree[-1][1]) for tree in trees]))
    levels = [len(tree) - 1 for tree in trees]
    while True:
        (centres_a, radii_a), (centres_b, radii_b) = (
            tree[level] for tree, level in zip(trees, levels, strict=True)
        )
        apart = np.linalg.norm(centres_a[i] - centres_b[j], axis=1)
        reach = radii_a[i] + radii_b[j]
        kept = np.flatnonzero(apart - reach <= (apart + reach).min() * (1 + _SLACK))
        if len(kept) > _MOST_PAIRS:
            kept = kept[np.argpartition(apart[kept], _MOST_PAIRS)[:_MOST_PAIRS]]
        i, j = i[kept], j[kept]
        if not any(levels):
            return i, j
        if levels[0]:
            levels[0] -= 1
            i, j = _descended(i, j, len(trees[0][levels[0]][1]))
        if levels[1]:
            levels[1] -= 1
            j, i = _descended(j, i, len(trees[1][levels[1]][1]))


def _tree(pieces: _Pieces) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return balls around pieces, then around two of these each, and so on to a few."""
    levels = [(pieces.centres, pieces.radii)]
    while len(levels[-1][1]) > _ROOTS:
        centres, radii = levels[-1]
        if len(radii) % 2:
            centres, radii = np.vstack([centres, centres[-1:]]), np.append(radii, radii[-1])
        middles = (centres[::2] + centres[1::2]) / 2
        halves = np.linalg.norm(centres[::2] - centres[1::2], axis=1) / 2
        levels.append((middles, halves + np.maximum(radii[::2], radii[1::2])))
    return levels


def _descended(i: np.ndarray, j: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs with each ball on the left replaced by the two that it holds."""
    children, partners = np.concatenate([2 * i, 2 * i + 1]), np.concatenate([j, j])
    real = children < count
    return children[real], partners[real]


def _both(ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return ends[:, :2], ends[:, 2:]


def _halved(
    ends: np.ndarray, partners: np.ndarray, chosen: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs with the chosen pieces cut in half; the second halves come last."""
    start, end = _both(ends)
    middle = (start + end) / 2
    first, second = np.hstack([start, middle]), np.hstack([middle, end])
    cut = np.concatenate([np.where(chosen[:, None], first, ends), second[chosen]])
    return cut, np.concatenate([partners, partners[chosen]])


def _along(ends: np.ndarray, share: np.ndarray) -> np.ndarray:
    start, end = _both(ends)
    return np.asarray(start + share[:, None] * (end - start))


def _around(ends: np.ndarray, share: np.ndarray) -> np.ndarray:
    low, high = (np.clip(share + step, 0, 1) for step in (-_WINDOW, _WINDOW))
    return np.hstack([_along(ends, low), _along(ends, high)])


def _nearest_shares(
    a: np.ndarray, a_end: np.ndarray, b: np.ndarray, b_end: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return how far along two straight segments their nearest points lie, 0 to 1.

    Source: C. Ericson, Real-Time Collision Detection (2005), section 5.1.9.
    """
    u, v, w = a_end - a, b_end - b, a - b
    uu, vv, uv, uw, vw = ((x * y).sum(axis=1) for x, y in ((u, u), (v, v), (u, v), (u, w), (v, w)))
    with np.errstate(divide="ignore", invalid="ignore"):
        on_a = np.clip(np.nan_to_num((uv * vw - uw * vv) / (uu * vv - uv * uv)), 0, 1)
        on_b = np.clip(np.nan_to_num((uv * on_a + vw) / vv), 0, 1)
        on_a = np.clip(np.nan_to_num((uv * on_b - uw) / uu), 0, 1)
    return on_a, on_b
