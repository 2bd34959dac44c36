"""Variables of any cubes brought onto one grid and into one dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from pyoxigraph import NamedNode

from cube_bridge.defaults import AS_IS
from cube_bridge.errors import SelectionError
from cube_bridge.grids.equality import is_same_grid
from cube_bridge.grids.parts import part_of_region, part_that_is, whole
from cube_bridge.grids.rectilinear import RectilinearGrid
from cube_bridge.grids.stations import StationGrid
from cube_bridge.regridding.regrid import regrid
from cube_bridge.regridding.target_grid import GridSpec, grid_of_spec, with_bounds
from cube_bridge.selection.times import align_times
from kg.rdf.geometry import BBox
from kg.rdf.iris import slug

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from shapely.geometry.base import BaseGeometry

    from cube_bridge.grids.grid import Grid
    from cube_bridge.selection.opened_variable import (
        OpenedVariable,
    )


FINEST, COARSEST = "finest", "coarsest"
_ASK_FOR_GRID = (
    "the variables have {}; say onto which they are to come: finest, coarsest, the IRI of one of "
    "the variables, or a reference system with a resolution"
)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How a selection is to be aligned."""

    grid: str | NamedNode | GridSpec | None = None
    resampling: str | Mapping[NamedNode, str] = "auto"
    time: str = AS_IS

    def resampling_of(self, variable: NamedNode) -> str:
        """Return how one variable comes onto another grid."""
        if isinstance(self.resampling, str):
            return self.resampling
        return self.resampling.get(variable, "auto")


def aligned(
    chosen: list[OpenedVariable],
    region: BaseGeometry | None,
    period: tuple[datetime, datetime],
    wish: Wish,
) -> xr.Dataset:
    """Return variables as one lazy dataset.

    Args:
        chosen: What of each is wanted, on its own grid.
        region: In degrees; None for all that the grid covers.
        period: First moment, and the moment after the last.
        wish: The grid, and how to come onto it.

    Raises:
        SelectionError: They share no grid, or nothing of one lies in the region.
    """
    target = _target(chosen, wish.grid, region)
    arrays: dict[str, xr.DataArray] = {}
    for name, variable in zip(_names(chosen), chosen, strict=True):
        if target is None:
            found = _cropped(variable, region)
        else:
            how = wish.resampling_of(variable.iri)
            found = regrid(variable.array, variable.grid, target, how)
        arrays[name] = found.assign_attrs(deepcube_variable=variable.iri.value)
    dataset = _joined(align_times(arrays, wish.time, *period))
    return dataset if target is None else with_bounds(dataset, target)


def _joined(arrays: dict[str, xr.DataArray]) -> xr.Dataset:
    parts = [a.rename(name).to_dataset() for name, a in arrays.items()]
    try:
        # Scalars beside the values, such as a height, may differ: those of the first are kept.
        dataset = xr.merge(parts, compat="override", join="exact", combine_attrs="override")
    except ValueError as error:
        raise SelectionError(
            f"the variables have other dimensions that differ ({error}); select them apart"
        ) from error
    dataset.attrs = {"Conventions": "CF-1.11"}
    return dataset


def _names(variables: list[OpenedVariable]) -> list[str]:
    """Return a name for each: that in its cube, with the cube's where two have the same."""
    names = [str(v.array.name) for v in variables]
    return [
        name if names.count(name) == 1 else f"{name}_{_cube_name(v)}"
        for name, v in zip(names, variables, strict=True)
    ]


def _cube_name(variable: OpenedVariable) -> str:
    return slug(variable.file.iri.value.rpartition("/")[2]).replace("-", "_")


def _target(
    variables: list[OpenedVariable],
    grid: str | NamedNode | GridSpec | None,
    region: BaseGeometry | None,
) -> RectilinearGrid | None:
    """Return the grid that all are brought onto, as far as the region goes."""
    if isinstance(grid, GridSpec):
        ground = region or variables[0].grid.footprint(whole(variables[0].grid))
        return grid_of_spec(grid, BBox.of(ground))
    all_of_it = _chosen_grid(variables, grid)
    if all_of_it is None or region is None:
        return all_of_it
    part = part_of_region(all_of_it, region)
    if part is None:
        raise SelectionError(f"no cell of the grid lies in the region {region.bounds}")
    return part.of(all_of_it)


def _chosen_grid(
    variables: list[OpenedVariable], grid: str | NamedNode | None
) -> RectilinearGrid | None:
    if grid is None:
        return _shared_grid(variables)
    planes = [v for v in variables if isinstance(v.grid, RectilinearGrid)]
    if isinstance(grid, NamedNode):
        planes = [v for v in planes if v.iri == grid]
        if not planes:
            raise SelectionError(f"{grid} is none of the variables that have rows and columns")
    elif grid not in (FINEST, COARSEST):
        raise SelectionError(f"no grid {grid!r}; give finest, coarsest, a variable or a GridSpec")
    elif not planes:
        raise SelectionError(_ASK_FOR_GRID.format("cells without rows and columns"))
    best = (max if grid == COARSEST else min)(planes, key=lambda v: v.grid.side_m).grid
    return best if isinstance(best, RectilinearGrid) else None


def _shared_grid(variables: list[OpenedVariable]) -> RectilinearGrid | None:
    """Return the grid of all of them; None for one without rows and columns of a plane."""
    first = variables[0].grid
    for variable in variables[1:]:
        other = variable.grid
        if isinstance(first, RectilinearGrid) and isinstance(other, RectilinearGrid):
            same = other.shape == first.shape and part_that_is(other, first) is not None
        else:
            same = _same_places(first, other)
        if not same:
            raise SelectionError(_ASK_FOR_GRID.format("different grids"))
    return first if isinstance(first, RectilinearGrid) else None


def _same_places(a: Grid, b: Grid) -> bool:
    return a.dims == b.dims and is_same_grid(a, b)


def _cropped(variable: OpenedVariable, region: BaseGeometry | None) -> xr.DataArray:
    """Return what a region touches of cells without rows and columns, or of stations."""
    grid, array = variable.grid, variable.array
    if region is None:
        return array
    windows = grid.windows(region)
    if isinstance(grid, StationGrid) and windows:
        (window,) = windows
        inside = np.flatnonzero(grid.coverage(region, window)) + window[0].start
        windows = [(slice(0, 0),)] if inside.size else []
        array = array.isel({grid.dims[0]: inside})
    if not windows:
        raise SelectionError(f"{variable.iri} has no cell in the region {region.bounds}")
    if isinstance(grid, StationGrid):
        return array
    hull = {
        dim: slice(min(w[i].start for w in windows), max(w[i].stop for w in windows))
        for i, dim in enumerate(grid.dims)
    }
    return array.isel(hull)
