"""Fire danger: the probability of an active fire in a cell on a day. Hybrid of physics and network.

    weather ─► equilibrium moisture, vapour pressure deficit ─► lagged by learned time scales ─┐
    past fires ─► excite their own cell, near and far cells, with learned memory and reach ────┤
                                                                              heads ─► logits ◄┘

What is physics: dead fuel follows the weather with a time lag (an exponential response, one of
the 1-, 10-, 100- and 1000-hour classes of fire behaviour), and fires excite further fires
(an exponential kernel in time and distance, as in self-exciting point processes). What is
learned: the time scales, the reach, and how all of it turns into a probability.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from ml.use_cases.fire_danger.config import Config
    from ml.use_cases.fire_danger.features import Batch

#: Weather, fuel moisture and vapour pressure deficit.
_DRIVERS = 6
#: Longitude and latitude.
_POSITION = 2
#: Added before the logarithm of a memory of fires: about one detection three months ago.
_FIRE_FLOOR = 1e-2
#: Own cell, near cells, far cells, all cells; and whether the own cell burnt at all.
_SOURCES = 5


class FireDangerNet(nn.Module):
    """An ensemble of heads on shared, physically shaped memories of weather and fire."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        # Time scales in days; fuel classes of 1 h to 1000 h respond within hours to 40 days.
        self.log_fuel_days = nn.Parameter(torch.tensor([1.0, 4.0, 12.0, 40.0]).log())
        self.log_fire_days = nn.Parameter(torch.tensor([0.7, 2.0, 6.0, 20.0, 80.0]).log())
        self.log_reach_km = nn.Parameter(torch.tensor([150.0, 600.0]).log())
        width = _DRIVERS * (4 + config.nowcast) + 2 * _SOURCES * 5 + _POSITION
        self.standardise = nn.BatchNorm1d(width, affine=False, momentum=0.2)
        m, h = config.members, config.hidden
        self.linear = _Heads(m, width, 1)
        self.first, self.second = _Heads(m, width, h), _Heads(m, h, h // 2)
        self.last = _Heads(m, h // 2, 1)
        self.dropout = nn.Dropout(config.dropout)

    def physics_parameters(self) -> list[nn.Parameter]:
        """Return the time scales and reaches, which take larger steps and no weight decay."""
        return [self.log_fuel_days, self.log_fire_days, self.log_reach_km]

    def features(self, batch: Batch) -> Tensor:
        """Return what the heads see, (cell, day, feature); nothing in it is of a later day."""
        cells, days, _ = batch.drivers.shape
        lag = torch.arange(days, device=batch.drivers.device)
        lag = lag[:, None] - lag[None, :]  # (day, earlier day)
        weather = _memory(lag if self.config.nowcast else lag - 1, self.log_fuel_days)
        weather = weather / weather.sum(-1, keepdim=True).clamp(min=1e-6)  # a weighted mean
        moisture = torch.einsum("kts,nsc->ntkc", weather, batch.drivers)
        parts = [moisture.reshape(cells, days, -1)]
        if self.config.nowcast:
            parts.append(batch.drivers)
        # Fires of the day itself are the target: their memory starts at a lag of one day.
        memory = _memory(lag - 1, self.log_fire_days) / self.log_fire_days.exp()[:, None, None]
        seen = torch.einsum("amn,ns->ams", self._sources(batch.distance_km), batch.log_fires)
        seen = torch.cat([seen, batch.burning[None]])  # (source, cell, day)
        excited = torch.einsum("kts,ans->ntka", memory, seen).reshape(cells, days, -1)
        # Both forms: a sum of fires adds up, their logarithm tells a little from none.
        parts += [excited, torch.log(excited + _FIRE_FLOOR)]
        parts.append(batch.position[:, None].expand(cells, days, _POSITION))
        return torch.cat(parts, dim=-1)

    def _sources(self, distance_km: Tensor) -> Tensor:
        """Return how much each cell hears of each other, (4, cell, cell), rows adding to 1."""
        cells = len(distance_km)
        own = torch.eye(cells, device=distance_km.device)
        around = torch.exp(-distance_km / self.log_reach_km.exp()[:, None, None]) * (1 - own)
        around = around / around.sum(-1, keepdim=True).clamp(min=1e-6)
        everywhere = torch.full_like(own, 1 / cells)
        return torch.cat([own[None], around, everywhere[None]])

    def forward(self, features: Tensor) -> Tensor:
        """Return logits, (member, row), for features, (row, feature)."""
        x = self.standardise(features)
        x = x.expand(self.config.members, *x.shape)  # (member, row, feature)
        hidden = self.dropout(nn.functional.silu(self.first(x)))
        hidden = self.dropout(nn.functional.silu(self.second(hidden)))
        logits: Tensor = self.linear(x) + self.last(hidden)
        return logits[..., 0]


class _Heads(nn.Module):
    """One linear layer for each member of the ensemble."""

    def __init__(self, members: int, width_in: int, width_out: int) -> None:
        super().__init__()
        bound = width_in**-0.5
        self.weight = nn.Parameter(
            torch.empty(members, width_in, width_out).uniform_(-bound, bound)
        )
        self.bias = nn.Parameter(torch.zeros(members, 1, width_out))

    def forward(self, x: Tensor) -> Tensor:
        """Return (member, row, width_out) for (member, row, width_in)."""
        return torch.baddbmm(self.bias, x, self.weight)


def _memory(lag: Tensor, log_days: Tensor) -> Tensor:
    """Return exponential memories of the past, (scale, day, earlier day); 0 for negative lags."""
    decay = torch.exp(-lag.clamp(min=0) / log_days.exp()[:, None, None])
    return torch.where(lag >= 0, decay, torch.zeros((), device=lag.device))
