"""From a path to a lazy xarray Dataset, and to the axes that place it on the Earth."""

from __future__ import annotations

import tarfile
import warnings
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import fsspec
import xarray as xr
from zarr.storage import ZipStore

from cube_bridge.errors import CoordinatesError, NotACubeError, SourceNotFoundError

#: Metadata of a whole zarr v2 group in one file; v3 has it in zarr.json.
_CONSOLIDATED = ".zmetadata"
_ZARR_MARKERS = (".zgroup", _CONSOLIDATED, "zarr.json")
#: First bytes of NetCDF 3 and of HDF5, on which NetCDF 4 is built.
_NETCDF_MAGIC = (b"CDF\x01", b"CDF\x02", b"CDF\x05", b"\x89HDF")
#: Uncompressed bytes of a chunk where the file does not say how it is chunked.
_CHUNK_BYTES = "32MiB"


def open_cube(location: Path | str) -> xr.Dataset:
    """Open a cube lazily, chunked as it is stored.

    Args:
        location: A zarr folder, a zip or tar file with one zarr group, or a NetCDF file; or the
            URL of a zarr group.

    Raises:
        SourceNotFoundError: There is nothing at the path.
        NotACubeError: It is of none of these formats, or is damaged.
    """
    if isinstance(location, str):
        return _open_url(location)
    path = location
    if not path.exists():
        raise SourceNotFoundError(f"no file or folder {path}")
    try:
        with warnings.catch_warnings():
            # MODIS files declare several fill values; all become NaN, which is meant.
            warnings.simplefilter("ignore", xr.SerializationWarning)
            return _open(path)
    except NotACubeError:
        raise
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise NotACubeError(f"{path.name} cannot be opened as a cube: {error}") from error


def _open_url(url: str) -> xr.Dataset:
    try:
        dataset: xr.Dataset = xr.open_zarr(url, chunks={})
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise NotACubeError(f"{url} cannot be opened as a cube: {error}") from error
    return dataset


def media_type(location: Path | str) -> str:
    """Return the media type of a cube."""
    path = Path(location)
    return "application/x-netcdf" if _is_netcdf(path) else "application/vnd.zarr"


def _is_netcdf(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) in _NETCDF_MAGIC


def _open(path: Path) -> xr.Dataset:
    if path.is_dir():
        if not any((path / marker).is_file() for marker in _ZARR_MARKERS):
            raise NotACubeError(f"the folder {path.name} holds no zarr group")
        folder: xr.Dataset = xr.open_zarr(
            path, chunks={}, consolidated=(path / _CONSOLIDATED).is_file()
        )
        return folder
    if _is_netcdf(path):
        dataset = xr.open_dataset(path, engine="netcdf4", chunks={})
        large = any(v.nbytes > 2**26 and _one_chunk(v) for v in dataset.data_vars.values())
        return dataset.chunk("auto") if large else dataset
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            root = _zarr_root(archive.namelist(), path)
        zipped: xr.Dataset = xr.open_zarr(
            ZipStore(path), group=root or None, chunks={}, consolidated=False
        )
        return zipped
    if tarfile.is_tarfile(path):
        return _open_tar(path)
    raise NotACubeError(
        f"{path.name} is no cube: neither zarr (folder, zip, tar) nor NetCDF; "
        "a table or vector layer needs --mapping"
    )


def _one_chunk(variable: xr.DataArray) -> bool:
    return variable.chunks is None or all(len(c) == 1 for c in variable.chunks)


def _zarr_root(names: list[str], path: Path) -> str:
    roots = {name.rpartition("/")[0] for name in names if name.rpartition("/")[2] in _ZARR_MARKERS}
    if not roots:
        raise NotACubeError(f"{path.name} is an archive without a zarr group")
    # The group is the one that the others, of its arrays, lie below.
    return min(roots, key=len)


def _open_tar(path: Path) -> xr.Dataset:
    # Each member becomes a byte range of the tar file, so that chunks are read on their own and
    # by several threads at once; fsspec's tar file system shares one position among them.
    try:
        with tarfile.open(path, "r:") as archive:
            members = [m for m in archive.getmembers() if m.isfile()]
    except tarfile.ReadError as error:
        raise NotACubeError(f"{path.name} is a compressed tar file; unpack it first") from error
    root = _zarr_root([m.name for m in members], path)
    prefix = f"{root}/" if root else ""
    references = {
        m.name.removeprefix(prefix): [path.resolve().as_uri(), m.offset_data, m.size]
        for m in members
        if m.name.startswith(prefix)
    }
    mapper = fsspec.get_mapper("reference://", fo={"version": 1, "refs": references})
    dataset: xr.Dataset = xr.open_zarr(mapper, chunks={}, consolidated=_CONSOLIDATED in references)
    return dataset


def moments(dataset: xr.Dataset, time: str) -> list[datetime]:
    """Return the times of a cube; those of another calendar by their nominal date."""
    values = dataset[time].to_numpy()
    if values.dtype.kind == "M":
        return list(values.astype("datetime64[us]").tolist())
    return [_nominal(t) for t in values]


def _nominal(t: Any) -> datetime:
    # A date that the Gregorian calendar lacks (30 February of a 360-day year) is an error.
    try:
        return datetime(t.year, t.month, t.day, t.hour, t.minute, t.second)  # noqa: DTZ001
    except ValueError as error:
        raise CoordinatesError(f"the time {t} is no date of the Gregorian calendar") from error
