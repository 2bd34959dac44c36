"""Units of measure by IRI: QUDT, OGC and EPSG.

A unit is a length (its factor in metres), an angle (in radians), an area (in square
metres), or unity, which stands for the unit of the reference system's own axes.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from kg.geosparql.errors import UnknownUnitError

# Exact by definition: NIST Special Publication 811 (2008), appendix B.8; the US survey foot
# is 1200/3937 m.
_FOOT, _US_FOOT, _MILE = 0.3048, 1200 / 3937, 1609.344
_LENGTHS = {
    "M": 1.0,
    "KiloM": 1e3,
    "HectoM": 1e2,
    "DecaM": 10.0,
    "DeciM": 0.1,
    "CentiM": 1e-2,
    "MilliM": 1e-3,
    "MicroM": 1e-6,
    "NanoM": 1e-9,
    "MegaM": 1e6,
    "FT": _FOOT,
    "IN": _FOOT / 12,
    "YD": 3 * _FOOT,
    "MI": _MILE,
    "MI_N": 1852.0,
    "FT_US": _US_FOOT,
    "MI_US": 5280 * _US_FOOT,
    "FATH": 6 * _US_FOOT,
    "CH": 66 * _US_FOOT,
    "ROD": 16.5 * _US_FOOT,
    "FUR": 660 * _US_FOOT,
}
_ANGLES = {
    "RAD": 1.0,
    "DEG": math.pi / 180,
    "GRAD": math.pi / 200,
    "GON": math.pi / 200,
    "ARCMIN": math.pi / 10_800,
    "ARCSEC": math.pi / 648_000,
    "REV": 2 * math.pi,
    "MilliRAD": 1e-3,
    "MicroRAD": 1e-6,
}
_AREAS = {
    "M2": 1.0,
    "KiloM2": 1e6,
    "HectoM2": 1e4,
    "DecaM2": 1e2,
    "DeciM2": 1e-2,
    "CentiM2": 1e-4,
    "MilliM2": 1e-6,
    "MicroM2": 1e-12,
    "HA": 1e4,
    "ARE": 1e2,
    "FT2": _FOOT**2,
    "IN2": (_FOOT / 12) ** 2,
    "YD2": (3 * _FOOT) ** 2,
    "MI2": _MILE**2,
    "AC": 43_560 * _US_FOOT**2,
}
_OGC_LENGTHS = {"metre": 1.0, "meter": 1.0, "kilometre": 1e3, "kilometer": 1e3}
_OGC_ANGLES = {"degree": math.pi / 180, "radian": 1.0}
_OGC_AREAS = {"squareMetre": 1.0, "squareMeter": 1.0, "square_metre": 1.0}
_UNITY = {"unity", "GridSpacing"}

_QUDT = re.compile(r"https?://(?:www\.)?qudt\.org/vocab/unit[/#](?P<name>[\w-]+)")
_OGC = re.compile(
    r"(?:https?://(?:www\.)?opengis\.net/def/uom/OGC/[\w.]+/|urn:ogc:def:uom:OGC:[\w.]*:)"
    r"(?P<name>\w+)"
)
_EPSG = re.compile(
    r"(?:https?://(?:www\.)?opengis\.net/def/uom/EPSG/[\w.]+/|urn:ogc:def:uom:EPSG:[\w.]*:)"
    r"(?P<name>\d+)"
)


class Kind(Enum):
    """What a unit measures."""

    LENGTH = "length"
    ANGLE = "angle"
    AREA = "area"
    UNITY = "unity"


_EPSG_KINDS = {"linear": Kind.LENGTH, "angular": Kind.ANGLE, "scale": Kind.UNITY}


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A unit of measure."""

    kind: Kind
    factor: float
    """Metres, radians or square metres in one unit; 1 for unity."""


METRE = Unit(kind=Kind.LENGTH, factor=1.0)
SQUARE_METRE = Unit(kind=Kind.AREA, factor=1.0)


@lru_cache(maxsize=256)
def unit_of(iri: str) -> Unit:
    """Return the unit with an IRI.

    Raises:
        UnknownUnitError: Nobody has defined it, or it measures none of these.
    """
    unit = None
    if match := _QUDT.fullmatch(iri):
        unit = _named(match["name"], _LENGTHS, _ANGLES, _AREAS)
    elif match := _OGC.fullmatch(iri):
        unit = _named(match["name"], _OGC_LENGTHS, _OGC_ANGLES, _OGC_AREAS)
    elif match := _EPSG.fullmatch(iri):
        unit = _epsg_units().get(match["name"])
    if unit is None:
        raise UnknownUnitError(
            f"<{iri}> is no known unit; there are <http://qudt.org/vocab/unit/M>, "
            "<http://www.opengis.net/def/uom/OGC/1.0/metre> and the like"
        )
    return unit


def _named(
    name: str, lengths: dict[str, float], angles: dict[str, float], areas: dict[str, float]
) -> Unit | None:
    for kind, factors in ((Kind.LENGTH, lengths), (Kind.ANGLE, angles), (Kind.AREA, areas)):
        if name in factors:
            return Unit(kind=kind, factor=factors[name])
    return Unit(kind=Kind.UNITY, factor=1.0) if name in _UNITY or name == "UNITLESS" else None


@lru_cache(maxsize=1)
def _epsg_units() -> dict[str, Unit]:
    from pyproj.database import get_units_map  # noqa: PLC0415 -- slow to load, for few units

    return {
        unit.code: Unit(kind=_EPSG_KINDS[unit.category], factor=unit.conv_factor)
        for unit in get_units_map(auth_name="EPSG", allow_deprecated=True).values()
        if unit.category in _EPSG_KINDS
    }
