"""A simulated summer, for a machine that has neither the data nor a network.

Physical, not real: a yearly cycle and passing weather systems drive temperature and humidity,
these drive the moisture of dead fuel, and dry fuel, wind and fires that still burn drive
ignitions. Seeded, so that it is the same everywhere. All of it is marked as simulated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr

from cube_bridge.kinds.mappings import parse_mapping

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cube_bridge.sources.info import SourceMapping

#: Name of the invented island, the region to plan for.
ISLAND = "Simulated Island"
#: Its country code, from the range that ISO 3166-1 leaves to users.
_CODE = "XSI"
_SEED = 20150901
_DAYS = pd.date_range("2015-01-01", "2015-12-31")
#: 8 x 8 points, 3 degrees apart, on an invented island.
_LONGITUDES = np.arange(120.0, 144.0, 3.0)
_LATITUDES = np.arange(-35.0, -11.0, 3.0)


@dataclass(frozen=True, kw_only=True)
class SimulatedSource:
    """A file that the simulation wrote, and how it is read."""

    path: Path
    mapping: SourceMapping


def simulate(folder: Path) -> list[SimulatedSource]:
    """Write the simulated sources into a folder, unless they are there.

    Returns:
        Places, weather, fires and a small cube, in the order in which to index them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(_SEED)
    weather = _weather(generator)
    fires = _fires(weather, generator)
    writers: dict[str, Callable[[Path], object]] = {
        "country.geojson": lambda p: _country().to_file(p, driver="GeoJSON"),
        "towns.geojson": lambda p: _towns().to_file(p, driver="GeoJSON"),
        "weather.csv": lambda p: _weather_table(weather).to_csv(p, index=False),
        "fires.csv": lambda p: fires.to_csv(p, index=False),
        "surface.nc": lambda p: _cube(weather).to_netcdf(p),
    }
    for name, write in writers.items():
        path = folder / name
        if not path.exists():
            partial = path.with_name(f"partial-{name}")
            write(partial)
            partial.replace(path)
    return [
        SimulatedSource(path=folder / name, mapping=parse_mapping(document, name))
        for name, document in _mappings().items()
    ]


def _weather(generator: np.random.Generator) -> xr.Dataset:
    """Return daily weather, (lat, lon, day)."""
    shape = (len(_LATITUDES), len(_LONGITUDES), len(_DAYS))
    day = np.arange(len(_DAYS))
    season = np.cos(2 * np.pi * (day - 15) / 365)  # southern summer in mid January
    tropical = ((_LATITUDES + 35) / 24)[:, None, None]
    # Weather systems: noise that persists for some days and is alike in neighbouring points.
    noise = np.zeros(shape)
    for t in range(1, len(_DAYS)):
        fresh = _smooth(generator.normal(size=shape[:2]))
        noise[..., t] = 0.8 * noise[..., t - 1] + 0.6 * fresh
    dry_season = -season * tropical  # the tropics are dry in winter, the south in summer
    temperature = 18 + 10 * tropical + (9 - 5 * tropical) * season + 3 * noise
    humidity = 55 - 14 * dry_season - 12 * season * (1 - tropical) - 9 * noise
    humidity = np.clip(humidity + generator.normal(size=shape) * 3, 8, 99)
    wind = np.clip(4 + 1.5 * noise + generator.normal(size=shape), 0.3, 20)
    radiation = np.clip(220 + 90 * season * (1 - 0.5 * tropical) + 25 * noise, 40, 400)
    coords = {"lat": _LATITUDES, "lon": _LONGITUDES, "time": _DAYS}
    fields = {
        "temperature": temperature,
        "humidity": humidity,
        "wind": wind,
        "radiation": radiation,
    }
    return xr.Dataset({k: (("lat", "lon", "time"), v) for k, v in fields.items()}, coords=coords)


def _smooth(field: np.ndarray) -> np.ndarray:
    padded = np.pad(field, 1, mode="edge")
    rows, columns = field.shape
    shifts = [padded[i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
    return np.asarray(np.sum(shifts, axis=0) / 3.0)


def _fires(weather: xr.Dataset, generator: np.random.Generator) -> pd.DataFrame:
    """Return detections: ignitions drawn from fuel moisture, wind and fires that still burn."""
    humidity, temperature = weather["humidity"].to_numpy(), weather["temperature"].to_numpy()
    equilibrium = 2.2 + 0.16 * humidity - 0.0148 * (temperature * 1.8 + 32)
    moisture = np.empty_like(equilibrium)
    moisture[..., 0] = equilibrium[..., 0]
    for t in range(1, moisture.shape[-1]):  # a ten-day time lag
        moisture[..., t] = moisture[..., t - 1] * 0.9 + equilibrium[..., t] * 0.1
    fuel = generator.normal(size=moisture.shape[:2]) * 0.8
    burning = np.zeros(moisture.shape[:2])
    rows = []
    for t, date in enumerate(_DAYS):
        drive = -1.6 - 0.55 * (moisture[..., t] - 8) + 0.12 * weather["wind"].to_numpy()[..., t]
        chance = 1 / (1 + np.exp(-(drive + fuel + 1.2 * np.log1p(burning))))
        count = generator.poisson(2.0, chance.shape) * (generator.random(chance.shape) < chance)
        burning = 0.7 * burning + count
        for i, j in np.argwhere(count > 0):
            rows += [_detection(date, i, j, generator) for _ in range(count[i, j])]
    table = pd.DataFrame(rows)
    table["datetime"] = table["datetime"].dt.strftime("%Y-%m-%dT%H:%M:%S")
    return table


def _detection(
    date: pd.Timestamp, row: int, column: int, generator: np.random.Generator
) -> dict[str, object]:
    return {
        "datetime": date + pd.Timedelta(hours=int(generator.integers(0, 24))),
        "latitude": round(float(_LATITUDES[row] + generator.uniform(-0.7, 0.7)), 2),
        "longitude": round(float(_LONGITUDES[column] + generator.uniform(-0.7, 0.7)), 2),
        "power": round(float(generator.gamma(2, 10)), 1),
        "confidence": int(generator.integers(40, 100)),
    }


def _weather_table(weather: xr.Dataset) -> pd.DataFrame:
    table = weather.to_dataframe().reset_index().rename(columns={"time": "date"})
    table["date"] = table["date"].dt.strftime("%Y-%m-%d")
    return table.round(3)


def _country() -> gpd.GeoDataFrame:
    island = shapely.box(119.5, -35.5, 141.5, -13.5)
    return gpd.GeoDataFrame(
        {"name": [ISLAND], "population": [3_000_000], "code": [_CODE]},
        geometry=[island],
        crs="OGC:CRS84",
    )


def _towns() -> gpd.GeoDataFrame:
    towns = {"Northport": (126.0, -14.0), "Midtown": (132.5, -23.0), "Southhaven": (139.0, -33.0)}
    return gpd.GeoDataFrame(
        {"name": list(towns), "population": [40_000, 250_000, 900_000], "code": [_CODE] * 3},
        geometry=[shapely.Point(*p) for p in towns.values()],
        crs="OGC:CRS84",
    )


def _cube(weather: xr.Dataset) -> xr.Dataset:
    """Return the surface temperature every eighth day, as a cube with CF metadata."""
    surface = weather["temperature"].isel(time=slice(0, None, 8)).transpose("time", "lat", "lon")
    surface = (surface + 273.15 + 4).astype(np.float32).rename("surface_temperature")
    surface.attrs = {
        "standard_name": "surface_temperature",
        "units": "K",
        "long_name": "simulated surface temperature",
    }
    cube = surface.to_dataset()
    cube["lat"].attrs = {"standard_name": "latitude", "units": "degrees_north"}
    cube["lon"].attrs = {"standard_name": "longitude", "units": "degrees_east"}
    cube.attrs = {"Conventions": "CF-1.11", "title": "Simulated surface temperature"}
    return cube


def _mappings() -> dict[str, object]:
    def source(identifier: str, title: str) -> dict[str, object]:
        return {
            "id": identifier,
            "title": f"{title} (simulated)",
            "license": "https://creativecommons.org/publicdomain/zero/1.0/",
            "publisher": "the simulation of DeepCube",
            "simulated": True,
        }

    def places(kind: str, feature_class: str) -> dict[str, object]:
        return {
            "kind": "features",
            "source": source(f"simulated-{kind}", f"The {kind} of an invented island"),
            "feature_class": feature_class,
            "name": "name",
            "attributes": [
                {"column": "population", "predicate": "deep:population", "datatype": "xsd:integer"},
                {"column": "code", "predicate": "deep:countryCode"},
            ],
        }

    point = {"longitude": "longitude", "latitude": "latitude"}
    return {
        "country.geojson": places("country", "deep:Country"),
        "towns.geojson": places("towns", "deep:Settlement"),
        "weather.csv": {
            "kind": "series",
            "source": source("simulated-weather", "Daily weather of an invented island"),
            "longitude": "lon",
            "latitude": "lat",
            "time": {"column": "date", "resolution": "P1D"},
            "variables": [
                {"column": "radiation", "property": "grib:235035", "unit": "unit:W-PER-M2"},
                {"column": "temperature", "property": "grib:167", "unit": "unit:DEG_C"},
                {"column": "humidity", "property": "grib:157", "unit": "unit:PERCENT"},
                {"column": "wind", "property": "grib:207", "unit": "unit:M-PER-SEC"},
            ],
        },
        "fires.csv": {
            "kind": "events",
            "source": source("simulated-fires", "Fire detections on an invented island"),
            **point,
            "time": {"column": "datetime", "resolution": "PT1H"},
            "event_class": "deep:ActiveFireDetection",
            "property": "deep:ThermalHotspot",
            "variables": [
                {"column": "power", "predicate": "deep:fireRadiativePower", "unit": "unit:MegaW"},
                {
                    "column": "confidence",
                    "predicate": "deep:detectionConfidence",
                    "unit": "unit:PERCENT",
                },
            ],
        },
        "surface.nc": {
            "kind": "cube",
            "source": source("simulated-surface", "Surface temperature of an invented island"),
        },
    }
