"""Regridding happens on reading: an array on its own grid becomes a lazy one on another.

Each block of the target asks for the rows and columns of the source that it needs, and for
weights that are computed once for all times. Nothing is read or weighed before it is computed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import dask.array as da
import numpy as np
import pyproj
import xarray as xr
from dask.delayed import delayed

from cube_bridge.errors import SelectionError
from cube_bridge.grids.curvilinear import CurvilinearGrid
from cube_bridge.grids.parts import GridPart, Strip, part_between, part_that_is
from cube_bridge.grids.rectilinear import RectilinearGrid
from cube_bridge.grids.stations import StationGrid
from cube_bridge.regridding.methods import method_for
from cube_bridge.regridding.overlaps import equal_area_plane
from cube_bridge.regridding.rules import (
    RULES,
    BlockWeights,
)
from cube_bridge.regridding.target_grid import GRID_MAPPING, grid_coordinates
from cube_bridge.regridding.weights import Kind, batches, weights_between

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cube_bridge.grids.grid import Grid
    from cube_bridge.regridding.methods import Method


#: Rows and columns of a block of the target.
_BLOCK = 256
#: Degrees that a block may be across: around the globe its cells must not meet the seam.
_BLOCK_DEGREES = 60.0
_DEGREE_M = 111_320.0
#: Cells of the source that a block of the target may need, for one moment.
_WINDOW_CELLS = 2**22
#: Bytes of a window for the moments that are handled together.
_WINDOW_BYTES = 2**26
#: Target cells larger than source cells by less than this are not coarser.
_COARSER = 1.05


@dataclass(frozen=True, kw_only=True)
class TargetBlock:
    """A block of the target grid, which one task computes: a window of rows and columns."""

    target: RectilinearGrid
    rows: slice
    columns: slice

    @property
    def block(self) -> RectilinearGrid:
        """Return it as a grid of its own."""
        return GridPart(rows=self.rows, strips=(Strip(columns=self.columns, turns=0),)).of(
            self.target
        )


def regrid(
    array: xr.DataArray, source: Grid, target: RectilinearGrid, resampling: str = "auto"
) -> xr.DataArray:
    """Return an array on another grid, lazily.

    Args:
        array: Along the dimensions of its grid, and any others.
        source: The grid of the array.
        target: The grid that is wanted.
        resampling: A method of `cube_bridge.regridding.methods`, or "auto".

    Returns:
        The other dimensions, then rows and columns of the target; NaN where the source has no
        value. Floats, unless the source has the very cells of the target.

    Raises:
        SelectionError: The source is points, which fill no cell, or there is no such method.
    """
    if isinstance(source, StationGrid):
        raise SelectionError(
            f"{array.name!r} has values at stations, which no grid can be filled with; "
            "select it on its own (grid=None)"
        )
    coarser = source.side_m * _COARSER < target.side_m
    method = method_for(array, resampling, coarser=coarser)
    others = [d for d in array.dims if d not in source.dims]
    ordered = array.transpose(*others, *source.dims)
    data = ordered.data if ordered.chunks is not None else da.from_array(ordered.data)
    part = part_that_is(source, target) if isinstance(source, RectilinearGrid) else None
    if part is not None:
        found = _taken(data, part)
    else:
        size = _block_size(source, target)
        found = da.block(
            [
                [
                    _block(data, source, TargetBlock(target=target, rows=r, columns=c), method)
                    for c in _slices(target.shape[1], size)
                ]
                for r in _slices(target.shape[0], size)
            ]
        )
    kept = {
        name: c
        for name, c in ordered.coords.items()
        if not set(c.dims) & set(source.dims) and name != array.attrs.get("grid_mapping")
    }
    attrs = {**array.attrs, "grid_mapping": GRID_MAPPING}
    result = xr.DataArray(found, dims=(*others, *target.dims), coords=kept, attrs=attrs)
    result = result.assign_coords(grid_coordinates(target))
    result.encoding = {k: v for k, v in array.encoding.items() if k in ("_FillValue", "dtype")}
    return result.rename(array.name)


def _block_size(source: Grid, target: RectilinearGrid) -> int:
    side = target.side_m
    by_extent = _BLOCK_DEGREES * _DEGREE_M / side
    by_window = np.sqrt(_WINDOW_CELLS) * source.side_m / side
    return max(int(min(_BLOCK, by_extent, by_window)), 1)


def _slices(count: int, size: int) -> Iterator[slice]:
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def _taken(data: da.Array, part: GridPart) -> da.Array:
    """Return the cells of a part, (..., rows, columns), strips side by side."""
    strips = [data[..., part.rows, s.columns] for s in part.strips]
    joined: da.Array = strips[0] if len(strips) == 1 else da.concatenate(strips, axis=-1)
    return joined


def _block(data: da.Array, source: Grid, place: TargetBlock, method: Method) -> da.Array:
    """Return a block of the target lazily: (..., rows, columns) from the source's (..., y, x)."""
    target = place.block
    dtype = data.dtype if data.dtype.kind == "f" else _float_for(data.dtype)
    part = _needed(source, target)
    if part is None:
        shape = (*data.shape[:-2], *target.shape)
        nothing: da.Array = da.full(
            shape, np.nan, dtype=dtype, chunks=(*data.chunks[:-2], *target.shape)
        )
        return nothing
    window = _taken(data, part)
    spatial = {data.ndim - 2: -1, data.ndim - 1: -1}
    leading = dict.fromkeys(range(data.ndim - 2), "auto")
    if window.nbytes > _WINDOW_BYTES and leading:
        limit = max(_WINDOW_BYTES, window[(0,) * len(leading)].nbytes)
        window = window.rechunk({**leading, **spatial}, block_size_limit=limit, balance=False)
    else:
        window = window.rechunk(spatial)
    step = delayed(_step, pure=True)(
        *_cut(source, part), target, method, equal_area_plane(place.target, target)
    )
    found: da.Array = da.map_blocks(
        _regridded,
        window,
        step=step,
        dtype=dtype,
        chunks=(*window.chunks[:-2], *target.shape),
        meta=np.empty((0,) * data.ndim, dtype),
    )
    return found


def _cut(source: Grid, part: GridPart) -> tuple[Grid, GridPart]:
    """Return only as much of a grid as its part needs: what tasks carry should be small."""
    if not isinstance(source, CurvilinearGrid):
        return source, part
    rows, columns = part.rows, part.strips[0].columns
    corners = (slice(rows.start, rows.stop + 1), slice(columns.start, columns.stop + 1))
    cut = replace(
        source, longitudes=source.longitudes[corners], latitudes=source.latitudes[corners]
    )
    height, width = cut.shape
    strip = Strip(columns=slice(0, width), turns=0)
    return cut, GridPart(rows=slice(0, height), strips=(strip,))


def _float_for(dtype: np.dtype) -> np.dtype:
    return np.dtype(np.float32 if dtype.itemsize <= 2 else np.float64)


def _needed(source: Grid, target: RectilinearGrid) -> GridPart | None:
    """Return the rows and columns of the source that a block needs, and one around them."""
    if not isinstance(source, RectilinearGrid):
        whole = tuple(slice(0, n) for n in target.shape)
        windows = source.windows(target.footprint(whole))
        if not windows:
            return None
        (rows, columns), (height, width) = windows[0], source.shape
        return GridPart(
            rows=slice(max(rows.start - 1, 0), min(rows.stop + 1, height)),
            strips=(
                Strip(
                    columns=slice(max(columns.start - 1, 0), min(columns.stop + 1, width)),
                    turns=0,
                ),
            ),
        )
    x, y = np.meshgrid(target.x_edges, target.y_edges)
    if not (source.is_lonlat and target.is_lonlat) and source.crs != target.crs:
        transformer = pyproj.Transformer.from_crs(target.crs, source.crs, always_xy=True)
        x, y = (np.asarray(a) for a in transformer.transform(x, y))
        if source.crs.is_geographic:
            x = np.unwrap(
                np.unwrap(np.where(np.isfinite(x), x, 0.0), period=360.0), period=360.0, axis=0
            )
    return part_between(source, _around(x, source.x_edges), _around(y, source.y_edges))


def _around(values: np.ndarray, edges: np.ndarray) -> tuple[float, float]:
    """Return the interval around (rows, columns) corners, a cell of either grid wider each way."""
    finite = np.where(np.isfinite(values), values, np.nan)
    if not np.isfinite(finite).any():
        return float(edges[0]), float(edges[-1])
    step = max(np.nanmax(np.abs(np.diff(finite, axis=a)), initial=0.0) for a in (0, 1))
    margin = float(np.abs(np.diff(edges)).max()) + float(step)
    return float(np.nanmin(finite)) - margin, float(np.nanmax(finite)) + margin


def _step(
    source: Grid, part: GridPart, target: RectilinearGrid, method: Method, plane: pyproj.CRS
) -> BlockWeights:
    kinds: dict[Method, Kind] = {"nearest": "nearest", "bilinear": "linear", "sum": "share"}
    weights = weights_between(source, part, target, kinds.get(method, "overlap"), plane)
    if method != "bilinear":
        return BlockWeights(method=method, weights=weights, held=None)
    held = weights_between(source, part, target, "nearest", plane)
    return BlockWeights(method=method, weights=weights, held=held)


def _regridded(block: np.ndarray, step: BlockWeights) -> np.ndarray:
    """Return a block of the target: (..., rows, columns) from (..., source rows, columns)."""
    stack = block.reshape(-1, *block.shape[-2:])
    dtype = block.dtype if block.dtype.kind == "f" else _float_for(block.dtype)
    rule = RULES[step.method]
    parts = [rule(part.astype(np.float64), step).astype(dtype) for part in batches(stack)]
    found = np.concatenate(parts)
    result: np.ndarray = found.reshape((*block.shape[:-2], *found.shape[-2:]))
    return result
