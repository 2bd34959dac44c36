"""Geometries from one spatial reference system to another.

Each vertex is transformed; an edge stays straight in the system it is drawn in. Without
datum grids on the machine PROJ takes the best operation it has (OSGB36: about 2 m).
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from kg.geosparql import systems
from kg.geosparql.coordinates import map_coordinates
from kg.geosparql.errors import InvalidGeometryError

if TYPE_CHECKING:
    from pyproj import Transformer
    from shapely.geometry.base import BaseGeometry

    from kg.geosparql.literals import Geometry


def to_srs(geometry: Geometry, srs: str) -> Geometry:
    """Return the geometry in another reference system; the same one in its own.

    Raises:
        InvalidGeometryError: A system is unknown, or a point has no place in it.
    """
    if geometry.srs == srs:
        return geometry
    shape = _transformed(geometry.shape, geometry.srs, srs)
    return replace(geometry, shape=shape, srs=srs, is_srs_named=True, lexical=None)


def is_geographic(srs: str) -> bool:
    """Tell whether positions in the system are angles."""
    return systems.is_geographic(srs)


@lru_cache(maxsize=256)
def _transformer(source: str, target: str) -> Transformer | None:
    if systems.is_same_system(source, target):
        return None
    from pyproj import Transformer  # noqa: PLC0415 -- slow to load, and CRS84 does without

    return Transformer.from_crs(systems.crs_of(source), systems.crs_of(target), always_xy=True)


def _transformed(shape: BaseGeometry, source: str, target: str) -> BaseGeometry:
    transformer = None if source == target else _transformer(source, target)
    if transformer is None or shape.is_empty:
        return shape
    from pyproj.exceptions import ProjError  # noqa: PLC0415

    def project(positions: np.ndarray) -> np.ndarray:
        try:
            # Two columns or three: the stubs know no star.
            columns = transformer.transform(*positions.T, errcheck=True)  # type: ignore[call-overload]
        except ProjError as error:
            raise InvalidGeometryError(f"not possible from <{source}> to <{target}>") from error
        return np.column_stack(columns)

    moved = map_coordinates(shape, project)
    if not np.isfinite(moved.bounds).all():
        raise InvalidGeometryError(f"a point of <{source}> has no place in <{target}>")
    return moved
