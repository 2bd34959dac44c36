"""Places that are points: stations, sites, cities along one dimension."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from cube_bridge.grids.covering import cover_cells, positions_in

if TYPE_CHECKING:
    import pyproj
    from shapely.geometry.base import BaseGeometry

    from cube_bridge.grids.grid import Window
    from kg.rdf.geometry import BBox


@dataclass(frozen=True, kw_only=True)
class StationGrid:
    """Points; see `Grid`. A point has no area: `areas` are 1, so that each weighs the same."""

    dims: tuple[str]
    crs: pyproj.CRS
    time: str | None
    longitudes: np.ndarray
    """(stations,) degrees east."""
    latitudes: np.ndarray
    """(stations,) degrees north."""

    @property
    def shape(self) -> tuple[int]:
        """How many stations."""
        return (len(self.longitudes),)

    @property
    def side_m(self) -> float:
        """See `Grid.side_m`: 0, for a station has no size."""
        return 0.0

    def footprint(self, window: Window) -> BaseGeometry:
        """See `Grid.footprint`: the points."""
        points = self.cells(window)
        return points[0] if len(points) == 1 else shapely.MultiPoint(points)

    def windows(self, geometry: BaseGeometry) -> list[Window]:
        """See `Grid.windows`."""
        west, south, east, north = geometry.bounds
        x, y = self.centres((slice(0, len(self.longitudes)),))
        inside = np.flatnonzero((x >= west) & (x <= east) & (y >= south) & (y <= north))
        return [(slice(int(inside[0]), int(inside[-1]) + 1),)] if inside.size else []

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
        return np.ones(len(self.longitudes[window[0]]))

    def centres(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """See `Grid.centres`."""
        return (self.longitudes[window[0]] + 180.0) % 360.0 - 180.0, self.latitudes[window[0]]

    def cells(self, window: Window) -> np.ndarray:
        """See `Grid.cells`."""
        return np.asarray(shapely.points(*self.centres(window)))
