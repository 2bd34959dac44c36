"""Cell-days as tensors: what the network is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from ml.derivations.fuel_moisture import equilibrium_moisture
from ml.derivations.vapour_pressure_deficit import vapour_pressure_deficit
from ml.use_cases.fire_danger.cell_days import distances_km

if TYPE_CHECKING:
    from torch import Tensor

    from ml.use_cases.fire_danger.cell_days import CellDays


@dataclass(frozen=True, kw_only=True)
class Batch:
    """All cell-days as tensors on one device."""

    drivers: Tensor
    """(cell, day, 6) standardised."""
    log_fires: Tensor
    """(cell, day) log(1 + number of fires)."""
    burning: Tensor
    """(cell, day) 0 or 1: the target, and for later days an input."""
    distance_km: Tensor
    """(cell, cell)."""
    position: Tensor
    """(cell, 2) degrees east and north."""


def make_batch(data: CellDays, device: torch.device) -> Batch:
    """Return cell-days as tensors."""
    temperature, humidity = data.weather[..., 1], data.weather[..., 2]
    drivers = np.concatenate(
        [
            data.weather,
            equilibrium_moisture(temperature, humidity)[..., None],
            vapour_pressure_deficit(temperature, humidity)[..., None],
        ],
        axis=-1,
    )
    return Batch(
        drivers=torch.as_tensor(drivers, dtype=torch.float32, device=device),
        log_fires=torch.as_tensor(np.log1p(data.fires), dtype=torch.float32, device=device),
        burning=torch.as_tensor(data.burning, dtype=torch.float32, device=device),
        distance_km=torch.as_tensor(distances_km(data), dtype=torch.float32, device=device),
        position=torch.as_tensor(
            np.stack([data.longitude, data.latitude], axis=-1), dtype=torch.float32, device=device
        ),
    )
