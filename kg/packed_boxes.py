"""Boxes packed for searching: a static R-tree of geoindex-rs."""

from __future__ import annotations

import numpy as np
from geoindex_rs import rtree  # type: ignore[attr-defined]  # its stub names no members


class PackedBoxes:
    """A set of boxes that does not change: (west, south, east, north), NaN for an empty one."""

    def __init__(self, rows: np.ndarray, boxes: np.ndarray) -> None:
        """Pack.

        Args:
            rows: (n,) the number of each box, which a search answers.
            boxes: (n, 4) float64.
        """
        kept = ~np.isnan(boxes[:, 0])
        self.rows = rows[kept].astype(np.int32)
        self._tree = _tree_of(boxes[kept]) if len(self.rows) else None

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        tree = 0 if self._tree is None else memoryview(self._tree).nbytes
        return int(self.rows.nbytes + tree)

    def count_near(self, box: np.ndarray) -> int:
        """Return how many boxes meet a box."""
        return len(self.search(box))

    def search(self, box: np.ndarray) -> np.ndarray:
        """Return the rows whose box meets a box: (m,) int32, ascending.

        Args:
            box: (4,).
        """
        if self._tree is None or np.isnan(box).any():
            return np.empty(0, np.int32)
        places = np.asarray(rtree.search(self._tree, *box.tolist()))
        return np.sort(self.rows[places])

    def search_each(self, searched: np.ndarray) -> np.ndarray:
        """Return the rows whose box meets one of many boxes: (m,) int32, a row more than once.

        Args:
            searched: (k, 4).
        """
        searched = searched[~np.isnan(searched).any(axis=1)]
        if self._tree is None or not len(searched):
            return np.empty(0, np.int32)
        pairs = rtree.tree_join(_tree_of(searched), self._tree)
        return np.asarray(self.rows[np.asarray(pairs[1])])


def _tree_of(boxes: np.ndarray) -> rtree.RTree:
    """Return a tree of (n, 4) boxes, at least one, none of them empty."""
    builder = rtree.RTreeBuilder(len(boxes))
    builder.add(*(np.ascontiguousarray(c, np.float64) for c in boxes.T))
    return builder.finish()


def meets(boxes: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return which boxes share a point with a box: (n,) bool; an empty one never does.

    Args:
        boxes: (n, 4).
        box: (4,).
    """
    west, south, east, north = box
    return np.asarray(
        (boxes[:, 0] <= east)
        & (boxes[:, 2] >= west)
        & (boxes[:, 1] <= north)
        & (boxes[:, 3] >= south)
    )
