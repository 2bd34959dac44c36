"""Boxes packed for searching: sort-tile-recursive leaves with a box around each leaf.

Leutenegger, Lopez, Edgington: STR, a simple and efficient algorithm for R-tree packing, 1997.
"""

from __future__ import annotations

import math

import numpy as np
import shapely
from shapely import STRtree

#: Boxes in one leaf.
_LEAF = 64


class PackedBoxes:
    """A set of boxes that does not change: (west, south, east, north), NaN for an empty one."""

    def __init__(self, rows: np.ndarray, boxes: np.ndarray) -> None:
        """Pack.

        Args:
            rows: (n,) the number of each box, which a search answers.
            boxes: (n, 4) float64.
        """
        kept = ~np.isnan(boxes[:, 0])
        rows, boxes = rows[kept], boxes[kept]
        order = _tile(boxes)
        self.rows = rows[order].astype(np.int32)
        self._tree: STRtree | None = None
        """Of the leaves; made when many boxes are searched at once."""
        starts = np.arange(0, len(order), _LEAF)
        packed = boxes[order]
        if len(order):
            self._leaves = np.column_stack(
                [
                    np.minimum.reduceat(packed[:, 0], starts),
                    np.minimum.reduceat(packed[:, 1], starts),
                    np.maximum.reduceat(packed[:, 2], starts),
                    np.maximum.reduceat(packed[:, 3], starts),
                ]
            )
        else:
            self._leaves = np.empty((0, 4))

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return int(self.rows.nbytes + self._leaves.nbytes)

    def count_near(self, box: np.ndarray) -> int:
        """Return how many boxes are in leaves that meet a box."""
        return int(np.count_nonzero(meets(self._leaves, box))) * _LEAF

    def search(self, box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Return the rows of leaves that meet a box, those outside it left out: (m,) int32.

        Args:
            box: (4,).
            boxes: (all rows, 4), where the row numbers point into.
        """
        leaves = np.flatnonzero(meets(self._leaves, box))
        if not len(leaves):
            return np.empty(0, np.int32)
        places = (leaves[:, None] * _LEAF + np.arange(_LEAF)).ravel()
        rows = self.rows[places[places < len(self.rows)]]
        return np.asarray(rows[meets(boxes[rows], box)])

    def search_each(self, searched: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Return the rows whose box meets one of many boxes: (m,) int32, a row more than once.

        Args:
            searched: (k, 4).
            boxes: (all rows, 4), where the row numbers point into.
        """
        if self._tree is None:
            self._tree = STRtree(shapely.box(*self._leaves.T))
        which, leaves = self._tree.query(shapely.box(*searched.T))
        places = (leaves[:, None] * _LEAF + np.arange(_LEAF)).ravel()
        whose = np.repeat(which, _LEAF)[places < len(self.rows)]
        rows = self.rows[places[places < len(self.rows)]]
        return np.asarray(rows[meets(boxes[rows], searched[whose].T)])


def meets(boxes: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return which boxes share a point with a box: (n,) bool; an empty one never does.

    Args:
        boxes: (n, 4).
        box: (4,), or (4, n) one for each.
    """
    west, south, east, north = box
    return np.asarray(
        (boxes[:, 0] <= east)
        & (boxes[:, 2] >= west)
        & (boxes[:, 1] <= north)
        & (boxes[:, 3] >= south)
    )


def _tile(boxes: np.ndarray) -> np.ndarray:
    """Return an order in which 64 boxes in a row lie close together."""
    count = len(boxes)
    leaves = math.ceil(count / _LEAF)
    slices = max(1, math.ceil(math.sqrt(leaves)))
    by_x = np.argsort(boxes[:, 0] + boxes[:, 2], kind="stable")
    slice_of = np.empty(count, np.int32)
    slice_of[by_x] = np.arange(count) // max(1, _LEAF * math.ceil(leaves / slices))
    return np.lexsort((boxes[:, 1] + boxes[:, 3], slice_of))
