"""A dataset becomes a cube that others can open: Zarr with CF, GDAL's and STAC's metadata.

It is written beside its place, block by block, and moved there when it is whole. A run that is
killed leaves no cube; the next one that is asked for the same goes on where that one stopped.
"""

from __future__ import annotations

import json
import shutil
import warnings
from typing import TYPE_CHECKING, Any

import numcodecs
import numpy as np
import zarr
from dask.base import tokenize
from zarr.codecs import BloscCodec, BloscShuffle
from zarr.errors import ZarrUserWarning

from cube_bridge.cubes.mapping import CubeMapping
from cube_bridge.errors import CoordinatesError, PublishingError
from cube_bridge.grids.reading import grid_of
from cube_bridge.grids.rectilinear import RectilinearGrid
from cube_bridge.indexing.index import index_file
from cube_bridge.publishing.partial import (
    CUBE,
    ITEM,
    done_so_far,
    note,
    put_in_place,
    regions,
)
from cube_bridge.publishing.stac_item import cube_item
from cube_bridge.regridding.target_grid import GRID_MAPPING, grid_coordinates, with_bounds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import xarray as xr

    from cube_bridge.grids.grid import Grid
    from cube_bridge.indexing.index import Indexed
    from cube_bridge.sources.info import SourceInfo
    from kg.rdf.iris import Iris
    from kg.store import GraphStore


#: zarr 2 is what GDAL before 3.11, and so most of QGIS, can read.
ZARR_FORMAT = 2
_SPACE, _TIME = 256, 16
#: zstd at a level that costs little time; bytes of one significance side by side.
_LEVEL = 5
#: One of these is in the folder of every Zarr group.
_GROUPS = (".zgroup", "zarr.json")


def publish_cube(
    dataset: xr.Dataset,
    path: Path,
    info: SourceInfo,
    *,
    chunks: Mapping[str, int] | None = None,
    zarr_format: int = ZARR_FORMAT,
    replace: bool = False,
) -> Path:
    """Write a dataset as a cube, and a STAC item beside it.

    Args:
        dataset: Variables on one grid, lazy or not; computed block by block.
        path: Where the cube is to be, a folder. The item is `NAME.stac.json` beside it.
        info: Title, licence and the like.
        chunks: Cells of a chunk by dimension; else 16 moments of 256 rows and columns.
        zarr_format: 2, or 3 for readers that know it.
        replace: Take the place of what is at the path.

    Returns:
        The path.

    Raises:
        PublishingError: Something is at the path that is not to be replaced, or is no cube; or
            the dataset is on no grid.
        OSError: It cannot be written; what is done is kept for the next run.
    """
    if path.exists() and not replace:
        raise PublishingError(f"{path} exists; publish elsewhere, or ask to replace it")
    if path.exists() and not any((path / name).is_file() for name in _GROUPS):
        raise PublishingError(f"{path} is no Zarr cube, so it is not replaced; publish elsewhere")
    if zarr_format not in (2, 3):
        raise PublishingError(f"there is zarr format 2 and 3, not {zarr_format}")
    prepared, grid = _prepared(dataset, info)
    sizes = _chunk_sizes(prepared, grid, chunks or {})
    encoding = _encoding(prepared, sizes, zarr_format)
    lazy = _chunked(prepared, sizes)
    partial = path.with_name(f".{path.name}.partial")
    identity = tokenize(lazy, sizes, zarr_format)
    cube = partial / CUBE
    done = done_so_far(partial, identity)
    if done is None:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        _create(lazy, cube, encoding, zarr_format)
        done = []
        note(partial, identity, done)
    for name, key, region in regions(lazy, sizes):
        if key not in done:
            part = lazy[[name]].isel(region).drop_vars(list(lazy.coords), errors="ignore")
            part.to_zarr(cube, region=region, consolidated=False, zarr_format=zarr_format)
            done.append(key)
            note(partial, identity, done)
    _consolidate(cube, zarr_format)
    item = json.dumps(cube_item(lazy, grid, path, info), indent=1)
    (partial / ITEM).write_text(item, encoding="utf-8")
    put_in_place(partial, path)
    return path


def publish_and_index(
    store: GraphStore,
    iris: Iris,
    dataset: xr.Dataset,
    path: Path,
    info: SourceInfo,
    *,
    chunks: Mapping[str, int] | None = None,
    zarr_format: int = ZARR_FORMAT,
    replace: bool = False,
) -> Indexed:
    """Publish a dataset and index it like any other cube; see `publish_cube`, `index_file`."""
    publish_cube(dataset, path, info, chunks=chunks, zarr_format=zarr_format, replace=replace)
    mapping = CubeMapping(kind="cube", source=info)
    return index_file(store, iris, path, mapping, replace=replace)


def _prepared(dataset: xr.Dataset, info: SourceInfo) -> tuple[xr.Dataset, Grid]:
    """Return a dataset with the metadata that readers look for."""
    names = [str(n) for n, v in dataset.data_vars.items() if v.dtype.kind in "iufb" and v.ndim > 1]
    if not names:
        raise PublishingError(
            f"no numeric variable with rows and columns; there are {list(dataset.data_vars)}"
        )
    try:
        grid = grid_of(dataset, names[0])
    except CoordinatesError as error:
        raise PublishingError(f"the dataset cannot be placed on the Earth: {error}") from error
    result = dataset.drop_encoding()
    if isinstance(grid, RectilinearGrid):
        placed = {n for n in names if set(grid.dims) <= set(result[n].dims)}
        result = with_bounds(result.assign_coords(grid_coordinates(grid)), grid)
        # GDAL does not look for a grid mapping: it reads this attribute of the array.
        crs = {"wkt": grid.crs.to_wkt("WKT1_GDAL"), "projjson": grid.crs.to_json_dict()}
        for name in placed:
            result[name].attrs["_CRS"] = crs
            result[name].attrs["grid_mapping"] = GRID_MAPPING
    for name in names:
        attrs = result[name].attrs
        if not ({"standard_name", "long_name"} & attrs.keys()):
            attrs["long_name"] = name
    for name in [str(d) for d in result.dims if str(d).startswith("time") and d in result.coords]:
        result[name].attrs |= {"standard_name": "time", "axis": "T"}
    attributes = {
        "Conventions": "CF-1.11",
        "title": info.title,
        "license": info.license,
        "comment": info.description,
        "institution": info.publisher,
    }
    result.attrs |= {k: v for k, v in attributes.items() if v is not None}
    return result, grid


def _chunk_sizes(dataset: xr.Dataset, grid: Grid, asked: Mapping[str, int]) -> dict[str, int]:
    unknown = asked.keys() - set(map(str, dataset.dims))
    if unknown:
        raise PublishingError(
            f"no dimension {', '.join(sorted(unknown))}; there are "
            f"{', '.join(map(str, dataset.dims))}"
        )
    sizes = {}
    for dim, size in dataset.sizes.items():
        usual = _SPACE if dim in grid.dims else _TIME if str(dim).startswith("time") else size
        sizes[str(dim)] = max(min(asked.get(str(dim), usual), size), 1)
    return sizes


def _chunked(dataset: xr.Dataset, sizes: dict[str, int]) -> xr.Dataset:
    """Return a dataset with lazy variables and coordinates that are there."""
    coordinates = {str(n): c.variable.compute() for n, c in dataset.coords.items()}
    values = {
        str(n): v.variable.chunk({str(d): sizes[str(d)] for d in v.dims}) if v.ndim else v.compute()
        for n, v in dataset.data_vars.items()
    }
    return dataset.assign_coords(coordinates).assign(values)


def _encoding(
    dataset: xr.Dataset, sizes: dict[str, int], zarr_format: int
) -> dict[str, dict[str, Any]]:
    encoding: dict[str, dict[str, Any]] = {}
    for name, variable in dataset.variables.items():
        attributes: dict[str, Any] = {}
        if variable.dtype.kind == "f":
            attributes["_FillValue"] = np.nan if name in dataset.data_vars else None
        if variable.dims and variable.dtype.kind in "iufb":
            attributes["chunks"] = tuple(sizes[str(d)] for d in variable.dims)
            attributes["compressors"] = (_compressor(variable.dtype, zarr_format),)
        encoding[str(name)] = attributes
    return encoding


def _compressor(dtype: np.dtype, zarr_format: int) -> Any:
    if zarr_format == ZARR_FORMAT:
        return numcodecs.Blosc(cname="zstd", clevel=_LEVEL, shuffle=numcodecs.Blosc.SHUFFLE)
    return BloscCodec(
        cname="zstd", clevel=_LEVEL, shuffle=BloscShuffle.shuffle, typesize=dtype.itemsize
    )


def _create(
    lazy: xr.Dataset, cube: Path, encoding: dict[str, dict[str, Any]], zarr_format: int
) -> None:
    """Write metadata and coordinates; the values come later."""
    lazy.to_zarr(
        cube,
        compute=False,
        encoding=encoding,
        zarr_format=zarr_format,
        consolidated=False,
        mode="w",
    )


def _consolidate(cube: Path, zarr_format: int) -> None:
    with warnings.catch_warnings():
        # It is an extension of zarr 3 that xarray and zarr write and read.
        warnings.simplefilter("ignore", ZarrUserWarning)
        zarr.consolidate_metadata(str(cube), zarr_format=3 if zarr_format == 3 else 2)
