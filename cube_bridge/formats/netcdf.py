"""NetCDF 3 and 4, here and elsewhere; groups too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5netcdf
import netCDF4
import xarray as xr

from cube_bridge.errors import NotACubeError, SelectionError
from cube_bridge.formats.decoding import decoded
from cube_bridge.formats.groups import marked, merged
from cube_bridge.formats.netcdf_classic import required_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cube_bridge.access.source import LookedAt

MEDIA_TYPE = "application/x-netcdf"
ORDER = 40
_CLASSIC = (b"CDF\x01", b"CDF\x02", b"CDF\x05")
_HDF5 = b"\x89HDF\r\n\x1a\n"
#: HDF5 may begin after a block of the user's own, at these offsets.
_HDF5_AT = (0, 512, 1024, 2048)
#: Uncompressed bytes of a chunk where the file does not say how it is chunked.
_LARGE = 2**26


def recognises(source: LookedAt) -> bool:
    """Return whether it is NetCDF, by its first bytes."""
    return source.head is not None and (source.head.startswith(_CLASSIC) or _is_hdf5(source.head))


def byte_ranges(path: Path) -> dict[str, Any]:
    """Return where the chunks of a file are, without reading their values.

    Args:
        path: A file of NetCDF 4, or of NetCDF 3 with offsets of 32 or 64 bits.

    Returns:
        By key in a Zarr 2 group, `ts/0.0.0`: [file, offset, length], or what a small text of
        metadata says itself.

    Raises:
        SelectionError: It is a file of 64-bit data (CDF-5), or HDF5 behind a block of its user's.
    """
    with path.open("rb") as file:
        magic = file.read(len(_HDF5))
    if magic == _HDF5:
        from kerchunk.hdf import SingleHdf5ToZarr  # noqa: PLC0415  # for references only

        found = SingleHdf5ToZarr(str(path.resolve()), inline_threshold=0).translate()["refs"]
    elif magic.startswith(_CLASSIC[:2]):
        from kerchunk.netCDF3 import NetCDF3ToZarr  # noqa: PLC0415  # for references only

        found = NetCDF3ToZarr(str(path.resolve()), inline_threshold=0).translate()["refs"]
    else:
        raise SelectionError(f"the chunks of {path.name} are not byte ranges that Zarr could read")
    return dict(found)


def open_dataset(source: LookedAt) -> xr.Dataset:
    """Open it lazily, chunked as it is stored.

    NetCDF 4 elsewhere is read in parts; NetCDF 3, and what a server does not send in parts, is
    fetched once.
    """
    assert source.head is not None  # noqa: S101  # recognised
    elsewhere = source.location.path is None
    if elsewhere and _is_hdf5(source.head) and source.is_ranged():
        file = source.file()
        with h5netcdf.File(file, "r", phony_dims="access") as opened:
            paths = ["", *_groups(opened)]
        groups = {p: _open(file, p, "h5netcdf", phony_dims="access") for p in paths}
    else:
        path = source.local_file()
        if source.head.startswith(_CLASSIC):
            _check_whole(path, source.shown)
        with netCDF4.Dataset(path, "r") as opened:
            paths = ["", *_groups(opened)]
        groups = {p: _open(path, p, "netcdf4") for p in paths}
    return merged(groups, source.location.part.group, source.shown)


def _check_whole(path: Path, shown: str) -> None:
    with path.open("rb") as file:
        try:
            required = required_bytes(file)
        except ValueError as error:
            raise NotACubeError(
                f"{shown} is NetCDF, but {error}; fetch or write it again"
            ) from error
    size = path.stat().st_size
    if size < required:
        raise NotACubeError(
            f"{shown} is truncated: it has {size} bytes of at least {required}; fetch or write "
            "it again"
        )


def _is_hdf5(head: bytes) -> bool:
    return any(head[at : at + len(_HDF5)] == _HDF5 for at in _HDF5_AT)


def _groups(opened: Any) -> Iterator[str]:
    for name, group in opened.groups.items():
        yield name
        yield from (f"{name}/{inner}" for inner in _groups(group))


def _open(file: Any, group: str, engine: Any, **options: Any) -> xr.Dataset:
    stored = xr.open_dataset(
        file, engine=engine, group=group or None, chunks={}, decode_cf=False, **options
    )
    large = any(v.nbytes > _LARGE and _one_chunk(v) for v in stored.data_vars.values())
    return decoded(marked(stored.chunk("auto") if large else stored, group))


def _one_chunk(variable: xr.DataArray) -> bool:
    return variable.chunks is None or all(len(c) == 1 for c in variable.chunks)
