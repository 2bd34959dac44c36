"""CellGeometry of H3, the discrete global grid, as shapes and back.

Read is `<https://w3id.org/dggs/h3> CELL (8928308280fffff)`, `CELLLIST ((a b c))`, and cells
without a keyword. The shape of cells is the union of their hexagons.

Written are the cells that a point or line runs through, and those whose centre lies in a
polygon (or that touch it, where there is none), so that cells come back as they were. The
resolution is that of the literal the shape came from or, for another shape, the finest that
needs no more than about 512 cells; points have the finest of all, 15 (half a metre).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from kg.geosparql.coordinates import leaves
from kg.geosparql.errors import InvalidGeometryError
from kg.geosparql.globe import region_inside

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

H3 = "https://w3id.org/dggs/h3"
_LITERAL = re.compile(
    r"\s*<https?://(?:w3id\.org/dggs/h3|(?:www\.)?h3geo\.org)[^>]*>\s*"
    r"(?:(?:ORDERED)?CELL(?:LIST)?\b)?(?:\s*EMPTY\s*|(?P<cells>[\s(),0-9a-f]*))",
    re.IGNORECASE,
)
_FINEST = 15
_MOST_CELLS = 512
_METRES_PER_DEGREE = 111_195.0  # of a great circle on a sphere of 6,371 km
_WIDEST = 90.0  # degrees; H3 reads an outline wider than 180 degrees as the other side


@dataclass(frozen=True, kw_only=True)
class CellGeometry:
    """What a DGGS text says."""

    shape: BaseGeometry
    """The union of the cells, in CRS84."""
    resolution: str
    """The resolution of the finest cell, empty without cells."""


def read_dggs(text: str) -> CellGeometry:
    """Return what a DGGS text says.

    Raises:
        InvalidGeometryError: It is no list of H3 cells.
    """
    match = _LITERAL.fullmatch(text)
    if match is None:
        raise InvalidGeometryError(f"no cells of <{H3}>: {text[:80]!r}")
    cells = _cells(match["cells"] or "")
    if not cells:
        return CellGeometry(shape=shapely.GeometryCollection(), resolution="")
    shape = shapely.union_all([_hexagon(cell) for cell in cells])
    return CellGeometry(shape=shape, resolution=str(max(map(_h3().get_resolution, cells))))


def write_dggs(shape: BaseGeometry, resolution: str = "") -> str:
    """Return the cells of a CRS84 shape, at a resolution from 0 to 15.

    Raises:
        InvalidGeometryError: It reaches beyond a pole.
    """
    _, south, _, north = shape.bounds
    if south < -90 or north > 90:  # noqa: PLR2004
        raise InvalidGeometryError(f"no cell is at latitude {south if south < -90 else north}")  # noqa: PLR2004
    level = int(resolution) if resolution else _fitting_resolution(shape)
    cells = sorted(
        {cell for part in leaves(shapely.force_2d(shape)) for cell in _cover(part, level)}
    )
    if not cells:
        return f"<{H3}> CELLLIST EMPTY"
    if len(cells) == 1:
        return f"<{H3}> CELL ({cells[0]})"
    return f"<{H3}> CELLLIST (({' '.join(cells)}))"


@cache
def _h3() -> Any:
    """Return the library, which is slow to load, and for few literals."""
    import h3  # type: ignore[import-untyped]  # noqa: PLC0415 -- ships no types

    return h3


def _cells(text: str) -> list[str]:
    cells = [token.lower() for token in re.findall(r"[0-9a-fA-F]+", text)]
    for cell in cells:
        if not _h3().is_valid_cell(cell):
            raise InvalidGeometryError(f"{cell} is no cell of H3")
    return cells


def _hexagon(cell: str) -> BaseGeometry:
    corners = np.array(_h3().cell_to_boundary(cell))[:, ::-1]
    return region_inside(np.vstack([corners, corners[:1]]))


def _fitting_resolution(shape: BaseGeometry) -> int:
    """Return the finest resolution at which a shape needs no more than about 512 cells."""
    if shape.is_empty or not shape.length:
        return _FINEST
    _, south, _, north = shape.bounds
    shrink = math.cos(math.radians((south + north) / 2))
    area = shape.area * shrink * _METRES_PER_DEGREE**2
    length = shape.length * _METRES_PER_DEGREE
    for level in range(_FINEST, 0, -1):
        inside = area / _h3().average_hexagon_area(level, unit="m^2")
        along = length / _h3().average_hexagon_edge_length(level, unit="m")
        if inside + along <= _MOST_CELLS:
            return level
    return 0


def _cover(part: BaseGeometry, level: int) -> list[str]:
    if isinstance(part, shapely.Point):
        return [_h3().latlng_to_cell(part.y, part.x, level)]
    if isinstance(part, shapely.LineString):
        return _cover_line(part, level)
    cells: list[str] = []
    for piece in _narrow(part):
        rings = [[(y, x) for x, y in ring.coords] for ring in (piece.exterior, *piece.interiors)]
        outline = _h3().LatLngPoly(*rings)
        cells += _h3().h3shape_to_cells_experimental(
            outline, level, contain="center"
        ) or _h3().h3shape_to_cells_experimental(outline, level, contain="overlap")
    return cells


def _cover_line(line: BaseGeometry, level: int) -> list[str]:
    step = _h3().average_hexagon_edge_length(level, unit="m") / _METRES_PER_DEGREE / 2
    positions = shapely.get_coordinates(shapely.segmentize(line, step))
    cells = [_h3().latlng_to_cell(y, x, level) for x, y in positions]
    return list(dict.fromkeys(cells))


def _narrow(polygon: BaseGeometry) -> list[BaseGeometry]:
    west, south, east, north = polygon.bounds
    if east - west <= _WIDEST:
        return [polygon]
    slices = [
        shapely.intersection(polygon, shapely.box(left, south, left + _WIDEST, north))
        for left in np.arange(west, east, _WIDEST)
    ]
    return [part for piece in slices for part in leaves(piece) if part.area]
