"""A cube as a STAC item, with the projection and datacube extensions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from cube_bridge.formats.calendars import moments
from cube_bridge.grids.parts import whole
from cube_bridge.grids.rectilinear import RectilinearGrid
from cube_bridge.regridding.target_grid import reference_attributes

if TYPE_CHECKING:
    from pathlib import Path

    import xarray as xr

    from cube_bridge.grids.grid import Grid
    from cube_bridge.sources.info import SourceInfo


#: An item is to stay small: more layers than this are not listed.
_MOST_BANDS = 1_000
#: The specification and the extensions that an item follows.
STAC_VERSION = "1.1.0"
EXTENSIONS = (
    "https://stac-extensions.github.io/datacube/v2.2.0/schema.json",
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
)


def cube_item(dataset: xr.Dataset, grid: Grid, path: Path, info: SourceInfo) -> dict[str, Any]:
    """Return the item of a published cube.

    Args:
        dataset: What was published.
        grid: Where its cells are.
        path: Where the cube is; the item lies beside it.
        info: Title, licence and the like.
    """
    ground = grid.footprint(whole(grid))
    times = _times(dataset)
    properties: dict[str, Any] = {
        "title": info.title,
        "license": "other",
        **_when(times),
        **_projection(grid),
        "cube:dimensions": _dimensions(dataset, grid),
        "cube:variables": {
            str(n): _variable(v) for n, v in dataset.data_vars.items() if v.ndim > 1
        },
    }
    if info.description:
        properties["description"] = info.description
    if info.publisher:
        properties["providers"] = [{"name": info.publisher, "roles": ["producer"]}]
    return {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": list(EXTENSIONS),
        "id": info.id,
        "geometry": shapely.geometry.mapping(ground),
        "bbox": list(ground.bounds),
        "properties": properties,
        "links": [{"rel": "license", "href": info.license}],
        "assets": _assets(dataset, grid, path),
    }


def _assets(dataset: xr.Dataset, grid: Grid, path: Path) -> dict[str, Any]:
    """Return the cube, and each variable by the name that GDAL knows it by.

    The latter have no media type: there is nothing to fetch by that name. odc-stac loads them;
    `NAME.2` is the second moment.
    """
    assets: dict[str, Any] = {
        "cube": {
            "href": f"./{path.name}",
            "type": "application/vnd.zarr",
            "roles": ["data", "zarr-consolidated-metadata"],
        }
    }
    for name, variable in dataset.data_vars.items():
        if variable.ndim > 1 and set(grid.dims) <= set(variable.dims):
            assets[str(name)] = {
                "href": f'ZARR:"{path.resolve()}":/{name}',
                "roles": ["data"],
                "title": str(variable.attrs.get("long_name", name)),
                "data_type": str(variable.dtype),
                **_projection(grid),
                **_bands(variable),
            }
    return assets


def _bands(variable: xr.DataArray) -> dict[str, Any]:
    """Return the layers of a variable as GDAL numbers them."""
    count = int(np.prod(variable.shape[:-2]))
    if not 1 < count <= _MOST_BANDS:
        return {}
    nodata = {"nodata": "nan"} if variable.dtype.kind == "f" else {}
    return {"bands": [{"name": f"{variable.name}-{i + 1}", **nodata} for i in range(count)]}


def _projection(grid: Grid) -> dict[str, Any]:
    if not isinstance(grid, RectilinearGrid):
        return {}
    authority = grid.crs.to_authority()
    found: dict[str, Any] = {
        "proj:code": ":".join(authority) if authority else None,
        "proj:shape": list(grid.shape),
    }
    if authority is None:
        found["proj:wkt2"] = grid.crs.to_wkt()
    transform = reference_attributes(grid).get("GeoTransform")
    if transform is not None:
        x, dx, _, y, _, dy = (float(n) for n in transform.split())
        found["proj:transform"] = [dx, 0.0, x, 0.0, dy, y]
    return found


def _times(dataset: xr.Dataset) -> dict[str, list[datetime]]:
    return {
        str(d): [t.replace(tzinfo=UTC) for t in moments(dataset, str(d))]
        for d in dataset.dims
        if str(d).startswith("time") and d in dataset.coords and dataset.sizes[d]
    }


def _when(times: dict[str, list[datetime]]) -> dict[str, str | None]:
    if not times:
        return {"datetime": _stamp(datetime.now(UTC))}
    first, last = min(t[0] for t in times.values()), max(t[-1] for t in times.values())
    if first == last:
        return {"datetime": _stamp(first)}
    return {"datetime": None, "start_datetime": _stamp(first), "end_datetime": _stamp(last)}


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _dimensions(dataset: xr.Dataset, grid: Grid) -> dict[str, Any]:
    used = {str(d) for v in dataset.data_vars.values() if v.ndim > 1 for d in v.dims}
    times = _times(dataset)
    found: dict[str, Any] = {}
    for dim in sorted(used):
        if dim in times:
            extent = [_stamp(times[dim][0]), _stamp(times[dim][-1])]
            found[dim] = {"type": "temporal", "extent": extent}
        elif isinstance(grid, RectilinearGrid) and dim in grid.dims:
            found[dim] = _spatial(dim, grid)
        else:
            values = dataset[dim].to_numpy() if dim in dataset.coords else None
            listed = np.arange(dataset.sizes[dim]) if values is None else values
            found[dim] = {"type": "other", "values": listed.tolist()}
    return found


def _spatial(dim: str, grid: RectilinearGrid) -> dict[str, Any]:
    axis = "y" if dim == grid.dims[0] else "x"
    edges = grid.y_edges if axis == "y" else grid.x_edges
    steps = np.diff(edges)
    found: dict[str, Any] = {
        "type": "spatial",
        "axis": axis,
        "extent": sorted((float(edges[0]), float(edges[-1]))),
        "reference_system": grid.crs.to_epsg() or grid.crs.to_json_dict(),
    }
    if np.allclose(steps, steps[0], rtol=1e-3):
        found["step"] = abs(float(edges[-1] - edges[0])) / len(steps)
    return found


def _variable(variable: xr.DataArray) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "data", "dimensions": [str(d) for d in variable.dims]}
    if variable.attrs.get("units"):
        found["unit"] = str(variable.attrs["units"])
    if variable.attrs.get("long_name"):
        found["description"] = str(variable.attrs["long_name"])
    return found
