"""Distances on the sphere."""

from __future__ import annotations

import numpy as np

#: Mean radius of the earth.
_RADIUS_KM = 6371.0


def great_circle_km(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Return the great-circle distances between points, (point, point).

    Args:
        longitude: (point,) degrees east.
        latitude: (point,) degrees north.
    """
    lon, lat = np.radians(longitude), np.radians(latitude)
    half = np.sin((lat[:, None] - lat) / 2) ** 2 + np.cos(lat[:, None]) * np.cos(lat) * (
        np.sin((lon[:, None] - lon) / 2) ** 2
    )
    return np.asarray(2 * _RADIUS_KM * np.arcsin(np.sqrt(np.clip(half, 0, 1))))
