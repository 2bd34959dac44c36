"""Where cells lie: footprints, windows, shares of cells, areas, for every kind of grid."""

import numpy as np
import pyproj
import pytest
import shapely
import shapely.affinity
import xarray as xr
from rasterio.features import geometry_mask
from rasterio.transform import from_bounds
from shapely.geometry.polygon import orient

from cube_bridge.errors import CoordinatesError
from cube_bridge.grids.reading import grid_of
from cube_bridge.grids.stations import StationGrid

WGS84 = pyproj.Geod(ellps="WGS84")
HOLED = shapely.Polygon(
    [(1.3, 40.2), (6.1, 40.9), (5.2, 44.7), (2.2, 43.3)],
    [[(3.1, 41.5), (4.2, 41.7), (3.8, 42.6)]],
)


def values(*dims, **coords):
    shape = [len(coords[d]) if d in coords else 4 for d in dims]
    return xr.Dataset({"v": (dims, np.zeros(shape))})


def lonlat(lon, lat):
    dataset = values("lat", "lon", lat=lat, lon=lon)
    return dataset.assign_coords(
        lon=("lon", lon, {"units": "degrees_east"}), lat=("lat", lat, {"units": "degrees_north"})
    )


def projected(x, y, crs):
    dataset = values("y", "x", y=y, x=x).assign_coords(
        x=("x", x, {"standard_name": "projection_x_coordinate"}),
        y=("y", y, {"standard_name": "projection_y_coordinate"}),
    )
    dataset["v"].attrs["grid_mapping"] = "crs"
    return dataset.assign(crs=((), 0, pyproj.CRS(crs).to_cf()))


def curvilinear(lon, lat):
    return xr.Dataset(
        {"v": (("j", "i"), np.zeros(lon.shape))},
        {
            "xlon": (("j", "i"), lon, {"standard_name": "longitude"}),
            "xlat": (("j", "i"), lat, {"standard_name": "latitude"}),
        },
    )


def rotated_pole():
    mapping = {
        "grid_mapping_name": "rotated_latitude_longitude",
        "grid_north_pole_latitude": 39.25,
        "grid_north_pole_longitude": -162.0,
    }
    rlon, rlat = np.arange(-10.0, 8.0, 0.5), np.arange(-8.0, 8.0, 0.5)
    dataset = values("rlat", "rlon", rlat=rlat, rlon=rlon).assign_coords(
        rlon=("rlon", rlon, {"standard_name": "grid_longitude", "units": "degrees"}),
        rlat=("rlat", rlat, {"standard_name": "grid_latitude", "units": "degrees"}),
    )
    dataset["v"].attrs["grid_mapping"] = "rotated_pole"
    return dataset.assign(rotated_pole=((), 0, mapping))


def everything(grid):
    return tuple(slice(0, n) for n in grid.shape)


def on_whole(grid, geometry):
    """Return the coverage over the whole grid, put together from its windows."""
    shares = np.zeros(grid.shape)
    for window in grid.windows(geometry):
        shares[window] += grid.coverage(geometry, window)
    return shares


GRIDS = {
    "degrees": lonlat(np.arange(0, 9, 0.5), np.arange(39, 46, 0.25)),
    "north to south": lonlat(np.arange(0, 9, 0.5), np.arange(46, 39, -0.25)),
    "east to west": lonlat(np.arange(9, 0, -0.5), np.arange(39, 46, 0.25)),
    "0 to 360": lonlat(np.arange(0, 360, 2.0), np.arange(-89, 90, 2.0)),
    "uneven": lonlat(np.array([0, 1, 3, 4.5, 8, 9]), np.array([39, 40, 42, 43, 46.0])),
    "UTM": projected(np.arange(1e5, 9e5, 2e4), np.arange(5.2e6, 4.2e6, -2e4), "EPSG:32631"),
    "equal area": projected(
        np.arange(3.0e6, 4.4e6, 5e4), np.arange(1.7e6, 3.0e6, 5e4), "EPSG:3035"
    ),
    "rotated pole": rotated_pole(),
    "curvilinear": curvilinear(
        *(a + 0.1 * b for a, b in [np.meshgrid(np.arange(0, 9, 0.5), np.arange(39, 46, 0.25))] * 1
          for a, b in ((a, b - 42), (b, a - 4)))
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GRIDS)
def test_the_shares_of_the_cells_add_up_to_the_area(name):
    grid = grid_of(GRIDS[name])
    geometry = shapely.affinity.translate(HOLED, 14, 8) if name == "rotated pole" else HOLED
    shares = on_whole(grid, geometry)
    assert shares.min() >= 0
    assert shares.max() <= 1
    found = (shares * grid.areas(everything(grid))).sum()
    dense = orient(shapely.segmentize(geometry, 0.05))
    # Its sides are straight in the plane of the grid.
    assert found == pytest.approx(WGS84.geometry_area_perimeter(dense)[0], rel=4e-3)


@pytest.mark.parametrize("name", GRIDS)
def test_a_cell_is_where_its_centre_and_its_footprint_are(name):
    grid = grid_of(GRIDS[name])
    window = tuple(slice(n // 2, n // 2 + 1) for n in grid.shape)
    (cell,), (longitude, latitude) = grid.cells(window).ravel(), grid.centres(window)
    assert abs(longitude.item()) <= 180
    centre = shapely.Point(longitude.item() if cell.bounds[2] < 180 else 179.5, latitude.item())
    assert cell.contains(centre)
    assert grid.footprint(window).contains(centre)
    assert grid.footprint(window).symmetric_difference(cell).area < 0.01 * cell.area
    assert grid.areas(window).item() == pytest.approx(
        abs(WGS84.geometry_area_perimeter(cell)[0]), rel=2e-3
    )
    shares = on_whole(grid, centre)
    assert shares.sum() == 1
    assert shares[window] == 1
    assert [w for w in grid.windows(cell) if grid.coverage(cell, w).max() > 0.99]


@pytest.mark.parametrize("name", ["degrees", "north to south", "east to west"])
def test_centres_inside_are_those_that_rasterio_burns(name):
    dataset = GRIDS[name]
    grid = grid_of(dataset)
    lon, lat = np.sort(dataset.lon.to_numpy()), np.sort(dataset.lat.to_numpy())
    west, east = lon[0] - 0.25, lon[-1] + 0.25
    south, north = lat[0] - 0.125, lat[-1] + 0.125
    burnt = geometry_mask(
        [HOLED], grid.shape, from_bounds(west, south, east, north, len(lon), len(lat)), invert=True
    )
    burnt = burnt if dataset.lat[0] > dataset.lat[-1] else burnt[::-1]
    burnt = burnt[:, ::-1] if dataset.lon[0] > dataset.lon[-1] else burnt
    assert (grid.contains(HOLED, everything(grid)) == burnt).all()


def test_the_globe_has_its_area_and_is_a_whole():
    grid = grid_of(GRIDS["0 to 360"])
    assert grid.areas(everything(grid)).sum() == pytest.approx(510_065_621.7e6, rel=1e-6)
    assert grid.footprint(everything(grid)).bounds == (-180, -90, 180, 90)


def test_a_zone_across_the_seam_of_the_longitudes_is_found_whole():
    fiji = shapely.union_all([shapely.box(177, -20, 180, -15), shapely.box(-180, -20, -177, -15)])
    greenwich = shapely.box(-3, 50, 3, 53)
    grid = grid_of(GRIDS["0 to 360"])
    for geometry, windows in ((fiji, 1), (greenwich, 2)):
        assert len(grid.windows(geometry)) == windows
        found = (on_whole(grid, geometry) * grid.areas(everything(grid))).sum()
        other = grid_of(lonlat(np.arange(-179, 180, 2.0), np.arange(-89, 90, 2.0)))
        assert found == pytest.approx(
            (on_whole(other, geometry) * other.areas(everything(other))).sum(), rel=1e-9
        )


@pytest.mark.parametrize("crs", ["EPSG:3413", "EPSG:3031"])
def test_a_grid_around_a_pole_has_the_pole_in_its_footprint(crs):
    axis = np.arange(-2e6, 2.1e6, 1e5)
    ground = grid_of(projected(axis, axis, crs)).footprint((slice(0, 41), slice(0, 41)))
    pole = 89.9 if crs == "EPSG:3413" else -89.9
    assert all(ground.covers(shapely.Point(x, pole)) for x in (-170, -45, 0, 120))
    assert not ground.covers(shapely.Point(0, 0))


def test_a_projected_grid_across_180_degrees_is_cut_there():
    axis = np.arange(2e5, 8e5, 5e4)
    ground = grid_of(projected(axis, axis + 7e6, "EPSG:32601")).footprint((slice(0, 12),) * 2)
    assert ground.geom_type == "MultiPolygon"
    assert ground.bounds[0] == -180
    assert ground.bounds[2] == 180


def test_kilometres_are_metres_and_angles_of_a_satellite_are_too():
    metres = GRIDS["equal area"]
    kilometres = metres.assign_coords(
        x=("x", metres.x.to_numpy() / 1000, {**metres.x.attrs, "units": "km"}),
        y=("y", metres.y.to_numpy() / 1000, {**metres.y.attrs, "units": "km"}),
    )
    window = (slice(0, 2), slice(0, 3))
    assert (
        grid_of(kilometres).footprint(window).equals_exact(grid_of(metres).footprint(window), 1e-9)
    )
    angles = np.linspace(-0.02, 0.02, 9)
    disc = projected(angles, angles, "+proj=geos +h=35785831 +lon_0=0 +sweep=y")
    disc = disc.assign_coords(
        x=("x", angles, {"units": "rad", "standard_name": "projection_x_angular_coordinate"}),
        y=("y", angles, {"units": "rad", "standard_name": "projection_y_angular_coordinate"}),
    )
    west, _, east, north = grid_of(disc).footprint((slice(0, 9), slice(0, 9))).bounds
    assert east == pytest.approx(-west)
    assert 6 < east < 8
    assert 6 < north < 8


def test_bounds_of_the_file_are_the_borders_of_the_cells():
    dataset = lonlat(np.array([0.5, 2.0]), np.array([10.0, 20.0]))
    dataset["lon_bnds"] = (("lon", "nv"), [[0.0, 1.0], [1.0, 3.0]])
    dataset.lon.attrs["bounds"] = "lon_bnds"
    assert grid_of(dataset, "v").footprint((slice(0, 1), slice(1, 2))).bounds == (1, 5, 3, 15)


def bounded(latitudes, pairs):
    dataset = lonlat(np.array([0.5, 1.5]), np.array(latitudes, float))
    dataset["lat_bnds"] = (("lat", "nv"), np.array(pairs, float))
    dataset.lat.attrs["bounds"] = "lat_bnds"
    return grid_of(dataset, "v")


@pytest.mark.parametrize("turned", [False, True], ids=["as the axis", "against the axis"])
@pytest.mark.parametrize("descending", [False, True], ids=["ascending", "descending"])
def test_bounds_are_the_borders_whichever_way_they_and_the_axis_run(descending, turned):
    latitudes, pairs = [10.0, 20.0, 50.0], np.array([[9, 12], [12, 40], [40, 51]], float)
    if descending:
        latitudes, pairs = latitudes[::-1], pairs[::-1, ::-1]
    grid = bounded(latitudes, pairs[:, ::-1] if turned else pairs)
    edges = [9, 12, 40, 51]
    assert grid.y_edges.tolist() == (edges[::-1] if descending else edges)
    cells = grid.cells((slice(0, 3), slice(0, 1))).ravel()
    spans = [(c.bounds[1], c.bounds[3]) for c in cells]
    assert spans == ([(40, 51), (12, 40), (9, 12)] if descending else [(9, 12), (12, 40), (40, 51)])


def test_the_bounds_of_one_cell_are_its_borders():
    assert bounded([10.0], [[9, 12]]).y_edges.tolist() == [9, 12]


@pytest.mark.parametrize(
    "pairs", [[[9, 12], [13, 40], [40, 51]], [[9, 12, 0], [12, 40, 0], [40, 51, 0]]]
)
def test_bounds_that_leave_gaps_or_are_no_pairs_give_way_to_the_middles(pairs):
    dataset = lonlat(np.array([0.5, 1.5]), np.array([10.0, 20.0, 50.0]))
    dataset["lat_bnds"] = (("lat", "nv"), np.array(pairs, float))
    dataset.lat.attrs["bounds"] = "lat_bnds"
    assert grid_of(dataset, "v").y_edges.tolist() == [5, 15, 35, 65]


def test_one_row_is_as_high_as_its_cells_are_wide():
    grid = grid_of(lonlat(np.array([0.0, 1.0, 2.0]), np.array([10.0])))
    assert grid.footprint((slice(0, 1), slice(0, 3))).bounds == (-0.5, 9.5, 2.5, 10.5)


def test_lines_are_shared_by_length_and_points_by_cell():
    grid = grid_of(GRIDS["degrees"])
    line = shapely.LineString([(1, 41), (3, 41), (3, 44)])
    shares = on_whole(grid, line)
    assert shares.sum() == pytest.approx(1)
    assert shares.max() == pytest.approx(0.5 / 5)
    points = shapely.MultiPoint([(1.1, 41.1), (1.15, 41.12), (4, 44)])
    assert on_whole(grid, points).sum() == 2


def test_what_lies_outside_touches_nothing():
    for dataset in GRIDS.values():
        grid = grid_of(dataset)
        far = shapely.box(100, -60, 101, -59)
        assert on_whole(grid, far).sum() == (0 if dataset is not GRIDS["0 to 360"] else 0.25)


def test_stations_are_points():
    dataset = xr.Dataset(
        {"t": (("site", "time"), np.zeros((3, 2)))},
        {
            "lon": ("site", [10.0, 190.0, -75.0], {"units": "degrees_east"}),
            "lat": ("site", [50.0, 60.0, 45.0], {"units": "degrees_north"}),
            "time": np.array(["2020-01-01", "2020-01-02"], "M8[ns]"),
        },
    )
    grid = grid_of(dataset)
    assert isinstance(grid, StationGrid)
    assert grid.footprint((slice(0, 3),)).equals(
        shapely.MultiPoint([(10, 50), (-170, 60), (-75, 45)])
    )
    assert grid.coverage(shapely.box(-180, 40, 0, 70), (slice(0, 3),)).tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (values("y", "x").assign_coords(x=range(4), y=range(4)), "reference system .* not name"),
        (values("a", "b"), "no longitude and latitude"),
        (lonlat(np.arange(4.0), np.arange(100.0, 104)), "'lat' is not in degrees"),
        (lonlat(np.array([0.0, 2, 1]), np.arange(3.0)), "neither increases nor decreases"),
        (lonlat(np.array([0.0, np.nan, 1]), np.arange(3.0)), "no numbers"),
    ],
)
def test_what_is_missing_is_said(dataset, message):
    with pytest.raises(CoordinatesError, match=message):
        grid_of(dataset)


def test_an_unknown_reference_system_is_said():
    dataset = GRIDS["UTM"].copy()
    dataset["crs"] = ((), 0, {"crs_wkt": "PROJCS[broken"})
    with pytest.raises(CoordinatesError, match=r"'crs' is not known.*EPSG"):
        grid_of(dataset)
