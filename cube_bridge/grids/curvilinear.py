"""Grids whose every cell has a longitude and a latitude of its own: satellite swaths, models."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import shapely

from cube_bridge.grids.covering import cover_cells, positions_in
from cube_bridge.grids.rectilinear import quadrilaterals
from cube_bridge.grids.sphere import outline, quadrilateral_areas

if TYPE_CHECKING:
    import pyproj
    from shapely.geometry.base import BaseGeometry

    from cube_bridge.grids.grid import Window
    from kg.rdf.geometry import BBox


@dataclass(frozen=True, kw_only=True)
class CurvilinearGrid:
    """Cells by their corners; see `Grid`."""

    dims: tuple[str, str]
    crs: pyproj.CRS
    time: str | None
    longitudes: np.ndarray
    """(rows + 1, columns + 1) degrees east of the corners; NaN where nothing is known."""
    latitudes: np.ndarray
    """(rows + 1, columns + 1) degrees north."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.longitudes.shape[0] - 1, self.longitudes.shape[1] - 1

    @property
    def side_m(self) -> float:
        """Side of the cell in the middle in metres, as if it were a square."""
        middle = tuple(slice(n // 2, n // 2 + 1) for n in self.shape)
        return float(np.sqrt(np.median(self.areas(middle))))

    def footprint(self, window: Window) -> BaseGeometry:
        """See `Grid.footprint`."""
        longitudes, latitudes = self._corners(window)
        ring = [
            np.concatenate([a[0, :], a[1:, -1], a[-1, -2::-1], a[-2::-1, 0]])
            for a in (longitudes, latitudes)
        ]
        if np.isfinite(ring).all():
            return outline(*ring)
        cells = self.cells(window).ravel()
        return shapely.union_all(cells[~shapely.is_missing(cells)])

    def windows(self, geometry: BaseGeometry) -> list[Window]:
        """See `Grid.windows`."""
        west, south, east, north = geometry.bounds
        (x0, x1), (y0, y1) = self._boxes
        meets = np.zeros(self.shape, bool)
        for turn in (-360.0, 0.0, 360.0):
            meets |= (x0 + turn <= east) & (x1 + turn >= west)
        meets &= (y0 <= north) & (y1 >= south)
        rows, columns = np.flatnonzero(meets.any(axis=1)), np.flatnonzero(meets.any(axis=0))
        if not rows.size:
            return []
        return [
            (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
        ]

    def positions_in(self, box: BBox) -> tuple[np.ndarray, ...]:
        """See `Grid.positions_in`."""
        return positions_in(self, box)

    def coverage(self, geometry: BaseGeometry, window: Window) -> np.ndarray:
        """See `Grid.coverage`."""
        return cover_cells(geometry, self.cells(window))

    def contains(self, geometry: BaseGeometry, window: Window) -> np.ndarray:
        """See `Grid.contains`."""
        return np.asarray(shapely.contains_xy(geometry, *self.centres(window)))

    def areas(self, window: Window) -> np.ndarray:
        """See `Grid.areas`."""
        return quadrilateral_areas(*self._corners(window))

    def centres(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """See `Grid.centres`."""
        longitudes, latitudes = self._corners(window)
        x = np.unwrap(np.unwrap(longitudes, period=360, axis=0), period=360, axis=1)
        middle = [(a[:-1, :-1] + a[:-1, 1:] + a[1:, 1:] + a[1:, :-1]) / 4 for a in (x, latitudes)]
        return (middle[0] + 180.0) % 360.0 - 180.0, middle[1]

    def cells(self, window: Window) -> np.ndarray:
        """See `Grid.cells`."""
        longitudes, latitudes = self._corners(window)
        known = np.isfinite(longitudes) & np.isfinite(latitudes)
        cells = quadrilaterals(np.where(known, longitudes, 0.0), np.where(known, latitudes, 0.0))
        whole = known[:-1, :-1] & known[:-1, 1:] & known[1:, 1:] & known[1:, :-1]
        cells[~whole] = None
        return cells

    @cached_property
    def _boxes(self) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """The box around each cell: west, east, south, north, (rows, columns) degrees each."""
        boxes = []
        for a, period in ((self.longitudes, 360.0), (self.latitudes, None)):
            corners = np.stack([a[:-1, :-1], a[:-1, 1:], a[1:, 1:], a[1:, :-1]])
            if period is not None:
                corners = np.unwrap(corners, period=period, axis=0)
            boxes.append((corners.min(axis=0), corners.max(axis=0)))
        return boxes[0], boxes[1]

    def _corners(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Return longitude and latitude of a window's corners: (rows + 1, columns + 1) each."""
        rows, columns = (slice(s.start, s.stop + 1) for s in window)
        return self.longitudes[rows, columns], self.latitudes[rows, columns]
