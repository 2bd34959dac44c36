"""The training loop, and prediction with what it trained."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from ml.errors import RunError
from ml.training.checkpoints import load_checkpoint, restored, save_module
from ml.training.device import choose_device
from ml.use_cases.fire_danger.config import Config
from ml.use_cases.fire_danger.features import make_batch
from ml.use_cases.fire_danger.network import FireDangerNet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ml.use_cases.fire_danger.cell_days import CellDays

#: The physical scales learn this much faster than the weights.
_PHYSICS_RATE = 3.0
#: The memories of weather and fire, most of the arithmetic, are computed anew this often; their
#: scales drift far more slowly than the weights.
_PHYSICS_EVERY = 5
#: Days at the start whose memories are all but empty, left out of the loss.
_WARM_UP_DAYS = 7
#: Days of a cell that are drawn together when members get their own samples.
_BOOTSTRAP_DAYS = 30


def train(
    data: CellDays,
    rows: np.ndarray,
    config: Config,
    *,
    device: torch.device | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> FireDangerNet:
    """Train an ensemble on some cell-days.

    Args:
        data: All cell-days. Of cell-days that are not in `rows` the fires are used only as the
            past of later days, as they are when a forecast is made.
        rows: (cell, day) bool, the cell-days to learn from.
        config: Size and schedule.
        device: Where to compute; None takes the GPU if there is one.
        progress: Called with steps done and steps in all.
    """
    device = device or choose_device()
    torch.manual_seed(config.seed)
    batch = make_batch(data, device)
    learnt = np.array(rows)
    learnt[:, :_WARM_UP_DAYS] = False
    chosen = torch.as_tensor(np.flatnonzero(learnt), device=device)  # (row,)
    if not len(chosen):
        raise RunError("nothing to learn from: no cell-day after the first week is in the split")
    target = batch.burning.flatten()
    cells, days = rows.shape
    weight = _bootstrap_weights(cells, days, config).to(device)  # (member, cell * day)
    generator = torch.Generator().manual_seed(config.seed)
    net = FireDangerNet(config).to(device)
    optimiser = _optimiser(net, config)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        max_lr=[config.learning_rate * _PHYSICS_RATE, config.learning_rate],
        total_steps=config.steps,
    )
    net.train()
    for step in range(config.steps):
        drawn = chosen[torch.randint(len(chosen), (config.rows,), generator=generator).to(device)]
        # bf16 on the GPU; on the CPU float32 is faster.
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            if step % _PHYSICS_EVERY == 0:
                features = net.features(batch).flatten(0, 1)
            logits = net(features[drawn])
        loss = nn.functional.binary_cross_entropy_with_logits(
            logits.float(), target[drawn].expand_as(logits), weight=weight[:, drawn]
        )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
        optimiser.step()
        features = features.detach()
        schedule.step()
        if progress is not None:
            progress(step + 1, config.steps)
    return net.eval()


def predict(
    net: FireDangerNet, data: CellDays, *, device: torch.device | None = None
) -> np.ndarray:
    """Return the probability of a fire, (cell, day), the mean over the ensemble."""
    device = device or choose_device()
    net = net.to(device)
    batch = make_batch(data, device)
    with torch.inference_mode():
        probability = net(net.features(batch).flatten(0, 1)).float().sigmoid().mean(0)
    return np.asarray(probability.reshape(batch.burning.shape).cpu(), dtype=np.float64)


def save(net: FireDangerNet, path: Path, trained_before: str) -> None:
    """Write configuration, weights and training period; see `ml.training.checkpoints`."""
    save_module(net, asdict(net.config), path, trained_before)


def load(path: Path) -> tuple[FireDangerNet, str]:
    """Return the network that `save` wrote, and the moment before which it learnt.

    Raises:
        RunError: The file holds no such network.
    """
    saved = load_checkpoint(path)
    net = restored(path, saved, lambda config: FireDangerNet(Config(**config)))
    return net.eval(), saved.trained_before


def _optimiser(net: FireDangerNet, config: Config) -> torch.optim.Optimizer:
    physics = net.physics_parameters()
    names = {id(p) for p in physics}
    weights = [p for p in net.parameters() if id(p) not in names]
    return torch.optim.AdamW(
        [
            {"params": physics, "weight_decay": 0.0},
            {"params": weights, "weight_decay": config.weight_decay},
        ],
        lr=config.learning_rate,
    )


def _bootstrap_weights(cells: int, days: int, config: Config) -> torch.Tensor:
    """Return how often each member sees each cell-day, (member, cell * day), 1 on average.

    Days of a cell that follow each other are alike, so they are drawn in blocks.
    """
    generator = torch.Generator().manual_seed(config.seed)
    rate = torch.ones(config.members, cells, -(-days // _BOOTSTRAP_DAYS))
    drawn = torch.poisson(rate, generator=generator).repeat_interleave(_BOOTSTRAP_DAYS, dim=-1)
    return drawn[:, :, :days].flatten(1)
