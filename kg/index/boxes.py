"""Boxes packed for searching: a static R-tree of geoindex-rs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from geoindex_rs import rtree  # type: ignore[attr-defined]  # its stub names no members

from kg.index.columns import TAIL

if TYPE_CHECKING:
    from kg.index.columns import Columns


class PackedBoxes:
    """A set of boxes that does not change: (west, south, east, north), NaN for an empty one."""

    def __init__(self, rows: np.ndarray, boxes: np.ndarray) -> None:
        """Pack.

        Args:
            rows: (n,) whole numbers below 2**31, which a search returns for the boxes.
            boxes: (n, 4) float64: west, south, east, north; NaN for an empty one.
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
        """Return how many boxes meet a box, (4,)."""
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


class RowBoxes:
    """The boxes of rows, which grow at their end and are packed anew when many are new."""

    def __init__(self, rows: Columns) -> None:
        """Name the rows.

        Args:
            rows: Columns `box` (n, 4), `system` (n,) and `alive` (n,), which will grow.
        """
        self._rows = rows
        self._spans: dict[int, tuple[float, float]] = {}
        self._spans_version = -1
        self.reset()

    def reset(self) -> None:
        """Forget what is packed: rows have moved."""
        self._packed: dict[int, PackedBoxes] = {}
        self._count = 0

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return sum(p.nbytes for p in self._packed.values())

    def search(self, searched: np.ndarray, system: int) -> np.ndarray:
        """Return the rows of an SRS whose box meets one of some boxes in that SRS: (m,) int32.

        Args:
            searched: (4,), or (k, 4): then a row may come more than once.
            system: The number of the SRS.
        """
        self._pack()
        boxes = self._rows["box"]
        tail = np.arange(self._count, self._rows.count, dtype=np.int32)
        tail = tail[self._rows["system"][tail] == system]
        found = [tail[meets(boxes[tail], box)] for box in np.atleast_2d(searched)]
        if system in self._packed:
            packed = self._packed[system]
            search = packed.search if searched.ndim == 1 else packed.search_each
            found.append(search(searched))
        rows = np.concatenate(found)
        return np.asarray(rows[self._rows["alive"][rows]])

    def count_near(self, box: np.ndarray, system: int) -> int:
        """Return about how many rows of an SRS a box, (4,), meets by theirs, rather too many."""
        self._pack()
        tail = self._rows.count - self._count
        return tail + (self._packed[system].count_near(box) if system in self._packed else 0)

    def span(self, system: int, version: int) -> tuple[float, float]:
        """Return the least and the greatest first coordinate of the rows of an SRS.

        Args:
            system: The number of the SRS.
            version: Changes when rows do.
        """
        if self._spans_version != version:
            self._spans, self._spans_version = {}, version
        if system not in self._spans:
            boxes = self._rows["box"][self._rows["system"] == system]
            full = boxes[~np.isnan(boxes[:, 0])]
            self._spans[system] = (
                (float(full[:, 0].min()), float(full[:, 2].max())) if len(full) else (0.0, 0.0)
            )
        return self._spans[system]

    def _pack(self) -> None:
        if self._rows.count - self._count <= max(TAIL, self._count // 16):
            return
        systems = self._rows["system"]
        for number in np.unique(systems).tolist():
            rows = np.flatnonzero(systems == number)
            self._packed[number] = PackedBoxes(rows, self._rows["box"][rows])
        self._count = self._rows.count
