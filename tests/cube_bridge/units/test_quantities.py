import numpy as np
import pytest
from pyoxigraph import NamedNode

from cube_bridge.errors import UnitError
from cube_bridge.units.quantities import convert, unit, unit_of_spelling, unit_quads
from ontology.terms import expand


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("kg m-2 s-1", "unit:KiloGM-PER-M2-SEC"),
        ("kg m**-2 s**-1", "unit:KiloGM-PER-M2-SEC"),
        ("kg/m^2/s", "unit:KiloGM-PER-M2-SEC"),
        ("kg/(m2 s)", "unit:KiloGM-PER-M2-SEC"),
        ("W m-2", "unit:W-PER-M2"),
        ("W m⁻²", "unit:W-PER-M2"),
        ("watt / meter2", "unit:W-PER-M2"),
        ("1e-3", "unit:PPTH"),
        ("m**2 s**-2", "unit:M2-PER-SEC2"),
        ("m per second", "unit:M-PER-SEC"),
        ("hPa", "unit:HectoPA"),
        ("millibar", "unit:MilliBAR"),
        ("millibars", "unit:HectoPA"),
        ("degrees_Celsius", "unit:DEG_C"),
        ("%", "unit:PERCENT"),
        ("1", "unit:UNITLESS"),
        ("kg m-3", "unit:KiloGM-PER-M3"),
    ],
)
def test_spellings_of_a_unit_are_one_unit(spelling, expected):
    assert unit_of_spelling(spelling) == expand(expected)


@pytest.mark.parametrize(
    "spelling", ["bit field", "ids", "", "kg (m", "K)", "days since 2000", "/"]
)
def test_what_is_no_unit_is_none(spelling):
    assert unit_of_spelling(spelling) is None


@pytest.mark.parametrize(
    ("spelling", "multiplier"),
    [("mm/day", 1e-3 / 86400), ("mm day-1", 1e-3 / 86400), ("mm month-1", 1e-3 / 2629743.831225),
     ("1000 m3 s-1", 1e3), ("umol m-2 s-1", 1e-6), ("10^-6 kg", 1e-6)],
)  # fmt: skip
def test_a_unit_that_qudt_does_not_name_spells_itself_out(spelling, multiplier):
    iri = unit_of_spelling(spelling)
    assert iri.value.startswith("https://w3id.org/deepcube/unit/")
    assert unit(iri).multiplier == pytest.approx(multiplier, rel=1e-9)
    assert {q.predicate.value.split("/")[-1] for q in unit_quads(iri)} >= {"hasDimensionVector"}


def test_values_convert_between_units_of_one_dimension():
    per_day, per_hour = unit_of_spelling("mm/day"), expand("unit:MilliM-PER-HR")
    assert convert(24.0, per_day, per_hour) == pytest.approx(1.0)
    celsius = convert(np.array([273.15]), expand("unit:K"), expand("unit:DEG_C"))
    assert celsius == pytest.approx([0.0])
    with pytest.raises(UnitError, match="cannot be converted"):
        convert(1.0, per_day, expand("unit:K"))
    with pytest.raises(UnitError, match="unknown unit"):
        unit(NamedNode("http://example.org/furlong"))


def test_a_temperature_has_its_own_zero_only_alone():
    lapse = unit(unit_of_spelling("degC km-1"))
    assert (lapse.offset, lapse.multiplier) == (0.0, pytest.approx(1e-3))
