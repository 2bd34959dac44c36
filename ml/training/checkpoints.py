"""Files of weights: any torch module, with its configuration and what it has seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from ml.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from torch import nn

ModuleT = TypeVar("ModuleT", bound="nn.Module")


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """What a file of weights holds."""

    config: Mapping[str, Any]
    weights: Mapping[str, torch.Tensor]
    trained_before: str
    """Moment before which the module learnt, ISO 8601; empty where samples have no time."""


def save_module(
    module: nn.Module, config: Mapping[str, object], path: Path, trained_before: str
) -> None:
    """Write configuration, weights and training period; a reader never sees half a file."""
    partial = path.with_name(path.name + ".partial")
    content = {
        "config": dict(config),
        "weights": module.state_dict(),
        "trained_before": trained_before,
    }
    torch.save(content, partial)
    partial.replace(path)


def load_checkpoint(path: Path) -> Checkpoint:
    """Return what `save_module` wrote.

    Raises:
        RunError: The file holds no such thing.
    """
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        return Checkpoint(
            config=saved["config"],
            weights=saved["weights"],
            trained_before=str(saved["trained_before"]),
        )
    except Exception as error:  # torch raises whatever the bytes provoke
        raise RunError(f"{path} holds no weights of `deepcube train`: {error}") from error


def restored(
    path: Path, saved: Checkpoint, make: Callable[[Mapping[str, Any]], ModuleT]
) -> ModuleT:
    """Return a module with the weights of a file.

    Args:
        path: The file, for the message.
        saved: What it holds.
        make: Makes the module from its configuration.

    Raises:
        RunError: The weights or the configuration are those of another module.
    """
    try:
        module = make(saved.config)
        module.load_state_dict(dict(saved.weights))
    except Exception as error:  # a configuration or shapes of something else
        raise RunError(f"{path} holds no weights of `deepcube train`: {error}") from error
    return module
