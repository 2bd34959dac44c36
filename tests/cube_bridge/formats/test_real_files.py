"""The real cubes against what other libraries read from them."""

import tarfile

import netCDF4
import numpy as np
import pytest
import rasterio

from cube_bridge.formats.calendars import moments
from cube_bridge.formats.opener import open_cube
from cube_bridge.formats.versions import chunk_versions
from cube_bridge.grids.reading import grid_of
from tests.open_data import open_data

WORLD = (-180, -90, 180, 90)
LONLAT = "OGC:CRS84"
CANADA = (-123.1, 48.8, -78.2, 67.8)
UTM_SCENE = (-106.111925, 35.150273, -104.891955, 36.144898)
#: File: (CRS, footprint, first and last day, times), from ncdump and gdalinfo.
FACTS = {
    "ahccd_1950-2013.nc": (LONLAT, CANADA, "1950-01-01", "2013-12-31", 23360),
    "basin_mask.nc": (LONLAT, WORLD, None, None, 0),
    "bcsd_obs_1999.nc": (LONLAT, (-85, 33, -74.875, 37.125), "1999-01-31", "1999-12-31", 12),
    "era5_daily_surface_cancities_1990-1993.nc": (
        LONLAT, (-123.15, 44.5, -63.4, 63.75), "1990-01-01", "1993-12-31", 1461,
    ),
    "era5-2mt-2019-03-uk.grib": (
        LONLAT, (-10.125, 49.875, 2.125, 58.125), "2019-03-01", "2019-03-31", 744,
    ),
    "eraint_uvz.nc": (LONLAT, WORLD, None, None, 0),
    "munich_dem_SRTMGL1_30m.nc": (
        LONLAT, (11.360694, 48.061528, 11.723194, 48.248194), "2000-02-11", "2000-02-11", 1,
    ),
    "munich_lst_MOD11A1_1km.nc": (
        LONLAT, (11.358333, 48.058333, 11.725, 48.25), "2022-01-01", "2024-11-07", 1029,
    ),
    "munich_ndvi_MOD13Q1_250m.nc": (
        LONLAT, (11.360417, 48.060417, 11.725, 48.25), "2021-12-19", "2024-10-15", 66,
    ),
    "munich_snow_MOD10A1_500m.nc": (
        LONLAT, (11.358333, 48.058333, 11.725, 48.25), "2023-12-01", "2024-11-30", 366,
    ),
    "nrcan_1950-2013.nc": (LONLAT, CANADA, "1950-01-01", "2013-12-31", 23360),
    "nrcan_SECan_1981-2010.nc": (LONLAT, (-83, 43, -60, 50), "1981-01-01", "2010-01-01", 30),
    "sample-cog.tif": ("EPSG:32613", UTM_SCENE, None, None, 0),
    "xcube_cube-1-250-250.zarr.tar": (LONLAT, (0, 50, 5, 52.5), "2017-01-16", "2017-01-30", 5),
}  # fmt: skip


def real(name):
    return open_data(f"cubes/{name}")


@pytest.mark.parametrize("name", FACTS)
def test_a_real_cube_lies_where_and_when_it_says(name):
    crs, footprint, first, last, count = FACTS[name]
    opened = open_cube(real(name))
    grid = grid_of(opened)
    assert ":".join(grid.crs.to_authority()) == crs
    found = grid.footprint(tuple(slice(0, n) for n in grid.shape)).bounds
    assert found == pytest.approx(footprint, abs=1e-5)
    times = moments(opened, grid.time) if grid.time else []
    assert len(times) == count
    if count:
        assert (str(times[0].date()), str(times[-1].date())) == (first, last)


@pytest.mark.parametrize("name", [n for n in FACTS if n.endswith(".nc")])
def test_values_and_units_are_those_of_the_netcdf_library(name):
    path = real(name)
    opened = open_cube(path)
    with netCDF4.Dataset(path) as file:
        for variable, array in opened.data_vars.items():
            if array.dtype.kind not in "iuf" or not array.ndim:
                continue
            stored = file[variable]
            # Its fill value is NaN, which integers do not have.
            stored.set_auto_mask(name != "eraint_uvz.nc")
            expected = np.ma.filled(stored[:].astype(float), np.nan)
            np.testing.assert_allclose(array.to_numpy(), expected, rtol=2e-6, err_msg=variable)
            assert array.attrs.get("units") == getattr(stored, "units", None)


def test_values_of_the_cog_are_those_of_rasterio():
    path = real("sample-cog.tif")
    opened = open_cube(path)
    with rasterio.open(path) as file:
        for band in file.indexes:
            expected = file.read(band, masked=True).astype(float).filled(np.nan)
            np.testing.assert_array_equal(opened[f"band_{band}"].to_numpy(), expected)


def test_values_of_the_grib_file_are_those_of_rasterio():
    path = real("era5-2mt-2019-03-uk.grib")
    opened = open_cube(path)["2T"]
    assert opened.attrs["units"] == "K"
    with rasterio.open(path) as file:
        for band in (1, 400, 744):
            np.testing.assert_array_equal(opened[band - 1].to_numpy(), file.read(band))


def test_chunks_of_the_tar_are_those_of_its_members():
    path = real("xcube_cube-1-250-250.zarr.tar")
    opened = open_cube(path)
    assert opened["conc_chl"].chunks == ((1,) * 5, (250,) * 4, (250,) * 8)
    with tarfile.open(path) as archive:
        names = [n.rpartition("/")[2] for n in archive.getnames() if "/conc_chl/" in n]
    kept = {tuple(map(int, n.split("."))) for n in names if not n.startswith(".")}
    versions = chunk_versions(path, opened[["conc_chl"]])
    assert {index for (_, index), v in versions.items() if not v.endswith(":-")} == kept
