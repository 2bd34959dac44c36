"""From a path or URL to a lazy xarray Dataset, whatever the format.

Each format is a module of `cube_bridge.formats` with `recognises`, `open_dataset` and a media
type. Formats are told by what the bytes say, never by the name alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from zarr.errors import BaseZarrError

from cube_bridge.errors import NotACubeError, SourceError
from cube_bridge.formats import (
    grib,
    icechunk_repository,
    jpeg2000,
    netcdf,
    raster,
    references,
    zarr_groups,
)
from cube_bridge.formats.calendars import moments
from cube_bridge.formats.location import Location, Part
from cube_bridge.formats.source import Source, check_reached, look_at

if TYPE_CHECKING:
    from pathlib import Path

    import xarray as xr

__all__ = ["Part", "media_type", "moments", "open_cube"]


class _Format(Protocol):
    MEDIA_TYPE: str

    def recognises(self, source: Source) -> bool: ...
    def open_dataset(self, source: Source) -> xr.Dataset: ...


#: References and repositories are folders with marks of zarr in them, so they are asked first.
_FORMATS: tuple[_Format, ...] = (
    references,
    icechunk_repository,
    zarr_groups,
    netcdf,
    grib,
    raster,
    jpeg2000,
)


def open_cube(location: Path | str, *, part: Part | None = None) -> xr.Dataset:
    """Open a cube lazily, chunked as it is stored. The source is never changed.

    Args:
        location: A path, or a URL: `file`, `http`, `https`, `s3`, `gs`, `az`, `memory`. Zarr
            (folder, zip, tar), NetCDF 3 and 4, GeoTIFF, JPEG 2000, GRIB, Icechunk, and
            references in the form of Kerchunk. Text may end in a part: `swath.nc#group=PRODUCT`.
        part: Which group, overview, branch, tag or snapshot is meant; by default what the
            location says, or else all of it.

    Raises:
        SourceNotFoundError: There is nothing at the location.
        SourceForbiddenError, SourceTimeoutError, SourceUnreachableError: It cannot be had.
        NotACubeError: It is of none of these formats, or is damaged.
        CoordinatesError: Its times cannot be understood.
    """
    place = Location.of(location)
    if part is not None:
        place = Location(path=place.path, base=place.base, part=part)
    source = look_at(place)
    form = _format_of(source)
    try:
        return form.open_dataset(source)
    except SourceError:
        raise
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, BaseZarrError) as error:
        check_reached(error)
        raise NotACubeError(
            f"{source.shown} cannot be opened as a cube ({_kind(form)}): {error}; is it damaged, "
            "truncated or still being written?"
        ) from error


def media_type(location: Path | str) -> str:
    """Return the media type of a cube.

    Raises:
        SourceError: See `open_cube`.
    """
    return _format_of(look_at(Location.of(location))).MEDIA_TYPE


def media_types() -> tuple[str, ...]:
    """Return the media types of all formats that can be opened."""
    return tuple(form.MEDIA_TYPE for form in _FORMATS)


def _format_of(source: Source) -> _Format:
    for form in _FORMATS:
        if form.recognises(source):
            return form
    if source.is_folder:
        raise NotACubeError(f"the folder {source.shown} holds no zarr group")
    if not source.head:
        raise NotACubeError(f"{source.shown} is empty; fetch or write it again")
    raise NotACubeError(
        f"{source.shown} is no cube: neither zarr (folder, zip, tar), NetCDF, GeoTIFF, JPEG 2000, "
        "GRIB, Icechunk nor Kerchunk references; a table or vector layer needs --mapping"
    )


def _kind(form: _Format) -> str:
    return form.MEDIA_TYPE.rpartition("/")[2]
