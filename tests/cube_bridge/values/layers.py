"""Layers of generated cubes, and the slow, obvious way to their statistics."""

import numpy as np
import pandas as pd
import xarray as xr
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from shapely.geometry import mapping

from cube_bridge.values.layers import stored_variable

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


def layer_of(dataset, name="v"):
    return stored_variable(dataset, name, ("test", id(dataset), name))


def cell_areas(dataset):
    """Return the areas of cells on WGS 84 by the closed formula: (lat, lon) m2."""
    edges = np.radians(np.append(dataset.lat - STEP / 2, dataset.lat[0] + STEP / 2))
    edges = np.sort(edges)[::-1]
    sine, e = np.sin(edges), np.sqrt(_E2)
    zone = sine / (1 - _E2 * sine**2) + np.arctanh(e * sine) / e
    heights = _A**2 * (1 - _E2) / 2 * np.abs(np.diff(zone))
    return np.repeat((heights * np.radians(STEP))[:, None], dataset.sizes["lon"], axis=1)


def by_exactextract(dataset, zone, operations, *, weights=None):
    """Return what exactextract itself says of a zone at each time: a list of dicts."""
    height, width = dataset.sizes["lat"], dataset.sizes["lon"]
    box = {"xmin": WEST, "ymin": SOUTH, "xmax": WEST + STEP * width, "ymax": SOUTH + STEP * height}
    feature = {"type": "Feature", "properties": {}, "geometry": mapping(zone)}
    weighting = None if weights is None else NumPyRasterSource(weights, **box)
    found = []
    for values in dataset["v"].to_numpy():
        raster = NumPyRasterSource(values, **box, nodata=np.nan)
        (answer,) = exact_extract(raster, [feature], operations, weights=weighting)
        found.append(answer["properties"])
    return found
