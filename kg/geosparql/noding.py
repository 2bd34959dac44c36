"""Corners where the rings of a geometry touch each other.

GEOS 3.14 (RelateNG) takes a ring that touches another ring of the same geometry in the
middle of an edge for one that leaves the geometry: a polygon with such a hole is then not
within its own outline. With a corner at that point, which changes no point set, it is right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from kg.geosparql.coordinates import leaves

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


def noded(shape: BaseGeometry) -> BaseGeometry:
    """Return the geometry with a corner wherever two of its rings touch; mostly itself."""
    if isinstance(shape, (shapely.Point, shapely.LineString)):
        return shape
    if shapely.get_num_geometries(shape) <= 1 and shapely.get_num_interior_rings(shape) == 0:
        return shape
    polygons = [part for part in leaves(shape) if isinstance(part, shapely.Polygon)]
    holes = [hole for polygon in polygons for hole in polygon.interiors]
    shells = [polygon.exterior for polygon in polygons]
    if len(shells) + len(holes) < 2 or shape.has_m:
        return shape
    added: dict[bytes, list[np.ndarray]] = {}
    for one, other in _touching(shells, holes):
        for ring, neighbour in ((one, other), (other, one)):
            points = _on_edges(ring, neighbour)
            if len(points):
                added.setdefault(ring.wkb, []).append(points)
    return _rebuilt(shape, added) if added else shape


def _touching(
    shells: list[BaseGeometry], holes: list[BaseGeometry]
) -> list[tuple[BaseGeometry, BaseGeometry]]:
    """Return the pairs of rings that have a point in common."""
    rings = np.array([*shells, *holes])
    tree = shapely.STRtree(rings)
    # From the shells to all, then among the holes: the tree prepares what it asks with, and
    # to ask from each hole would walk the whole shell every time.
    outer = tree.query(rings[: len(shells)], predicate="intersects")
    pairs = {(int(i), int(j)) for i, j in outer.T if i != j}
    if len(holes) > 1:
        inner = shapely.STRtree(holes).query(holes, predicate="intersects") + len(shells)
        pairs |= {(int(i), int(j)) for i, j in inner.T if i != j}
    return [(rings[i], rings[j]) for i, j in sorted({(min(p), max(p)) for p in pairs})]


def _on_edges(ring: BaseGeometry, neighbour: BaseGeometry) -> np.ndarray:
    """Return the corners of a neighbour that lie on a ring where it has none, (n, 2)."""
    own = set(map(tuple, shapely.get_coordinates(ring).tolist()))
    foreign = set(map(tuple, shapely.get_coordinates(neighbour).tolist())) - own
    if not foreign:
        return np.empty((0, 2))
    positions = np.array(sorted(foreign))
    return np.asarray(positions[shapely.intersects(ring, shapely.points(positions))])


def _rebuilt(shape: BaseGeometry, added: dict[bytes, list[np.ndarray]]) -> BaseGeometry:
    if hasattr(shape, "geoms"):
        return type(shape)([_rebuilt(part, added) for part in shape.geoms])
    if not isinstance(shape, shapely.Polygon) or shape.is_empty:
        return shape
    shell, *holes = (
        _with_corners(ring, added.get(ring.wkb, [])) for ring in (shape.exterior, *shape.interiors)
    )
    return shapely.Polygon(shell, holes)


def _with_corners(ring: BaseGeometry, added: list[np.ndarray]) -> np.ndarray:
    positions = np.asarray(shapely.get_coordinates(ring, include_z=bool(ring.has_z)))
    for x, y in np.concatenate(added) if added else ():
        if ((positions[:, :2] == (x, y)).all(axis=1)).any():
            continue  # two neighbours touch here
        edges = shapely.linestrings(np.stack([positions[:-1, :2], positions[1:, :2]], axis=1))
        at = int(np.argmin(shapely.distance(edges, shapely.Point(x, y))))
        share = shapely.line_locate_point(edges[at], shapely.Point(x, y), normalized=True)
        corner = positions[at] + share * (positions[at + 1] - positions[at])
        corner[:2] = x, y
        positions = np.insert(positions, at + 1, corner, axis=0)
    return positions
