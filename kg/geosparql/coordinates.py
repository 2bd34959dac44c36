"""Functions on all coordinates of a geometry, measures (M) kept."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Callable

    from shapely.geometry.base import BaseGeometry

# Types of Well-Known Binary: OGC 06-103r4, table 7; +1000 is Z, +2000 is M.
_WKB_POINT, _WKB_LINESTRING, _WKB_POLYGON = 1, 2, 3


def map_coordinates(
    shape: BaseGeometry, function: Callable[[np.ndarray], np.ndarray]
) -> BaseGeometry:
    """Return the geometry with its coordinates replaced.

    Args:
        shape: Any geometry.
        function: Takes and returns (n, 2) x, y or (n, 3) x, y, z; M is carried along.
    """
    if shape.has_m:
        return _map_measured(shape, function)
    return shapely.transform(shape, function, include_z=bool(shape.has_z))


def swapped(shape: BaseGeometry) -> BaseGeometry:
    """Return the geometry with x and y exchanged."""
    return map_coordinates(shape, _swap)


def is_finite(shape: BaseGeometry) -> bool:
    """Tell whether all x and y are numbers."""
    return bool(np.isfinite(shapely.get_coordinates(shape)).all())


def leaves(shape: BaseGeometry) -> list[BaseGeometry]:
    """Return the points, lines and polygons that a geometry is made of, without empty ones."""
    if hasattr(shape, "geoms"):
        return [leaf for part in shape.geoms for leaf in leaves(part)]
    return [] if shape.is_empty else [shape]


def format_number(value: float) -> str:
    """Return the shortest decimal that reads back as the same number."""
    return repr(float(value)).removesuffix(".0").replace("-0", "0", 1 if value == 0 else 0)


def _swap(xy: np.ndarray) -> np.ndarray:
    return xy[:, [1, 0, 2]] if xy.shape[1] > 2 else xy[:, ::-1]


def _map_measured(
    shape: BaseGeometry, function: Callable[[np.ndarray], np.ndarray]
) -> BaseGeometry:
    # shapely.transform drops M, so the coordinates are replaced in the binary form.
    data = bytearray(shapely.to_wkb(shape, byte_order=1, flavor="iso"))
    _map_wkb(data, 0, function)
    return shapely.from_wkb(bytes(data))


def _map_wkb(data: bytearray, at: int, function: Callable[[np.ndarray], np.ndarray]) -> int:
    (code,) = struct.unpack_from("<I", data, at + 1)
    at += 5
    kind, size = code % 1000, 3 + (code >= 3000)  # noqa: PLR2004
    if kind == _WKB_POINT:
        return _map_positions(data, at, 1, size, function)
    (count,) = struct.unpack_from("<I", data, at)
    at += 4
    if kind == _WKB_LINESTRING:
        return _map_positions(data, at, count, size, function)
    for _ in range(count):
        if kind == _WKB_POLYGON:
            (length,) = struct.unpack_from("<I", data, at)
            at = _map_positions(data, at + 4, length, size, function)
        else:
            at = _map_wkb(data, at, function)
    return at


def _map_positions(
    data: bytearray, at: int, count: int, size: int, function: Callable[[np.ndarray], np.ndarray]
) -> int:
    end = at + count * size * 8
    positions = np.frombuffer(data[at:end], "<f8").reshape(count, size)
    mapped = np.hstack([function(positions[:, :-1].copy()), positions[:, -1:]])
    data[at:end] = mapped.astype("<f8").tobytes()
    return end
