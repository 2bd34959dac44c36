"""Regridding against slow, obvious computations, rasterio, and what must stay the same."""

import dask.array as da
import numpy as np
import pyproj
import pytest
import rasterio.warp
import shapely
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.transform import from_origin
from scipy.interpolate import RegularGridInterpolator

from cube_bridge.errors import SelectionError
from cube_bridge.grids.parts import part_of_region
from cube_bridge.grids.reading import grid_of
from cube_bridge.grids.rectilinear import RectilinearGrid
from cube_bridge.regridding.methods import method_for
from cube_bridge.regridding.overlaps import cell_polygons, equal_area_plane, overlap_areas
from cube_bridge.regridding.regrid import regrid
from cube_bridge.regridding.target_grid import GridSpec, grid_coordinates, grid_of_spec
from cube_bridge.regridding.weights import centres_in_plane
from kg.rdf.geometry import BBox
from tests.laziness import nothing_computed

LONLAT = "OGC:CRS84"


def lonlat(west, north, step, height, width, *, up=False):
    y = north - step * np.arange(height + 1)
    return RectilinearGrid(
        dims=("lat", "lon"),
        crs=grid_of_spec(GridSpec(crs=LONLAT, resolution=1.0), BOX).crs,
        time=None,
        x_edges=west + step * np.arange(width + 1),
        y_edges=y[::-1] if up else y,
    )


BOX = BBox(west=10, south=47, east=12, north=49)
UTM = grid_of_spec(GridSpec(crs="EPSG:32632", resolution=20_000.0), BOX)


EAST, NORTH = pyproj.Transformer.from_crs(LONLAT, "EPSG:6933", always_xy=True).transform(180, 90)
#: The whole plane of equal areas.
GLOBE = RectilinearGrid(
    dims=("y", "x"),
    crs=pyproj.CRS("EPSG:6933"),
    time=None,
    x_edges=np.linspace(-EAST, EAST, 31),
    y_edges=np.linspace(NORTH, -NORTH, 16),
)


def array_on(grid, values=None, *, seed=0, chunks=None, attrs=None):
    if values is None:
        values = np.random.default_rng(seed).normal(10, 3, (2, *grid.shape))
    return xr.DataArray(
        da.from_array(values, chunks=chunks or values.shape),
        dims=("time", *grid.dims)[-values.ndim :],
        coords=grid_coordinates(grid),
        attrs=attrs or {},
        name="v",
    )


def total(values):
    return np.nansum(values)


PAIRS = {
    "degrees, finer": (lonlat(9, 50, 0.5, 8, 10), lonlat(10, 49, 0.13, 12, 14)),
    "degrees, coarser": (lonlat(9, 50, 0.11, 30, 40), lonlat(9.5, 49.5, 0.7, 3, 4)),
    "rows upwards": (lonlat(9, 50, 0.5, 8, 10, up=True), lonlat(10, 49, 0.3, 5, 6)),
    "to a plane": (lonlat(9, 50, 0.25, 16, 20), UTM),
    "from a plane": (UTM, lonlat(10.2, 48.8, 0.31, 5, 5)),
}


@pytest.mark.parametrize("pair", PAIRS, ids=str)
@pytest.mark.parametrize("method", ["nearest", "bilinear", "mean", "mode"])
def test_a_constant_field_stays_constant(pair, method):
    source, target = PAIRS[pair]
    found = regrid(array_on(source, np.full((1, *source.shape), 7.0)), source, target, method)
    values = found.to_numpy()
    assert np.isfinite(values).any()
    np.testing.assert_allclose(values[np.isfinite(values)], 7.0, rtol=1e-12)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (lonlat(10, 49, 0.1, 20, 20), lonlat(9.9, 49.1, 0.37, 7, 7)),
        (lonlat(10, 49, 0.5, 4, 4), lonlat(9.95, 49.05, 0.07, 32, 32)),
        (lonlat(10, 49, 0.1, 20, 20), grid_of_spec(GridSpec(crs="EPSG:3035", resolution=3e4),
                                                 BBox(west=9, south=46, east=13, north=50))),
        (UTM, lonlat(8, 50, 0.3, 15, 20)),
        (lonlat(-180, 90, 5, 36, 72), lonlat(0, 90, 7.5, 24, 48)),
        (lonlat(-180, 90, 10, 18, 36), GLOBE),
    ],
    ids=["coarser", "finer", "to a plane", "from a plane", "globe from 0 to 360", "globe to plane"],
)  # fmt: skip
def test_a_sum_is_preserved(source, target):
    array = array_on(source, np.random.default_rng(1).gamma(2, 3, (2, *source.shape)))
    array = array.where(array > 1)
    found = regrid(array, source, target, "sum").to_numpy()
    for before, after in zip(array.to_numpy(), found, strict=True):
        assert total(after) == pytest.approx(total(before), rel=1e-6)


@pytest.mark.parametrize("pair", ["degrees, finer", "degrees, coarser", "rows upwards"])
def test_a_mean_preserves_the_integral_over_the_ellipsoid(pair):
    _, target = PAIRS[pair]
    x, y = (np.sort(e) for e in (target.x_edges, target.y_edges))
    # The source has the border of the target, so that nothing is lost at it.
    source = RectilinearGrid(
        dims=("lat", "lon"), crs=target.crs, time=None,
        x_edges=np.linspace(x[0], x[-1], 8), y_edges=np.linspace(y[-1], y[0], 6),
    )  # fmt: skip
    array = array_on(source)
    found = regrid(array, source, target, "mean").to_numpy()
    whole = [tuple(slice(0, n) for n in g.shape) for g in (source, target)]
    before = (array.to_numpy() * source.areas(whole[0])).sum()
    assert (found * target.areas(whole[1])).sum() == pytest.approx(before, rel=1e-9)


def by_hand(array, source, target, method):
    """Return what two loops over all cells find, in degrees weighted by area on the ellipsoid."""
    values, found = array.to_numpy()[0], np.full(target.shape, np.nan)
    whole = tuple(slice(0, n) for n in source.shape)
    areas = source.areas(whole)
    for i in range(target.shape[0]):
        for j in range(target.shape[1]):
            sums = weights = 0.0
            for k in range(source.shape[0]):
                for m in range(source.shape[1]):
                    y0, y1 = sorted(target.y_edges[i : i + 2])
                    v0, v1 = sorted(source.y_edges[k : k + 2])
                    x0, x1 = sorted(target.x_edges[j : j + 2])
                    u0, u1 = sorted(source.x_edges[m : m + 2])
                    common = np.array([[max(x0, u0), min(x1, u1)], [max(y0, v0), min(y1, v1)]])
                    if (common[:, 1] <= common[:, 0]).any() or not np.isfinite(values[k, m]):
                        continue
                    part = lonlat_area(common)
                    weight = part if method == "mean" else part / areas[k, m]
                    sums, weights = sums + weight * values[k, m], weights + weight
            if weights > 0:
                found[i, j] = sums / weights if method == "mean" else sums
    return found


def lonlat_area(common):
    grid = RectilinearGrid(
        dims=("lat", "lon"), crs=UTM.crs.geodetic_crs, time=None,
        x_edges=common[0], y_edges=common[1],
    )  # fmt: skip
    return grid.areas((slice(0, 1), slice(0, 1)))[0, 0]


@pytest.mark.parametrize("method", ["mean", "sum"])
@pytest.mark.parametrize("pair", ["degrees, finer", "degrees, coarser", "rows upwards"])
def test_areas_in_degrees_count_as_by_hand(pair, method):
    source, target = PAIRS[pair]
    array = array_on(source)
    array = array.where(array > 6)
    found = regrid(array, source, target, method).isel(time=0).to_numpy()
    np.testing.assert_allclose(found, by_hand(array, source, target, method), rtol=1e-9)


@pytest.mark.parametrize("pair", ["to a plane", "from a plane"])
def test_areas_across_planes_count_as_by_polygons(pair):
    source, target = PAIRS[pair]
    array = array_on(source)
    array = array.where(array > 6)
    plane = "+proj=laea +lat_0=48 +lon_0=11 +datum=WGS84"
    cells = [np.asarray(densely(g, plane)) for g in (source, target)]
    common = shapely.area(shapely.intersection(cells[1].ravel()[:, None], cells[0].ravel()))
    values = array.to_numpy()[0].ravel()
    weights = common * np.isfinite(values)
    sums = weights @ np.nan_to_num(values)
    with np.errstate(invalid="ignore"):
        expected = np.where(weights.sum(axis=1) > 1, sums / weights.sum(axis=1), np.nan)
    found = regrid(array, source, target, "mean").isel(time=0).to_numpy()
    np.testing.assert_allclose(found.ravel(), expected, rtol=1e-4)


@pytest.mark.parametrize("step", [0.006, 0.013])
@pytest.mark.parametrize("share", [True, False])
def test_cells_of_four_corners_have_in_common_what_shapely_finds(step, share):
    target = grid_of_spec(
        GridSpec(crs="EPSG:32632", resolution=700.0),
        BBox(west=11.0, south=48.0, east=11.1, north=48.1),
    )
    source = lonlat(10.98, 48.12, step, int(0.14 / step), int(0.14 / step))
    plane = equal_area_plane(target, target)
    cells = [cell_polygons(g, plane) for g in (source, target)]
    found = overlap_areas(*cells, share=share).toarray()
    common = shapely.area(
        shapely.intersection(cells[1].ravel()[:, None], cells[0].ravel()[None, :])
    )
    expected = common / shapely.area(cells[0].ravel()) if share else common
    np.testing.assert_allclose(found, expected, atol=1e-9 * expected.max())


def densely(grid, plane):
    transformer = pyproj.Transformer.from_crs(grid.crs, plane, always_xy=True)
    boxes = [
        [
            shapely.segmentize(shapely.box(*sorted_box(grid, i, j)), side(grid) / 40)
            for j in range(grid.shape[1])
        ]
        for i in range(grid.shape[0])
    ]
    return shapely.transform(np.array(boxes), transformer.transform, interleaved=False)


def side(grid):
    return float(abs(np.diff(grid.x_edges[:2])[0]))


def sorted_box(grid, i, j):
    (x0, x1), (y0, y1) = sorted(grid.x_edges[j : j + 2]), sorted(grid.y_edges[i : i + 2])
    return x0, y0, x1, y1


@pytest.mark.parametrize(
    ("source", "target"),
    [
        PAIRS["degrees, finer"],
        (lonlat(9, 50, 0.5, 8, 10), UTM),
        (UTM, lonlat(10.2, 48.8, 0.07, 20, 20)),
    ],
    ids=["degrees", "to a plane", "from a plane"],
)
@pytest.mark.parametrize("method", ["nearest", "bilinear"])
def test_points_agree_with_rasterio(source, target, method):
    """Where cells are not larger: GDAL widens its kernel then. It is right to 1/8 of a cell."""
    array = array_on(source)
    found = regrid(array, source, target, method).isel(time=0).to_numpy()
    expected = np.full(target.shape, np.nan)
    transforms = [
        from_origin(g.x_edges[0], g.y_edges[0], side(g), abs(g.y_edges[1] - g.y_edges[0]))
        for g in (source, target)
    ]
    rasterio.warp.reproject(
        array.to_numpy()[0], expected, src_transform=transforms[0], src_crs=source.crs.to_wkt(),
        dst_transform=transforms[1], dst_crs=target.crs.to_wkt(), src_nodata=np.nan,
        dst_nodata=np.nan, resampling=getattr(rasterio.warp.Resampling, method), tolerance=0,
    )  # fmt: skip
    both = np.isfinite(found) & np.isfinite(expected)
    assert both.mean() > 0.5
    assert (np.isfinite(found) == np.isfinite(expected)).mean() > 0.97
    assert np.isclose(found[both], expected[both], atol=0.15).mean() > 0.97
    if method == "bilinear":
        x, y = centres_in_plane(source, target)
        middles = [e[:-1] + np.diff(e) / 2 for e in (source.y_edges[::-1], source.x_edges)]
        exact = RegularGridInterpolator(
            middles, array.to_numpy()[0][::-1], bounds_error=False, fill_value=np.nan
        )((y, x))
        inside = np.isfinite(exact)
        np.testing.assert_allclose(found[inside], exact[inside], rtol=1e-9)


def test_a_gap_stays_as_large_as_it_is_between_points():
    source, target = lonlat(0, 10, 1, 10, 10), lonlat(0, 10, 0.5, 20, 20)
    values = np.ones((1, *source.shape))
    values[0, 4, 5] = np.nan
    found = regrid(array_on(source, values), source, target, "bilinear").isel(time=0).to_numpy()
    assert np.argwhere(np.isnan(found)).tolist() == [[8, 10], [8, 11], [9, 10], [9, 11]]


def test_the_largest_class_wins_and_no_class_is_made_up():
    source, target = lonlat(0, 4, 1, 4, 4), lonlat(0, 4, 2, 2, 2)
    classes = np.array([[1, 1, 9, 3], [1, 3, 9, 9], [5, 5, 2, 2], [5, 5, 2, 0]], dtype="uint8")
    found = regrid(array_on(source, classes[None]), source, target, "mode")
    assert found.isel(time=0).to_numpy().tolist() == [[1, 9], [5, 2]]


@pytest.mark.parametrize("method", ["nearest", "bilinear", "mean", "sum"])
def test_longitudes_from_0_to_360_are_those_from_minus_180(method):
    east, west = lonlat(0, 60, 2, 30, 180), lonlat(-180, 60, 2, 30, 180)
    values = np.random.default_rng(2).normal(size=(1, *east.shape))
    rolled = np.roll(values, 90, axis=-1)
    for target in (lonlat(170, 40, 1.5, 10, 12), lonlat(-5, 40, 1.5, 10, 12)):
        a = regrid(array_on(east, values), east, target, method).to_numpy()
        b = regrid(array_on(west, rolled), west, target, method).to_numpy()
        assert np.isfinite(a).all()
        np.testing.assert_allclose(a, b, rtol=1e-9)


@pytest.mark.parametrize("method", ["nearest", "bilinear", "mean"])
def test_a_plane_across_the_antimeridian_is_filled(method):
    source = lonlat(-180, 0, 1, 40, 360)
    target = grid_of_spec(
        GridSpec(crs="EPSG:3832", resolution=100_000.0),
        BBox(west=170, south=-20, east=180, north=-10),
    )
    wide = RectilinearGrid(
        dims=target.dims, crs=target.crs, time=None, y_edges=target.y_edges,
        x_edges=target.x_edges[0] + 1e5 * np.arange(25),
    )  # fmt: skip
    latitude = np.broadcast_to(source.centres(tuple(slice(0, n) for n in source.shape))[1],
                               (1, *source.shape))  # fmt: skip
    found = regrid(array_on(source, latitude), source, wide, method).isel(time=0)
    expected = wide.centres(tuple(slice(0, n) for n in wide.shape))[1]
    np.testing.assert_allclose(found.to_numpy(), expected, atol=0.6)


def test_around_the_pole_every_cell_has_its_value():
    source = lonlat(-180, 90, 2, 30, 180)
    target = grid_of_spec(
        GridSpec(crs="EPSG:3413", resolution=150_000.0),
        BBox(west=-180, south=75, east=180, north=90),
    )
    latitude = np.broadcast_to(source.centres(tuple(slice(0, n) for n in source.shape))[1],
                               (1, *source.shape))  # fmt: skip
    expected = target.centres(tuple(slice(0, n) for n in target.shape))[1]
    for method in ("nearest", "mean"):
        found = regrid(array_on(source, latitude), source, target, method).isel(time=0)
        np.testing.assert_allclose(found.to_numpy(), expected, atol=1.6)


def swath():
    """Return a dataset on a grid turned by 30 degrees, by longitude and latitude of each cell."""
    i, j = np.mgrid[0:30, 0:40] * 0.1
    x, y = 10 + j * 0.866 - i * 0.5, 46 + j * 0.5 + i * 0.866
    return xr.Dataset(
        {"v": (("r", "c"), x + 2 * y, {"units": "K"})},
        coords={
            "lon": (("r", "c"), x, {"units": "degrees_east"}),
            "lat": (("r", "c"), y, {"units": "degrees_north"}),
        },
    ).chunk()


@pytest.mark.parametrize(("method", "off"), [("nearest", 0.2), ("bilinear", 0.01), ("mean", 0.1)])
def test_a_swath_comes_onto_a_grid(method, off):
    dataset = swath()
    grid = grid_of(dataset, "v")
    target = lonlat(9.5, 49.5, 0.05, 50, 50)
    found = regrid(dataset["v"], grid, target, method).to_numpy()
    x, y = target.centres((slice(0, 50), slice(0, 50)))
    inside = np.isfinite(found)
    assert inside.any()
    assert not inside.all()
    # At the border of the swath there is nothing to go between.
    assert np.quantile(np.abs(found - (x + 2 * y))[inside], 0.9) < off


def test_a_swath_keeps_its_sum():
    dataset = swath()
    grid = grid_of(dataset, "v")
    found = regrid(dataset["v"], grid, lonlat(7, 52, 0.3, 25, 30), "sum")
    assert float(found.sum()) == pytest.approx(float(dataset["v"].sum()), rel=1e-6)


class Counting:
    """An array that knows what was read from it."""

    def __init__(self, shape):
        self.shape, self.dtype, self.ndim = shape, np.dtype("float32"), len(shape)
        self.read = 0

    def __getitem__(self, key):
        found = np.empty([len(range(*k.indices(n))) for k, n in zip(key, self.shape, strict=True)])
        self.read += found.size
        return found.astype(self.dtype) * 0


def test_only_what_a_block_needs_is_read():
    source, counting = lonlat(-180, 90, 0.1, 1800, 3600), Counting((3, 1800, 3600))
    data = da.from_array(counting, chunks=(1, 100, 100), meta=np.empty((0, 0, 0), "float32"))
    array = xr.DataArray(data, dims=("time", "lat", "lon"), name="v")
    target = grid_of_spec(GridSpec(crs="EPSG:32632", resolution=1000.0), BOX)
    with nothing_computed():
        lazy = regrid(array, source, target, "bilinear")
    assert counting.read == 0
    lazy.isel(time=1).compute()
    assert 0 < counting.read <= 4 * 100 * 100


def test_the_same_cells_are_taken_as_they_are():
    source = lonlat(0, 90, 1, 180, 360)
    array = array_on(source, np.arange(180 * 360, dtype="int16").reshape(1, 180, 360))
    part = part_of_region(source, shapely.box(-3, 10, 2, 12))
    found = regrid(array, source, part.of(source), "mean")
    assert found.dtype == np.int16
    assert found["lon"].to_numpy().tolist() == [-2.5, -1.5, -0.5, 0.5, 1.5]
    assert found.isel(time=0).sel(lat=11.5, lon=-0.5) == 78 * 360 + 359


@settings(max_examples=15)
@given(st.integers(1, 7), st.integers(1, 7), st.floats(0.3, 3), st.floats(-1, 1), st.booleans())
def test_any_two_grids_share_a_sum(height, width, step, shift, up):
    source = lonlat(5 + shift, 45 + shift, step / width, height, width, up=up)
    target = lonlat(0, 50, 0.7, 60, 20)
    array = array_on(source)
    found = regrid(array, source, target, "sum").to_numpy()
    assert total(found) == pytest.approx(total(array.to_numpy()), rel=1e-9)


@pytest.mark.parametrize(
    ("attrs", "coarser", "finer"),
    [
        ({"standard_name": "air_temperature", "units": "K"}, "mean", "bilinear"),
        ({"standard_name": "precipitation_amount", "units": "kg m-2"}, "mean", "mean"),
        ({"units": "mm", "cell_methods": "time: sum"}, "mean", "mean"),
        ({"units": "persons"}, "sum", "sum"),
        ({"units": "J m-2", "cell_methods": "time: mean area: sum"}, "sum", "sum"),
        ({"units": "kg", "cell_methods": "lat: lon: mean"}, "mean", "mean"),
        ({"flag_values": [0, 1], "units": "1"}, "mode", "nearest"),
        ({"units": "bit field"}, "mode", "nearest"),
        ({"standard_name": "area_type"}, "mode", "nearest"),
    ],
)
def test_the_quantity_decides_how_it_is_resampled(attrs, coarser, finer):
    array = xr.DataArray(np.zeros(2), attrs=attrs)
    assert method_for(array, "auto", coarser=True) == coarser
    assert method_for(array, "auto", coarser=False) == finer


def test_what_cannot_be_resampled_says_why():
    source = lonlat(0, 10, 1, 4, 4)
    with pytest.raises(SelectionError, match=r"no resampling 'cubic'; there are auto"):
        regrid(array_on(source), source, lonlat(0, 10, 0.7, 3, 3), "cubic")
    stations = xr.Dataset(
        {"v": ("site", [1.0, 2.0])},
        coords={"lon": ("site", [10.0, 11.0]), "lat": ("site", [50.0, 51.0])},
    )
    with pytest.raises(SelectionError, match="stations"):
        regrid(stations["v"], grid_of(stations, "v"), source)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (GridSpec(crs="EPSG:1", resolution=1.0), "no reference system"),
        (GridSpec(crs="EPSG:4326", resolution=-1.0), "a length above 0"),
        (GridSpec(crs="EPSG:32632", resolution=1e-3), "units of WGS 84 / UTM zone 32N"),
        (GridSpec(crs="EPSG:32632", resolution=float("nan")), "a length above 0"),
    ],
)
def test_a_grid_that_is_none(spec, message):
    with pytest.raises(SelectionError, match=message):
        grid_of_spec(spec, BOX)
