"""JPEG 2000: each band a variable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cube_bridge.formats.raster import open_raster

if TYPE_CHECKING:
    import xarray as xr

    from cube_bridge.access.source import LookedAt

MEDIA_TYPE = "image/jp2"
ORDER = 70
#: A JP2 file, and a code stream without one.
_MAGIC = (b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51")


def recognises(source: LookedAt) -> bool:
    """Return whether it is JPEG 2000, by its first bytes."""
    return source.head is not None and source.head.startswith(_MAGIC)


def open_dataset(source: LookedAt) -> xr.Dataset:
    """Open it lazily, chunked as it is stored."""
    return open_raster(source, "JP2OpenJPEG")
