"""To what moisture dead fuel tends in the air around it."""

from __future__ import annotations

import numpy as np
from pyoxigraph import NamedNode

from ml.derivation import Derivation, Quantity
from ontology.terms import DEEP, expand

_CF = "http://vocab.nerc.ac.uk/standard_name/"


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


DERIVATION = Derivation(
    output=Quantity(observed=DEEP.EquilibriumMoistureContent, unit=expand("unit:PERCENT")),
    inputs={
        "temperature": Quantity(
            observed=NamedNode(f"{_CF}air_temperature/"), unit=expand("unit:DEG_C")
        ),
        "humidity": Quantity(
            observed=NamedNode(f"{_CF}relative_humidity/"), unit=expand("unit:PERCENT")
        ),
    },
    function=equilibrium_moisture,
    source="Simard 1968, Information Report FF-X-14",
)
