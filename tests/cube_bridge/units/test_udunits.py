"""What pint says of units against what UDUNITS' own tables say of them."""

import subprocess
import sys
from importlib.resources import files

import pytest
import yaml

from cube_bridge.units.quantities import unit, unit_of_spelling
from cube_bridge.units.udunits import parse_unit

AXES = "AELIMHT"


def meant(size, *, offset=0.0, **exponents):
    return size, tuple(exponents.get(a, 0) for a in AXES), offset


#: Source: UDUNITS-2, udunits2-base.xml, -derived.xml, -accepted.xml and -common.xml.
PREFIXED = {
    "m meter metre": meant(1.0, L=1),
    "g gram gramme": meant(1e-3, M=1),
    "s sec second": meant(1.0, T=1),
    "K kelvin degK deg_K Kelvin": meant(1.0, H=1),
    "mol mole": meant(1.0, A=1),
    "A ampere": meant(1.0, E=1),
    "cd candela": meant(1.0, I=1),
    "Hz hertz": meant(1.0, T=-1),
    "N newton": meant(1.0, M=1, L=1, T=-2),
    "Pa pascal": meant(1.0, M=1, L=-1, T=-2),
    "J joule": meant(1.0, M=1, L=2, T=-2),
    "W watt": meant(1.0, M=1, L=2, T=-3),
    "V volt": meant(1.0, M=1, L=2, T=-3, E=-1),
    "bar": meant(1e5, M=1, L=-1, T=-2),
    "L l liter litre": meant(1e-3, L=3),
    "t tonne": meant(1e3, M=1),
    "eV": meant(1.602176634e-19, M=1, L=2, T=-2),
}
ALONE = {
    "degC deg_C celsius Celsius degree_Celsius degrees_Celsius degree_C degrees_C °C C ºC": meant(
        1.0, offset=273.15, H=1
    ),
    "degF deg_F fahrenheit degree_F °F F": meant(5 / 9, offset=459.67, H=1),
    "min minute": meant(60.0, T=1),
    "h hr hour": meant(3600.0, T=1),
    "d day": meant(86400.0, T=1),
    "month mon": meant(31556925.9747 / 12, T=1),
    "year yr a": meant(31556925.9747, T=1),
    "atm atmosphere": meant(101325.0, M=1, L=-1, T=-2),
    "knot kt kn": meant(1852 / 3600, L=1, T=-1),
    "ha hectare": meant(1e4, L=2),
    "ft foot feet": meant(0.3048, L=1),
    "in inch": meant(0.0254, L=1),
    "rad radian": meant(1.0),
    "sr steradian": meant(1.0),
    "deg degree degrees ° arc_degree degree_true degrees_true degree_north degrees_north "
    "degree_east degrees_east degree_T": meant(0.017453292519943295),
    "percent %": meant(0.01),
    "ppm ppmv": meant(1e-6),
    "ppb ppbv": meant(1e-9),
    "psu": meant(1e-3),
    "Sv sverdrup": meant(1e6, L=3, T=-1),
    "DU dobson": meant(4.46150e-4, A=1, L=-2),
}
PREFIXES = {
    "T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "h": 1e2, "da": 1e1, "d": 1e-1, "c": 1e-2,
    "m": 1e-3, "u": 1e-6, "\N{MICRO SIGN}": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15,
    "tera": 1e12, "giga": 1e9, "mega": 1e6, "kilo": 1e3, "hecto": 1e2, "deca": 1e1,
    "deci": 1e-1, "centi": 1e-2, "milli": 1e-3, "micro": 1e-6, "nano": 1e-9, "pico": 1e-12,
}  # fmt: skip
#: Of several readings pint takes another one: carat, tex, technical atmosphere, pint.
READ_OTHERWISE = {"ct", "Tt", "dat", "pt"}


def check(spelling, size, exponents, offset):
    found = parse_unit(spelling)
    assert found is not None, spelling
    assert found.canonical == spelling
    assert found.multiplier == pytest.approx(size, rel=1e-14, abs=0), spelling
    assert (found.exponents, found.offset) == (exponents, offset), spelling


@pytest.mark.parametrize(
    ("name", "expected"),
    [(n, m) for names, m in (PREFIXED | ALONE).items() for n in names.split()],
)
def test_a_name_means_what_udunits_says(name, expected):
    check(name, *expected)


def test_a_prefix_multiplies_a_name():
    for names, (size, exponents, _) in PREFIXED.items():
        for name in names.split():
            for prefix, times in PREFIXES.items():
                spelling = prefix + name
                if spelling not in READ_OTHERWISE and spelling not in ALONE_NAMES:
                    check(spelling, size * times, exponents, 0.0)


ALONE_NAMES = {n for names in ALONE for n in names.split()}


def test_words_have_plurals():
    for names, (size, exponents, offset) in (PREFIXED | ALONE).items():
        for name in names.split():
            if len(name) > 3 and name.isascii() and name.isalpha() and not name.endswith("s"):
                if name in {"foot", "inch", "hertz", "celsius", "Celsius", "ppmv", "ppbv"}:
                    continue
                check(name + "s", size, exponents, offset)


@pytest.mark.parametrize(
    ("spelling", "canonical", "multiplier"),
    [
        ("kg/(m2 s)", "kg.m-2.s-1", 1.0),
        ("1000 m3 s-1", "1000.0.m3.s-1", 1e3),
        ("10^-6 kg", "1e-06.kg", 1e-6),
        ("m per second", "m.second-1", 1.0),
        ("umol m-2 s-1", "umol.m-2.s-1", 1e-6),
        ("W m\N{SUPERSCRIPT MINUS}\N{SUPERSCRIPT TWO}", "W.m-2", 1.0),
        ("m0.5", "m0.5", 1.0),
        ("cm/yr", "cm.yr-1", 0.01 / 31556925.9747),
        ("keV m-3", "keV.m-3", 1.602176634e-16),
    ],
)
def test_products_keep_the_order_in_which_they_are_written(spelling, canonical, multiplier):
    found = parse_unit(spelling)
    assert found.canonical == canonical
    assert found.multiplier == pytest.approx(multiplier, rel=1e-14, abs=0)


@pytest.mark.parametrize(
    "spelling",
    ["k", "c", "R", "pi", "hbar m_e", "pixel", "dB", "bit field", "9**9**9**9", "m + s", "class"],
)
def test_constants_words_and_sums_are_no_units(spelling):
    assert parse_unit(spelling) is None


def test_more_units_than_the_common_ones_are_known():
    assert parse_unit("Bq m-3").dimension.endswith("A0E0L-3I0M0H0T-1D0")
    assert parse_unit("acre").multiplier == pytest.approx(4046.87, rel=1e-5)


def test_all_units_of_the_standard_names_are_units():
    text = (files("cube_bridge") / "standard_names.yaml").read_text(encoding="utf-8")
    for spelling in set(yaml.safe_load(text).values()):
        parsed = parse_unit(str(spelling))
        assert parsed is not None, spelling
        known = unit(unit_of_spelling(str(spelling)))
        assert known.dimension == parsed.dimension, spelling
        assert known.multiplier == pytest.approx(parsed.multiplier, rel=1e-12, abs=0), spelling


def test_what_needs_no_spelling_does_not_load_pint():
    code = (
        "import sys, cube_bridge.cubes.header, kg.embedded.store; sys.exit('pint' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
