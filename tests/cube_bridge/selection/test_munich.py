"""Four cubes of Munich, of 30 m to 1 km, on one grid: judged by rasterio and exactextract."""

from datetime import UTC, datetime

import geopandas as gpd
import numpy as np
import pytest
import rasterio.warp
import shapely
import xarray as xr
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from pyoxigraph import NamedNode

from cube_bridge.formats.opener import open_cube
from cube_bridge.grids.reading import grid_of
from cube_bridge.indexing.index import index_file
from cube_bridge.regridding.target_grid import GridSpec
from cube_bridge.selection.lazy_dataset import select_dataset
from kg.embedded.store import EmbeddedStore
from kg.rdf.iris import Iris
from tests.laziness import nothing_computed
from tests.open_data import open_data

CUBES = {
    "_250m_16_days_NDVI": "munich_ndvi_MOD13Q1_250m",
    "LST_Night_1km": "munich_lst_MOD11A1_1km",
    "SRTMGL1_DEM": "munich_dem_SRTMGL1_30m",
    "NDSI_Snow_Cover": "munich_snow_MOD10A1_500m",
}
ALWAYS = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def munich():
    """The store, the IRI of each variable, the files, and the city."""
    districts = open_data("infra/Munich_25_Bezirke_Dissolved.shp")
    files = {n: open_data(f"cubes/{f}.nc") for n, f in CUBES.items()}
    with EmbeddedStore() as store:
        variables = {}
        for name, path in files.items():
            source = index_file(store, Iris(), path).source
            slug = name.strip("_").lower().replace("_", "-")
            variables[name] = NamedNode(f"{source.value}/variable/{slug}")
        yield store, variables, files, gpd.read_file(districts).union_all()


@pytest.fixture(scope="module")
def coarse(munich):
    store, variables, _, city = munich
    with nothing_computed():
        return select_dataset(store, list(variables.values()), city, *ALWAYS, grid="coarsest")


def test_all_four_are_on_the_grid_of_the_coarsest(munich, coarse):
    *_, city = munich
    assert set(coarse.data_vars) == set(CUBES)
    grid = grid_of(coarse, "LST_Night_1km")
    assert coarse["LST_Night_1km"].shape == (1029, 23, 44)
    assert {v.shape[1:] for v in coarse.data_vars.values()} == {(23, 44)}
    # Where the city is, three of four cells have an elevation: the cubes follow its outline.
    inside = grid.contains(city, (slice(0, 23), slice(0, 44)))
    assert np.isfinite(coarse["SRTMGL1_DEM"][0].to_numpy()[inside]).mean() > 0.95


def test_elevations_are_the_means_that_exactextract_finds(munich, coarse):
    _, _, files, _ = munich
    with open_cube(files["SRTMGL1_DEM"]) as dataset:
        source = grid_of(dataset, "SRTMGL1_DEM")
        values = dataset["SRTMGL1_DEM"][0].to_numpy().astype(float)
    x, y = source.x_edges, source.y_edges
    box = {"xmin": x[0], "xmax": x[-1], "ymin": y[-1], "ymax": y[0]}
    target = grid_of(coarse, "SRTMGL1_DEM")
    cells = target.cells((slice(0, 23), slice(0, 44))).ravel()
    frame = gpd.GeoDataFrame(geometry=list(cells), crs="EPSG:4326")
    found = exact_extract(
        NumPyRasterSource(values, **box, nodata=np.nan), frame, ["mean"], output="pandas"
    )
    np.testing.assert_allclose(
        coarse["SRTMGL1_DEM"][0].to_numpy().ravel(), found["mean"].to_numpy(float), rtol=1e-5
    )


def test_vegetation_at_250_m_is_what_rasterio_warps(munich):
    store, variables, files, city = munich
    spec = GridSpec(crs="EPSG:32632", resolution=100.0)
    name = "_250m_16_days_NDVI"
    near = shapely.box(*city.centroid.buffer(0.03).bounds)
    found = select_dataset(
        store, [variables[name]], near, *ALWAYS, grid=spec, resampling="nearest"
    )[name][20].to_numpy()  # fmt: skip
    with open_cube(files[name]) as dataset:
        source = grid_of(dataset, name)
        values = dataset[name][20].to_numpy()
    target = grid_of(select_dataset(store, [variables[name]], near, *ALWAYS, grid=spec), name)
    expected = np.full(target.shape, np.nan)
    rasterio.warp.reproject(
        values, expected, src_transform=affine(source), src_crs="EPSG:4326",
        dst_transform=affine(target), dst_crs="EPSG:32632", src_nodata=np.nan, dst_nodata=np.nan,
        resampling=rasterio.warp.Resampling.nearest,
    )  # fmt: skip
    assert np.isclose(found, expected, equal_nan=True).mean() > 0.97


def affine(grid):
    height, width = grid.shape
    west, east = grid.x_edges[0], grid.x_edges[-1]
    south, north = grid.y_edges[-1], grid.y_edges[0]
    return rasterio.transform.from_bounds(west, south, east, north, width, height)


def test_months_of_all_meet_in_one_time(munich):
    store, variables, _, city = munich
    begin, end = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC)
    wanted = [variables[n] for n in CUBES if n != "SRTMGL1_DEM"]
    with nothing_computed():
        found = select_dataset(store, wanted, city, begin, end, grid="coarsest", time="MS")
    assert found.sizes["time"] == 3
    assert {v.dims for v in found.data_vars.values()} == {("time", "lat", "lon")}
    nights = found["LST_Night_1km"].compute()
    with xr.set_options(keep_attrs=True):
        days = select_dataset(store, wanted[1:2], city, begin, end)["LST_Night_1km"]
    january = days.isel(time=slice(0, 31)).mean("time")
    np.testing.assert_allclose(nights[0], january, rtol=1e-6)
