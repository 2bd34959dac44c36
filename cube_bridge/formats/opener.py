"""From a path or URL to a lazy xarray Dataset, whatever the format.

Each format is a module of `cube_bridge.formats` with `recognises`, `open_dataset`, `MEDIA_TYPE`
and `ORDER`; other packages name modules of theirs in the entry-point group `deepcube.formats`.
Formats are told by what the bytes say, never by the name alone.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol

from zarr.errors import BaseZarrError

from cube_bridge import formats
from cube_bridge.access.location import Location
from cube_bridge.access.source import LookedAt, check_reached, look_at
from cube_bridge.errors import NotACubeError, SourceError
from cube_bridge.formats.versions import chunk_versions_of, version_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import xarray as xr

    from cube_bridge.access.location import SourcePart

#: Entry points by which other packages bring formats.
GROUP = "deepcube.formats"


class Format(Protocol):
    """What the module of a format has.

    One whose chunks Zarr could read where they lie also has `byte_ranges(path)`, which returns
    for each key of a Zarr 2 group [file, offset, length].
    """

    MEDIA_TYPE: str
    """Media type of its files."""
    ORDER: int
    """The lower, the earlier it is asked whether it recognises a source."""

    def recognises(self, source: LookedAt) -> bool:
        """Return whether a source is of this format, by its first bytes or its folder's marks."""

    def open_dataset(self, source: LookedAt) -> xr.Dataset:
        """Open a source of this format lazily, chunked as it is stored."""


@cache
def known_formats() -> tuple[Format, ...]:
    """Return the modules of all formats, in the order in which they are asked."""
    modules = [
        importlib.import_module(f"{formats.__name__}.{found.name}")
        for found in pkgutil.iter_modules(formats.__path__)
    ]
    modules += [entry.load() for entry in entry_points(group=GROUP)]
    found: list[Format] = [m for m in modules if hasattr(m, "recognises")]
    return tuple(sorted(found, key=lambda form: form.ORDER))


@dataclass(frozen=True, kw_only=True)
class CubeSource:
    """Bytes that may be a cube, looked at once: what is asked of them is found out once."""

    looked: LookedAt

    @classmethod
    def at(cls, location: Path | str, part: SourcePart | None = None) -> CubeSource:
        """Look at a location.

        Raises:
            SourceError: Nothing is there, or it cannot be had; see `open_cube`.
        """
        place = Location.of(location)
        if part is not None:
            place = Location(path=place.path, base=place.base, part=part)
        return cls(looked=look_at(place))

    @cached_property
    def form(self) -> Format:
        """The module of its format.

        Raises:
            NotACubeError: It is of none.
        """
        return _format_of(self.looked)

    @property
    def media_type(self) -> str:
        """The media type of its format."""
        return self.form.MEDIA_TYPE

    @cached_property
    def version(self) -> str:
        """What changes when anything in it does; see `cube_bridge.formats.versions`."""
        return version_of(self.looked)

    def chunk_versions(
        self, dataset: xr.Dataset
    ) -> Mapping[tuple[str, tuple[int, ...]], str] | None:
        """Return a version for each chunk of what `dataset` opened, or None for a single file."""
        return chunk_versions_of(self.looked, dataset)

    def dataset(self) -> xr.Dataset:
        """Open it lazily; see `open_cube`."""
        form, shown = self.form, self.looked.shown
        try:
            return form.open_dataset(self.looked)
        except SourceError:
            raise
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, BaseZarrError) as error:
            check_reached(error)
            raise NotACubeError(
                f"{shown} cannot be opened as a cube ({_kind(form)}): {error}; is it damaged, "
                "truncated or still being written?"
            ) from error


def open_cube(location: Path | str, *, part: SourcePart | None = None) -> xr.Dataset:
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
    return CubeSource.at(location, part).dataset()


def media_type(location: Path | str) -> str:
    """Return the media type of a cube.

    Raises:
        SourceError: See `open_cube`.
    """
    return CubeSource.at(location).media_type


def media_types() -> tuple[str, ...]:
    """Return the media types of all formats that can be opened."""
    return tuple(form.MEDIA_TYPE for form in known_formats())


def _format_of(source: LookedAt) -> Format:
    for form in known_formats():
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


def _kind(form: Format) -> str:
    return form.MEDIA_TYPE.rpartition("/")[2]
