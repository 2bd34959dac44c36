"""Well-Known Text of geometries (ISO 13249, OGC 06-103r4), without the IRI before it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import shapely

from kg.geosparql.errors import InvalidGeometryError

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

# Surfaces made of flat patches, which have no class of their own here.
_STAND_INS = {
    "TRIANGLE": "POLYGON",
    "TIN": "MULTIPOLYGON",
    "POLYHEDRALSURFACE": "MULTIPOLYGON",
    "MULTISURFACE": "MULTIPOLYGON",
    "MULTICURVE": "MULTILINESTRING",
}
# GEOS prints the shortest exact decimal, then cuts it to so many places, 16 by default.
_PLACES = 30
_STAND_IN = re.compile(rf"({'|'.join(_STAND_INS)})(?=Z|M|\b)", re.IGNORECASE)


def read_wkt(text: str) -> BaseGeometry:
    """Return the geometry of a text; coordinates are in the order of the text.

    Raises:
        InvalidGeometryError: The text is no WKT, or has arcs.
    """
    if match := _STAND_IN.match(text):
        text = _STAND_INS[match[1].upper()] + text[match.end() :]
    try:
        return shapely.from_wkt(text)
    except (shapely.errors.ShapelyError, NotImplementedError) as error:
        raise InvalidGeometryError(f"not a WKT geometry: {text[:60]!r}: {error}") from error


def write_wkt(shape: BaseGeometry) -> str:
    """Return the text of a geometry, each number in its shortest exact form."""
    return str(shapely.to_wkt(shape, rounding_precision=_PLACES, trim=True))
