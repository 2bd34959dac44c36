"""How dry the air is."""

from __future__ import annotations

import numpy as np
from pyoxigraph import NamedNode

from ml.derivation import Derivation, Quantity
from ontology.terms import expand

_CF = "http://vocab.nerc.ac.uk/standard_name/"


def vapour_pressure_deficit(temperature: np.ndarray, humidity: np.ndarray) -> np.ndarray:
    """Return the vapour pressure deficit in kPa.

    Args:
        temperature: Air temperature in degC, any shape.
        humidity: Relative humidity in percent, same shape.

    Source: Allen et al. 1998, FAO Irrigation and Drainage Paper 56, equations 11 and 54.
    """
    saturation = 0.6108 * np.exp(17.27 * temperature / (temperature + 237.3))
    return np.asarray(saturation * (1 - np.clip(humidity, 0, 100) / 100))


DERIVATION = Derivation(
    output=Quantity(
        observed=NamedNode(f"{_CF}water_vapor_saturation_deficit_in_air/"),
        unit=expand("unit:KiloPA"),
    ),
    inputs={
        "temperature": Quantity(
            observed=NamedNode(f"{_CF}air_temperature/"), unit=expand("unit:DEG_C")
        ),
        "humidity": Quantity(
            observed=NamedNode(f"{_CF}relative_humidity/"), unit=expand("unit:PERCENT")
        ),
    },
    function=vapour_pressure_deficit,
    source="Allen et al. 1998, FAO Irrigation and Drainage Paper 56, equations 11 and 54",
)
