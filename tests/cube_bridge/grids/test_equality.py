from dataclasses import replace

import numpy as np
import pyproj
import pytest

from cube_bridge.grids.equality import is_same_grid
from cube_bridge.grids.parts import part_that_is
from cube_bridge.grids.reading import grid_of
from cube_bridge.grids.stations import StationGrid
from tests.cube_bridge.grids.test_grids import curvilinear, lonlat, projected

LON, LAT = np.arange(190.0, 200.0, 0.1), np.arange(60.0, 50.0, -0.1)


def plane(lon=LON, lat=LAT):
    return grid_of(lonlat(lon, lat), "v")


def swath(lon_shift=0.0, unknown=False):
    lon, lat = np.meshgrid(LON + 0.01, LAT)
    lon = lon + lat / 10 + lon_shift
    if unknown:
        lon[0, 0] = np.nan
    return grid_of(curvilinear(lon, lat), "v")


def stations(longitudes):
    return StationGrid(
        dims=("site",),
        crs=pyproj.CRS("OGC:CRS84"),
        time=None,
        longitudes=np.asarray(longitudes, float),
        latitudes=np.arange(float(len(longitudes))),
    )


def test_single_precision_makes_no_other_grid():
    rounded = plane(LON.astype(np.float32).astype(float), LAT.astype(np.float32).astype(float))
    assert is_same_grid(plane(), rounded)
    assert part_that_is(plane(), rounded) is not None
    assert is_same_grid(swath(), swath(1.5e-5))


@pytest.mark.parametrize("share", [0.0009, 0.0011])
def test_a_thousandth_of_a_cell_is_the_border(share):
    grid = plane()
    moved = replace(grid, x_edges=grid.x_edges + share * 0.1)
    assert is_same_grid(grid, moved) == (share < 1e-3)
    assert (part_that_is(grid, moved) is not None) == (share < 1e-3)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (plane(), plane(LON + 0.05)),
        (plane(), plane(LON[:-1])),
        (plane(), plane(LON, LAT[::-1])),
        (plane(LON - 360), plane()),
        (swath(), swath(0.05)),
        (swath(), swath(unknown=True)),
        (plane(), swath()),
        (stations([1, 2, 3]), stations([1, 2, 3 + 1e-9])),
        (
            grid_of(projected(np.arange(4.0), np.arange(4.0), 25832), "v"),
            grid_of(projected(np.arange(4.0), np.arange(4.0), 25833), "v"),
        ),
    ],
    ids=["half a cell", "fewer", "turned", "a turn of columns", "staggered", "unknown corner",
         "other kind", "stations", "other plane"],
)  # fmt: skip
def test_other_cells_are_another_grid(a, b):
    assert not is_same_grid(a, b)
    assert not is_same_grid(b, a)


def test_what_is_equal_is_the_same_with_unknown_corners_and_whole_turns():
    assert is_same_grid(swath(unknown=True), swath(unknown=True))
    assert is_same_grid(swath(), swath(-360.0))
    assert is_same_grid(stations([190, 200]), stations([-170, -160]))
