import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cube_bridge.errors import DatasetUnavailableError, UnitError
from cube_bridge.kinds.datasets import locate, packaged_mapping, registry
from cube_bridge.units.quantities import convert, unit_of_spelling
from ml.use_cases.fire_danger.simulation import simulate
from ontology.terms import expand


@pytest.mark.parametrize("name", sorted(registry()))
def test_every_registered_data_set_is_pinned_and_mapped(name):
    entry = registry()[name]
    assert len(entry.url.split("/")[5]) == 40  # a full commit
    assert len(entry.sha256) == 64
    assert packaged_mapping(entry).source.license.startswith("https://")


@pytest.mark.parametrize("name", sorted(registry()))
def test_every_registered_file_has_the_registered_bytes(name, real_data):
    assert real_data(name).is_file()


def test_a_file_that_is_not_in_the_folder_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("DEEPCUBE_DATA", str(tmp_path))
    with pytest.raises(DatasetUnavailableError, match=r"munich_ndvi.*is not there"):
        locate("munich-ndvi")
    (tmp_path / "cubes").mkdir()
    (tmp_path / registry()["munich-ndvi"].local).write_text("another file")
    with pytest.raises(DatasetUnavailableError, match="sha256"):
        locate("munich-ndvi")


def test_without_a_network_the_message_says_what_to_do(monkeypatch):
    monkeypatch.delenv("DEEPCUBE_DATA", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(DatasetUnavailableError, match="set DEEPCUBE_DATA"):
        locate("munich-ndvi")


@given(st.floats(-200, 200))
def test_converting_there_and_back_changes_nothing(value):
    c, f, k = (expand(f"unit:{u}") for u in ("DEG_C", "DEG_F", "K"))
    assert convert(convert(value, c, f), f, c) == pytest.approx(value, abs=1e-9)
    assert convert(value, c, k) == pytest.approx(value + 273.15)


def test_units_convert_as_arrays_and_refuse_nonsense():
    kmh, ms = expand("unit:KiloM-PER-HR"), expand("unit:M-PER-SEC")
    np.testing.assert_allclose(convert(np.array([36.0, 72.0]), kmh, ms), [10, 20])
    with pytest.raises(UnitError, match="cannot be converted"):
        convert(1.0, kmh, expand("unit:K"))
    with pytest.raises(UnitError, match=r"units\.ttl"):
        convert(1.0, kmh, expand("unit:FURLONG"))
    assert unit_of_spelling("kg  m-2 s-1") == expand("unit:KiloGM-PER-M2-SEC")
    assert unit_of_spelling("smidgens") is None


def test_the_simulation_is_the_same_each_time_and_says_that_it_is_one(tmp_path):
    first, second = simulate(tmp_path / "a"), simulate(tmp_path / "b")
    for a, b in zip(first, second, strict=True):
        assert a.mapping.source.simulated
        if a.path.suffix == ".csv":
            assert a.path.read_bytes() == b.path.read_bytes()


def test_a_shapefile_needs_the_files_that_belong_to_it(monkeypatch, tmp_path, real_data):
    shapefile = real_data("munich-districts")
    (tmp_path / "infra").mkdir()
    for suffix in (".shp", ".dbf", ".shx"):
        file = shapefile.with_suffix(suffix)
        (tmp_path / "infra" / file.name).write_bytes(file.read_bytes())
    monkeypatch.setenv("DEEPCUBE_DATA", str(tmp_path))
    with pytest.raises(DatasetUnavailableError, match=r"Dissolved\.prj is not there"):
        locate("munich-districts")
