"""What all grids can say of their cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import pyproj
    from shapely.geometry.base import BaseGeometry

    from kg.rdf.geometry import BBox

#: Slices of cells, one for each spatial dimension.
Window = tuple[slice, ...]


class Grid(Protocol):
    """Cells on the Earth, along one or two dimensions of a cube.

    Geometries are in CRS84: longitude from -180 to 180, latitude, in degrees.
    """

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the dimensions: rows and columns, or the one of stations."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Cells along each of them."""

    @property
    def crs(self) -> pyproj.CRS:
        """Reference system of the coordinates as they are stored."""

    @property
    def time(self) -> str | None:
        """Name of the dimension of time; None for a cube without time."""

    @property
    def side_m(self) -> float:
        """Side of a typical cell in metres, as if it were a square; 0 for stations."""

    def footprint(self, window: Window) -> BaseGeometry:
        """Return the ground under a window, cut where it crosses 180 degrees."""

    def windows(self, geometry: BaseGeometry) -> list[Window]:
        """Return windows that hold every cell that a geometry touches.

        Two where the geometry crosses the seam of the longitudes, none where it lies outside.
        """

    def positions_in(self, box: BBox) -> tuple[np.ndarray, ...]:
        """Return where cells have their centre in a box: (n,) int64, ascending, a dimension."""

    def coverage(self, geometry: BaseGeometry, window: Window) -> np.ndarray:
        """Return how much of each cell of a window a geometry covers.

        Returns:
            float64 in the shape of the window: for areas the share of the cell inside, 0 to 1;
            for lines the share of the line's length that is in the cell; for points 1 where
            one lies in the cell.
        """

    def contains(self, geometry: BaseGeometry, window: Window) -> np.ndarray:
        """Return for which cells of a window the centre lies in an area: bool in its shape."""

    def areas(self, window: Window) -> np.ndarray:
        """Return the area of each cell of a window on the ellipsoid: float64 m2 in its shape."""

    def centres(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Return longitude and latitude of each cell's centre: degrees in the window's shape."""

    def cells(self, window: Window) -> np.ndarray:
        """Return each cell as a geometry: an object array in the shape of the window."""
