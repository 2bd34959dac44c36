"""Layers of generated cubes, and the slow, obvious way to their statistics."""

import numpy as np
import pandas as pd
import xarray as xr
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from shapely.geometry import mapping

from cube_bridge.values.layers import whole_variable

WEST, SOUTH, STEP = 9.0, 45.0, 0.25
#: Of WGS 84.
_A, _E2 = 6378137.0, 0.0066943799901413165


def generated(times=7, height=14, width=18, *, chunks=(3, 5, 7), seed=0, gaps=0.2):
    """Return a dataset of (time, lat, lon), latitudes descending, some values missing."""
    random = np.random.default_rng(seed)
    values = random.normal(280, 10, (times, height, width))
    values[random.uniform(size=values.shape) < gaps] = np.nan
    dataset = xr.Dataset(
        {"v": (("time", "lat", "lon"), values, {"units": "K"})},
        coords={
            "time": pd.date_range("2020-01-01", periods=times),
            "lat": (
                "lat",
                SOUTH + STEP * (height - 0.5 - np.arange(height)),
                {"units": "degrees_north"},
            ),
            "lon": ("lon", WEST + STEP * (np.arange(width) + 0.5), {"units": "degrees_east"}),
        },
    )
    return dataset.chunk(dict(zip(("time", "lat", "lon"), chunks, strict=True)))


def layer_of(dataset, name="v", **places):
    return whole_variable(dataset, name, ("test", id(dataset), name)).at(places)


def cell_areas(dataset):
    """Return the areas of cells on WGS 84 by the closed formula: (lat, lon) m2."""
    lat, lon = (dataset[n].to_numpy() for n in ("lat", "lon"))
    (south, north), (west, east) = _ends(lat), _ends(lon)
    edges = np.radians(np.linspace(north, south, len(lat) + 1))
    sine, e = np.sin(edges), np.sqrt(_E2)
    zone = sine / (1 - _E2 * sine**2) + np.arctanh(e * sine) / e
    heights = _A**2 * (1 - _E2) / 2 * np.abs(np.diff(zone))
    return np.repeat((heights * np.radians((east - west) / len(lon)))[:, None], len(lon), axis=1)


def exactextract_of(array, zone, operations, *, weights=None):
    """Return what exactextract itself says of a zone at each time of an array: a list of dicts.

    Args:
        array: (time, lat, lon), latitudes descending.
        zone: A geometry.
        operations: In exactextract's words.
        weights: (lat, lon) of its weighted operations.
    """
    (south, north), (west, east) = (_ends(array[n].to_numpy()) for n in ("lat", "lon"))
    box = {"xmin": west, "ymin": south, "xmax": east, "ymax": north}
    feature = {"type": "Feature", "properties": {}, "geometry": mapping(zone)}
    weighting = None if weights is None else NumPyRasterSource(weights, **box)
    found = []
    for values in array.to_numpy().astype(float):
        raster = NumPyRasterSource(values, **box, nodata=np.nan)
        (answer,) = exact_extract(raster, [feature], operations, weights=weighting)
        found.append(answer["properties"])
    return found


def _ends(centres):
    half = (centres[-1] - centres[0]) / (len(centres) - 1) / 2
    return sorted((centres[0] - half, centres[-1] + half))
