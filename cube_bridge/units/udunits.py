"""Units as sources spell them: `kg m-2 s-1`, `mm/day`, `W m**-2`, `1e-3`.

The grammar is UDUNITS'; what a name means is pint's to say. pint could read whole spellings, but
it calculates what it reads: `9**9**9` in a file would keep it busy for ever.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pint


#: Amount, current, length, luminous intensity, mass, temperature, time: QUDT's order.
_AXES = "AELIMHT"
Exponents = tuple[Fraction, ...]
_NO_EXPONENTS: Exponents = (Fraction(0),) * len(_AXES)


@dataclass(frozen=True, kw_only=True)
class ParsedUnit:
    """What the spelling of a unit means: its factors, and its size in base units."""

    canonical: str
    """The same in one way of writing: number, then factors with exponents, joined by dots."""
    multiplier: float
    offset: float
    """SI value = (value + offset) * multiplier."""
    exponents: Exponents

    @property
    def dimension(self) -> str:
        """QUDT's dimension vector."""
        vector = "".join(f"{a}{_shown(e)}" for a, e in zip(_AXES, self.exponents, strict=True))
        return f"http://qudt.org/vocab/dimensionvector/{vector}D{int(not any(self.exponents))}"


def parse_unit(spelling: str) -> ParsedUnit | None:
    """Return what a spelling means by UDUNITS' rules; None where it is no unit."""
    factors = _factors(spelling)
    if not factors:
        return None
    number, size, exponents, offset = 1.0, 1.0, _NO_EXPONENTS, 0.0
    names: list[str] = []
    for name, power in factors:
        if name[0].isdigit():
            number *= float(name) ** float(power)
            continue
        known = _known(name)
        if known is None:
            return None
        own_size, own, own_offset = known
        size *= own_size ** float(power)
        exponents = tuple(a + power * b for a, b in zip(exponents, own, strict=True))
        # A temperature has a zero of its own only where it stands alone: not in K m-1.
        offset = own_offset if len(factors) == 1 and power == 1 else 0.0
        names.append(name if power == 1 else f"{name}{_shown(power)}")
    if number != 1 or not names:
        names.insert(0, repr(number))
    return ParsedUnit(
        canonical=".".join(names), multiplier=number * size, offset=offset, exponents=exponents
    )


_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number> \d+(?:\.\d+)?(?:[eE][+-]?\d+)? )(?:(?:\^|\*\*)(?P<of> [+-]?\d+ ))?
    | (?P<name> [A-Za-zµμ°%Ωº'"]+(?:_[A-Za-z]+)* )
      (?:(?:\^|\*\*)?\(?(?P<power> [+-]?\d+(?:\.\d+)? )\)?)?
    | (?P<by> / ) | (?P<times> \*(?!\*) | [.·\u00d7] ) | (?P<open> \( ) | (?P<close> \) )
    )""",
    re.VERBOSE,
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_PER = {"per"}


def _factors(spelling: str) -> list[tuple[str, Fraction]]:
    """Return the factors of a product, in order, with their exponents; none if it is none."""
    text = spelling.translate(_SUPERSCRIPTS).strip()
    found: list[tuple[str, Fraction]] = []
    place, sign = 0, 1
    signs: list[int] = []
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None or token.end() == place:
            return []
        place = token.end()
        if token["by"] or token["name"] in _PER:
            sign = -sign if signs and signs[-1] < 0 else -1
            continue
        if token["open"]:
            signs.append(sign)
            continue
        if token["close"]:
            if not signs:
                return []
            signs.pop()
            sign = 1
            continue
        if token["times"]:
            continue
        outer = signs[-1] if signs else 1
        if token["number"]:
            found.append((token["number"], Fraction(token["of"] or 1) * (sign or outer)))
        else:
            found.append((token["name"], Fraction(token["power"] or 1) * sign))
        sign = outer
    return [] if signs else found


@cache
def _known(name: str) -> tuple[float, Exponents, float] | None:
    """Return size, exponents and offset of a name with its prefix; None where it is no unit."""
    registry = _registry()
    found = _named(name)
    if found is None:
        return None
    unit = registry.UnitsContainer({found: 1})
    dimensions = registry.get_dimensionality(unit)
    if not set(dimensions) <= set(_DIMENSIONS):
        return None
    factor, base = registry.get_base_units(unit, check_nonmult=False)
    size = float(factor)  # type: ignore[arg-type]  # any kind of number, a float in this registry
    zero, one, two = (float(registry.convert(n, unit, base)) for n in (0.0, 1.0, 2.0))
    if not math.isclose(two - one, one - zero, rel_tol=1e-6):
        return None  # A logarithm, as dB.
    powers = {_DIMENSIONS[str(d)]: Fraction(str(e)) for d, e in dimensions.items()}
    exponents = tuple(powers.get(a, Fraction(0)) for a in _AXES)
    return _rounded(size), exponents, round(zero / size, _DIGITS_OF_ZEROS)


def _named(name: str) -> str | None:
    """Return what pint calls a unit; None for what is none, and for constants of nature."""
    singular = name.removesuffix("s") if len(name) > _SHORT else name
    own = _NAMES.get(name) or _NAMES.get(singular)
    if own is not None:
        return own
    for prefix, unit, _ in _registry().parse_unit_name(name):
        if not unit.endswith("_constant") and unit not in _CONSTANTS:
            return f"{prefix}{unit}"
    return None


def _rounded(size: float) -> float:
    """Return a size without what pint's multiplications added: a litre is 0.001 cubic metres."""
    return float(f"{size:.15g}")


@cache
def _registry() -> pint.UnitRegistry[float]:
    """Return pint's units, and those of UDUNITS that it lacks; read when first needed."""
    import pint  # noqa: PLC0415  # a second with its table, which queries need not wait for

    registry: pint.UnitRegistry[float] = pint.UnitRegistry()
    for definition in _DEFINITIONS:
        registry.define(definition)
    return registry


def _shown(exponent: Fraction) -> str:
    return str(exponent.numerator) if exponent.denominator == 1 else f"{float(exponent):g}"


#: QUDT's letters for pint's dimensions.
_DIMENSIONS = {
    "[substance]": "A",
    "[current]": "E",
    "[length]": "L",
    "[luminosity]": "I",
    "[mass]": "M",
    "[temperature]": "H",
    "[time]": "T",
}
#: Units of UDUNITS that pint lacks or measures otherwise: its year is the Julian one.
#: Source: UDUNITS-2, udunits2-accepted.xml and udunits2-common.xml.
_DEFINITIONS = (
    "udunits_year = 31556925.9747 * second",
    "udunits_month = udunits_year / 12",
    "sverdrup = 1e6 * meter ** 3 / second",
    "dobson = 4.46150e-4 * mole / meter ** 2",
    "practical_salinity_unit = 1e-3",
    "part_per_billion = 1e-9",
    "@alias gram = gramme",
    "@alias kelvin = Kelvin = deg_K",
)
#: What names mean that pint does not know or takes for something else: F for a farad, Sv for a
#: sievert. They are no aliases in its table, where other units are defined by them: eV by C.
_SPELLINGS = {
    "udunits_year": "year yr a",
    "udunits_month": "month mon",
    "sverdrup": "sverdrup Sv",
    "dobson": "dobson DU",
    "practical_salinity_unit": "psu",
    "ppm": "ppmv",
    "part_per_billion": "ppb ppbv",
    "millicandela": "mcd",
    "degree_Celsius": "C ºC °C celsius Celsius deg_C degree_C degrees_C degrees_Celsius",
    "degree_Fahrenheit": "F °F fahrenheit deg_F degree_F",
    "degree": "° arc_degree degree_true degrees_true degree_T degree_north degrees_north "
    "degree_east degrees_east",
    "percent": "%",
    "knot": "kt kn",
}
_NAMES = {name: unit for unit, names in _SPELLINGS.items() for name in names.split()}
#: Constants that pint counts among the units, beside those whose names end so.
_CONSTANTS = frozenset(
    {
        "avogadro_number", "electron_mass", "elementary_charge", "eulers_number", "ln10",
        "neutron_mass", "pi", "proton_mass", "speed_of_light", "tansec", "wien_u", "wien_x",
        "zeta",
    }
)  # fmt: skip
#: Names up to this length have no plural.
_SHORT = 3
#: The zero of Fahrenheit is 459.67, not 459.66999999999996.
_DIGITS_OF_ZEROS = 9
