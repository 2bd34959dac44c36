"""Weather and fires on cells and days: what the fire danger model learns from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml.derivations.great_circle import great_circle_km
from ml.errors import RunError

if TYPE_CHECKING:
    import xarray as xr

#: Half the side of a cell, in degrees (a cell is 1.5 degrees around its weather point).
HALF_SIDE = 0.75
#: Detections below this confidence in percent are not counted as fires.
MIN_CONFIDENCE = 50.0
#: Order of the weather variables along the last axis.
WEATHER = ("radiation", "temperature", "humidity", "wind")


@dataclass(frozen=True, kw_only=True)
class CellDays:
    """Daily values on cells; every array starts with (cell, day)."""

    longitude: np.ndarray
    """(cell,) degrees east, of the centre."""
    latitude: np.ndarray
    """(cell,) degrees north, of the centre."""
    days: pd.DatetimeIndex
    """(day,) consecutive, midnight UTC."""
    weather: np.ndarray
    """(cell, day, 4) float32: W/m2, degC, %, m/s, in the order of WEATHER."""
    fires: np.ndarray
    """(cell, day) float32: number of detections with enough confidence in the cell."""

    @property
    def burning(self) -> np.ndarray:
        """(cell, day) bool: True where at least one fire was detected."""
        return self.fires > 0

    def before(self, day: pd.Timestamp) -> np.ndarray:
        """(day,) bool: True for the days before one."""
        return np.asarray(self.days < day)


def cell_days(weather: xr.Dataset, detections: pd.DataFrame) -> CellDays:
    """Bring weather at points and fire detections onto cells and days.

    Args:
        weather: (station, time) with the variables of WEATHER, daily, and the coordinates
            longitude and latitude.
        detections: Columns time (UTC), longitude, latitude, and confidence in percent.

    Raises:
        RunError: A day is missing, or a value of the weather.
    """
    days = pd.DatetimeIndex(weather["time"].to_numpy()).normalize()
    if not (np.diff(days.to_numpy()) == np.timedelta64(1, "D")).all():
        raise RunError("the weather does not have one value for each day of its period")
    values = np.stack([weather[name].to_numpy() for name in WEATHER], axis=-1)
    gaps = int(np.isnan(values).sum())
    if gaps:
        raise RunError(f"the weather has {gaps} missing values; fill them or choose another source")
    longitude, latitude = weather["longitude"].to_numpy(), weather["latitude"].to_numpy()
    sure = detections[detections["confidence"] >= MIN_CONFIDENCE]
    times = pd.DatetimeIndex(sure["time"]).tz_convert(None).normalize()
    day = (times - days[0]).days.to_numpy()
    inside = (day >= 0) & (day < len(days))
    fires = np.zeros((longitude.size, len(days)), dtype=np.float32)
    lon, lat = sure["longitude"].to_numpy(), sure["latitude"].to_numpy()
    # Cells may overlap, so each asks for its own detections. The tolerance is far below the
    # 0.1 degrees to which positions are given.
    reach = HALF_SIDE + 1e-9
    for cell in range(longitude.size):
        near = (np.abs(lon - longitude[cell]) <= reach) & (np.abs(lat - latitude[cell]) <= reach)
        np.add.at(fires[cell], day[near & inside], 1)
    return CellDays(
        longitude=longitude,
        latitude=latitude,
        days=days,
        weather=values.astype(np.float32),
        fires=fires,
    )


def distances_km(data: CellDays) -> np.ndarray:
    """Return the great-circle distances between cell centres, (cell, cell)."""
    return great_circle_km(data.longitude, data.latitude)
