"""Cubes behind URLs: web, object store, memory; servers that misbehave."""

import pickle
import shutil
import tarfile
import time
import warnings
import zipfile

import fsspec
import numpy as np
import pytest
import rasterio
import xarray as xr
import zarr
from rasterio.transform import from_origin
from zarr.errors import ZarrUserWarning

from cube_bridge.access.location import Location, SourcePart
from cube_bridge.errors import (
    NotACubeError,
    SourceForbiddenError,
    SourceNotFoundError,
    SourceTimeoutError,
    SourceUnreachableError,
)
from cube_bridge.formats.opener import media_type, open_cube
from cube_bridge.formats.versions import chunk_versions, source_version
from tests.conftest import make_cube
from tests.file_server import serving_files

CHUNKS = {"time": 3, "lat": 4, "lon": 5}


@pytest.fixture
def folder(tmp_path, monkeypatch, made):
    """The same cube in every format, each with as many chunks."""
    monkeypatch.setenv("DEEPCUBE_TIMEOUT_S", "5")
    return shutil.copytree(made, tmp_path / "files")


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("made")
    cube = make_cube()
    for version in (2, 3):
        path = root / f"v{version}.zarr"
        cube.chunk(CHUNKS).to_zarr(path, zarr_format=version, consolidated=False)
        with warnings.catch_warnings():
            # It says that consolidated metadata is no part of version 3.
            warnings.simplefilter("ignore", ZarrUserWarning)
            zarr.consolidate_metadata(path)
    cube.chunk(CHUNKS).to_zarr(root / "bare.zarr", zarr_format=3, consolidated=False)
    encoding = {"ts": {"shards": (6, 8, 10), "chunks": (3, 4, 5)}}
    cube.to_zarr(root / "sharded.zarr", zarr_format=3, encoding=encoding, consolidated=False)
    cube.to_netcdf(root / "four.nc", encoding={"ts": {"chunksizes": (3, 4, 5)}})
    cube.to_netcdf(root / "three.nc", format="NETCDF3_CLASSIC", engine="netcdf4")
    for name, packing in (("stored", zipfile.ZIP_STORED), ("packed", zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(root / f"{name}.zip", "w", packing) as archive:
            for path in (root / "v2.zarr").rglob("*"):
                archive.write(path, path.relative_to(root))
    with tarfile.open(root / "c.tar", "w") as archive:
        archive.add(root / "v3.zarr", "deep/v3.zarr")
    return root


@pytest.fixture
def server(folder):
    with serving_files(folder) as running:
        yield running


@pytest.mark.parametrize(
    "name",
    [
        "v2.zarr",
        "v3.zarr",
        "v3.zarr/",
        "four.nc",
        "stored.zip",
        "packed.zip",
        "c.tar",
    ],
)
@pytest.mark.parametrize("ranges", [True, False])
def test_a_cube_on_the_web_equals_the_one_here(server, cube, name, ranges):
    server.ranges = ranges
    opened = open_cube(f"{server.url}/{name}")
    assert opened["ts"].chunks == ((3, 3), (4, 4), (5, 5))
    xr.testing.assert_equal(opened.compute(), cube)
    assert {method for method, _ in server.asked} <= {"GET", "HEAD"}


def test_zarr_without_consolidated_metadata_needs_a_server_that_lists(server, cube):
    with pytest.raises(NotACubeError, match=r"zarr\.consolidate_metadata"):
        open_cube(f"{server.url}/bare.zarr")
    server.lists = True
    xr.testing.assert_equal(open_cube(f"{server.url}/sharded.zarr").compute(), cube)
    server.ranges = False
    xr.testing.assert_equal(open_cube(f"{server.url}/sharded.zarr").compute(), cube)
    xr.testing.assert_equal(open_cube(f"{server.url}/bare.zarr").compute(), cube)


@pytest.mark.parametrize("name", ["three.nc", "four.nc"])
def test_netcdf_that_must_be_fetched_is_fetched_once(server, cube, name):
    server.ranges = False
    xr.testing.assert_equal(open_cube(f"{server.url}/{name}").compute(), cube)
    first = server.asked.count(("GET", f"/{name}"))
    xr.testing.assert_equal(open_cube(f"{server.url}/{name}").compute(), cube)
    assert server.asked.count(("GET", f"/{name}")) < 2 * first


def test_netcdf_4_on_the_web_is_read_in_parts(server, tmp_path):
    values = np.random.default_rng(1).normal(size=(40, 200, 200))
    large = xr.Dataset(
        {"t": (("time", "lat", "lon"), values)},
        coords={"time": np.arange("2020-01-01", "2020-02-10", dtype="M8[D]").astype("M8[ns]"),
                "lat": np.linspace(50, 40, 200), "lon": np.linspace(0, 10, 200)},
    )  # fmt: skip
    path = server.root / "large.nc"
    large.to_netcdf(path, encoding={"t": {"chunksizes": (1, 200, 200)}})
    opened = open_cube(f"{server.url}/large.nc")
    np.testing.assert_array_equal(opened["t"][7].to_numpy(), values[7])
    assert server.sent_bytes < path.stat().st_size / 3


def test_a_geotiff_on_the_web_is_read_in_parts_by_several_threads(server):
    values = np.random.default_rng(2).integers(0, 4000, (2048, 2048), dtype="uint16")
    path = server.root / "s.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=2048, height=2048, count=1, dtype="uint16", tiled=True,
        blockxsize=256, blockysize=256, crs="EPSG:32632", transform=from_origin(6e5, 5e6, 10, 10),
    ) as file:  # fmt: skip
        file.write(values, 1)
    opened = open_cube(f"{server.url}/s.tif")
    assert opened["band_1"].chunks == ((256,) * 8, (256,) * 8)
    np.testing.assert_array_equal(opened["band_1"][300:310, 400:410], values[300:310, 400:410])
    assert server.sent_bytes < path.stat().st_size / 3
    np.testing.assert_array_equal(opened["band_1"].to_numpy(), values)


def test_a_query_and_a_password_are_sent_and_not_shown(server, cube):
    server.user = "Basic bWU6c2VjcmV0"
    url = server.url.replace("http://", "http://me:secret@")
    xr.testing.assert_equal(open_cube(f"{url}/v2.zarr?token=abc").compute(), cube)
    assert all("token=abc" in path for _, path in server.asked)
    with pytest.raises(SourceNotFoundError) as caught:
        open_cube(f"{url}/none.zarr?token=abc")
    assert "secret" not in str(caught.value)
    assert "abc" not in str(caught.value)


def test_an_opened_cube_can_be_sent_to_another_process(server, cube, tmp_path):
    for name in ("v3.zarr", "four.nc", "packed.zip"):
        sent = pickle.dumps(open_cube(f"{server.url}/{name}"))
        xr.testing.assert_equal(pickle.loads(sent).compute(), cube)  # noqa: S301  # our own


def test_what_is_not_there_or_not_for_us_is_told_apart(server):
    with pytest.raises(SourceNotFoundError, match=r"no file and no zarr group at .*/none\.zarr"):
        open_cube(f"{server.url}/none.zarr")
    server.forbidden = "v2.zarr"
    with pytest.raises(SourceForbiddenError, match="may not be read"):
        open_cube(f"{server.url}/v2.zarr")
    server.forbidden = "four"
    with pytest.raises(SourceForbiddenError, match="HTTP 403"):
        open_cube(f"{server.url}/four.nc")


def test_a_store_that_says_forbidden_for_what_is_absent_is_read(server, cube):
    server.absent_status = 403
    xr.testing.assert_equal(open_cube(f"{server.url}/v3.zarr").compute(), cube)


@pytest.mark.parametrize("name", ["v3.zarr", "four.nc", "three.nc", "c.tar", "none.tif"])
def test_a_server_that_does_not_answer_is_given_up(server, monkeypatch, name):
    monkeypatch.setenv("DEEPCUBE_TIMEOUT_S", "0.2")
    server.delay_s = 30
    began = time.monotonic()
    with pytest.raises(SourceTimeoutError, match=r"within 0\.2 s.*DEEPCUBE_TIMEOUT_S"):
        open_cube(f"{server.url}/{name}")
    assert time.monotonic() - began < 5


def test_a_server_that_drips_is_given_up(server, monkeypatch):
    monkeypatch.setenv("DEEPCUBE_TIMEOUT_S", "0.3")
    server.drip_s = 0.05
    began = time.monotonic()
    with pytest.raises(SourceTimeoutError):
        open_cube(f"{server.url}/four.nc")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("name", ["v3.zarr", "four.nc", "c.tar"])
def test_a_server_that_stops_answering_later_is_given_up(server, monkeypatch, name):
    opened = open_cube(f"{server.url}/{name}")
    monkeypatch.setenv("DEEPCUBE_TIMEOUT_S", "0.2")
    from cube_bridge.access import ranged_file  # noqa: PLC0415

    ranged_file._block.cache_clear()
    server.delay_s = 30
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        opened["ts"].compute()
    assert time.monotonic() - began < 5


def test_a_connection_that_breaks_off_is_an_error(server):
    server.cut_off_at = 100
    with pytest.raises((SourceUnreachableError, NotACubeError)):
        open_cube(f"{server.url}/three.nc").compute()


def test_a_host_that_is_not_there_is_an_error(monkeypatch):
    monkeypatch.setenv("DEEPCUBE_TIMEOUT_S", "2")
    with pytest.raises(SourceUnreachableError, match="cannot be reached"):
        open_cube("http://127.0.0.1:9/cube.zarr")


def test_a_scheme_that_nothing_reads_lists_those_there_are():
    with pytest.raises(NotACubeError, match=r"wat://.*http\(s\), .*s3"):
        open_cube("wat://bucket/cube.zarr")


@pytest.mark.parametrize("said", ["0", "-1", "soon", "inf"])
def test_a_timeout_that_is_none_is_refused(server, monkeypatch, said):
    monkeypatch.setenv("DEEPCUBE_TIMEOUT_S", said)
    with pytest.raises(ValueError, match="positive number of seconds"):
        open_cube(f"{server.url}/four.nc")


def test_a_cube_in_an_object_store_equals_the_one_here(folder, cube, monkeypatch):
    bucket = folder.parent / "s3" / "bucket" / "prefix"
    bucket.parent.mkdir(parents=True)
    folder.rename(bucket)
    with serving_files(bucket.parents[1]) as store:
        monkeypatch.setenv("AWS_ENDPOINT_URL", store.url)
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
        for name in ("v2.zarr", "v3.zarr", "four.nc", "three.nc", "packed.zip"):
            opened = open_cube(f"s3://bucket/prefix/{name}")
            xr.testing.assert_equal(opened.compute(), cube)
        with pytest.raises(SourceNotFoundError):
            open_cube("s3://bucket/prefix/none.zarr")
        store.forbidden = "v3.zarr"
        with pytest.raises(SourceForbiddenError, match="credentials"):
            open_cube("s3://bucket/prefix/v3.zarr")
        store.delay_s = 30
        monkeypatch.setenv("DEEPCUBE_TIMEOUT_S", "0.2")
        with pytest.raises(SourceTimeoutError):
            open_cube("s3://bucket/prefix/v2.zarr")


@pytest.mark.parametrize(
    "name", ["v2.zarr", "v3.zarr", "bare.zarr", "four.nc", "three.nc", "c.tar"]
)
def test_a_cube_in_memory_equals_the_one_here(folder, cube, name):
    system = fsspec.filesystem("memory")
    system.put(str(folder / name), f"/cubes/{name}", recursive=True)
    try:
        url = f"memory://cubes/{name}"
        xr.testing.assert_equal(open_cube(url).compute(), cube)
        before = source_version(url)
        assert source_version(url) == before
    finally:
        system.rm("/cubes", recursive=True)
    with pytest.raises(SourceNotFoundError):
        open_cube(f"memory://cubes/{name}")


def test_a_file_url_and_a_path_are_the_same(folder, cube):
    path = folder / "a b#c.nc"
    shutil.copy(folder / "four.nc", path)
    for location in (path, str(path), path.as_uri()):
        xr.testing.assert_equal(open_cube(location).compute(), cube)
        assert media_type(location) == "application/x-netcdf"
    with pytest.raises(SourceNotFoundError, match="no file or folder"):
        open_cube((folder / "none.nc").as_uri())


def test_a_location_says_which_part_is_meant():
    found = Location.of("s3://b/repo#tag=v1.0")
    assert (found.base, found.part) == ("s3://b/repo", SourcePart(tag="v1.0"))
    assert Location.of(found.url) == found
    nested = Location.of("/data/x.nc#group=A/B")
    assert nested.part == SourcePart(group="A/B")
    assert Location.of(nested.url).part == nested.part
    assert Location.of("c.tif#overview=1").part == SourcePart(overview=1)
    for odd in ("c.tif#overview=x", "c.tif#page", "c.tif#tag=a&tag=b"):
        assert Location.of(odd).part == SourcePart()
        assert Location.of(odd).name == odd


def test_versions_on_the_web_follow_the_chunks(server, cube):
    url = f"{server.url}/v3.zarr"
    dataset = open_cube(url)
    before = chunk_versions(url, dataset)
    assert set(before) == {("ts", i) for i in np.ndindex(2, 2, 2)}
    chunk = server.root / "v3.zarr" / "ts" / "c" / "1" / "0" / "1"
    chunk.write_bytes((server.root / "v3.zarr" / "ts" / "c" / "0" / "0" / "0").read_bytes())
    after = chunk_versions(url, open_cube(url))
    assert [k for k in before if before[k] != after[k]] == [("ts", (1, 0, 1))]
