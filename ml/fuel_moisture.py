"""Physics of dead fuel: how dry the air is, and to what moisture the fuel tends."""

from __future__ import annotations

import numpy as np


def equilibrium_moisture(temperature: np.ndarray, humidity: np.ndarray) -> np.ndarray:
    """Return the equilibrium moisture content of dead fuel in percent of dry weight.

    Args:
        temperature: Air temperature in degC, any shape.
        humidity: Relative humidity in percent, same shape.

    Source: Simard 1968, The moisture content of forest fuels, Forest Fire Research Institute,
        Information Report FF-X-14, as in Viney 1991, Int. J. Wildland Fire 1(4), table 1.
    """
    fahrenheit = temperature * 1.8 + 32
    dry = 0.03229 + 0.281073 * humidity - 0.000578 * humidity * fahrenheit
    middle = 2.22749 + 0.160107 * humidity - 0.014784 * fahrenheit
    wet = 21.0606 + 0.005565 * humidity**2 - 0.00035 * humidity * fahrenheit - 0.483199 * humidity
    moisture = np.select([humidity < 10, humidity < 50], [dry, middle], wet)  # noqa: PLR2004
    return np.asarray(np.maximum(moisture, 0))


def vapour_pressure_deficit(temperature: np.ndarray, humidity: np.ndarray) -> np.ndarray:
    """Return the vapour pressure deficit in kPa.

    Args:
        temperature: Air temperature in degC, any shape.
        humidity: Relative humidity in percent, same shape.

    Source: Allen et al. 1998, FAO Irrigation and Drainage Paper 56, equations 11 and 54.
    """
    saturation = 0.6108 * np.exp(17.27 * temperature / (temperature + 237.3))
    return np.asarray(saturation * (1 - np.clip(humidity, 0, 100) / 100))
