"""The grid that a selection is brought onto, and how a dataset says which one it is on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj
import xarray as xr
from pyproj.exceptions import CRSError

from cube_bridge.errors import SelectionError
from cube_bridge.grids.rectilinear import RectilinearGrid

if TYPE_CHECKING:
    from kg.rdf.geometry import BBox


#: Name of the variable with the reference system: the one that rioxarray and odc-geo write.
GRID_MAPPING = "spatial_ref"
_BOUNDS_DIM = "bnds"
#: Along one side of a grid; the equator has four million of ten metres.
_MOST_CELLS = 10_000_000
#: A border that close to a multiple of the resolution is one, as a share of a cell.
_SNAP = 1e-6


@dataclass(frozen=True, kw_only=True)
class GridSpec:
    """A grid of square cells, its borders at multiples of its resolution."""

    crs: str
    """What pyproj understands: "EPSG:32632", WKT, a PROJ string."""
    resolution: float
    """Side of a cell in the units of the reference system."""
    bbox: BBox | None = None
    """Extent in degrees; None takes that of the region asked for."""


def grid_of_spec(spec: GridSpec, extent: BBox) -> RectilinearGrid:
    """Return the grid that a specification describes.

    Args:
        spec: What is wanted.
        extent: Box in degrees, where the specification has none.

    Raises:
        SelectionError: The reference system is not known, the resolution is no length, or the
            box cannot be brought into the plane.
    """
    try:
        crs = pyproj.CRS.from_user_input(spec.crs)
    except CRSError as error:
        raise SelectionError(f"no reference system {spec.crs!r}; give EPSG:code or WKT") from error
    if not (np.isfinite(spec.resolution) and spec.resolution > 0):
        raise SelectionError(f"a resolution is a length above 0, not {spec.resolution}")
    box = spec.bbox or extent
    transformer = pyproj.Transformer.from_crs("OGC:CRS84", crs, always_xy=True)
    bounds = transformer.transform_bounds(box.west, box.south, box.east, box.north, densify_pts=51)
    if not np.isfinite(bounds).all():
        raise SelectionError(f"the box {box} does not lie within {crs.name}")
    west, south, east, north = bounds
    if max(east - west, north - south) / spec.resolution > _MOST_CELLS:
        raise SelectionError(
            f"a resolution of {spec.resolution:g} makes more than {_MOST_CELLS} cells side by "
            f"side; it is in the units of {crs.name}"
        )
    x, y = _edges(west, east, spec.resolution), _edges(south, north, spec.resolution)[::-1]
    lonlat = crs.is_geographic and not crs.is_derived
    if lonlat:
        y = np.clip(y, -90.0, 90.0)
    dims = ("lat", "lon") if lonlat else ("y", "x")
    grid = RectilinearGrid(dims=dims, crs=crs, time=None, x_edges=x, y_edges=y)
    if not grid.is_on_globe:
        raise SelectionError(f"a part of the grid lies beyond {crs.name}; give a smaller bbox")
    return grid


def _edges(low: float, high: float, step: float) -> np.ndarray:
    """Return borders, (cells + 1,), at multiples of a step that hold an interval."""
    first = int(np.floor(low / step + _SNAP))
    last = max(int(np.ceil(high / step - _SNAP)), first + 1)
    return np.arange(first, last + 1) * step


def grid_coordinates(grid: RectilinearGrid) -> dict[str, xr.Variable]:
    """Return the coordinates of a grid with CF attributes, and `spatial_ref`."""
    found: dict[str, xr.Variable] = {}
    for dim, axis, edges in zip(grid.dims, "YX", (grid.y_edges, grid.x_edges), strict=True):
        attrs = {**_axis_attributes(grid.crs, axis), "axis": axis}
        found[dim] = xr.Variable(dim, edges[:-1] + np.diff(edges) / 2, attrs)
    found[GRID_MAPPING] = xr.Variable((), np.int32(0), reference_attributes(grid))
    return found


def with_bounds(dataset: xr.Dataset, grid: RectilinearGrid) -> xr.Dataset:
    """Return a dataset whose coordinates say where each cell begins and ends, as CF has it."""
    added = {}
    for dim, edges in zip(grid.dims, (grid.y_edges, grid.x_edges), strict=True):
        name = f"{dim}_{_BOUNDS_DIM}"
        added[name] = xr.Variable((dim, _BOUNDS_DIM), np.column_stack([edges[:-1], edges[1:]]))
    result = dataset.assign_coords(added)
    for dim in grid.dims:
        result[dim].attrs["bounds"] = f"{dim}_{_BOUNDS_DIM}"
    return result


def _axis_attributes(crs: pyproj.CRS, axis: str) -> dict[str, str]:
    if crs.is_geographic and not crs.is_derived:
        name, units = {"X": ("longitude", "degrees_east"), "Y": ("latitude", "degrees_north")}[axis]
    elif crs.is_geographic:
        name, units = {"X": "grid_longitude", "Y": "grid_latitude"}[axis], "degrees"
    else:
        name = f"projection_{axis.lower()}_coordinate"
        unit = crs.axis_info[0].unit_name
        units = "m" if unit == "metre" else unit
    return {"standard_name": name, "units": units}


def reference_attributes(grid: RectilinearGrid) -> dict[str, Any]:
    """Return what `spatial_ref` says: CF's grid mapping, WKT, and GDAL's affine transform.

    The transform is left out where the cells are of different sizes.
    """
    attrs: dict[str, Any] = {k: v for k, v in grid.crs.to_cf().items() if v is not None}
    attrs["spatial_ref"] = attrs["crs_wkt"] = grid.crs.to_wkt()
    steps = [np.diff(e) for e in (grid.x_edges, grid.y_edges)]
    if all(np.allclose(s, s[0], rtol=1e-3) for s in steps):
        x, y = float(grid.x_edges[0]), float(grid.y_edges[0])
        dx, dy = (float((e[-1] - e[0]) / (len(e) - 1)) for e in (grid.x_edges, grid.y_edges))
        attrs["GeoTransform"] = f"{x!r} {dx!r} 0.0 {y!r} 0.0 {dy!r}"
    return attrs
