"""The boxes that the rows of an index have in another reference system than their own.

A geometry that moves has its vertices moved (`kg.geosparql.crs`), so that its box there is that
of the moved vertices. They are moved all at once, and their boxes are kept until the index
changes.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
import shapely
from cachetools import LRUCache

from kg.geosparql.systems import crs_of

if TYPE_CHECKING:
    from kg.index.spatial_index import SpatialIndex


#: Geometries that are moved at a time.
_BLOCK = 20_000
#: Systems whose boxes are kept for one index.
_KEPT = 4
#: How much a box is grown, as a share of its coordinates: rounding.
_SHARE = 1e-9


@dataclass(frozen=True, kw_only=True)
class _Moved:
    """Boxes of the rows of one system in another one."""

    version: int
    """Of the index that they are of."""
    rows: np.ndarray
    """(n,) int32, ascending."""
    boxes: np.ndarray
    """(n, 4): west, south, east, north; NaN for an empty geometry, or one without a place there."""


_lock = threading.Lock()
_kept: WeakKeyDictionary[SpatialIndex, LRUCache[tuple[int, str], _Moved]] = WeakKeyDictionary()


def moved_boxes(index: SpatialIndex, system: int, srs: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of a system and their boxes in another one: (n,) and (n, 4).

    A box that is NaN is that of an empty geometry, or of one without a place there.
    """
    with _lock:
        known = _kept.setdefault(index, LRUCache(_KEPT))
        found = known.get((system, srs))
    if found is None or found.version != index.version:
        version = index.version
        alive = index.rows["alive"] & (index.rows["system"] == system)
        rows = np.flatnonzero(alive).astype(np.int32)
        boxes = _boxes(index, rows, index.systems.names[system], srs)
        found = _Moved(version=version, rows=rows, boxes=boxes)
        with _lock:
            known[system, srs] = found
    return found.rows, found.boxes


def _boxes(index: SpatialIndex, rows: np.ndarray, own: str, srs: str) -> np.ndarray:
    from pyproj import Transformer  # noqa: PLC0415 -- slow to load, and CRS84 does without

    transformer = Transformer.from_crs(crs_of(own), crs_of(srs), always_xy=True)
    boxes = np.full((len(rows), 4), np.nan)
    for start in range(0, len(rows), _BLOCK):
        shapes = index.shapes(rows[start : start + _BLOCK])
        has_z = shapely.has_z(shapes)
        for include_z in (False, True):
            chosen = np.flatnonzero(has_z == include_z)
            positions, owners = shapely.get_coordinates(
                shapes[chosen], include_z=include_z, return_index=True
            )
            if len(positions):
                moved = np.column_stack(transformer.transform(*positions.T))[:, :2]
                first = np.flatnonzero(np.diff(owners, prepend=-1))
                low, high = (f.reduceat(moved, first) for f in (np.minimum, np.maximum))
                boxes[start + chosen[owners[first]]] = np.column_stack([low, high])
    boxes[~np.isfinite(boxes).all(axis=1)] = np.nan
    margin = np.abs(boxes).max(axis=1, initial=0)[:, None] * _SHARE
    return np.asarray(boxes + margin * np.array([-1, -1, 1, 1]))
