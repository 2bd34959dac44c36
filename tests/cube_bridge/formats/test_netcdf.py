"""NetCDF and zarr as they are found: conventions, calendars, groups, odd variables, damage."""

import os
import shutil
import tarfile
import warnings
import zipfile
from datetime import datetime, timedelta
from itertools import pairwise

import cftime
import dask
import netCDF4
import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given
from hypothesis import strategies as st

from cube_bridge.errors import CoordinatesError, NotACubeError, SourceError
from cube_bridge.formats.calendars import moments
from cube_bridge.formats.opener import open_cube
from cube_bridge.formats.versions import chunk_versions, source_version
from cube_bridge.grids.reading import grid_of
from cube_bridge.indexing.index import index_file
from kg.rdf.terms import number
from kg.rows import select
from tests.conftest import make_cube


def at(*parts):
    return datetime(*parts)  # noqa: DTZ001  # as moments are


def stored(path, values, dtype, *, time=("days since 2020-01-01", "standard"), times=None, **attrs):
    """Write a NetCDF file as it is said, with the library and no convention in between."""
    with netCDF4.Dataset(path, "w") as file:
        for name, size in zip(("time", "lat", "lon"), values.shape, strict=True):
            file.createDimension(name, size)
            file.createVariable(name, "f8", (name,))
        file["lat"][:] = 50 - np.arange(values.shape[1])
        file["lon"][:] = 10 + np.arange(values.shape[2])
        file["lat"].units, file["lon"].units = "degrees_north", "degrees_east"
        file["time"].units, file["time"].calendar = time
        file["time"][:] = np.arange(values.shape[0]) if times is None else times
        fill = attrs.pop("_FillValue", None)
        variable = file.createVariable("v", dtype, ("time", "lat", "lon"), fill_value=fill)
        variable.set_auto_maskandscale(False)
        variable[:] = values
        variable.setncatts(attrs)
    return path


RAW = np.array([[[0, 1, 50, 100, 101, 200, 250, 255]]])


@pytest.mark.parametrize(
    ("dtype", "attrs", "expected"),
    [
        ("u1", {"_FillValue": 255}, [0, 1, 50, 100, 101, 200, 250, np.nan]),
        ("u1", {"missing_value": np.uint8(0), "_FillValue": 255},
         [np.nan, 1, 50, 100, 101, 200, 250, np.nan]),
        ("u1", {"valid_range": np.array([1, 100], "u1")}, [np.nan, 1, 50, 100] + [np.nan] * 4),
        ("u1", {"valid_max": np.uint8(100)}, [0, 1, 50, 100] + [np.nan] * 4),
        ("u1", {"valid_min": "1", "valid_max": "250"},
         [np.nan, 1, 50, 100, 101, 200, 250, np.nan]),
        # Packed: the range is of the stored numbers if its type is theirs, else of the values.
        ("i2", {"scale_factor": 0.5, "add_offset": 10.0, "valid_range": np.array([1, 101], "i2")},
         [np.nan, 10.5, 35, 60, 60.5, np.nan, np.nan, np.nan]),
        ("i2", {"scale_factor": 0.5, "add_offset": 10.0, "valid_range": np.array([35.0, 110.0])},
         [np.nan, np.nan, 35, 60, 60.5, 110, np.nan, np.nan]),
        ("i2", {"scale_factor": -1.0, "valid_min": np.int16(1), "valid_max": np.int16(100)},
         [np.nan, -1, -50, -100] + [np.nan] * 4),
        ("i2", {"scale_factor": "0.5"}, [0, 0.5, 25, 50, 50.5, 100, 125, 127.5]),
        ("f4", {"valid_range": np.array([1.0, 200.0], "f4"), "_FillValue": np.float32(50)},
         [np.nan, 1, np.nan, 100, 101, 200, np.nan, np.nan]),
        ("i2", {"valid_min": np.int16(-32768), "valid_max": np.int16(32767)},
         [0, 1, 50, 100, 101, 200, 250, 255]),
        ("u1", {"flag_masks": np.array([1, 2], "u1"), "valid_range": np.array([0, 3], "u1")},
         [0, 1, 50, 100, 101, 200, 250, 255]),
    ],
)  # fmt: skip
def test_what_is_no_value_becomes_nan_and_packed_numbers_values(tmp_path, dtype, attrs, expected):
    opened = open_cube(stored(tmp_path / "c.nc", RAW, dtype, **attrs))
    np.testing.assert_allclose(opened["v"].to_numpy().ravel(), expected, rtol=1e-6)


def test_unsigned_numbers_in_a_signed_type(tmp_path):
    attrs = {"_Unsigned": "true", "_FillValue": np.int8(-1), "valid_max": np.int8(-6)}
    opened = open_cube(stored(tmp_path / "c.nc", RAW.astype("u1").view("i1"), "i1", **attrs))
    found = opened["v"].to_numpy().ravel()
    np.testing.assert_array_equal(found, [0, 1, 50, 100, 101, 200, 250, np.nan])


@pytest.mark.filterwarnings("error")
def test_reading_is_lazy_and_by_chunk(tmp_path):
    values = np.arange(4 * 6 * 8).reshape(4, 6, 8)
    path = stored(tmp_path / "c.nc", values, "i2", valid_range=np.array([3, 150], "i2"))

    def refuse(*_, **__):
        raise AssertionError("something was computed")

    with dask.config.set(scheduler=refuse):
        opened = open_cube(path)
    expected = np.where((values < 3) | (values > 150), np.nan, values)
    np.testing.assert_array_equal(opened["v"].to_numpy(), expected)


@pytest.mark.parametrize(
    ("units", "calendar", "numbers", "expected"),
    [
        ("months since 1990-11-01", "standard", [0, 1, 2.5],
         [at(1990, 11, 1), at(1990, 12, 1), at(1991, 1, 16, 12)]),
        ("months since 2000-1-31 00:00:00", "standard", [0, 1],
         [at(2000, 1, 31), at(2000, 2, 29)]),
        ("years since 1850-1-1", "proleptic_gregorian", [0, 150.5],
         [at(1850, 1, 1), at(2000, 7, 1)]),
        ("months since 2001-01-16", "360_day", [0, 1],
         [at(2001, 1, 16), at(2001, 2, 16)]),
        ("day as %Y%m%d.%f", "standard", [20010101.25, 20010102.5],
         [at(2001, 1, 1, 6), at(2001, 1, 2, 12)]),
        ("hours since 1900-01-01", "noleap", [0, 24 * 59],
         [at(1900, 1, 1), at(1900, 3, 1)]),
        ("days since 2000-01-01", "julian", [8036],
         [at(2022, 1, 1)]),
        ("days since 0001-01-01", "standard", [0, 1],
         [at(1, 1, 1), at(1, 1, 2)]),
    ],
)  # fmt: skip
def test_times_in_every_unit_and_calendar(tmp_path, units, calendar, numbers, expected):
    values = np.zeros((len(numbers), 2, 2))
    path = stored(tmp_path / "c.nc", values, "f4", time=(units, calendar), times=numbers)
    assert moments(open_cube(path), "time") == expected


@pytest.mark.parametrize("units", ["months since the war", "fortnights since 2000-01-01"])
def test_times_that_cannot_be_understood_cost_only_themselves(tmp_path, units):
    path = stored(tmp_path / "c.nc", np.zeros((2, 2, 2)), "f4", time=(units, "standard"))
    with pytest.raises(CoordinatesError, match="time"):
        grid_of(open_cube(path))


@given(
    year=st.integers(1, 9998),
    calendar=st.sampled_from(["360_day", "all_leap", "noleap", "julian", "standard"]),
    hours=st.integers(1, 24),
)
def test_moments_of_any_calendar_keep_their_order_and_their_month(year, calendar, hours):
    first = cftime.datetime(year, 1, 1, calendar=calendar)
    times = np.array([first + timedelta(hours=hours * i) for i in range(0, 24 * 366 // hours, 7)])
    dataset = xr.Dataset(coords={"time": ("time", times)})
    found = moments(dataset, "time")
    assert all(a < b for a, b in pairwise(found))
    assert [(t.year, t.month) for t in found] == [(t.year, t.month) for t in times]
    real = [
        i for i, t in enumerate(times) if (t.month, t.day) not in {(2, d) for d in (28, 29, 30)}
    ]
    assert all(found[i].isoformat() == times[i].isoformat() for i in real)


def test_a_year_of_360_days_is_indexed(store, iris, tmp_path):
    path = stored(
        tmp_path / "c.nc", np.ones((60, 2, 2)), "f4", time=("days since 2001-01-01", "360_day")
    )
    source = index_file(store, iris, path).source
    rows = select(
        store,
        f"""SELECT ?b ?e {{ {source} dcterms:temporal ?t .
            ?t time:hasBeginning/time:inXSDDateTimeStamp ?b ;
               time:hasEnd/time:inXSDDateTimeStamp ?e }}""",
    )
    assert len(rows) == 1
    found = moments(open_cube(path), "time")
    assert found[57:] == [
        at(2001, 2, 28),
        at(2001, 2, 28, 8),
        at(2001, 2, 28, 16),
    ]


def test_times_outside_of_our_years_are_refused(tmp_path):
    path = stored(
        tmp_path / "c.nc", np.ones((2, 2, 2)), "f4", time=("days since 9999-12-31", "noleap")
    )
    with pytest.raises(CoordinatesError, match="years 1 to 9999"):
        moments(open_cube(path), "time")


def test_groups_stand_side_by_side_with_their_own_grids(tmp_path):
    path = tmp_path / "groups.nc"
    fine = make_cube(times=2)
    coarse = make_cube(times=2, height=4, width=5, step=1.0)
    fine.to_netcdf(path, group="fine")
    coarse.to_netcdf(path, group="coarse", mode="a")
    opened = open_cube(path)
    assert set(opened.data_vars) == {"coarse.ts", "ts"} or set(opened.data_vars) == {
        "ts",
        "fine.ts",
    }
    shapes = {grid_of(opened, str(name)).shape for name in opened.data_vars}
    assert shapes == {(8, 10), (4, 5)}
    one = open_cube(f"{path}#group=coarse")
    assert list(one.data_vars) == ["ts"]
    xr.testing.assert_equal(one.compute(), coarse)
    with pytest.raises(NotACubeError, match=r"no group 'none'; there are 'fine', 'coarse'"):
        open_cube(f"{path}#group=none")


def test_coordinates_of_the_root_hold_in_its_groups(tmp_path):
    cube = make_cube(times=2)
    path = tmp_path / "g.nc"
    cube.drop_vars("ts").to_netcdf(path)
    cube[["ts"]].drop_vars(["lat", "lon", "time"]).to_netcdf(path, group="PRODUCT/DATA", mode="a")
    opened = open_cube(path)
    assert grid_of(opened, "ts").time == "time"
    xr.testing.assert_equal(opened.compute(), cube)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("consolidated", [True, False])
def test_zarr_groups_in_a_group(tmp_path, version, consolidated):
    path, cube = tmp_path / "g.zarr", make_cube(times=2)
    cube.to_zarr(path, group="a/b", zarr_format=version, consolidated=False)
    other = make_cube(times=2).rename(ts="other")
    other.to_zarr(path, group="a/c", zarr_format=version, consolidated=False)
    if consolidated:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", zarr.errors.ZarrUserWarning)
            zarr.consolidate_metadata(path)
    opened = open_cube(path)
    xr.testing.assert_equal(opened.compute(), xr.merge([cube, other]))
    xr.testing.assert_equal(open_cube(f"{path}#group=a/b").compute(), cube)
    assert set(chunk_versions(path, opened)) == {("ts", (0, 0, 0)), ("other", (0, 0, 0))}
    with pytest.raises(NotACubeError, match="no group"):
        open_cube(f"{path}#group=a/d")


def test_of_a_pyramid_the_finest_level_is_the_cube(tmp_path):
    path = tmp_path / "p.zarr"
    root = zarr.open_group(path, mode="w", zarr_format=2)
    root.attrs["multiscales"] = [{"datasets": [{"path": "0"}, {"path": "1"}]}]
    cube = make_cube()
    cube.to_zarr(path, group="0", consolidated=False, zarr_format=2)
    cube.coarsen(lat=2, lon=2).mean().to_zarr(path, group="1", consolidated=False, zarr_format=2)
    assert open_cube(path)["ts"].shape == (6, 8, 10)
    assert open_cube(f"{path}#group=1")["ts"].shape == (6, 4, 5)


@pytest.mark.filterwarnings("ignore::zarr.errors.UnstableSpecificationWarning")
def test_shards_and_every_kind_of_variable(tmp_path, cube):
    path = tmp_path / "s.zarr"
    odd = cube.assign(
        flag=("lat", np.arange(8) % 2 == 0),
        when=("time", cube["time"].to_numpy() + np.timedelta64(1, "h")),
        number=((), 7),
        level4=(("time", "level", "lat", "lon"), np.ones((6, 2, 8, 10), "f4")),
    ).assign_coords(level=[1000, 850], run=np.datetime64("2020-01-01", "ns"))
    encoding = {"ts": {"shards": (6, 8, 10), "chunks": (2, 4, 5)}}
    odd = odd.assign(name=("lat", np.array(list("abcdefgh"))))
    odd.to_zarr(path, zarr_format=3, consolidated=False, encoding=encoding)
    opened = open_cube(path)
    assert opened["ts"].chunks == ((2, 2, 2), (4, 4), (5, 5))
    xr.testing.assert_equal(opened.compute(), odd)
    assert grid_of(opened, "level4").shape == (8, 10)
    versions = chunk_versions(path, opened)
    assert len({v for (name, _), v in versions.items() if name == "ts"}) == 1


def test_strings_and_cells_alone(tmp_path, cube):
    path = tmp_path / "c.nc"
    one = cube.isel(time=[0], lat=[3], lon=[2]).assign(name=("time", np.array(["a"], object)))
    one = one.assign_coords(run=("run", [1.0]))
    one.to_netcdf(path)
    opened = open_cube(path)
    assert opened["name"].to_numpy().tolist() == ["a"]
    assert grid_of(opened, "ts").shape == (1, 1)
    assert moments(opened, "time") == [at(2020, 1, 1)]


def test_a_time_without_a_dimension_is_kept_as_it_is(tmp_path, cube):
    path = tmp_path / "c.nc"
    cube.isel(time=2).to_netcdf(path)
    opened = open_cube(path)
    assert opened["time"].to_numpy() == np.datetime64("2020-01-03")
    assert grid_of(opened).time is None


def broken(path, cube):
    """Yield damaged files, each with what its message should say."""
    whole = path / "whole.nc"
    cube.to_netcdf(whole, encoding={"ts": {"chunksizes": (3, 4, 5)}})
    content = whole.read_bytes()
    (path / "short.nc").write_bytes(content[: len(content) // 2])
    yield "short.nc", "damaged, truncated"
    (path / "header.nc").write_bytes(content[:8] + bytes(200) + content[208:])
    yield "header.nc", "damaged, truncated"
    (path / "empty.nc").write_bytes(b"")
    yield "empty.nc", "is empty"
    cube.to_netcdf(path / "three.nc", format="NETCDF3_CLASSIC", engine="netcdf4")
    content = (path / "three.nc").read_bytes()
    (path / "three.nc").write_bytes(content[:-1000])
    yield "three.nc", "truncated"
    (path / "magic.nc").write_bytes(b"CDF\x01" + bytes(20))
    yield "magic.nc", "NetCDF|no variable"
    zarr.open_group(path / "group.zarr", mode="w")
    yield "group.zarr", "no variable"
    zarr.create_array(path / "array.zarr", shape=(3,), dtype="f4")
    yield "array.zarr", "single zarr array"
    cube.to_zarr(path / "meta.zarr", zarr_format=3, consolidated=False)
    (path / "meta.zarr" / "ts" / "zarr.json").write_text("{")
    yield "meta.zarr", "damaged"
    (path / "folder").mkdir()
    yield "folder", "no zarr group"
    (path / "page.html").write_text("<html>404</html>")
    yield "page.html", "is no cube"
    with tarfile.open(path / "a.tar.gz", "w:gz") as archive:
        archive.add(whole, "whole.nc")
    yield "a.tar.gz", "compressed tar.*unpack it first"
    with tarfile.open(path / "b.tar", "w") as archive:
        archive.add(whole, "whole.nc")
    yield "b.tar", "archive without a zarr group"
    cube.to_zarr(path / "c.zarr", zarr_format=2, consolidated=False)
    with tarfile.open(path / "c.tar", "w") as archive:
        archive.add(path / "c.zarr", "c.zarr")
    content = (path / "c.tar").read_bytes()
    (path / "c.tar").write_bytes(content[: len(content) // 2 - 300])
    yield "c.tar", "truncated"
    shutil.make_archive(str(path / "d"), "zip", path / "c.zarr")
    content = (path / "d.zip").read_bytes()
    (path / "d.zip").write_bytes(content[: len(content) // 2])
    yield "d.zip", "damaged or truncated archive"
    with zipfile.ZipFile(path / "e.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.write(path / "c.zarr" / ".zgroup", ".zgroup")
    yield "e.zip", "packed by method 14"


def test_whatever_is_damaged_is_refused_with_the_reason(tmp_path, cube, store, iris):
    for name, message in broken(tmp_path, cube):
        with pytest.raises(NotACubeError, match=message) as caught:
            open_cube(tmp_path / name)
        assert name in str(caught.value)
        with pytest.raises(SourceError):
            index_file(store, iris, tmp_path / name)
    assert not select(store, "SELECT ?s { ?s a deep:Source }")


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("form", ["folder", "zip", "tar"])
def test_versions_follow_the_chunks_that_change(tmp_path, cube, version, form):
    folder = tmp_path / "c.zarr"

    def written(changed):
        changed.chunk(time=3, lat=4, lon=5).to_zarr(
            folder, zarr_format=version, consolidated=False, mode="w"
        )
        if form == "folder":
            return folder
        return shutil.make_archive(str(tmp_path / "c"), form, tmp_path, "c.zarr")

    path = written(cube)
    before, whole = chunk_versions(path, open_cube(path)), source_version(path)
    assert chunk_versions(path, open_cube(path)) == before
    assert source_version(path) == whole
    if form == "zip":
        other = cube.copy(deep=True)
        other["ts"][4, 1, 7] = 9.0
        path = written(other)
    else:
        chunk = folder / "ts" / ("1.0.1" if version == 2 else "c/1/0/1")
        chunk.write_bytes(chunk.read_bytes() + b"")
        # The clock of a file system may be too coarse to tell two writes apart.
        times = (chunk.stat().st_atime_ns, chunk.stat().st_mtime_ns + 2 * 10**9)
        os.utime(chunk, ns=times)
        if form == "tar":
            path = shutil.make_archive(str(tmp_path / "c"), form, tmp_path, "c.zarr")
    after = chunk_versions(path, open_cube(path))
    assert source_version(path) != whole
    assert [k for k in before if before[k] != after[k]] == [("ts", (1, 0, 1))]


def test_a_cube_that_grows_keeps_the_versions_of_its_chunks(tmp_path, cube):
    path = tmp_path / "c.zarr"
    cube.chunk(time=3, lat=4, lon=5).to_zarr(path, zarr_format=3, consolidated=False)
    before = chunk_versions(path, open_cube(path))
    later = make_cube().assign_coords(time=cube["time"] + np.timedelta64(6, "D"))
    later.chunk(time=3, lat=4, lon=5).to_zarr(path, append_dim="time", consolidated=False)
    after = chunk_versions(path, open_cube(path))
    assert len(after) == 2 * len(before)
    assert all(after[k] == v for k, v in before.items())
    root = zarr.open_group(path)
    root["ts"].attrs["scale_factor"] = 2.0
    assert all(chunk_versions(path, open_cube(path))[k] != v for k, v in after.items())


def test_single_files_have_one_version(cube_nc):
    assert chunk_versions(cube_nc, open_cube(cube_nc)) is None
    before = source_version(cube_nc)
    assert source_version(str(cube_nc)) == before
    cube_nc.write_bytes(cube_nc.read_bytes() + b" ")
    assert source_version(cube_nc) != before


@pytest.mark.parametrize("name", ["munich-land-surface-temperature", "munich-ndvi"])
def test_codes_outside_of_the_valid_range_are_no_values(real_data, name):
    path = real_data(name)
    opened = open_cube(path)
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(True)
        for variable in opened.data_vars:
            if opened[variable].ndim < 3:
                continue
            expected = np.ma.filled(file[variable][:].astype(float), np.nan)
            np.testing.assert_allclose(opened[variable].to_numpy(), expected, rtol=1e-6)


def test_statistics_leave_out_what_is_no_value(store, iris, tmp_path):
    path = stored(tmp_path / "c.nc", RAW, "u1", valid_range=np.array([1, 100], "u1"))
    index_file(store, iris, path)
    (row,) = select(
        store, "SELECT ?n ?max { ?c a deep:Chunk ; deep:validCount ?n ; deep:maximum ?max }"
    )
    assert (number(row["n"]), number(row["max"])) == (3, 100)
