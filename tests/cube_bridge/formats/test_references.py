"""Icechunk repositories, and references in the form of Kerchunk."""

import base64
import json
import warnings

import icechunk
import numpy as np
import pytest
import xarray as xr
import zarr

from cube_bridge.errors import (
    NotACubeError,
    SourceForbiddenError,
    SourceNotFoundError,
    SourceUnreachableError,
)
from cube_bridge.formats.opener import media_type, open_cube
from cube_bridge.formats.versions import chunk_versions, source_version
from cube_bridge.grids.reading import grid_of
from tests.conftest import make_cube
from tests.file_server import serving_files


@pytest.fixture
def repository(tmp_path, cube):
    icechunk.set_logs_filter("icechunk=error")
    path = tmp_path / "repository"
    opened = icechunk.Repository.create(icechunk.local_filesystem_storage(str(path)))
    session = opened.writable_session("main")
    cube.chunk(time=3, lat=4, lon=5).to_zarr(session.store, zarr_format=3, consolidated=False)
    opened.create_tag("v1", session.commit("first"))
    return path, opened


def change(opened, branch="main"):
    session = opened.writable_session(branch)
    zarr.open_group(session.store)["ts"][3:, 0:4, 5:] = 250.0
    return session.commit("second")


def test_a_repository_is_read_on_branch_tag_and_snapshot(repository, cube):
    path, opened = repository
    first = opened.lookup_tag("v1")
    assert media_type(path) == "application/vnd.zarr+icechunk"
    assert open_cube(path)["ts"].chunks == ((3, 3), (4, 4), (5, 5))
    xr.testing.assert_equal(open_cube(path).compute(), cube)
    opened.create_branch("try", first)
    second = change(opened)
    assert open_cube(path)["ts"][4, 0, 6] == 250.0
    for part in ("tag=v1", f"snapshot={first}", "branch=try"):
        xr.testing.assert_equal(open_cube(f"{path}#{part}").compute(), cube)
    assert (source_version(path), source_version(f"{path}#tag=v1")) == (second, first)
    with pytest.raises(SourceNotFoundError, match="no tag 'v2'; branches are main, try, tags v1"):
        open_cube(f"{path}#tag=v2")
    with pytest.raises(SourceNotFoundError, match="one of them"):
        open_cube(f"{path}#tag=v1&branch=main")


def test_versions_of_a_repository_follow_its_commits(repository):
    path, opened = repository
    before = chunk_versions(path, open_cube(path))
    assert set(before) == {("ts", i) for i in np.ndindex(2, 2, 2)}
    assert len(set(before.values())) == 1
    change(opened)
    after = chunk_versions(path, open_cube(path))
    assert [k for k in before if before[k] != after[k]] == [("ts", (1, 0, 1))]
    assert chunk_versions(f"{path}#tag=v1", open_cube(f"{path}#tag=v1")) == before


def test_a_damaged_repository_is_refused(repository):
    path, _ = repository
    for file in (path / "snapshots").iterdir():
        file.write_bytes(b"damaged")
    with pytest.raises((NotACubeError, SourceNotFoundError)):
        open_cube(path)


@pytest.fixture
def classic(tmp_path, cube):
    """A NetCDF file whose values lie in plain bytes, one variable after the other."""
    path = tmp_path / "data.nc"
    cube.to_netcdf(path, encoding={"ts": {"chunksizes": (3, 4, 5)}})
    return path


def references_of(cube, path, *, target):
    """Write references by hand: the values of `ts` in a file of bytes, coordinates inline."""
    values = cube["ts"].to_numpy().astype("<f4")
    raw = path.parent / "values.bin"
    raw.write_bytes(b"head" + b"".join(values[i : i + 3].tobytes() for i in (0, 3)))
    size = values[:3].nbytes
    dims = {"ts": ["time", "lat", "lon"], "time": ["time"], "lat": ["lat"], "lon": ["lon"]}
    refs = {".zgroup": json.dumps({"zarr_format": 2})}
    hours = (np.arange(6) * 24).astype("<i4")
    stored = {"time": hours, "lat": cube["lat"].to_numpy(), "lon": cube["lon"].to_numpy()}
    for name, along in dims.items():
        array = values if name == "ts" else stored[name]
        attrs = dict(cube[name].attrs) | {"_ARRAY_DIMENSIONS": along}
        if name == "time":
            attrs |= {"units": "hours since 2020-01-01", "calendar": "standard"}
        chunks = (3, 8, 10) if name == "ts" else array.shape
        refs[f"{name}/.zarray"] = json.dumps(
            {"zarr_format": 2, "shape": array.shape, "chunks": chunks, "dtype": array.dtype.str,
             "compressor": None, "filters": None, "order": "C", "fill_value": None}
        )  # fmt: skip
        refs[f"{name}/.zattrs"] = json.dumps(attrs)
        if name != "ts":
            refs[f"{name}/0"] = "base64:" + base64.b64encode(array.tobytes()).decode()
    refs["ts/0.0.0"] = ["{{u}}", 4, size]
    refs["ts/1.0.0"] = ["{{u}}", 4 + size, size]
    path.write_text(json.dumps({"version": 1, "templates": {"u": target}, "refs": refs}))
    return raw


@pytest.mark.parametrize("relative", [True, False])
def test_references_written_by_hand_are_read(tmp_path, cube, relative):
    path = tmp_path / "refs.json"
    raw = references_of(
        cube, path, target="values.bin" if relative else str(tmp_path / "values.bin")
    )
    opened = open_cube(path)
    assert media_type(path) == "application/vnd.zarr+kerchunk"
    assert opened["ts"].chunks == ((3, 3), (8,), (10,))
    xr.testing.assert_equal(opened.compute(), cube)
    before = chunk_versions(path, opened)
    assert set(before) == {("ts", (0, 0, 0)), ("ts", (1, 0, 0))}
    raw.write_bytes(raw.read_bytes()[:-4])
    with pytest.raises(SourceUnreachableError, match=r"values\.bin ends before byte"):
        opened["ts"].compute()
    raw.unlink()
    with pytest.raises(SourceUnreachableError, match=r"values\.bin, which refs\.json refers to"):
        open_cube(path)["ts"].compute()


def test_references_on_the_web_may_not_name_our_own_files(tmp_path, cube):
    references_of(cube, tmp_path / "mine.json", target=str(tmp_path / "values.bin"))
    references_of(cube, tmp_path / "beside.json", target="values.bin")
    with serving_files(tmp_path) as server:
        xr.testing.assert_equal(open_cube(f"{server.url}/beside.json").compute(), cube)
        with pytest.raises(SourceForbiddenError, match="file of the machine that reads it"):
            open_cube(f"{server.url}/mine.json")["ts"].compute()


@pytest.mark.parametrize("content", ['{"refs": 3}', '{"refs": {', '{".zgroup": '])
def test_damaged_references_are_refused(tmp_path, content):
    path = tmp_path / "refs.json"
    path.write_text(content)
    with pytest.raises(NotACubeError):
        open_cube(path)


def virtual(path):
    """Return a virtual dataset of VirtualiZarr's over a NetCDF file."""
    from obspec_utils.registry import ObjectStoreRegistry  # noqa: PLC0415
    from obstore.store import LocalStore  # noqa: PLC0415
    from virtualizarr import open_virtual_dataset  # noqa: PLC0415
    from virtualizarr.parsers import HDFParser  # noqa: PLC0415

    registry = ObjectStoreRegistry({"file://": LocalStore()})
    return open_virtual_dataset(path.as_uri(), registry=registry, parser=HDFParser())


# Kerchunk writes Parquet in a way that pandas is about to give up.
@pytest.mark.filterwarnings("ignore:The 'fastparquet' engine")
@pytest.mark.parametrize("form", ["json", "parquet"])
def test_references_written_by_virtualizarr_are_read(classic, cube, tmp_path, form):
    path = tmp_path / f"refs.{form}"
    virtual(classic).vz.to_kerchunk(str(path), format=form)
    opened = open_cube(path)
    assert media_type(path) == "application/vnd.zarr+kerchunk"
    assert opened["ts"].chunks == ((3, 3), (4, 4), (5, 5))
    xr.testing.assert_equal(opened.compute(), cube)
    assert grid_of(opened).shape == (8, 10)
    assert len(chunk_versions(path, opened)) == 8


def test_a_virtual_repository_reads_the_files_that_it_refers_to(classic, cube, tmp_path):
    icechunk.set_logs_filter("icechunk=error")
    path, prefix = tmp_path / "virtual", f"file://{tmp_path}/"
    config = icechunk.RepositoryConfig.default()
    config.set_virtual_chunk_container(
        icechunk.VirtualChunkContainer(prefix, icechunk.local_filesystem_store(str(tmp_path)))
    )
    opened = icechunk.Repository.create(
        icechunk.local_filesystem_storage(str(path)), config=config,
        authorize_virtual_chunk_access={prefix: None},
    )  # fmt: skip
    opened.save_config()
    session = opened.writable_session("main")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        virtual(classic).vz.to_icechunk(session.store)
    session.commit("virtual")
    found = open_cube(path)
    assert found["ts"].chunks == ((3, 3), (4, 4), (5, 5))
    xr.testing.assert_equal(found.compute(), make_cube())
    assert len(chunk_versions(path, found)) == 8
