"""Where the cells of a raster lie: its coordinates, as a dataset of xarray has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj
from pyproj.exceptions import CRSError
from rasterio.transform import GCPTransformer

from cube_bridge.errors import CoordinatesError

if TYPE_CHECKING:
    from affine import Affine

#: Cells that a longitude and a latitude each may be kept in memory for.
_MOST_PLACES = 2**24


def coordinates_of(opened: Any, shown: str) -> dict[str, Any]:
    """Return the coordinates of the centres of a raster's cells, and its reference system.

    Args:
        opened: A dataset of rasterio.
        shown: Its name, for messages.

    Returns:
        As `xr.Dataset(coords=...)` takes them: `x` (x,), `y` (y,) and `spatial_ref` where rows and
        columns are straight lines of the reference system; `lon` and `lat` (y, x) in degrees
        where it is rotated or placed by control points; nothing where it has no place.

    Raises:
        CoordinatesError: Its cells have places of their own, and are too many for that.
    """
    points, points_crs = opened.gcps
    transform: Affine = opened.transform
    if points and points_crs is not None and transform.is_identity:
        with GCPTransformer(points) as transformer:
            x, y = transformer.xy(*_centres(opened, shown))
        return _by_cell(np.asarray(x), np.asarray(y), points_crs, opened)
    if opened.crs is None or transform.is_identity:
        # Without coordinates; who asks for the grid is told what is missing.
        return {}
    if transform.b or transform.d:
        rows, columns = _centres(opened, shown)
        x, y = (
            transform.a * (columns + 0.5) + transform.b * (rows + 0.5) + transform.c,
            (transform.d * (columns + 0.5) + transform.e * (rows + 0.5) + transform.f),
        )
        return _by_cell(x, y, opened.crs, opened)
    crs = _crs_of(opened.crs)
    x = transform.c + transform.a * (np.arange(opened.width) + 0.5)
    y = transform.f + transform.e * (np.arange(opened.height) + 0.5)
    is_lonlat = crs.is_geographic and not crs.is_derived
    if is_lonlat:
        names, units = ("longitude", "latitude"), ("degrees_east", "degrees_north")
    else:
        names, units = ("projection_x_coordinate", "projection_y_coordinate"), ("m", "m")
    told = is_lonlat or all(a.unit_name == "metre" for a in crs.axis_info)
    attrs = [
        {"standard_name": n, "axis": a, **({"units": u} if told else {})}
        for n, a, u in zip(names, "XY", units, strict=True)
    ]
    return {
        "x": ("x", x, attrs[0]),
        "y": ("y", y, attrs[1]),
        "spatial_ref": ((), np.int32(0), {**crs.to_cf(), "spatial_ref": crs.to_wkt()}),
    }


def _centres(opened: Any, shown: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the row and the column of each cell: two (y, x)."""
    if opened.width * opened.height > _MOST_PLACES:
        raise CoordinatesError(
            f"{shown} is rotated or placed by control points, with {opened.height} x "
            f"{opened.width} cells; up to {_MOST_PLACES} can be placed one by one. Warp it first "
            "(gdalwarp), or take an overview of it (#overview=0)"
        )
    rows, columns = np.meshgrid(
        np.arange(opened.height, dtype=float), np.arange(opened.width, dtype=float), indexing="ij"
    )
    return rows, columns


def _by_cell(x: np.ndarray, y: np.ndarray, crs: Any, opened: Any) -> dict[str, Any]:
    """Return longitudes and latitudes, (y, x) each, of centres in a reference system."""
    to_globe = pyproj.Transformer.from_crs(_crs_of(crs), "OGC:CRS84", always_xy=True)
    shape = (opened.height, opened.width)
    longitudes, latitudes = (a.reshape(shape) for a in to_globe.transform(x.ravel(), y.ravel()))
    lon = {"standard_name": "longitude", "units": "degrees_east"}
    lat = {"standard_name": "latitude", "units": "degrees_north"}
    return {"lon": (("y", "x"), longitudes, lon), "lat": (("y", "x"), latitudes, lat)}


def _crs_of(crs: Any) -> pyproj.CRS:
    try:
        authority = crs.to_authority(confidence_threshold=100)
        if authority is not None:
            return pyproj.CRS.from_authority(*authority)
        return pyproj.CRS.from_wkt(crs.to_wkt())
    except CRSError as error:
        raise CoordinatesError(
            f"the reference system of the raster is not known: {crs.to_wkt()[:100]!r}"
        ) from error
