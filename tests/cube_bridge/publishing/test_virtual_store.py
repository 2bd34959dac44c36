"""A selection as a Zarr store that computes what is read."""

import warnings
from datetime import UTC, datetime

import dask.array as da
import numpy as np
import pytest
import xarray as xr
import zarr
from pyoxigraph import NamedNode
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.errors import UnstableSpecificationWarning

from cube_bridge.errors import SelectionError
from cube_bridge.indexing.index import index_file
from cube_bridge.publishing.virtual_store import virtual_store
from cube_bridge.regridding.target_grid import GridSpec
from cube_bridge.selection.lazy_dataset import select_dataset
from kg.rdf.geometry import BBox
from tests.conftest import make_cube
from tests.laziness import nothing_computed

ALWAYS = (datetime(1900, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
BOX = BBox(west=9.8, south=48.3, east=14.7, north=52.2)


@pytest.fixture
def ts(store, iris, cube_nc):
    return NamedNode(f"{index_file(store, iris, cube_nc).source.value}/variable/ts")


@pytest.mark.parametrize("grid", [None, GridSpec(crs="EPSG:32632", resolution=20_000.0)])
def test_it_opens_without_reading_and_has_the_same_values(store, ts, grid):
    with nothing_computed():
        selected = select_dataset(store, [ts], BOX, *ALWAYS, grid=grid)
        opened = xr.open_zarr(virtual_store(selected), chunks={}, consolidated=False)
    xr.testing.assert_equal(opened["ts"].compute(), selected["ts"].compute())
    assert opened["ts"].attrs["units"] == "K"
    assert opened["ts"].chunks == selected["ts"].chunks


class Counting:
    def __init__(self, values):
        self.values, self.shape, self.dtype, self.ndim = values, values.shape, values.dtype, 3
        self.read = []

    def __getitem__(self, key):
        self.read.append(tuple(k.start for k in key))
        return self.values[key]


def test_reading_one_chunk_computes_no_other():
    cube = make_cube()
    counting = Counting(cube["ts"].to_numpy())
    values = da.from_array(counting, (4, 3, 5), meta=np.empty((0, 0, 0), "float32"))
    lazy = cube.assign(ts=(cube["ts"].dims, values))
    group = zarr.open_group(virtual_store(lazy), mode="r")
    # The last chunks are cut off where the cube ends.
    found = group["ts"][4:, 6:, :5]
    np.testing.assert_array_equal(found, cube["ts"][4:, 6:, :5])
    assert counting.read == [(4, 6, 0)]
    assert group["lat"][:].tolist() == cube["lat"].to_numpy().tolist()


def test_whole_numbers_and_names_beside_them_are_kept():
    cube = make_cube(times=2)
    lazy = xr.Dataset(
        {"count": (("lat", "lon"), da.arange(80, chunks=40, dtype="int16").reshape(8, 10))},
        coords={"lat": cube["lat"], "lon": cube["lon"]},
    ).assign(label=("lat", [f"row {i}" for i in range(8)]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnstableSpecificationWarning)
        found = xr.open_zarr(virtual_store(lazy), consolidated=False)
    assert found["count"].dtype == np.int16
    np.testing.assert_array_equal(found["count"], lazy["count"])
    assert found["label"].to_numpy().tolist()[7] == "row 7"


def test_parts_of_a_chunk_and_keys_that_are_none():
    lazy = make_cube().chunk(time=2)
    store = virtual_store(lazy)
    prototype = default_buffer_prototype()

    def get(key, part=None):
        found = sync(store.get(key, prototype, part))
        return found if found is None else found.to_bytes()

    whole = get("ts/c/1/0/0")
    assert len(whole) == 2 * 8 * 10 * 4
    assert get("ts/c/1/0/0", RangeByteRequest(4, 12)) == whole[4:12]
    assert get("ts/c/1/0/0", OffsetByteRequest(600)) == whole[600:]
    assert get("ts/c/1/0/0", SuffixByteRequest(8)) == whole[-8:]
    assert [get(k) for k in ("ts/c/3/0/0", "ts/c/0/0", "ts/c/x/0/0", "no/c/0/0/0")] == [None] * 4
    assert sync(store.exists("ts/c/2/0/0"))
    assert not sync(store.exists("ts/c/3/0/0"))
    with pytest.raises(ValueError, match="read-only"):
        sync(store.delete("ts/c/0/0/0"))


def test_what_is_not_lazy_needs_no_store(cube):
    with pytest.raises(SelectionError, match="is lazy"):
        virtual_store(cube)
