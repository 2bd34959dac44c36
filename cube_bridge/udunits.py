"""Units as sources spell them: `kg m-2 s-1`, `mm/day`, `W m**-2`, `1e-3`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

#: Amount, current, length, luminous intensity, mass, temperature, time: QUDT's order.
_AXES = "AELIMHT"
Exponents = tuple[Fraction, ...]
_NO_EXPONENTS: Exponents = (Fraction(0),) * len(_AXES)


@dataclass(frozen=True, kw_only=True)
class ParsedUnit:
    """What a spelling means."""

    canonical: str
    """The same in one way of writing: number, then factors with exponents, joined by dots."""
    multiplier: float
    offset: float
    """SI value = (value + offset) * multiplier."""
    exponents: Exponents

    @property
    def dimension(self) -> str:
        """QUDT's dimension vector."""
        said = "".join(f"{a}{_shown(e)}" for a, e in zip(_AXES, self.exponents, strict=True))
        return f"http://qudt.org/vocab/dimensionvector/{said}D{int(not any(self.exponents))}"


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


def _known(name: str) -> tuple[float, Exponents, float] | None:
    if name in _UNITS:
        return _UNITS[name]
    for prefix in sorted(_PREFIXES, key=len, reverse=True):
        rest = name.removeprefix(prefix)
        if rest != name and rest in _PREFIXED:
            size, exponents, _ = _UNITS[rest]
            return size * _PREFIXES[prefix], exponents, 0.0
    singular = name.removesuffix("s")
    return _known(singular) if singular != name and len(singular) > 3 else None


def _shown(exponent: Fraction) -> str:
    return str(exponent.numerator) if exponent.denominator == 1 else f"{float(exponent):g}"


def _unit(size: float, *, offset: float = 0.0, **exponents: int) -> tuple[float, Exponents, float]:
    return size, tuple(Fraction(exponents.get(a, 0)) for a in _AXES), offset


#: Source: UDUNITS-2, udunits2-base.xml, -derived.xml, -accepted.xml and -common.xml.
_NAMES: dict[str, tuple[float, Exponents, float]] = {
    "m meter metre": _unit(1.0, L=1),
    "g gram gramme": _unit(1e-3, M=1),
    "s sec second": _unit(1.0, T=1),
    "K kelvin degK deg_K Kelvin": _unit(1.0, H=1),
    "mol mole": _unit(1.0, A=1),
    "A ampere": _unit(1.0, E=1),
    "cd candela": _unit(1.0, I=1),
    "Hz hertz": _unit(1.0, T=-1),
    "N newton": _unit(1.0, M=1, L=1, T=-2),
    "Pa pascal": _unit(1.0, M=1, L=-1, T=-2),
    "J joule": _unit(1.0, M=1, L=2, T=-2),
    "W watt": _unit(1.0, M=1, L=2, T=-3),
    "V volt": _unit(1.0, M=1, L=2, T=-3, E=-1),
    "bar": _unit(1e5, M=1, L=-1, T=-2),
    "L l liter litre": _unit(1e-3, L=3),
    "t tonne": _unit(1e3, M=1),
    "eV": _unit(1.602176634e-19, M=1, L=2, T=-2),
}
_ALONE: dict[str, tuple[float, Exponents, float]] = {
    "degC deg_C celsius Celsius degree_Celsius degrees_Celsius degree_C degrees_C °C C ºC": _unit(
        1.0, offset=273.15, H=1
    ),
    "degF deg_F fahrenheit degree_F °F F": _unit(5 / 9, offset=459.67, H=1),
    "min minute": _unit(60.0, T=1),
    "h hr hour": _unit(3600.0, T=1),
    "d day": _unit(86400.0, T=1),
    "month mon": _unit(31556925.9747 / 12, T=1),
    "year yr a": _unit(31556925.9747, T=1),
    "atm atmosphere": _unit(101325.0, M=1, L=-1, T=-2),
    "knot kt kn": _unit(1852 / 3600, L=1, T=-1),
    "ha hectare": _unit(1e4, L=2),
    "ft foot feet": _unit(0.3048, L=1),
    "in inch": _unit(0.0254, L=1),
    "rad radian": _unit(1.0),
    "sr steradian": _unit(1.0),
    "deg degree degrees ° arc_degree degree_true degrees_true degree_north degrees_north "
    "degree_east degrees_east degree_T": _unit(0.017453292519943295),
    "percent %": _unit(0.01),
    "ppm ppmv": _unit(1e-6),
    "ppb ppbv": _unit(1e-9),
    "psu": _unit(1e-3),
    "Sv sverdrup": _unit(1e6, L=3, T=-1),
    "DU dobson": _unit(4.46150e-4, A=1, L=-2),
}
_PREFIXED = {name: unit for names, unit in _NAMES.items() for name in names.split()}
_UNITS = _PREFIXED | {name: unit for names, unit in _ALONE.items() for name in names.split()}
#: Source: SI Brochure, 9th edition, table 7.
_PREFIXES = {
    "T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "h": 1e2, "da": 1e1, "d": 1e-1, "c": 1e-2,
    "m": 1e-3, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15,
    "tera": 1e12, "giga": 1e9, "mega": 1e6, "kilo": 1e3, "hecto": 1e2, "deca": 1e1,
    "deci": 1e-1, "centi": 1e-2, "milli": 1e-3, "micro": 1e-6, "nano": 1e-9, "pico": 1e-12,
}  # fmt: skip
