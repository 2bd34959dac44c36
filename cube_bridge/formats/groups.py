"""Files with several groups: their variables side by side in one dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cube_bridge.errors import NotACubeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr

#: Where `versions` finds a variable in its file: path of the array, `/` between names.
ARRAY_KEY = "deepcube_array"


def marked(dataset: xr.Dataset, group: str) -> xr.Dataset:
    """Return a dataset whose variables know which array of the file they come from."""
    for name, variable in dataset.variables.items():
        variable.encoding[ARRAY_KEY] = "/".join(p for p in (group.strip("/"), str(name)) if p)
    return dataset


def merged(groups: Mapping[str, xr.Dataset], wanted: str | None, shown: str) -> xr.Dataset:
    """Return the variables of all groups, or those of the one that is wanted.

    Coordinates of outer groups hold for the groups in them (CF 2.7). A name that two groups
    have is written `group.name`, a dimension that they have with other coordinates or sizes
    likewise.

    Args:
        groups: By path, `/` or "" for the root; an outer group before those in it.
        wanted: Path of a group; what lies in it belongs to it.
        shown: Name of the file.

    Raises:
        NotACubeError: There is no such group, or no variable at all.
    """
    below = {path.strip("/"): dataset for path, dataset in groups.items()}
    whole = {path: _with_outer_coordinates(path, below) for path in below}
    if wanted is not None:
        inner = wanted.strip("/")
        if inner not in below:
            raise NotACubeError(
                f"{shown} has no group {wanted!r}; there are "
                f"{', '.join(repr(p) for p in below if p) or 'none'}"
            )
        whole = {p: d for p, d in whole.items() if p == inner or p.startswith(f"{inner}/")}
    # Coordinates without values are a cube too, of which others say what it lacks.
    filled = {p: d for p, d in whole.items() if d.data_vars} or {
        p: d for p, d in whole.items() if d.variables
    }
    if not filled:
        raise NotACubeError(
            f"{shown} holds no variable: its groups are empty; is it still being "
            "written, or is the cube in another folder?"
        )
    first, *others = filled
    result = filled[first]
    for path in others:
        result = _joined(result, filled[path], path.replace("/", "."))
    return result


def _with_outer_coordinates(path: str, groups: Mapping[str, xr.Dataset]) -> xr.Dataset:
    dataset = groups[path]
    outer = path
    while outer:
        outer = outer.rpartition("/")[0]
        if outer not in groups:
            continue
        sizes = dataset.sizes
        inherited = {
            name: variable
            for name, variable in groups[outer].variables.items()
            if name not in dataset.variables
            and (name in groups[outer].coords or variable.ndim == 0)
            and all(sizes.get(d) == groups[outer].sizes[d] for d in variable.dims)
        }
        dataset = dataset.assign_coords(inherited)
    return dataset


def _joined(result: xr.Dataset, other: xr.Dataset, prefix: str) -> xr.Dataset:
    renamed = {}
    for dim in other.sizes:
        if dim not in result.sizes:
            continue
        known = dim in result.coords and dim in other.coords
        same = result.sizes[dim] == other.sizes[dim] and (
            not known or np.array_equal(result[dim].to_numpy(), other[dim].to_numpy())
        )
        if not same:
            renamed[str(dim)] = f"{prefix}.{dim}"
    for name, variable in other.variables.items():
        taken = name in result.variables and str(name) not in other.sizes
        if taken and not _equal(variable, result.variables[name]):
            renamed[str(name)] = f"{prefix}.{name}"
    moved = other.rename(
        {k: v for k, v in renamed.items() if k in other.variables or k in other.dims}
    )
    for variable in moved.variables.values():
        mapping = variable.attrs.get("grid_mapping")
        if mapping in renamed:
            variable.attrs["grid_mapping"] = renamed[mapping]
    new = {n: v for n, v in moved.variables.items() if n not in result.variables}
    return result.assign({n: v for n, v in new.items() if n not in moved.coords}).assign_coords(
        {n: v for n, v in new.items() if n in moved.coords}
    )


def _equal(one: xr.Variable, other: xr.Variable) -> bool:
    """Return whether two small variables, such as a reference system, say the same."""
    return (
        one.ndim == 0
        and other.ndim == 0
        and bool(one.attrs == other.attrs and one.values == other.values)
    )
