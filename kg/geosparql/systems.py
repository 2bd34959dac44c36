"""Spatial reference systems by IRI: what they are, and which of their axes comes first.

Inside the program x is always easting or longitude, so a literal in a system whose first
axis is northing or latitude is swapped when read and swapped back when written.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from kg.geosparql.errors import InvalidGeometryError
from kg.rdf.geometry import CRS84

if TYPE_CHECKING:
    from pyproj import CRS, Geod

_SPELLINGS = [
    re.compile(pattern)
    for pattern in (
        r"https?://(?:www\.)?opengis\.net/def/crs/(?P<authority>\w+)/[\w.]+/(?P<code>\w+)/?",
        r"urn:(?:x-)?ogc:def:crs:(?P<authority>\w+):[\w.]*:(?P<code>\w+)",
        r"https?://(?:www\.)?opengis\.net/gml/srs/(?P<authority>epsg)\.xml#(?P<code>\d+)",
        r"(?P<authority>EPSG|epsg|OGC|IGNF|ESRI):(?P<code>\w+)",
    )
]
_SHORT = re.compile(r"(EPSG|epsg):(\d+)")
_NORTH_FIRST = {("north", "east"), ("south", "west")}
_CACHED_SYSTEMS = 512  # CRS objects are some kilobytes each


def srs_iri(name: str) -> str:
    """Return the IRI of a reference system that may be written in short, as EPSG:27700."""
    short = _SHORT.fullmatch(name)
    return f"http://www.opengis.net/def/crs/EPSG/0/{short[2]}" if short else name


@lru_cache(maxsize=_CACHED_SYSTEMS)
def crs_of(srs: str) -> CRS:
    """Return the reference system with an IRI.

    Raises:
        InvalidGeometryError: No register that we have knows it.
    """
    from pyproj import CRS  # noqa: PLC0415 -- slow to load, and CRS84 does without
    from pyproj.exceptions import CRSError  # noqa: PLC0415

    for spelling in _SPELLINGS:
        match = spelling.fullmatch(srs)
        if match:
            try:
                return CRS.from_authority(match["authority"].upper(), match["code"])
            except CRSError as error:
                raise InvalidGeometryError(f"no reference system <{srs}> is known") from error
    raise InvalidGeometryError(
        f"<{srs}> is no reference system; write it as http://www.opengis.net/def/crs/EPSG/0/4326"
    )


@lru_cache(maxsize=_CACHED_SYSTEMS)
def is_north_first(srs: str) -> bool:
    """Tell whether the system's own axis order is northing before easting."""
    if srs == CRS84:
        return False
    axes = crs_of(srs).axis_info
    if len(axes) < 2:
        raise InvalidGeometryError(f"<{srs}> has no two axes")
    first, second = axes[:2]
    # Polar systems have two axes in one direction; there the names decide, as in PROJ.
    named = first.name.lower().startswith("northing") and second.name.lower().startswith("easting")
    return (first.direction, second.direction) in _NORTH_FIRST or named


@lru_cache(maxsize=_CACHED_SYSTEMS)
def is_geographic(srs: str) -> bool:
    """Tell whether positions in the system are angles."""
    return srs == CRS84 or bool(crs_of(srs).is_geographic)


@lru_cache(maxsize=_CACHED_SYSTEMS)
def dimension_of(srs: str) -> int:
    """Return the number of axes."""
    return 2 if srs == CRS84 else len(crs_of(srs).axis_info)


@lru_cache(maxsize=_CACHED_SYSTEMS)
def axis_unit(srs: str) -> float:
    """Return the metres, or for a geographic system the radians, of one unit of its axes.

    Raises:
        InvalidGeometryError: The system is neither geographic nor projected.
    """
    crs = crs_of(srs)
    if crs.is_geocentric:
        raise InvalidGeometryError(f"<{srs}> has no plane to measure in: transform it first")
    return float(crs.axis_info[0].unit_conversion_factor)


@lru_cache(maxsize=_CACHED_SYSTEMS)
def geod_of(srs: str) -> Geod:
    """Return the ellipsoid on which a geographic system lies, for geodesic lines."""
    geod = crs_of(srs).get_geod()
    if geod is None:
        raise InvalidGeometryError(f"<{srs}> has no ellipsoid")
    return geod


@lru_cache(maxsize=_CACHED_SYSTEMS)
def is_same_system(one: str, other: str) -> bool:
    """Tell whether two IRIs name one system, the order of its axes aside."""
    return one == other or bool(crs_of(one).equals(crs_of(other), ignore_axis_order=True))
