"""Raster files as GDAL reads them: by block, by several threads, here and elsewhere."""

from __future__ import annotations

import threading
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window
from xarray.backends.common import BackendArray
from xarray.core.indexing import ExplicitIndexer, IndexingSupport, explicit_indexing_adapter

from cube_bridge.access.location import Location
from cube_bridge.access.ranged_file import RangedFile
from cube_bridge.access.source import check_reached
from cube_bridge.errors import NotACubeError

if TYPE_CHECKING:
    from collections.abc import Callable

#: What GDAL is not to do: list whole folders to find a world file, change units.
_OPTIONS = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "TRUE",
    "GRIB_NORMALIZE_UNITS": "NO",
}
#: The name under which GDAL asks for a file that is elsewhere.
_ELSEWHERE = "cube/source"


@dataclass(frozen=True, kw_only=True)
class RasterFile:
    """A file of bands. Each thread has a file of this machine open once."""

    path: str | None
    """On this machine, or GDAL's name of a page of such a file; None for what is elsewhere."""
    base: str
    """URL."""
    version: str
    """Of the bytes: with another one it is another file."""
    driver: str
    """GDAL's name of the format."""
    overview: int | None = None

    def reading(self, read: Callable[[Any], Any]) -> Any:
        """Return what `read` makes of GDAL's data set.

        Raises:
            NotACubeError: It is damaged.
            SourceTimeoutError and its kin: It is out of reach.
        """
        with rasterio.Env(**_OPTIONS):
            try:
                if self.path is not None:
                    return read(self._kept_open(self.path))
                # GDAL asks for the bytes in the thread and context that opened it, so it is not
                # kept; the blocks with the header are.
                _OPEN.__dict__.pop("error", None)
                with self._opened(_ELSEWHERE, opener=_Opener(self.base)) as opened:
                    return read(opened)
            except RasterioError as error:
                self._raise_reached()
                raise NotACubeError(
                    f"{Location.of(self.base).shown} cannot be read: {_first_line(error)}; is it "
                    "damaged or truncated?"
                ) from error

    def _kept_open(self, path: str) -> Any:
        """Return the data set of this thread."""
        opened_here: dict[RasterFile, Any] = _OPEN.__dict__.setdefault("mine", {})
        found = opened_here.get(self)
        if found is None:
            while len(opened_here) >= _OPEN_AT_MOST:
                opened_here.pop(next(iter(opened_here))).close()
            found = opened_here[self] = self._opened(path)
        return found

    def _opened(self, path: str, **options: Any) -> Any:
        if self.overview is not None:
            options["overview_level"] = self.overview
        # A raster without a place is told from what it has, and not by a warning. Filters of
        # warnings are of the whole process: one thread at a time.
        with _FILTERING, warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            return rasterio.open(path, driver=self.driver, **options)

    def _raise_reached(self) -> None:
        error = _OPEN.__dict__.pop("error", None)
        if error is not None:
            check_reached(error)


_FILTERING = threading.Lock()
_OPEN = threading.local()
_OPEN_AT_MOST = 16


def _first_line(error: BaseException) -> str:
    seen = error.__cause__ if error.__cause__ is not None else error
    return str(seen).splitlines()[0] if str(seen) else type(seen).__name__


class _Opener:
    """Hands GDAL the file, and nothing that it looks for beside it."""

    def __init__(self, base: str) -> None:
        self.base = base

    def __call__(self, name: str, mode: str = "rb") -> _Told:  # noqa: ARG002  # rasterio's
        if name != _ELSEWHERE:
            raise FileNotFoundError(name)
        try:
            file = RangedFile.open(self.base)
        except Exception as error:
            _OPEN.__dict__["error"] = error
            raise
        return _Told(file.base, file.size, file.version)


class _Told(RangedFile):
    """A file that keeps its errors for us: GDAL turns them into some of its own."""

    def readinto(self, buffer: Any) -> int:
        """See `RangedFile.readinto`."""
        try:
            return super().readinto(buffer)
        except Exception as error:
            _OPEN.__dict__["error"] = error
            raise


class BandsArray(BackendArray):
    """Bands of a file as one lazy array.

    Args:
        file: The file.
        bands: Number of the band for each place along the leading dimensions; 0 where there is
            none. Of shape () for a single band.
        shape: Rows and columns.
        dtype: Of the values.
        scale, offset: What packed numbers are unpacked with.
        masked: Whether some cells have no value: they become NaN.
    """

    def __init__(
        self,
        file: RasterFile,
        bands: np.ndarray,
        shape: tuple[int, int],
        dtype: np.dtype,
        *,
        scale: float = 1.0,
        offset: float = 0.0,
        masked: bool = False,
    ) -> None:
        self.file = file
        self.bands = bands
        self.shape = (*bands.shape, *shape)
        self.dtype = dtype
        self.scale, self.offset, self.masked = scale, offset, masked

    def __getitem__(self, key: ExplicitIndexer) -> Any:
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> np.ndarray:
        *leading, rows, columns = key
        (top, bottom, in_rows), (left, right, in_columns) = (
            _span(k, n) for k, n in zip((rows, columns), self.shape[-2:], strict=True)
        )
        chosen = self.bands[np.ix_(*(_listed(k, n) for k, n in zip(leading, self.bands.shape,
                                                                   strict=True)))]  # fmt: skip
        window = Window(left, top, right - left, bottom - top)
        read = [self._band(int(b), window)[in_rows][:, in_columns] for b in chosen.ravel()]
        result = np.stack(read) if read else np.empty((0, *self._cut(in_rows, in_columns)))
        result = result.reshape((*chosen.shape, *result.shape[-2:]))
        scalars = tuple(0 if isinstance(k, (int, np.integer)) else slice(None) for k in key)
        return np.asarray(result[scalars], dtype=self.dtype)

    @staticmethod
    def _cut(rows: np.ndarray, columns: np.ndarray) -> tuple[int, int]:
        return len(rows), len(columns)

    def _band(self, band: int, window: Window) -> np.ndarray:
        """Return the (rows, columns) of a window of a band."""
        if band == 0:
            return np.full((int(window.height), int(window.width)), np.nan, dtype=self.dtype)
        read = self.file.reading(lambda d: d.read(band, window=window, masked=self.masked))
        values = read.filled(0) if self.masked else read
        values = values.astype(self.dtype, copy=False)
        if self.scale != 1.0 or self.offset != 0.0:
            values = (values * self.dtype.type(self.scale)) + self.dtype.type(self.offset)
        if self.masked:
            values = np.where(np.ma.getmaskarray(read), self.dtype.type(np.nan), values)
        return np.asarray(values)


def _listed(key: Any, size: int) -> np.ndarray:
    """Return the positions, (n,), that an index along a dimension of some size means."""
    if isinstance(key, slice):
        return np.arange(size)[key]
    return np.atleast_1d(np.asarray(key))


def _span(key: Any, size: int) -> tuple[int, int, np.ndarray]:
    """Return first and last of the cells to read, and which of them are wanted."""
    wanted = _listed(key, size)
    if not len(wanted):
        return 0, 1, wanted
    first, last = int(wanted.min()), int(wanted.max()) + 1
    return first, last, wanted - first
