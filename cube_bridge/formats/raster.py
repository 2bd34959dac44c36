"""GeoTIFF, cloud-optimised or not: each band a variable. JPEG 2000 is read the same way."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from dask.base import tokenize
from rasterio.enums import MaskFlags
from xarray.core.indexing import LazilyIndexedArray

from cube_bridge.access.objects import objects_below
from cube_bridge.errors import NotACubeError
from cube_bridge.formats.groups import merged
from cube_bridge.formats.raster_file import BandsArray, RasterFile
from cube_bridge.formats.raster_place import coordinates_of

if TYPE_CHECKING:
    from cube_bridge.access.source import LookedAt

MEDIA_TYPE = "image/tiff; application=geotiff"
ORDER = 60
_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
#: Cells of a chunk of a file in strips, each of them too little to be worth a chunk.
_STRIP_CELLS = 2**20


def recognises(source: LookedAt) -> bool:
    """Return whether it is TIFF, by its first bytes."""
    return source.head is not None and source.head.startswith(_TIFF)


def raster_file(source: LookedAt, driver: str) -> RasterFile:
    """Return the file as one of GDAL's: in parts where it can be had so, else fetched once."""
    part = source.location.part
    version = source.objects.stat("").version
    # Before a field can be read, the headers of all messages must be.
    is_local = source.location.path is not None or driver == "GRIB" or not source.is_ranged()
    return RasterFile(
        path=str(source.local_file()) if is_local else None,
        base=source.location.base,
        version=version,
        driver=driver,
        overview=part.overview,
    )


def open_dataset(source: LookedAt) -> xr.Dataset:
    """Open it lazily, chunked as it is stored."""
    return open_raster(source, "GTiff")


def open_raster(source: LookedAt, driver: str) -> xr.Dataset:
    """Open a raster of one of GDAL's formats, chunked as it is stored: tiles, or several strips.

    A band is a variable and not a place along a dimension, because bands differ in what they
    observe, in unit, scale and in the statistics of their chunks.
    """
    file = raster_file(source, driver)
    if file.overview is not None:
        factors = replace(file, overview=None).reading(lambda d: d.overviews(1))
        if file.overview >= len(factors):
            raise NotACubeError(
                f"{source.shown} has no overview {file.overview}; it has {len(factors)} of them, "
                f"coarser by {', '.join(map(str, factors)) or 'nothing'}"
            )
    pages = list(file.reading(lambda d: d.subdatasets))
    if not pages:
        return _open_page(file, source.shown)
    local = str(source.local_file())
    groups = {}
    for number, page in enumerate(pages, 1):
        name = re.sub(r"(GTIFF_DIR:\d+:).*", lambda m: m[1] + local, page, flags=re.DOTALL)
        whole = replace(file, path=name)
        groups["" if number == 1 else f"page_{number}"] = _open_page(whole, source.shown)
    return merged(groups, source.location.part.group, source.shown)


def _open_page(file: RasterFile, shown: str) -> xr.Dataset:
    return file.reading(lambda d: _described(d, file, shown))  # type: ignore[no-any-return]


def _described(opened: Any, file: RasterFile, shown: str) -> xr.Dataset:
    _check_whole(opened, file, shown)
    shape = (opened.height, opened.width)
    names = _band_names(opened.descriptions)
    placed = coordinates_of(opened, shown)
    variables = {}
    for band, name in enumerate(names, 1):
        array = _band_array(opened, file, band, shape)
        attrs = _band_attrs(opened, band)
        attrs |= {"grid_mapping": "spatial_ref"} if "spatial_ref" in placed else {}
        variables[name] = lazy(("y", "x"), array, _chunks(opened, band), attrs)
    tags = {k: v for k, v in opened.tags().items() if not k.startswith("OVR_")}
    return xr.Dataset(variables, coords=placed, attrs=tags)


def lazy(
    dims: tuple[str, ...], array: BandsArray, chunks: tuple[int, ...], attrs: dict[str, Any]
) -> xr.Variable:
    """Return an array that reads nothing before it is computed."""
    variable = xr.Variable(dims, LazilyIndexedArray(array), attrs)
    # What identifies the values, so that the array itself need not be read to name it.
    said = (array.file, array.bands.tobytes(), array.shape, array.scale, array.offset)
    chunked = variable.chunk(dict(zip(dims, chunks, strict=True)), name=f"raster-{tokenize(said)}")
    chunked.encoding["preferred_chunks"] = dict(zip(dims, chunks, strict=True))
    return chunked


def _band_names(descriptions: tuple[str | None, ...]) -> list[str]:
    said = [re.sub(r"\W+", "_", d or "").strip("_") for d in descriptions]
    return [
        name if name and said.count(name) == 1 and name not in {"x", "y", "spatial_ref"}
        else f"band_{number}"
        for number, name in enumerate(said, 1)
    ]  # fmt: skip


def _band_array(opened: Any, file: RasterFile, band: int, shape: tuple[int, int]) -> BandsArray:
    stored = np.dtype(opened.dtypes[band - 1])
    scale, offset = opened.scales[band - 1], opened.offsets[band - 1]
    nodata = opened.nodatavals[band - 1]
    is_float = stored.kind in "fc"
    flags = opened.mask_flag_enums[band - 1]
    masked = MaskFlags.all_valid not in flags and not (
        is_float and nodata is not None and np.isnan(nodata)
    )
    packed = scale != 1.0 or offset != 0.0
    dtype = stored
    if not is_float and (masked or packed):
        small = stored.itemsize <= 2 and offset == 0.0  # float32 holds 16 bits
        dtype = np.dtype(np.float32 if small else np.float64)
    return BandsArray(file, np.array(band), shape, dtype, scale=scale, offset=offset, masked=masked)


def _band_attrs(opened: Any, band: int) -> dict[str, Any]:
    tags = {k: v for k, v in opened.tags(band).items() if not k.startswith("STATISTICS_")}
    description, units = opened.descriptions[band - 1], opened.units[band - 1]
    attrs = {**tags}
    if description:
        attrs.setdefault("long_name", description)
    if units:
        attrs["units"] = units
    return attrs


def _chunks(opened: Any, band: int) -> tuple[int, int]:
    """Return rows and columns of a chunk: a tile, or as many strips as make a chunk worthwhile."""
    rows, columns = opened.block_shapes[band - 1]
    columns = min(columns, opened.width)
    if columns == opened.width and rows < opened.height:
        rows *= max(1, _STRIP_CELLS // (rows * columns))
    return min(rows, opened.height), columns


def _check_whole(opened: Any, file: RasterFile, shown: str) -> None:
    """Raise if a block of a TIFF file lies beyond its end."""
    if opened.driver != "GTiff" or file.overview is not None:
        return
    rows, columns = opened.block_shapes[0]
    last = f"{(opened.width - 1) // columns}_{(opened.height - 1) // rows}"
    size = objects_below(file.base).stat("").size
    for band in {1, opened.count}:
        for where in ("0_0", last):
            at = opened.get_tag_item(f"BLOCK_OFFSET_{where}", "TIFF", bidx=band)
            count = opened.get_tag_item(f"BLOCK_SIZE_{where}", "TIFF", bidx=band)
            if size is not None and at and count and int(at) + int(count) > size:
                raise NotACubeError(
                    f"{shown} is truncated: it has {size} bytes, and a block ends at byte "
                    f"{int(at) + int(count)}; fetch or write it again"
                )
