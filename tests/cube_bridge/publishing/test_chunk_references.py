"""References to the original bytes of the chunks that a selection touches."""

import json
import tarfile
import zipfile
from datetime import UTC, datetime

import fsspec
import numpy as np
import pytest
import xarray as xr
from pyoxigraph import NamedNode

from cube_bridge.errors import SelectionError
from cube_bridge.indexing.index import index_dataset, index_file
from cube_bridge.publishing.chunk_references import chunk_references, write_references
from kg.rdf.geometry import BBox
from tests.conftest import make_cube
from tests.laziness import nothing_computed

PERIOD = (datetime(2020, 1, 2, tzinfo=UTC), datetime(2020, 1, 7, tzinfo=UTC))
#: Rows 4 and 5 of 8, columns 5 and 6 of 10: in the last chunk of both.
BOX = BBox(west=12.3, south=49.3, east=13.2, north=50.2)


def written(kind, folder):
    cube = make_cube()
    chunked = cube.chunk(time=3, lat=4, lon=5)
    if kind == "netcdf 4":
        cube.to_netcdf(folder / "cube.nc", encoding={"ts": {"chunksizes": (3, 4, 5), "zlib": True}})
        return folder / "cube.nc"
    if kind == "netcdf 3":
        cube.to_netcdf(folder / "cube.nc", format="NETCDF3_64BIT", engine="netcdf4")
        return folder / "cube.nc"
    chunked.to_zarr(folder / "in" / "cube.zarr", zarr_format=2)
    if kind == "zarr":
        return folder / "in" / "cube.zarr"
    if kind == "zip":
        with zipfile.ZipFile(folder / "cube.zip", "w") as archive:
            for path in (folder / "in").rglob("*"):
                archive.write(path, path.relative_to(folder / "in"))
        return folder / "cube.zip"
    with tarfile.open(folder / "cube.tar", "w") as archive:
        archive.add(folder / "in" / "cube.zarr", "cube.zarr")
    return folder / "cube.tar"


def opened(path):
    mapper = fsspec.get_mapper("reference://", fo=json.loads(path.read_text()))
    return xr.open_zarr(mapper, consolidated=False)


@pytest.mark.parametrize("kind", ["netcdf 4", "netcdf 3", "zarr", "zip", "tar"])
def test_they_open_as_the_whole_chunks_of_the_selection(store, iris, tmp_path, kind):
    source = index_file(store, iris, written(kind, tmp_path)).source
    variable = NamedNode(f"{source.value}/variable/ts")
    with nothing_computed():
        references = chunk_references(store, [variable], BOX, *PERIOD)
    found = opened(write_references(references, tmp_path / "part.json"))
    first = (0, 0, 0) if kind == "netcdf 3" else (0, 4, 5)
    part = make_cube().isel(time=slice(first[0], 6), lat=slice(first[1], 6), lon=slice(first[2], 7))
    np.testing.assert_array_equal(found["ts"], part["ts"])
    for name in ("time", "lat", "lon"):
        np.testing.assert_array_equal(found[name], part[name])
    assert found["ts"].attrs["units"] == "K"
    chunks = [r for k, r in references["refs"].items() if k.startswith("ts/") and k[3].isdigit()]
    assert len(chunks) == (1 if kind == "netcdf 3" else 2)
    assert all(isinstance(r, list) for r in chunks)


def test_a_real_file_of_julian_days_is_referenced(store, iris, real_data, tmp_path):
    real_data("munich-land-surface-temperature")
    source = index_dataset(store, iris, "munich-land-surface-temperature").source
    variable = NamedNode(f"{source.value}/variable/lst-night-1km")
    begin, end = datetime(2022, 3, 1, tzinfo=UTC), datetime(2022, 3, 3, tzinfo=UTC)
    box = BBox(west=11.6, south=48.08, east=11.65, north=48.1)
    found = opened(
        write_references(chunk_references(store, [variable], box, begin, end), tmp_path / "r.json")
    )
    assert found["LST_Night_1km"].shape == (61, 9, 14)
    assert found["time"].to_numpy()[-1].strftime("%Y-%m-%d") == "2022-03-02"
    assert float(found["LST_Night_1km"].max()) > 260


def test_what_cannot_be_referenced_says_why(store, iris, tmp_path):
    make_cube().chunk(time=3).to_zarr(tmp_path / "three.zarr", zarr_format=3, consolidated=False)
    source = index_file(store, iris, tmp_path / "three.zarr").source
    three = NamedNode(f"{source.value}/variable/ts")
    with pytest.raises(SelectionError, match="only variables of NetCDF and of Zarr 2"):
        chunk_references(store, [three], BOX, *PERIOD)
    cubes = [("a", 4), ("b", 3)]
    variables = []
    for name, rows in cubes:
        make_cube().rename(ts=name).chunk(lat=rows).to_zarr(
            tmp_path / f"{name}.zarr", zarr_format=2
        )
        source = index_file(store, iris, tmp_path / f"{name}.zarr").source
        variables.append(NamedNode(f"{source.value}/variable/{name}"))
    with pytest.raises(SelectionError, match="other chunks"):
        chunk_references(store, variables, BOX, *PERIOD)
    far = BBox(west=-50, south=0, east=-49, north=1)
    with pytest.raises(SelectionError, match="no cell in the region"):
        chunk_references(store, variables[:1], far, *PERIOD)
