"""A selection of the graph as one lazy dataset."""

from datetime import UTC, datetime

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from pyoxigraph import NamedNode

from cube_bridge.errors import SelectionError
from cube_bridge.grids.reading import grid_of
from cube_bridge.indexing.index import index_file
from cube_bridge.kinds.mappings import parse_mapping
from cube_bridge.regridding.target_grid import GridSpec
from cube_bridge.selection.lazy_dataset import select_by_query, select_dataset
from kg.errors import QueryError, RegionError
from kg.rdf.geometry import BBox
from tests.conftest import make_cube
from tests.laziness import nothing_computed

ALWAYS = (datetime(1900, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
BOX = BBox(west=11, south=50, east=12.6, north=51)


def variable_of(source, name="ts"):
    return NamedNode(f"{source.value}/variable/{name}")


@pytest.fixture
def ts(store, iris, cube_nc):
    return variable_of(index_file(store, iris, cube_nc).source)


@pytest.fixture
def fine(store, iris, tmp_path):
    """The variable of a second cube: rain, twice as fine, upwards, on other days."""
    cube = make_cube(times=4, height=20, width=24, west=9.875, north=52.125, step=0.25)
    cube = cube.assign_coords(time=pd.date_range("2020-01-03", periods=4)).isel(
        lat=slice(None, None, -1)
    )
    cube = cube.rename(ts="rain", lat="latitude", lon="longitude").chunk(time=2, latitude=10)
    cube["rain"].attrs = {
        "standard_name": "precipitation_amount", "units": "kg m-2", "cell_methods": "time: sum",
    }  # fmt: skip
    cube.to_zarr(tmp_path / "fine.zarr", zarr_format=2)
    return variable_of(index_file(store, iris, tmp_path / "fine.zarr").source, "rain")


def test_a_selection_is_lazy_and_equals_a_slice(store, ts, cube):
    begin, end = datetime(2020, 1, 2, tzinfo=UTC), datetime(2020, 1, 4, tzinfo=UTC)
    with nothing_computed():
        found = select_dataset(store, [ts], BOX, begin, end)
    expected = cube["ts"].sel(
        time=slice("2020-01-02", "2020-01-03"), lat=slice(51, 50), lon=slice(11, 12.6)
    )
    assert found["ts"].dims == ("time", "lat", "lon")
    assert found["ts"].attrs["units"] == "K"
    xr.testing.assert_equal(found["ts"].compute().drop_vars("spatial_ref"), expected.drop_attrs())
    grid = grid_of(found, "ts")
    assert (grid.x_edges[0], grid.y_edges[0]) == (10.75, 51.25)


def test_variables_of_different_grids_ask_which_one(store, ts, fine):
    with pytest.raises(SelectionError, match=r"different grids; say onto which"):
        select_dataset(store, [ts, fine], BOX, *ALWAYS)


@pytest.mark.parametrize(
    ("grid", "step"), [("finest", 0.25), ("coarsest", 0.5), ("ts", 0.5), ("fine", 0.25)]
)
def test_variables_come_onto_the_grid_that_is_chosen(store, ts, fine, grid, step):
    chosen = {"ts": ts, "fine": fine}.get(grid, grid)
    with nothing_computed():
        found = select_dataset(store, [ts, fine], BOX, *ALWAYS, grid=chosen)
    assert found["ts"].dims[1:] == found["rain"].dims[1:]
    assert abs(np.diff(found["lon" if step == 0.5 else "longitude"]).mean()) == step
    assert np.isfinite(found["ts"]).all()
    assert np.isfinite(found["rain"]).all()


def test_the_graph_of_a_grid_of_its_own_reads_only_what_it_needs(store, ts, fine):
    spec = GridSpec(crs="EPSG:3035", resolution=20_000.0)
    with nothing_computed():
        found = select_dataset(store, [ts, fine], BOX, *ALWAYS, grid=spec)
    assert set(found["ts"].dims) == {"time", "y", "x"}
    assert found["spatial_ref"].attrs["GeoTransform"].split()[1] == "20000.0"
    grid = grid_of(found, "ts")
    assert grid.crs.to_epsg() == 3035
    assert grid.footprint(tuple(slice(0, n) for n in grid.shape)).covers(
        shapely.box(11.01, 50.01, 12.59, 50.99)
    )


def test_times_as_they_are_in_common_and_in_steps(store, ts, fine, cube):
    as_is = select_dataset(store, [ts, fine], BOX, *ALWAYS, grid="coarsest")
    assert as_is["rain"].dims[0] == "time_rain"
    assert (as_is.sizes["time"], as_is.sizes["time_rain"]) == (6, 4)
    with nothing_computed():
        common = select_dataset(
            store, [ts, fine], BOX, *ALWAYS, grid="coarsest", time="intersection"
        )
        begin, end = datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 9, tzinfo=UTC)
        steps = select_dataset(store, [ts, fine], BOX, begin, end, grid="coarsest", time="2D")
    assert common["time"].to_numpy().astype(str).tolist()[0][:10] == "2020-01-03"
    assert common.sizes["time"] == 4
    assert steps.sizes["time"] == 4
    own = cube["ts"].sel(lat=slice(51, 50), lon=slice(11, 12.6))
    np.testing.assert_allclose(steps["ts"][0], own[:2].mean("time"), rtol=1e-6)
    rain = as_is["rain"].compute()
    # Amounts add up; before and after the first there is nothing.
    np.testing.assert_allclose(steps["rain"][1], rain[:2].sum("time_rain"), rtol=1e-6)
    assert np.isnan(steps["rain"][0]).all()
    assert np.isnan(steps["ts"][3]).all()


def test_other_calendars_meet_by_date(store, iris, ts, tmp_path):
    julian = make_cube().rename(ts="other")
    julian["time"] = xr.date_range("2020-01-04", periods=6, calendar="julian", use_cftime=True)
    julian.to_netcdf(tmp_path / "julian.nc")
    other = variable_of(index_file(store, iris, tmp_path / "julian.nc").source, "other")
    found = select_dataset(store, [ts, other], BOX, *ALWAYS, time="intersection")
    assert found["time"].dt.strftime("%m-%d").to_numpy().tolist() == ["01-04", "01-05", "01-06"]
    np.testing.assert_array_equal(
        found["other"], julian["other"].sel(lat=slice(51, 50), lon=slice(11, 12.6))[:3]
    )


def test_two_cubes_with_a_variable_of_one_name(store, iris, ts, tmp_path):
    make_cube().to_netcdf(tmp_path / "second-one.nc")
    other = variable_of(index_file(store, iris, tmp_path / "second-one.nc").source)
    found = select_dataset(store, [ts, other], BOX, *ALWAYS)
    assert set(found.data_vars) == {"ts_cube", "ts_second_one"}
    assert found["ts_second_one"].attrs["deepcube_variable"] == other.value


@pytest.mark.parametrize(
    ("region", "shape"),
    [
        (shapely.Point(12.1, 50.6), (1, 1)),
        ("POLYGON((11 50, 12.6 50, 12.6 51, 11 51, 11 50))", (3, 4)),
        ("Testland", (3, 4)),
        (NamedNode("http://localhost:8000/id/source/lands/feature/testland-0"), (3, 4)),
    ],
)
def test_a_region_is_a_geometry_a_name_or_an_iri(store, iris, ts, tmp_path, region, shape):
    gpd.GeoDataFrame({"name": ["Testland"]}, geometry=[BOX.polygon()], crs="EPSG:4326").to_file(
        tmp_path / "lands.geojson"
    )
    mapping = parse_mapping(
        {
            "kind": "features", "name": "name", "feature_class": "deep:Place",
            "source": {"id": "lands", "title": "Lands"},
        },
        "lands",
    )  # fmt: skip
    index_file(store, iris, tmp_path / "lands.geojson", mapping)
    assert select_dataset(store, [ts], region, *ALWAYS)["ts"].shape[1:] == shape


def test_what_cannot_be_selected_says_why(store, ts):
    with pytest.raises(RegionError, match="no place 'Atlantis'"):
        select_dataset(store, [ts], "Atlantis", *ALWAYS)
    with pytest.raises(SelectionError, match="lies in the region"):
        select_dataset(store, [ts], BBox(west=-5, south=0, east=-4, north=1), *ALWAYS)
    with pytest.raises(SelectionError, match=r"no moment from 1900.*its first is 2020-01-01"):
        select_dataset(store, [ts], BOX, ALWAYS[0], ALWAYS[0])
    with pytest.raises(SelectionError, match="no grid 'fine'"):
        select_dataset(store, [ts], BOX, *ALWAYS, grid="fine")
    with pytest.raises(SelectionError, match="needs a variable"):
        select_dataset(store, [], BOX, *ALWAYS)
    with pytest.raises(SelectionError, match="no time step 'now and then'"):
        select_dataset(store, [ts], BOX, *ALWAYS, time="now and then")


def test_longitudes_of_a_region_across_the_seam_go_on(store, iris, tmp_path):
    globe = make_cube(times=1, height=18, width=36, west=5, north=85, step=10)
    globe.to_netcdf(tmp_path / "globe.nc")
    variable = variable_of(index_file(store, iris, tmp_path / "globe.nc").source)
    region = shapely.box(-12, 3, 8, 17)
    found = select_dataset(store, [variable], region, *ALWAYS)["ts"]
    assert found["lon"].to_numpy().tolist() == [-15, -5, 5]
    assert found["lat"].to_numpy().tolist() == [15, 5]
    expected = globe["ts"].sel(lat=[15, 5]).isel(lon=[34, 35, 0])
    np.testing.assert_array_equal(found, expected)


WARM = """SELECT ?chunk WHERE { ?chunk deep:ofVariable <%s> ; deep:maximum ?max }
          ORDER BY DESC(?max) LIMIT 1"""


def test_a_query_that_picks_chunks_reads_only_them(store, iris, tmp_path, cube):
    folder = tmp_path / "cube.zarr"
    cube.chunk(time=2, lat=4, lon=5).to_zarr(folder, zarr_format=2, consolidated=False)
    ts = variable_of(index_file(store, iris, folder).source)
    with nothing_computed():
        found = select_by_query(store, WARM % ts.value)
    top = cube["ts"].where(cube["ts"] == cube["ts"].max(), drop=True)
    assert found["ts"].shape == (2, 4, 5)
    assert float(found["ts"].max()) == float(top.max())
    # All other chunks are gone, and nobody minds.
    where = [int(i) for i in np.argwhere((cube["ts"] == cube["ts"].max()).to_numpy())[0]]
    kept = ".".join(str(i // n) for i, n in zip(where, (2, 4, 5), strict=True))
    for chunk in (folder / "ts").glob("*.*.*"):
        if chunk.name != kept:
            chunk.write_bytes(b"damaged")
    both = select_by_query(store, WARM % ts.value, BBox(west=9, south=47, east=16, north=53))
    assert both["ts"].shape == (2, 8, 10)
    assert np.isfinite(both["ts"]).sum() in (39, 40)


def test_a_query_that_names_variables_selects_all_of_them(store, ts, fine, cube):
    query = "SELECT DISTINCT ?variable WHERE { ?variable a deep:Variable }"
    found = select_by_query(store, query, grid=ts, time="intersection")
    assert set(found.data_vars) == {"ts", "rain"}
    assert found["ts"].shape == (4, 8, 10)
    np.testing.assert_array_equal(found["ts"], cube["ts"][2:])
    with pytest.raises(SelectionError, match=r"names a \?variable or a \?chunk"):
        select_by_query(store, "SELECT ?s WHERE { ?s a deep:Cube }")
    with pytest.raises(SelectionError, match="no chunk of the graph"):
        select_by_query(store, "SELECT (<urn:a> AS ?chunk) {}")
    with pytest.raises(SelectionError, match=r'\?variable is ".*", which is no IRI'):
        select_by_query(store, "SELECT ?variable { ?v deep:variableName ?variable }")
    with pytest.raises(QueryError, match="come from a SELECT"):
        select_by_query(store, "ASK { ?v a deep:Variable }")


def test_what_has_no_rows_is_selected_as_it_is(store, iris, tmp_path):
    stations = xr.Dataset(
        {"v": (("site", "time"), np.arange(6.0).reshape(3, 2), {"units": "K"})},
        coords={
            "time": pd.date_range("2020-01-01", periods=2),
            "lon": ("site", [10.0, 11.5, 12.0], {"units": "degrees_east"}),
            "lat": ("site", [50.0, 50.5, 50.6], {"units": "degrees_north"}),
        },
    )
    stations.to_netcdf(tmp_path / "stations.nc")
    variable = variable_of(index_file(store, iris, tmp_path / "stations.nc").source, "v")
    found = select_dataset(store, [variable], BOX, *ALWAYS)
    assert found["v"].to_numpy().tolist() == [[2, 3], [4, 5]]
    (stations.rename(v="w") * 2).to_netcdf(tmp_path / "more.nc")
    other = variable_of(index_file(store, iris, tmp_path / "more.nc").source, "w")
    both = select_dataset(store, [variable, other], BOX, *ALWAYS)
    assert both["w"].to_numpy().tolist() == [[4, 6], [8, 10]]
    with pytest.raises(SelectionError, match="without rows and columns"):
        select_dataset(store, [variable], BOX, *ALWAYS, grid="finest")
