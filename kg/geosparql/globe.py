"""Rings on the globe as regions in longitude and latitude, and planes tangent to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from pyproj import Geod
    from shapely.geometry.base import BaseGeometry

WORLD = shapely.box(-180, -90, 180, 90)
_TURN = 360.0


def region_inside(ring: np.ndarray) -> BaseGeometry:
    """Return the region to the left of a ring on the globe, within -180 and 180 degrees.

    Args:
        ring: (n, 2) longitude and latitude, closed; no step longer than 180 degrees.

    Returns:
        A polygon, or several where the region crosses the antimeridian; one that holds a
        pole reaches up to latitude 90.
    """
    longitude = np.unwrap(ring[:, 0], period=_TURN)
    turns = round((longitude[-1] - longitude[0]) / _TURN)
    outline = np.column_stack([longitude, ring[:, 1]])
    if turns:
        # Once around: with the region to the left, eastwards is around the north pole.
        pole = 90.0 * turns
        outline = np.vstack([outline, [[longitude[-1], pole], [longitude[0], pole]]])
        return _within_world(shapely.Polygon(outline))
    region = _within_world(shapely.Polygon(outline))
    is_left_inside = shapely.is_ccw(shapely.LinearRing(outline))
    return region if is_left_inside else shapely.difference(WORLD, region)


def _within_world(polygon: BaseGeometry) -> BaseGeometry:
    if not polygon.is_valid:
        polygon = shapely.make_valid(polygon, method="structure")
    west, _, east, _ = polygon.bounds
    if west >= -180 and east <= 180:  # noqa: PLR2004
        return polygon
    turns = range(int((west - 180) // _TURN), int((east + 180) // _TURN) + 1)
    return shapely.union_all(
        [
            shapely.intersection(
                shapely.transform(polygon, lambda xy, back=turn * _TURN: xy - [back, 0]), WORLD
            )
            for turn in turns
        ]
    )


@dataclass(frozen=True, kw_only=True)
class TangentPlane:
    """The azimuthal equidistant plane: distances and directions from its centre are true."""

    longitude: float
    latitude: float
    geod: Geod

    @classmethod
    def amid(cls, shape: BaseGeometry, geod: Geod) -> TangentPlane:
        """Return the plane in the middle of a shape's vertices, wherever the antimeridian is."""
        longitude, latitude = np.radians(shapely.get_coordinates(shape).T)
        x, y, z = (
            float(part.mean())
            for part in (
                np.cos(latitude) * np.cos(longitude),
                np.cos(latitude) * np.sin(longitude),
                np.sin(latitude),
            )
        )
        return cls(
            longitude=float(np.degrees(np.arctan2(y, x))),
            latitude=float(np.degrees(np.arctan2(z, np.hypot(x, y)))),
            geod=geod,
        )

    def to_plane(self, positions: np.ndarray) -> np.ndarray:
        """Return (n, 2) metres east and north of the centre, of longitudes and latitudes."""
        longitude, latitude = np.array(positions.T)
        azimuth, _, distance = self.geod.inv(
            np.full_like(longitude, self.longitude),
            np.full_like(latitude, self.latitude),
            longitude,
            latitude,
        )
        angle = np.radians(azimuth)
        return np.column_stack([distance * np.sin(angle), distance * np.cos(angle)])

    def from_plane(self, positions: np.ndarray) -> np.ndarray:
        """Return (n, 2) longitudes and latitudes."""
        azimuth = np.degrees(np.arctan2(positions[:, 0], positions[:, 1]))
        distance = np.hypot(positions[:, 0], positions[:, 1])
        longitude, latitude, _ = self.geod.fwd(
            np.full_like(azimuth, self.longitude),
            np.full_like(azimuth, self.latitude),
            azimuth,
            distance,
        )
        return np.column_stack([longitude, latitude])
