import io
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import shapely
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import NamedNode, RdfFormat

from cube_bridge.cubes.chunk_search import chunks_meeting
from cube_bridge.cubes.iris import cells_of_tile, tile_iri
from cube_bridge.cubes.layout import ChunkLayout, layout_of_text
from cube_bridge.cubes.time_borders import times_of_text, times_text
from cube_bridge.errors import SourceError, SourceNotFoundError
from cube_bridge.indexing.index import index_file
from kg.embedded.store import EmbeddedStore
from tests.conftest import make_cube

DAY = timedelta(days=1)
START = datetime(2020, 1, 1, tzinfo=UTC)


@given(
    st.lists(
        st.lists(st.integers(1, 9), min_size=1, max_size=6).map(tuple), min_size=1, max_size=4
    ).map(tuple)
)
def test_a_layout_reads_back_as_it_was_written(lengths):
    dims = tuple("abcd"[: len(lengths)])
    layout = ChunkLayout(dims=dims, lengths=lengths)
    assert layout_of_text(",".join(dims), layout.text()) == layout


@given(st.lists(st.integers(-(10**9), 10**10), min_size=1, max_size=9, unique=True).map(sorted))
def test_times_read_back_as_they_were_written(seconds):
    moments = [datetime.fromtimestamp(0, UTC) + timedelta(seconds=s) for s in seconds]
    assert times_of_text(times_text(moments)).tolist() == seconds


def test_runs_of_equal_chunks_are_counted():
    layout = ChunkLayout(dims=("t", "y"), lengths=((30,) * 12 + (5,), (100,) * 4))
    assert layout.text() == "30*12+5,100*4"
    assert layout.slices((12, 1)) == (slice(360, 365), slice(100, 200))


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 10**6)), min_size=1, max_size=3).map(
        tuple
    )
)
def test_the_iri_of_a_tile_tells_its_cells(cells):
    assert cells_of_tile(tile_iri(NamedNode("urn:cube"), "lat x-lon/2", cells)) == cells


@pytest.mark.parametrize("name", ["0x0", "0x0-1", "a-1", "0-1-2", ""])
def test_the_iri_of_a_tile_that_was_made_otherwise_is_refused(name):
    with pytest.raises(SourceError, match="index the cube anew"):
        cells_of_tile(NamedNode(f"urn:cube/tile/grid/{name}"))


@pytest.fixture
def indexed(store, iris, tmp_path):
    """A cube of two variables that are cut differently, one of them with levels."""
    cube = make_cube()
    levels = xr.concat([cube["ts"], cube["ts"] + 100], "level").transpose(
        "time", "level", "lat", "lon"
    )
    cube["ta"] = levels.assign_coords(level=("level", [500.0, 850.0]))
    path = tmp_path / "two.zarr"
    cube["ts"] = cube["ts"].chunk(time=2, lat=4, lon=5)
    cube["ta"] = cube["ta"].chunk(time=3, level=1, lat=3, lon=10)
    cube.to_zarr(path, zarr_format=3, consolidated=False)
    return index_file(store, iris, path).source, cube.compute()


def variable(source, name):
    return NamedNode(f"{source.value}/variable/{name}")


def brute_force(array, geometry, begin, end):
    """Return the chunks with a cell that meets a geometry and a period, cell by cell."""
    times = [START + i * DAY for i in range(array.sizes["time"])]
    during = np.array([begin < t + DAY and t < end for t in times])
    boxes = shapely.box(
        array.lon.values[None, :] - 0.25,
        array.lat.values[:, None] - 0.25,
        array.lon.values[None, :] + 0.25,
        array.lat.values[:, None] + 0.25,
    )
    return during, shapely.intersects(geometry, boxes)


@pytest.mark.parametrize("name", ["ts", "ta"])
@pytest.mark.parametrize(
    "geometry",
    [
        shapely.Point(11, 51),
        shapely.box(9.8, 51.1, 12.1, 53),
        shapely.Polygon(
            [(10, 49), (14, 49), (12, 51.9)], [[(11.6, 49.6), (12.4, 49.6), (12, 50.4)]]
        ),
        shapely.box(100, 50, 101, 51),
    ],
)
def test_chunks_are_those_with_a_cell_in_the_region_and_period(store, indexed, name, geometry):
    source, cube = indexed
    begin, end = START + 2 * DAY, START + 3 * DAY
    during, inside = brute_force(cube[name], geometry, begin, end)
    mask = xr.DataArray(during, dims="time") & xr.DataArray(inside, dims=("lat", "lon"))
    mask = mask.broadcast_like(cube[name]).transpose(*cube[name].dims).to_numpy()
    found = chunks_meeting(store, variable(source, name), geometry, begin, end)
    assert len({c.index for c in found}) == len(found)
    seen = np.zeros(mask.shape, bool)
    for chunk in found:
        part = mask[chunk.slices]
        assert part.any()
        seen[chunk.slices] = True
        values = cube[name].to_numpy()[chunk.slices]
        assert chunk.statistics.valid_count == np.isfinite(values).sum()
        assert chunk.statistics.maximum == np.nanmax(values)
    assert seen[mask].all()


def test_an_instant_and_a_time_before_or_after_all(store, indexed):
    source, _ = indexed
    world = shapely.box(-180, -90, 180, 90)
    ts = variable(source, "ts")
    third = START + 2 * DAY
    assert {c.index[0] for c in chunks_meeting(store, ts, world, third, third)} == {1}
    assert not chunks_meeting(store, ts, world, START - DAY, START)
    assert not chunks_meeting(store, ts, world, START + 6 * DAY, START + 7 * DAY)


def test_the_zone_map_leaves_out_what_cannot_hold_a_value(store, indexed):
    source, cube = indexed
    world = shapely.box(-180, -90, 180, 90)
    period = (START, START + 6 * DAY)
    ts = variable(source, "ts")
    everything = chunks_meeting(store, ts, world, *period)
    threshold = float(cube["ts"].quantile(0.995))
    hot = chunks_meeting(store, ts, world, *period, minimum_above=threshold)
    cold = chunks_meeting(store, ts, world, *period, maximum_below=-1e9)
    assert hot == [c for c in everything if c.statistics.maximum >= threshold]
    assert 0 < len(hot) < len(everything)
    assert cold == []


def test_planning_anew_from_a_folder_finds_the_same(store, indexed, tmp_path):
    source, _ = indexed
    document = io.BytesIO()
    store.dump(document, RdfFormat.N_QUADS)
    asked = (variable(source, "ta"), shapely.box(9.8, 51.1, 12.1, 53), START, START + 6 * DAY)
    expected = chunks_meeting(store, *asked)
    assert len(expected) > 2
    with EmbeddedStore(tmp_path / "store") as folder:
        folder.load(io.BytesIO(document.getvalue()), RdfFormat.N_QUADS)
        assert chunks_meeting(folder, *asked) == expected
    with EmbeddedStore(tmp_path / "store") as folder:
        assert chunks_meeting(folder, *asked) == expected


def test_a_variable_without_chunks_is_not_known(store):
    with pytest.raises(SourceNotFoundError, match="no chunks of a variable"):
        chunks_meeting(store, NamedNode("urn:nope"), shapely.Point(0, 0), START, START)


def test_chunks_of_other_levels_are_left_out(store, indexed):
    source, _ = indexed
    world, period = shapely.box(-180, -90, 180, 90), (START, START + 6 * DAY)
    ta = variable(source, "ta")
    everything = chunks_meeting(store, ta, world, *period)
    upper, lower = (chunks_meeting(store, ta, world, *period, at={"level": i}) for i in (0, 1))
    assert {c.index[1] for c in upper} == {0}
    assert {c.index[1] for c in lower} == {1}
    assert len(upper) + len(lower) == len(everything)
