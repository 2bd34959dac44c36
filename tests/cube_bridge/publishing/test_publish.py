"""A published cube is whole or not there, and others can open it."""

import json
from datetime import UTC, datetime

import dask.array as da
import numpy as np
import odc.stac
import pyproj
import pystac
import pytest
import rasterio
import xarray as xr
from pyoxigraph import NamedNode

from cube_bridge.errors import PublishingError
from cube_bridge.grids.reading import grid_of
from cube_bridge.indexing.index import index_file
from cube_bridge.publishing.partial import item_path
from cube_bridge.publishing.publish import publish_and_index, publish_cube
from cube_bridge.regridding.target_grid import GridSpec
from cube_bridge.selection.lazy_dataset import select_dataset
from cube_bridge.sources.info import SourceInfo
from kg.rdf.geometry import BBox
from kg.rdf.terms import text
from kg.rows import select
from tests.conftest import make_cube

INFO = SourceInfo(
    id="forecast", title="A forecast", license="https://spdx.org/licenses/CC-BY-4.0",
    description="For a test", publisher="DeepCube",
)  # fmt: skip
ALWAYS = (datetime(1900, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
BOX = BBox(west=11, south=50, east=12.6, north=51)


@pytest.fixture
def selected(store, iris, cube_nc):
    """A lazy selection of metres from a cube of degrees."""
    source = index_file(store, iris, cube_nc).source
    variable = NamedNode(f"{source.value}/variable/ts")
    spec = GridSpec(crs="EPSG:32632", resolution=5_000.0)
    return select_dataset(store, [variable], BOX, *ALWAYS, grid=spec)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_xarray_reads_back_what_was_published(tmp_path, selected, zarr_format):
    path = publish_cube(selected, tmp_path / "out.zarr", INFO, zarr_format=zarr_format)
    with xr.open_zarr(path, consolidated=True, decode_coords="all") as found:
        np.testing.assert_array_equal(found["ts"], selected["ts"])
        assert found["ts"].attrs["units"] == "K"
        assert found["ts"].attrs["standard_name"] == "surface_temperature"
        assert np.isnan(found["ts"].encoding["_FillValue"])
        assert found["ts"].encoding["compressors"]
        assert found["ts"].encoding["grid_mapping"] == "spatial_ref"
        assert pyproj.CRS(found["spatial_ref"].attrs["crs_wkt"]).to_epsg() == 32632
        assert found["x"].attrs["axis"] == "X"
        assert found["x"].encoding["bounds"] == "x_bnds"
        assert found.attrs["license"] == INFO.license
        assert found["time"].attrs["standard_name"] == "time"
        mine, theirs = grid_of(selected, "ts"), grid_of(found, "ts")
        np.testing.assert_array_equal(mine.x_edges, theirs.x_edges)
    assert not list(tmp_path.glob(".*"))


def test_gdal_reads_it_with_place_and_values(tmp_path, selected):
    path = publish_cube(selected, tmp_path / "out.zarr", INFO)
    with rasterio.open(f'ZARR:"{path}":/ts') as raster:
        assert raster.crs.to_epsg() == 32632
        assert raster.count == 6
        assert np.isnan(raster.nodata)
        west, dx, _, north, _, dy = (
            float(n) for n in selected["spatial_ref"].attrs["GeoTransform"].split()
        )
        assert raster.transform[:6] == pytest.approx((dx, 0, west, 0, dy, north))
        np.testing.assert_array_equal(raster.read(3), selected["ts"][2])


def test_gdal_places_degrees_too(tmp_path, cube):
    path = publish_cube(cube, tmp_path / "out.zarr", INFO)
    with rasterio.open(f'ZARR:"{path}":/ts') as raster:
        assert raster.crs.is_geographic
        assert raster.bounds == pytest.approx((9.75, 48.25, 14.75, 52.25))
        np.testing.assert_array_equal(raster.read(1), cube["ts"][0])


def test_the_item_beside_it_is_stac(tmp_path, selected):
    path = publish_cube(selected, tmp_path / "out.zarr", INFO)
    item = pystac.Item.from_file(str(item_path(path)))
    assert item.id == "forecast"
    assert item.properties["proj:code"] == "EPSG:32632"
    assert item.properties["proj:shape"] == list(selected["ts"].shape[1:])
    assert item.properties["start_datetime"] == "2020-01-01T00:00:00Z"
    assert item.properties["cube:dimensions"]["x"]["step"] == 5000.0
    assert item.properties["cube:variables"]["ts"]["dimensions"] == ["time", "y", "x"]
    assert item.assets["cube"].get_absolute_href() == str(path)
    west, south, east, north = item.bbox
    assert west < 11
    assert east > 12.6
    assert south < 50
    assert north > 51


# odc-geo calls what shapely is about to give up.
@pytest.mark.filterwarnings("ignore:The 'shapely.ops.transform:DeprecationWarning")
def test_odc_stac_loads_any_moment_by_the_item(tmp_path, selected):
    path = publish_cube(selected, tmp_path / "out.zarr", INFO)
    item = pystac.Item.from_file(str(item_path(path)))
    loaded = odc.stac.load([item], bands=["ts.1", "ts.6"])
    for band, moment in (("ts.1", 0), ("ts.6", 5)):
        np.testing.assert_array_equal(loaded[band][0], selected["ts"][moment])
    assert loaded.odc.crs.to_epsg() == 32632


def test_a_published_cube_is_indexed_like_any_other(tmp_path, store, iris, selected):
    outcome = publish_and_index(store, iris, selected, tmp_path / "out.zarr", INFO)
    assert outcome.changed
    variable = NamedNode(f"{outcome.source.value}/variable/ts")
    again = select_dataset(store, [variable], BOX, *ALWAYS)
    np.testing.assert_array_equal(again["ts"], selected["ts"])
    (row,) = select(
        store,
        f"SELECT ?l ?t ?u {{ {outcome.source} dcterms:license ?l ; dcterms:title ?t ; deep:crs ?c ."
        f" {variable} qudt:hasUnit ?u }}",
    )
    assert text(row["l"]) == INFO.license
    assert not publish_and_index(
        store, iris, selected, tmp_path / "other.zarr", INFO.model_copy(update={"id": "other"})
    ).source.value.endswith("forecast")


class Fragile:
    """An array that fails at its last moment until it is mended, and counts what it gave."""

    def __init__(self, values):
        self.values, self.shape, self.dtype, self.ndim = values, values.shape, values.dtype, 3
        self.broken, self.given = True, []

    def __getitem__(self, key):
        if self.broken and key[0].stop == self.shape[0]:
            raise OSError("the disk is full")
        self.given.append(key[0].start)
        return self.values[key]

    def __dask_tokenize__(self):
        return "fragile"


def test_a_run_that_fails_leaves_no_cube_and_the_next_goes_on(tmp_path):
    cube = make_cube()
    fragile = Fragile(cube["ts"].to_numpy())
    lazy = cube.assign(ts=(cube["ts"].dims, da.from_array(fragile, (2, 8, 10), name="fragile")))
    lazy["ts"].attrs = cube["ts"].attrs
    path = tmp_path / "out.zarr"
    with pytest.raises(OSError, match="disk is full"):
        publish_cube(lazy, path, INFO, chunks={"time": 2})
    assert not path.exists()
    assert not item_path(path).exists()
    fragile.broken, fragile.given = False, []
    publish_cube(lazy, path, INFO, chunks={"time": 2})
    assert fragile.given == [4]
    with xr.open_zarr(path) as found:
        np.testing.assert_array_equal(found["ts"], cube["ts"])


def test_other_data_does_not_go_on_where_a_run_stopped(tmp_path):
    cube = make_cube()
    fragile = Fragile(cube["ts"].to_numpy())
    lazy = cube.assign(ts=(cube["ts"].dims, da.from_array(fragile, (2, 8, 10), name="fragile")))
    path = tmp_path / "out.zarr"
    with pytest.raises(OSError, match="disk is full"):
        publish_cube(lazy, path, INFO, chunks={"time": 2})
    publish_cube(cube + 1, path, INFO, chunks={"time": 2})
    with xr.open_zarr(path) as found:
        np.testing.assert_array_equal(found["ts"], cube["ts"] + 1)


def test_what_is_there_is_replaced_only_when_asked(tmp_path, cube):
    path = publish_cube(cube, tmp_path / "out.zarr", INFO)
    with pytest.raises(PublishingError, match="exists"):
        publish_cube(cube + 1, path, INFO)
    publish_cube(cube + 1, path, INFO, replace=True)
    with xr.open_zarr(path) as found:
        np.testing.assert_array_equal(found["ts"], cube["ts"] + 1)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_folder_that_is_no_cube_is_never_replaced(tmp_path, cube):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    with pytest.raises(PublishingError, match="no Zarr cube, so it is not replaced"):
        publish_cube(cube, tmp_path / "thesis", INFO, replace=True)
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda c: c.drop_vars(["lat", "lon"]), {}, "cannot be placed"),
        (lambda c: c.drop_vars("ts"), {}, "no numeric variable"),
        (lambda c: c, {"chunks": {"z": 2}}, "no dimension z"),
        (lambda c: c, {"zarr_format": 4}, "not 4"),
    ],
)
def test_what_cannot_be_published_says_why(tmp_path, cube, change, options, message):
    with pytest.raises(PublishingError, match=message):
        publish_cube(change(cube), tmp_path / "out.zarr", INFO, **options)
    assert not list(tmp_path.iterdir())


def test_the_item_of_a_cube_without_time_and_authority(tmp_path, cube):
    path = publish_cube(cube.isel(time=0, drop=True), tmp_path / "flat.zarr", INFO)
    item = json.loads(item_path(path).read_text())
    assert item["properties"]["datetime"]
    assert item["properties"]["proj:code"] == "OGC:CRS84"
    assert item["properties"]["cube:dimensions"]["lat"]["extent"] == [48.25, 52.25]
