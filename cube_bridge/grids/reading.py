"""Which grid a dataset has, by the CF conventions and by what is usual where they are not kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyproj
from pyproj.exceptions import CRSError, ProjError

from cube_bridge.errors import CoordinatesError
from cube_bridge.grids.curvilinear import CurvilinearGrid
from cube_bridge.grids.rectilinear import RectilinearGrid
from cube_bridge.grids.stations import StationGrid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import xarray as xr

    from cube_bridge.grids.grid import Grid

_LONLAT = "OGC:CRS84"
_DEGREES = {
    "X": ("degrees_east", "degree_east", "degree_e", "degrees_e", "degreee", "degreese"),
    "Y": ("degrees_north", "degree_north", "degree_n", "degrees_n", "degreen", "degreesn"),
}
_LONLAT_STANDARD = {"X": "longitude", "Y": "latitude"}
_PLANE_STANDARD = {
    "X": ("projection_x_coordinate", "grid_longitude", "projection_x_angular_coordinate"),
    "Y": ("projection_y_coordinate", "grid_latitude", "projection_y_angular_coordinate"),
}
_LONLAT_NAMES = {
    "X": ("lon", "longitude", "lons", "long", "nav_lon", "xlong", "glon"),
    "Y": ("lat", "latitude", "lats", "nav_lat", "xlat", "glat"),
}
_PLANE_NAMES = {"X": ("x", "rlon", "easting", "xc"), "Y": ("y", "rlat", "northing", "yc")}
#: Metres in the units that coordinates of a plane are given in.
_LENGTHS = {"km": 1000.0, "kilometer": 1000.0, "kilometre": 1000.0, "kilometers": 1000.0}
_ANGLES = ("rad", "radian", "radians", "microradian")
_BOUNDS = {"X": 360.0, "Y": 90.0}
_TOLERANCE = 1e-3


def grid_of(dataset: xr.Dataset, variable: str | None = None) -> Grid:
    """Return the grid of a dataset, or of one of its variables.

    Raises:
        CoordinatesError: Says which coordinate or reference system is missing, and what there is.
    """
    names = [variable] if variable is not None else [str(n) for n in dataset.data_vars]
    mapping = _grid_mapping(dataset, names)
    crs = None if mapping is None else _crs_of(dataset, mapping)
    if crs is not None:
        _check_on_earth(crs)
    used = _dims_of(dataset, names)
    time = find_time(dataset, used if variable is not None else None)
    plane = {axis: _one_dimensional(dataset, axis, used, crs) for axis in ("X", "Y")}
    x, y = plane["X"], plane["Y"]
    if x is not None and y is not None:
        return _rectilinear(dataset, x, y, crs, time)
    longitudes, latitudes = (_auxiliary(dataset, axis, used) for axis in ("X", "Y"))
    if longitudes is not None and latitudes is not None:
        if longitudes.dims != latitudes.dims:
            raise CoordinatesError(
                f"{longitudes.name!r} lies along {_listed(longitudes.dims)}, but "
                f"{latitudes.name!r} along {_listed(latitudes.dims)}"
            )
        return _by_cell(longitudes, latitudes, time)
    if crs is None and _has_plane(dataset, used):
        raise CoordinatesError(
            "the cube's x and y are in a reference system that it does not name; it needs a "
            "grid_mapping (CF) or spatial_ref variable, or longitudes and latitudes beside them"
        )
    missing = [
        n for n, a in (("longitude", x or longitudes), ("latitude", y or latitudes)) if a is None
    ]
    raise CoordinatesError(
        f"the cube has no {' and '.join(missing)}; its dimensions are "
        f"{_listed(dataset.sizes)}, its coordinates {_listed(dataset.coords)}; give them CF "
        'attributes: standard_name, or units such as "degrees_east"'
    )


def find_time(dataset: xr.Dataset, dims: set[str] | None = None) -> str | None:
    """Return the dimension of time; None where there is none.

    Args:
        dataset: The cube.
        dims: Dimensions that it may be; None for all. Variables may have times of their own.

    Raises:
        CoordinatesError: What should be time holds no times.
    """
    candidates = [
        str(d) for d in dataset.dims if d in dataset.coords and (dims is None or str(d) in dims)
    ]
    tests: tuple[Callable[[str], bool], ...] = (
        lambda c: dataset[c].attrs.get("standard_name") == "time",
        lambda c: dataset[c].attrs.get("axis") == "T",
        lambda c: c.lower() == "time",
        lambda c: dataset[c].dtype.kind == "M",
    )
    found = next((c for test in tests for c in candidates if test(c)), None)
    if found is None:
        return None
    values = dataset[found].to_numpy()
    if not (values.dtype.kind == "M" or (values.size and hasattr(values.flat[0], "timetuple"))):
        raise CoordinatesError(
            f"the coordinate {found!r} holds {values.dtype}, not times; "
            'it needs units such as "days since 2000-01-01"'
        )
    return str(found)


def _dims_of(dataset: xr.Dataset, names: list[str]) -> set[str]:
    return {str(d) for n in names if n in dataset for d in dataset[n].dims}


def _grid_mapping(dataset: xr.Dataset, names: list[str]) -> str | None:
    """Return the variable that describes the reference system."""
    for name in names:
        array = dataset[name]
        written = array.attrs.get("grid_mapping", array.encoding.get("grid_mapping"))
        if written is None:
            continue
        # The extended form is "crs: x y crs2: lat lon"; the first is that of the dimensions.
        mapping = str(written).split()[0].rstrip(":")
        if mapping in dataset.variables:
            return mapping
    known = ("spatial_ref", "crs", "grid_mapping", "rotated_pole", "projection")
    return next((n for n in known if n in dataset.variables and _describes(dataset, n)), None)


def _describes(dataset: xr.Dataset, name: str) -> bool:
    keys = {"crs_wkt", "spatial_ref", "grid_mapping_name", "proj4", "epsg_code"}
    return bool(keys & dataset[name].attrs.keys())


def _crs_of(dataset: xr.Dataset, mapping: str) -> pyproj.CRS | None:
    attrs = dataset[mapping].attrs
    for key in ("crs_wkt", "spatial_ref", "proj4", "epsg_code"):
        if attrs.get(key):
            try:
                return pyproj.CRS.from_user_input(attrs[key])
            except CRSError as error:
                raise _unknown(mapping, str(attrs[key])) from error
    if not attrs.get("grid_mapping_name"):
        return None
    try:
        return pyproj.CRS.from_cf(dict(attrs))
    except (CRSError, KeyError, ValueError, TypeError) as error:
        raise _unknown(mapping, str(attrs["grid_mapping_name"])) from error


def _check_on_earth(crs: pyproj.CRS) -> None:
    """Raise if a reference system is not one of places on the Earth."""
    try:
        pyproj.Transformer.from_crs(crs, _LONLAT, always_xy=True)
    except ProjError as error:
        raise CoordinatesError(
            f"the reference system {crs.name!r} says nothing of where on the Earth its "
            "coordinates are; the cube needs one that does, such as an EPSG code"
        ) from error


def _unknown(mapping: str, written: str) -> CoordinatesError:
    return CoordinatesError(
        f"the reference system in {mapping!r} is not known: {written[:100]!r}; "
        "it needs WKT, PROJ or an EPSG code, or complete CF attributes"
    )


def _one_dimensional(
    dataset: xr.Dataset, axis: str, used: set[str], crs: pyproj.CRS | None
) -> str | None:
    """Return the dimension that is an axis of the plane, by its coordinate."""
    names = [str(d) for d in dataset.dims if d in dataset.coords and (not used or str(d) in used)]
    plane = crs is not None and not (crs.is_geographic and not crs.is_derived)
    if not plane:
        found = next((c for c in names if _is_degrees(dataset[c], axis)), None)
        if found is not None or crs is None:
            return found
    return next((c for c in names if _is_plane(dataset[c], axis)), None)


def _is_degrees(coordinate: xr.DataArray, axis: str) -> bool:
    attrs = coordinate.attrs
    if attrs.get("standard_name") in _PLANE_STANDARD[axis]:
        return False
    return (
        attrs.get("standard_name") == _LONLAT_STANDARD[axis]
        or str(attrs.get("units", "")).lower() in _DEGREES[axis]
        or (coordinate.dtype.kind == "f" and str(coordinate.name).lower() in _LONLAT_NAMES[axis])
        or (coordinate.dtype.kind in "iu" and str(coordinate.name).lower() in _LONLAT_NAMES[axis])
    )


def _is_plane(coordinate: xr.DataArray, axis: str) -> bool:
    attrs = coordinate.attrs
    return (
        attrs.get("standard_name") in _PLANE_STANDARD[axis]
        or (attrs.get("axis") == axis and coordinate.dtype.kind in "iuf")
        or str(coordinate.name).lower() in _PLANE_NAMES[axis]
    )


def _has_plane(dataset: xr.Dataset, used: set[str]) -> bool:
    names = [str(d) for d in dataset.dims if not used or str(d) in used]
    return all(
        any(n.lower() in _PLANE_NAMES[a] or (n in dataset.coords and _is_plane(dataset[n], a))
            for n in names)
        for a in ("X", "Y")
    )  # fmt: skip


def _auxiliary(dataset: xr.Dataset, axis: str, used: set[str]) -> xr.DataArray | None:
    """Return longitudes or latitudes along other dimensions than their own."""
    for name, coordinate in {**dataset.coords, **dataset.data_vars}.items():
        if (
            coordinate.ndim in (1, 2)
            and coordinate.dtype.kind in "iuf"
            and {str(d) for d in coordinate.dims} <= used
            and coordinate.dims != (name,)
            and _is_degrees(coordinate, axis)
        ):
            return coordinate
    return None


def _rectilinear(
    dataset: xr.Dataset, x: str, y: str, crs: pyproj.CRS | None, time: str | None
) -> RectilinearGrid:
    system = crs if crs is not None else pyproj.CRS(_LONLAT)
    is_lonlat = system.is_geographic and not system.is_derived
    values = {}
    for axis, name in (("X", x), ("Y", y)):
        numbers = dataset[name].to_numpy().astype(float)
        if not np.isfinite(numbers).all():
            raise CoordinatesError(f"the coordinate {name!r} has values that are no numbers")
        if is_lonlat and (np.abs(numbers) > _BOUNDS[axis] + _TOLERANCE).any():
            raise CoordinatesError(f"the coordinate {name!r} is not in degrees")
        values[axis] = numbers * _factor(dataset[name], system)
    x_edges, y_edges = _edges_of(dataset, values["X"], x), _edges_of(dataset, values["Y"], y)
    # A row of one cell is as high as its cells are wide, where nothing says how high it is.
    x_edges = _widened(x_edges, y_edges) if len(values["X"]) == 1 else x_edges
    y_edges = _widened(y_edges, x_edges) if len(values["Y"]) == 1 else y_edges
    if is_lonlat:
        y_edges = np.clip(y_edges, -90.0, 90.0)
    grid = RectilinearGrid(dims=(y, x), crs=system, time=time, x_edges=x_edges, y_edges=y_edges)
    if not grid.is_on_globe:
        raise CoordinatesError(
            "a part of the grid lies beyond its projection, as space does around the disc of a "
            "geostationary satellite; cut that part off, or give longitudes and latitudes"
        )
    return grid


def _factor(coordinate: xr.DataArray, crs: pyproj.CRS) -> float:
    """Return what brings a coordinate into the units of its reference system."""
    units = str(coordinate.attrs.get("units", "")).lower()
    if units in _ANGLES and (height := crs.to_cf().get("perspective_point_height")) is not None:
        # A geostationary view: angles at the satellite, times its height.
        return float(height) * (1e-6 if units.startswith("micro") else 1.0)
    return _LENGTHS.get(units, 1.0) if crs.is_projected else 1.0


def _edges_of(dataset: xr.Dataset, centres: np.ndarray, name: str) -> np.ndarray:
    """Return the borders of cells, (n + 1,): the file's, or halfway between (n,) centres."""
    bounds = dataset[name].attrs.get("bounds", dataset[name].encoding.get("bounds"))
    if bounds in dataset.variables:
        pairs = dataset[bounds].to_numpy().astype(float)
        if pairs.shape == (len(centres), 2):
            if len(centres) > 1 and (pairs[1, 0] - pairs[0, 0]) * (pairs[0, 1] - pairs[0, 0]) < 0:
                pairs = pairs[:, ::-1]
            if np.allclose(pairs[1:, 0], pairs[:-1, 1]):
                return np.append(pairs[:, 0], pairs[-1, 1])
    if len(centres) == 1:
        return np.array([centres[0], centres[0]])
    steps = np.diff(centres)
    if not ((steps > 0).all() or (steps < 0).all()):
        raise CoordinatesError(
            f"the coordinate {name!r} neither increases nor decreases throughout"
        )
    inner = centres[:-1] + steps / 2
    return np.concatenate([[centres[0] - steps[0] / 2], inner, [centres[-1] + steps[-1] / 2]])


def _widened(edges: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return borders, (n + 1,); of a single cell, made as wide as cells of the other axis are."""
    if edges[0] != edges[-1]:
        return edges
    half = abs(others[1] - others[0]) / 2
    return np.asarray(edges + np.array([-half, half]))


def _by_cell(longitudes: xr.DataArray, latitudes: xr.DataArray, time: str | None) -> Grid:
    crs = pyproj.CRS(_LONLAT)
    x, y = (a.to_numpy().astype(float) for a in (longitudes, latitudes))
    if longitudes.ndim == 1:
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise CoordinatesError(
                f"some of {_listed(longitudes.dims)} have no place: {longitudes.name!r} or "
                f"{latitudes.name!r} is missing there"
            )
        _check_degrees(x, y)
        return StationGrid(
            dims=(str(longitudes.dims[0]),), crs=crs, time=time, longitudes=x, latitudes=y
        )
    if min(x.shape) < 2:
        raise CoordinatesError(
            f"the grid of {x.shape[0]} x {x.shape[1]} cells has no second row or column to "
            "tell how large its cells are"
        )
    _check_degrees(x, y)
    if not (np.isfinite(x) & np.isfinite(y)).any():
        raise CoordinatesError(f"{longitudes.name!r} and {latitudes.name!r} hold no place at all")
    rows, columns = (str(d) for d in longitudes.dims)
    corners = [
        _corners(np.unwrap(np.unwrap(x, period=360.0, axis=0), period=360.0, axis=1)),
        np.clip(_corners(y), -90.0, 90.0),
    ]
    return CurvilinearGrid(
        dims=(rows, columns), crs=crs, time=time, longitudes=corners[0], latitudes=corners[1]
    )


def _check_degrees(x: np.ndarray, y: np.ndarray) -> None:
    """Raise unless longitudes and latitudes, of any shape, are degrees; NaN is no place."""
    for name, values, bound in (("longitudes", x, 360.0), ("latitudes", y, 90.0)):
        if (np.abs(values[np.isfinite(values)]) > bound + _TOLERANCE).any():
            raise CoordinatesError(f"the {name} are not in degrees")


def _corners(centres: np.ndarray) -> np.ndarray:
    """Return the corners of cells, halfway between the centres: (rows + 1, columns + 1)."""
    for axis in (0, 1):
        moved = np.moveaxis(centres, axis, 0)
        inner = (moved[:-1] + moved[1:]) / 2
        first, last = moved[:1] - (inner[:1] - moved[:1]), moved[-1:] + (moved[-1:] - inner[-1:])
        centres = np.moveaxis(np.concatenate([first, inner, last]), 0, axis)
    return np.asarray(centres)


def _listed(names: Iterable[object]) -> str:
    return ", ".join(repr(str(n)) for n in names) or "none"
