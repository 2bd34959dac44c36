"""Formats are found: the modules beside the opener in their order, and those of other packages."""

import sys

import numpy as np
import pytest

from cube_bridge.errors import NotACubeError
from cube_bridge.formats import opener
from cube_bridge.formats.opener import known_formats, media_type, media_types, open_cube

ANOTHER = """
import io

import numpy as np
import xarray as xr

MEDIA_TYPE = "application/x-npy"
ORDER = 100


def recognises(source):
    return source.head is not None and source.head.startswith(b"\\x93NUMPY")


def open_dataset(source):
    values = np.load(source.local_file())
    return xr.Dataset({"values": (("lat", "lon"), values)},
                      coords={"lat": np.arange(values.shape[0]), "lon": np.arange(values.shape[1])})
"""


@pytest.fixture
def another_package(tmp_path, monkeypatch):
    """A package that brings a format by an entry point."""
    (tmp_path / "npy_format.py").write_text(ANOTHER)
    info = tmp_path / "npy_format-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: npy-format\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{opener.GROUP}]\nnpy = npy_format\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    known_formats.cache_clear()
    yield
    sys.modules.pop("npy_format", None)
    monkeypatch.undo()
    known_formats.cache_clear()


def test_formats_are_asked_in_their_order():
    names = [form.__name__.rpartition(".")[2] for form in known_formats()]
    assert names == [
        "references",
        "icechunk_repository",
        "zarr_groups",
        "netcdf",
        "grib",
        "raster",
        "jpeg2000",
    ]
    assert len(set(media_types())) == len(names)


def test_a_file_that_no_format_recognises_is_no_cube(tmp_path):
    np.save(tmp_path / "grid.npy", np.eye(3))
    with pytest.raises(NotACubeError, match="neither zarr"):
        open_cube(tmp_path / "grid.npy")


@pytest.mark.usefixtures("another_package")
def test_a_format_of_another_package_is_opened(tmp_path):
    np.save(tmp_path / "grid.npy", np.eye(3))
    np.testing.assert_array_equal(open_cube(tmp_path / "grid.npy")["values"], np.eye(3))
    assert media_type(tmp_path / "grid.npy") == "application/x-npy"
