"""Indexing looks at a source once: hashes, versions and findings are each computed once."""

from collections import Counter

import pooch
import pytest

from cube_bridge.cubes import opened
from cube_bridge.formats import opener
from cube_bridge.indexing.index import index_dataset, index_file
from cube_bridge.kinds.files import source_file


@pytest.fixture
def counted(monkeypatch):
    """Return a function that counts the calls of a public function from now on."""
    calls = Counter()

    def count(module, name):
        function = getattr(module, name)

        def counting(*arguments, **named):
            calls[name] += 1
            return function(*arguments, **named)

        monkeypatch.setattr(module, name, counting)
        return calls

    return count


@pytest.mark.parametrize("suffix", ["nc", "zarr"])
def test_a_cube_is_looked_at_once(store, iris, cube, tmp_path, counted, suffix):
    path = tmp_path / f"cube.{suffix}"
    cube.to_netcdf(path) if suffix == "nc" else cube.to_zarr(
        path, zarr_format=3, consolidated=False
    )
    for module, name in (
        (opener, "look_at"),
        (opener, "version_of"),
        (opener, "chunk_versions_of"),
        (opened, "findings_of"),
    ):
        calls = counted(module, name)
    assert index_file(store, iris, path).changed
    assert set(calls.values()) == {1}
    assert len(calls) == 4
    calls.clear()
    assert not index_file(store, iris, path).changed
    assert calls == {"look_at": 1, "version_of": 1}


def test_a_table_is_hashed_once(store, iris, weather_csv, series_mapping, counted):
    calls = counted(pooch, "file_hash")
    source = index_file(store, iris, weather_csv, series_mapping).source
    assert calls["file_hash"] == 1
    source_file(store, source)
    assert calls["file_hash"] == 2


def test_an_open_data_set_is_hashed_once(store, iris, real_data, counted):
    real_data("munich-districts")
    calls = counted(pooch, "file_hash")
    source = index_dataset(store, iris, "munich-districts").source
    assert calls["file_hash"] == 4  # the layer, and each of the files that belong to it
    calls.clear()
    source_file(store, source)
    assert calls["file_hash"] == 4
