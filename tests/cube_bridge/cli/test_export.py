"""The subcommand `deepcube export`, as people call it."""

import json

import fsspec
import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

from cube_bridge.cli.export import export
from cube_bridge.errors import SelectionError
from cube_bridge.indexing.index import index_file
from kg.embedded.store import EmbeddedStore
from kg.errors import StoreNotFoundError
from kg.rdf.iris import Iris
from kg.rows import select
from tests.conftest import make_cube


@pytest.fixture
def folder(tmp_path, cube_nc):
    """A store with two cubes of different grids."""
    make_cube(height=16, width=20, step=0.25).rename(ts="fine").to_netcdf(tmp_path / "fine.nc")
    with EmbeddedStore(tmp_path / "store") as store:
        index_file(store, Iris(), cube_nc)
        index_file(store, Iris(), tmp_path / "fine.nc")
    return tmp_path


TS = "http://localhost:8000/id/source/cube/variable/ts"
FINE = "http://localhost:8000/id/source/fine/variable/fine"


def run(folder, *arguments):
    return CliRunner().invoke(export, [*arguments, "--store", str(folder / "store")])


def test_a_selection_is_written_and_indexed(folder):
    region = "POLYGON((11 50, 12.6 50, 12.6 51, 11 51, 11 50))"
    out = folder / "both.zarr"
    result = run(
        folder, "--variable", TS, "--variable", FINE, "--region", region, "--from", "2020-01-02",
        "--to", "2020-01-04", "--grid", "EPSG:32632@10000", "--output", str(out), "--index",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "ts (time 2, y 12, x 12); fine (time 2, y 12, x 12)" in result.output
    assert "<http://localhost:8000/id/source/both>" in result.output
    with xr.open_zarr(out) as found:
        assert np.isfinite(found["ts"]).any()
        assert found.sizes["time"] == 2
    with EmbeddedStore(folder / "store") as store:
        assert len(select(store, "SELECT ?s { ?s a deep:Cube }")) == 3


def test_a_query_chooses_what_is_written(folder):
    out = folder / "one.zarr"
    result = run(
        folder, "--query", 'SELECT ?variable { ?variable deep:variableName "ts" }', "--output",
        str(out), "--title", "One",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    with xr.open_zarr(out) as found:
        np.testing.assert_array_equal(found["ts"], make_cube()["ts"])
        assert found.attrs["title"] == "One"


def test_references_are_written_in_place_of_a_cube(folder):
    out = folder / "part.json"
    arguments = ("--variable", TS, "--references", "--output", str(out))
    period = ("--from", "2020-01-02", "--to", "2020-01-04")
    result = run(
        folder, *arguments, "--region", "POLYGON((11 50, 12 50, 12 51, 11 51, 11 50))", *period
    )
    assert result.exit_code == 0, result.output
    assert "references to " in result.output
    assert "chunks where they lie" in result.output
    with EmbeddedStore(folder / "store") as store:
        source = index_file(store, Iris(), out).source
        assert len(select(store, f"SELECT ?v {{ ?v deep:variableOf {source} }}")) == 1
    again = run(folder, *arguments)
    assert isinstance(again.exception, SelectionError)
    assert "exists" in str(again.exception)
    assert run(folder, *arguments, "--replace").exit_code == 0
    mapper = fsspec.get_mapper("reference://", fo=json.loads(out.read_text()))
    with xr.open_zarr(mapper, consolidated=False) as found:
        np.testing.assert_array_equal(found["ts"], make_cube()["ts"])


def test_references_are_of_variables_as_they_lie(folder):
    out = ("--references", "--output", str(folder / "r.json"))
    assert "as they lie" in run(folder, "--variable", TS, "--grid", "finest", *out).output
    assert "as they lie" in run(folder, "--variable", TS, "--index", *out).output
    chunks = run(folder, "--query", "SELECT ?chunk { ?chunk a deep:Chunk }", *out)
    assert "name a ?variable" in str(chunks.exception)
    none = run(folder, "--query", "SELECT ?variable { ?variable a deep:Nothing }", *out)
    assert isinstance(none.exception, SelectionError)
    assert not (folder / "r.json").exists()


def test_wrong_arguments_say_what_is_right(folder):
    assert "--variable, or --query" in run(folder, "--output", "x.zarr").output
    both = run(folder, "--variable", TS, "--output", "x.zarr", "--grid", "fine grid")
    assert "EPSG:32632@250" in both.output
    both = run(folder, "--variable", TS, "--variable", FINE, "--output", str(folder / "x.zarr"))
    assert isinstance(both.exception, SelectionError)
    assert not (folder / "x.zarr").exists()


def test_a_store_that_is_not_there_is_not_made(tmp_path):
    result = run(tmp_path, "--variable", TS, "--output", str(tmp_path / "x.zarr"))
    assert isinstance(result.exception, StoreNotFoundError)
    assert list(tmp_path.iterdir()) == []
