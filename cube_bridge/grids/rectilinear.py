"""Grids whose rows and columns have one coordinate each: degrees, metres, a rotated pole."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyproj
import shapely

from cube_bridge.grids.covering import cover_cells, cover_regular, positions_in
from cube_bridge.grids.sphere import (
    SEAM,
    band_areas,
    outline,
    quadrilateral_areas,
    turned,
    within_globe,
)

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from cube_bridge.grids.grid import Window
    from kg.rdf.geometry import BBox

#: Points along each side of a window, where its sides are curves on the globe.
_SIDE = 33
#: How far an edge may be from where even ones are, as a share of a step: single precision.
_EVEN = 1e-2
_AREA = 2
#: Metres in a degree of latitude, to compare resolutions.
_DEGREE_M = 111_320.0
#: Degrees between points of a side that is brought to another plane.
_DENSE = 0.25


@dataclass(frozen=True, kw_only=True)
class RectilinearGrid:
    """Rows and columns of a plane; see `Grid`."""

    dims: tuple[str, str]
    crs: pyproj.CRS
    time: str | None
    x_edges: np.ndarray
    """(columns + 1,) borders of the cells, in the order of the cube, in the units of the CRS."""
    y_edges: np.ndarray
    """(rows + 1,)"""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.y_edges) - 1, len(self.x_edges) - 1

    @cached_property
    def is_lonlat(self) -> bool:
        """Return whether the coordinates are longitudes and latitudes themselves."""
        return self.crs.is_geographic and not self.crs.is_derived

    @cached_property
    def _to_globe(self) -> pyproj.Transformer:
        return pyproj.Transformer.from_crs(self.crs, "OGC:CRS84", always_xy=True)

    @cached_property
    def _is_even(self) -> bool:
        """Return whether all cells are of the same size in the plane."""
        for edges in (self.x_edges, self.y_edges):
            even = np.linspace(edges[0], edges[-1], len(edges))
            if np.abs(edges - even).max() > _EVEN * abs(even[1] - even[0]):
                return False
        return True

    @property
    def side_m(self) -> float:
        """Side of a typical cell in metres, as if it were a square."""
        x, y = (float(np.median(np.abs(np.diff(e)))) for e in (self.x_edges, self.y_edges))
        if not self.crs.is_geographic:
            return float(np.sqrt(x * y)) * self.crs.axis_info[0].unit_conversion_factor
        middle = float(np.mean(self.y_edges)) if self.is_lonlat else 0.0
        return float(np.sqrt(x * y * max(np.cos(np.radians(middle)), 1e-3))) * _DEGREE_M

    def footprint(self, window: Window) -> BaseGeometry:
        """See `Grid.footprint`."""
        x, y = self._edges(window)
        if self.is_lonlat:
            (west, east), (south, north) = sorted((x[0], x[-1])), sorted((y[0], y[-1]))
            if east - west >= 360 - 1e-9:
                west, east = -180.0, 180.0
            if west == east and south == north:
                # One cell of which nothing says how large it is.
                return shapely.Point((west + SEAM) % 360 - SEAM, south)
            return within_globe(shapely.box(west, south, east, north))
        return outline(*self._ring(x, y))

    @property
    def is_on_globe(self) -> bool:
        """Return whether the whole border of the grid has a place on the globe."""
        return self.is_lonlat or bool(np.isfinite(self._ring(self.x_edges, self.y_edges)).all())

    def _ring(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return longitudes and latitudes, (n,) degrees, along the border of a part."""
        xs, ys = np.linspace(x[0], x[-1], _SIDE), np.linspace(y[0], y[-1], _SIDE)
        ring_x = np.concatenate([xs, np.full(_SIDE, x[-1]), xs[::-1], np.full(_SIDE, x[0])])
        ring_y = np.concatenate([np.full(_SIDE, y[0]), ys, np.full(_SIDE, y[-1]), ys[::-1]])
        longitudes, latitudes = self._to_globe.transform(ring_x, ring_y)
        return longitudes, latitudes

    def windows(self, geometry: BaseGeometry) -> list[Window]:
        """See `Grid.windows`."""
        # Sides that are straight in degrees bulge in another plane.
        dense = geometry if self.is_lonlat else shapely.segmentize(geometry, _DENSE)
        found = [self._around(g.bounds) for g in self._in_plane(dense)]
        return _merged([w for w in found if w is not None])

    def positions_in(self, box: BBox) -> tuple[np.ndarray, ...]:
        """See `Grid.positions_in`."""
        if not self.is_lonlat:
            return positions_in(self, box)
        x, y = (_middles(e) for e in (self.x_edges, self.y_edges))
        columns = np.flatnonzero((x - box.west) % 360 <= box.east - box.west)
        return np.flatnonzero((y >= box.south) & (y <= box.north)), columns

    def coverage(self, geometry: BaseGeometry, window: Window) -> np.ndarray:
        """See `Grid.coverage`."""
        x, y = self._edges(window)
        shares = np.zeros((len(y) - 1, len(x) - 1))
        for moved in self._in_plane(geometry):
            if _dimension(moved) == _AREA and self._is_even:
                shares += cover_regular(moved, x, y)
            else:
                shares += cover_cells(moved, _boxes(x, y))
        return np.asarray(np.minimum(shares, 1.0))

    def contains(self, geometry: BaseGeometry, window: Window) -> np.ndarray:
        """See `Grid.contains`."""
        x, y = (_middles(e) for e in self._edges(window))
        inside = np.zeros((len(y), len(x)), bool)
        for moved in self._in_plane(geometry):
            inside |= shapely.contains_xy(moved, x[None, :], y[:, None])
        return inside

    def areas(self, window: Window) -> np.ndarray:
        """See `Grid.areas`."""
        x, y = self._edges(window)
        if self.is_lonlat:
            return band_areas(x, y)
        return quadrilateral_areas(*self._to_globe.transform(*np.meshgrid(x, y)))

    def centres(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """See `Grid.centres`."""
        x, y = np.meshgrid(*(_middles(e) for e in self._edges(window)))
        longitudes, latitudes = (x, y) if self.is_lonlat else self._to_globe.transform(x, y)
        return (np.asarray(longitudes) + 180.0) % 360.0 - 180.0, np.asarray(latitudes)

    def cells(self, window: Window) -> np.ndarray:
        """See `Grid.cells`."""
        x, y = self._edges(window)
        if self.is_lonlat:
            boxes = _boxes(x, y)
            beyond = np.minimum(x[:-1], x[1:]) < -SEAM, np.maximum(x[:-1], x[1:]) > SEAM
            for column in np.flatnonzero(beyond[0] | beyond[1]):
                boxes[:, column] = [within_globe(b) for b in boxes[:, column]]
            return boxes
        longitudes, latitudes = self._to_globe.transform(*np.meshgrid(x, y))
        return quadrilaterals(longitudes, latitudes)

    def _edges(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Return the borders of the cells of a window: x (columns + 1,) and y (rows + 1,)."""
        rows, columns = window
        return (
            self.x_edges[columns.start : columns.stop + 1],
            self.y_edges[rows.start : rows.stop + 1],
        )

    def _in_plane(self, geometry: BaseGeometry) -> list[BaseGeometry]:
        """Return a geometry in the plane of the grid; moved to each turn of it that it meets."""
        west, east = sorted((float(self.x_edges[0]), float(self.x_edges[-1])))
        if self.is_lonlat:
            return turned(geometry, west, east)
        moved = shapely.transform(
            geometry,
            lambda c: np.column_stack(
                self._to_globe.transform(c[:, 0], c[:, 1], direction="INVERSE")
            ),
        )
        finite = np.isfinite(shapely.get_coordinates(moved)).all()
        if not finite:
            # A part of it is beyond the projection: only what lies under the grid is asked for.
            ground = self.footprint(tuple(slice(0, n) for n in self.shape))
            near = shapely.intersection(geometry, ground)
            return [] if near.is_empty else self._in_plane(near)
        return turned(moved, west, east) if self.crs.is_geographic else [moved]

    def _around(self, bounds: tuple[float, float, float, float]) -> Window | None:
        west, south, east, north = bounds
        columns = cells_between(self.x_edges, west, east)
        rows = cells_between(self.y_edges, south, north)
        return None if rows is None or columns is None else (rows, columns)


def quadrilaterals(longitudes: np.ndarray, latitudes: np.ndarray) -> np.ndarray:
    """Return cells as polygons: (rows, columns) objects, from (rows + 1, columns + 1) degrees."""
    corners = np.stack([longitudes, latitudes], axis=-1)
    rings = np.stack(
        [corners[:-1, :-1], corners[:-1, 1:], corners[1:, 1:], corners[1:, :-1], corners[:-1, :-1]],
        axis=2,
    )
    rings[..., 0] = np.unwrap(rings[..., 0], period=360.0, axis=2)
    cells = np.asarray(shapely.polygons(rings))
    beyond = (rings[..., 0] < -SEAM).any(axis=2) | (rings[..., 0] > SEAM).any(axis=2)
    for place in zip(*np.nonzero(beyond), strict=True):
        cells[place] = within_globe(cells[place])
    return cells


def _middles(edges: np.ndarray) -> np.ndarray:
    """Return the middles of cells, (n,), from their borders, (n + 1,)."""
    return np.asarray(edges[:-1] + np.diff(edges) / 2)


def _boxes(x_edges: np.ndarray, y_edges: np.ndarray) -> np.ndarray:
    """Return cells as boxes in their plane, (rows, columns) objects, from (n + 1,) borders."""
    x0, x1 = np.minimum(x_edges[:-1], x_edges[1:]), np.maximum(x_edges[:-1], x_edges[1:])
    y0, y1 = np.minimum(y_edges[:-1], y_edges[1:]), np.maximum(y_edges[:-1], y_edges[1:])
    return np.asarray(shapely.box(x0[None, :], y0[:, None], x1[None, :], y1[:, None]))


def cells_between(edges: np.ndarray, low: float, high: float) -> slice | None:
    """Return the cells that an interval touches, of (n + 1,) borders; None where there are none."""
    ascending = edges if edges[-1] >= edges[0] else edges[::-1]
    count = len(edges) - 1
    if high < ascending[0] or low > ascending[-1]:
        return None
    first = max(int(np.searchsorted(ascending, low, side="right")) - 1, 0)
    last = min(int(np.searchsorted(ascending, high, side="left")), count)
    # On the last border itself the last cell is touched.
    first, last = min(first, count - 1), max(last, min(first, count - 1) + 1)
    return slice(first, last) if ascending is edges else slice(count - last, count - first)


def _merged(windows: list[Window]) -> list[Window]:
    """Return windows of which none overlaps another."""
    found: list[Window] = []
    for rows, columns in windows:
        near = [w for w in found if columns.start < w[1].stop and w[1].start < columns.stop]
        found = [w for w in found if w not in near]
        found.append(
            (_around([rows, *(w[0] for w in near)]), _around([columns, *(w[1] for w in near)]))
        )
    return found


def _around(slices: list[slice]) -> slice:
    return slice(min(s.start for s in slices), max(s.stop for s in slices))


def _dimension(geometry: BaseGeometry) -> int:
    return int(max(shapely.get_dimensions(shapely.get_parts(geometry)), default=-1))
