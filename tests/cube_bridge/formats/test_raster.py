"""GeoTIFF, cloud-optimised GeoTIFF, JPEG 2000 and GRIB."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.shutil import copy as translate
from rasterio.transform import from_origin

from cube_bridge.errors import CoordinatesError, NotACubeError
from cube_bridge.formats.calendars import moments
from cube_bridge.formats.opener import media_type, open_cube
from cube_bridge.grids.reading import grid_of

VALUES = np.random.default_rng(3).integers(1, 4000, (90, 70)).astype("uint16")

UTM = from_origin(6e5, 5.3e6, 20, 20)


def write(path, values=VALUES, *, crs="EPSG:32632", transform=UTM, **options):
    bands = values if values.ndim == 3 else values[None]
    options = {"driver": "GTiff", "crs": crs, **options}
    descriptions = options.pop("descriptions", ())
    scales, offsets, units = (options.pop(k, None) for k in ("scales", "offsets", "units"))
    tags, gcps = options.pop("tags", {}), options.pop("gcps", None)
    with rasterio.open(
        path, "w", count=len(bands), height=bands.shape[1], width=bands.shape[2],
        dtype=bands.dtype, transform=transform, **options,
    ) as file:  # fmt: skip
        file.write(bands)
        for number, text in enumerate(descriptions, 1):
            file.set_band_description(number, text)
        if scales:
            file.scales = scales
        if offsets:
            file.offsets = offsets
        if units:
            file.units = units
        for number, said in tags.items():
            file.update_tags(number, **said)
        if gcps:
            file.gcps = gcps
    return path


def outline_of(path):
    """Return the footprint by rasterio and pyproj alone."""
    with rasterio.open(path) as file:
        to_globe = pyproj.Transformer.from_crs(file.crs, "OGC:CRS84", always_xy=True)
        return to_globe.transform_bounds(*file.bounds)


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:32632", UTM),
        ("EPSG:3857", from_origin(1.2e6, 6.1e6, 30, 30)),
        ("EPSG:4326", from_origin(10, 50, 0.01, 0.02)),
        ("EPSG:3035", Affine(25, 0, 4.3e6, 0, 25, 2.7e6)),
    ],
)
def test_a_geotiff_lies_where_its_transform_says(tmp_path, crs, transform):
    path = write(tmp_path / "a.tif", crs=crs, transform=transform)
    opened = open_cube(path)
    assert media_type(path) == "image/tiff; application=geotiff"
    grid = grid_of(opened, "band_1")
    assert grid.crs == pyproj.CRS(crs)
    assert grid.crs.to_authority() == tuple(crs.split(":"))
    found = grid.footprint((slice(0, 90), slice(0, 70))).bounds
    assert found == pytest.approx(outline_of(path), abs=1e-6)
    np.testing.assert_array_equal(opened["band_1"].to_numpy(), VALUES)
    assert opened["band_1"].dtype == np.uint16


def test_bands_are_variables_with_name_unit_scale_and_gaps(tmp_path):
    values = np.stack([VALUES, VALUES + 1, VALUES]).astype("int16")
    values[0, :3, :5] = -99
    path = write(
        tmp_path / "b.tif", values, nodata=-99, descriptions=("Red band (665 nm)", "NIR", "NIR"),
        scales=(0.0001, 1.0, 1.0), offsets=(-0.1, 0.0, 0.0), units=("1", "", "K"),
        tags={2: {"wavelength": "842", "STATISTICS_MEAN": "7"}},
    )  # fmt: skip
    opened = open_cube(path)
    assert list(opened.data_vars) == ["Red_band_665_nm", "band_2", "band_3"]
    red = opened["Red_band_665_nm"]
    assert (red.attrs["long_name"], red.attrs["units"]) == ("Red band (665 nm)", "1")
    expected = np.where(values[0] == -99, np.nan, values[0] * 0.0001 - 0.1)
    np.testing.assert_allclose(red.to_numpy(), expected, rtol=1e-12)
    assert opened["band_2"].attrs["wavelength"] == "842"
    assert "STATISTICS_MEAN" not in opened["band_2"].attrs
    assert opened["band_3"].attrs["units"] == "K"


def test_a_mask_band_and_an_alpha_band_make_gaps(tmp_path):
    mask = np.full(VALUES.shape, 255, dtype="uint8")
    mask[10:20] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        path = write(tmp_path / "mask.tif")
        with rasterio.open(path, "r+") as file:
            file.write_mask(mask)
    found = open_cube(path)["band_1"].to_numpy()
    np.testing.assert_array_equal(np.isnan(found), mask == 0)
    values = np.stack([VALUES.astype("uint8"), mask])
    path = write(tmp_path / "alpha.tif", values, alpha="YES")
    np.testing.assert_array_equal(np.isnan(open_cube(path)["band_1"].to_numpy()), mask == 0)


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "int16", "int32", "uint32", "float32", "float64"]
)
def test_every_type_of_number_is_read(tmp_path, dtype):
    values = VALUES.astype(dtype)
    path = write(tmp_path / "t.tif", values, nodata=5, compress="deflate")
    found = open_cube(path)["band_1"].to_numpy()
    np.testing.assert_array_equal(found, np.where(values == 5, np.nan, values.astype(float)))


def test_tiles_are_chunks_and_strips_are_put_together(tmp_path):
    values = np.random.default_rng(4).integers(0, 9, (600, 700)).astype("uint8")
    tiled = write(tmp_path / "t.tif", values, tiled=True, blockxsize=256, blockysize=128)
    assert open_cube(tiled)["band_1"].chunks == ((128,) * 4 + (88,), (256, 256, 188))
    strips = write(tmp_path / "s.tif", values, blockysize=1)
    assert open_cube(strips)["band_1"].chunks == ((600,), (700,))
    for path in (tiled, strips):
        array = open_cube(path)["band_1"]
        parts = [(slice(i, i + 50), slice(j, j + 90)) for i in (0, 333) for j in (5, 411)] * 6
        with ThreadPoolExecutor(8) as pool:
            read = list(pool.map(lambda p, a=array: a[p].to_numpy(), parts))
        for part, found in zip(parts, read, strict=True):
            np.testing.assert_array_equal(found, values[part])
        np.testing.assert_array_equal(array[::-7, [3, 1, 500]], values[::-7][:, [3, 1, 500]])


def test_an_overview_of_a_cog_is_a_coarser_cube(tmp_path):
    values = np.random.default_rng(5).integers(0, 4000, (1100, 1300)).astype("uint16")
    plain = write(tmp_path / "p.tif", values)
    path = tmp_path / "c.tif"
    translate(plain, path, driver="COG", blocksize=256, overview_count=2)
    whole, coarse = open_cube(path), open_cube(f"{path}#overview=0")
    assert whole["band_1"].shape == (1100, 1300)
    assert coarse["band_1"].shape == (550, 650)
    grids = [grid_of(d) for d in (whole, coarse)]
    prints = [g.footprint(tuple(slice(0, n) for n in g.shape)) for g in grids]
    assert prints[0].bounds == pytest.approx(prints[1].bounds, abs=1e-6)
    with rasterio.open(path, overview_level=0) as file:
        np.testing.assert_array_equal(coarse["band_1"].to_numpy(), file.read(1))
    with pytest.raises(NotACubeError, match="has no overview 7; it has 2 of them, coarser by 2, 4"):
        open_cube(f"{path}#overview=7")


def test_pages_with_other_grids_keep_their_own(tmp_path):
    path = write(tmp_path / "pages.tif")
    write(
        path, VALUES[::3, ::2], transform=from_origin(6e5, 5.3e6, 40, 60), append_subdataset="YES"
    )
    opened = open_cube(path)
    assert opened["band_1"].shape == (90, 70)
    assert opened["page_2.band_1"].shape == (30, 35)
    np.testing.assert_array_equal(opened["page_2.band_1"].to_numpy(), VALUES[::3, ::2])
    first, second = grid_of(opened, "band_1"), grid_of(opened, "page_2.band_1")
    assert (first.shape, second.shape) == ((90, 70), (30, 35))
    whole = [g.footprint(tuple(slice(0, n) for n in g.shape)).bounds for g in (first, second)]
    assert whole[0] == pytest.approx(whole[1], abs=1e-9)


def test_a_rotated_raster_has_a_place_for_each_cell(tmp_path):
    transform = Affine.translation(6e5, 5.3e6) @ Affine.rotation(30) @ Affine.scale(20, -20)
    opened = open_cube(write(tmp_path / "r.tif", transform=transform))
    grid = grid_of(opened)
    to_globe = pyproj.Transformer.from_crs("EPSG:32632", "OGC:CRS84", always_xy=True)
    corners = [to_globe.transform(*(transform * c)) for c in ((0, 0), (70, 0), (70, 90), (0, 90))]
    found = grid.footprint((slice(0, 90), slice(0, 70)))
    expected = shapely.Polygon(corners)
    assert found.symmetric_difference(expected).area < 1e-3 * expected.area


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_ground_control_points_place_a_raster(tmp_path):
    points = [
        GroundControlPoint(row, column, 10 + 0.01 * column, 50 - 0.02 * row)
        for row in (0, 45, 90)
        for column in (0, 35, 70)
    ]
    gcps = (points, rasterio.CRS.from_epsg(4326))
    opened = open_cube(write(tmp_path / "g.tif", crs=None, transform=None, gcps=gcps))
    found = grid_of(opened).footprint((slice(0, 90), slice(0, 70))).bounds
    assert found == pytest.approx((10, 50 - 0.02 * 90, 10.7, 50), abs=1e-9)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_raster_without_a_place_says_what_it_needs(tmp_path):
    for name, transform in (("a", UTM), ("b", None)):
        path = write(tmp_path / f"{name}.tif", crs=None, transform=transform)
        opened = open_cube(path)
        np.testing.assert_array_equal(opened["band_1"].to_numpy(), VALUES)
        with pytest.raises(CoordinatesError, match="reference system that it does not name"):
            grid_of(opened)


MARS = """GEOGCS["Mars 2000",DATUM["D_Mars",SPHEROID["Mars",3396190.0,169.8944472]],
    PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]]"""


@pytest.mark.parametrize("crs", ['LOCAL_CS["site",UNIT["metre",1]]', MARS])
def test_reference_systems_of_elsewhere_are_refused(tmp_path, crs):
    path = write(tmp_path / "e.tif", crs=crs, transform=from_origin(0, 50, 0.5, 0.5))
    with pytest.raises(CoordinatesError, match="where on the Earth"):
        grid_of(open_cube(path))


def test_jpeg_2000_is_read_by_tile(tmp_path):
    values = np.random.default_rng(6).integers(0, 255, (1200, 1100)).astype("uint8")
    path = tmp_path / "j.bin"
    write(path, values, driver="JP2OpenJPEG", QUALITY=100, REVERSIBLE="YES", BLOCKXSIZE=512,
          BLOCKYSIZE=512)  # fmt: skip
    opened = open_cube(path)
    assert media_type(path) == "image/jp2"
    with rasterio.open(path) as file:
        rows, columns = file.block_shapes[0]
    assert rows < 1200
    assert columns < 1100
    assert [sizes[0] for sizes in opened["band_1"].chunks] == [rows, columns]
    np.testing.assert_array_equal(opened["band_1"].to_numpy(), values)
    found = grid_of(opened).footprint((slice(0, 1200), slice(0, 1100))).bounds
    assert found == pytest.approx(outline_of(path), abs=1e-6)


def test_a_truncated_or_damaged_raster_is_refused(tmp_path):
    path = write(tmp_path / "w.tif", tiled=True, blockxsize=16, blockysize=16)
    content = path.read_bytes()
    (tmp_path / "short.tif").write_bytes(content[:-500])
    (tmp_path / "head.tif").write_bytes(content[:60])
    for name in ("short.tif", "head.tif"):
        with pytest.raises(NotACubeError, match="truncated"):
            open_cube(tmp_path / name)
    packed = write(tmp_path / "d.tif", compress="deflate", blockysize=10)
    broken = bytearray(packed.read_bytes())
    broken[-2000:-1000] = bytes(1000)
    packed.write_bytes(broken)
    opened = open_cube(packed)
    with pytest.raises(NotACubeError, match=r"d\.tif cannot be read"):
        opened["band_1"].compute()


def test_a_raster_is_not_changed_and_nothing_is_written_beside_it(tmp_path):
    path = write(tmp_path / "same.tif")
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    open_cube(path)["band_1"].compute()
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert [p.name for p in tmp_path.iterdir()] == ["same.tif"]


def write_grib(path, fields, *, discipline=0, transform=None, crs="EPSG:4326"):
    """Write messages: (category, parameter, type of level, level, hour of forecast, values)."""
    with path.open("wb") as whole:
        for category, parameter, kind, level, hour, values in fields:
            part = path.with_suffix(".part")
            assembled = [category, parameter, 2, 0, 0, 0, 0, 1, hour, kind, 0, level, 255, 0, 0]
            with rasterio.open(
                part, "w", driver="GRIB", width=values.shape[1], height=values.shape[0], count=1,
                dtype="float64", crs=crs, transform=transform or from_origin(-10, 60, 0.5, 0.5),
                DISCIPLINE=str(discipline), DATA_ENCODING="IEEE_FLOATING_POINT",
                IDS="CENTER=98(ECMWF) SUBCENTER=0 MASTER_TABLE=4 LOCAL_TABLE=0 "
                    "SIGNF_REF_TIME=1(Start_of_Forecast) REF_TIME=2020-01-01T00:00:00Z "
                    "PROD_STATUS=0(Operational) TYPE=1(Forecast)",
                PDS_PDTN="0", INPUT_UNIT="K",
                PDS_TEMPLATE_ASSEMBLED_VALUES=" ".join(map(str, assembled)),
            ) as file:  # fmt: skip
                file.write(values, 1)
            whole.write(part.read_bytes())
            part.unlink()
    return path


def test_messages_become_variables_over_time_and_level(tmp_path):
    rng = np.random.default_rng(7)
    fields = [
        (0, 0, 100, level, hour, rng.normal(270, 5, (6, 8)))
        for hour in (0, 6, 12)
        for level in (85000, 50000)
    ]
    fields += [(2, 2, 103, 10, hour, rng.normal(0, 5, (6, 8))) for hour in (0, 6)]
    path = write_grib(tmp_path / "messages", fields)
    opened = open_cube(path)
    assert media_type(path) == "application/wmo-grib"
    temperature, wind = opened["TMP"], opened["UGRD"]
    assert temperature.dims == ("time", "level", "y", "x")
    assert temperature.chunks == ((1, 1, 1), (1, 1), (6,), (8,))
    assert (temperature.attrs["standard_name"], temperature.attrs["units"]) == (
        "air_temperature",
        "K",
    )
    assert opened["level"].to_numpy().tolist() == [50000, 85000]
    assert [m.hour for m in moments(opened, "time")] == [0, 6, 12]
    for n, (_, _, _, level, hour, values) in enumerate(fields[:6]):
        found = temperature.sel(level=level).isel(time=hour // 6).to_numpy()
        np.testing.assert_allclose(found, values, rtol=1e-6, err_msg=str(n))
    assert wind.dims == ("time", "y", "x")
    np.testing.assert_allclose(wind[1].to_numpy(), fields[7][5], rtol=1e-6)
    assert np.isnan(wind[2].to_numpy()).all()
    grid = grid_of(opened, "TMP")
    assert grid.footprint((slice(0, 6), slice(0, 8))).bounds == pytest.approx((-10, 57, -6, 60))


def test_grib_cut_short_is_refused(tmp_path):
    path = write_grib(tmp_path / "m.grib", [(0, 0, 103, 2, 0, np.full((6, 8), 280.0))])
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(NotACubeError, match="truncated"):
        open_cube(path)
