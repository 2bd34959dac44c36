"""What was chosen by hand for the fire danger model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Config:
    """What was chosen by hand; none of it was tuned on a test split."""

    hidden: int = 64
    dropout: float = 0.4
    members: int = 5
    """Heads of the ensemble; they share the physics."""
    nowcast: bool = True
    """True where the weather of the day itself may be used (observed, or perfectly forecast)."""
    steps: int = 250
    """Gradient steps."""
    rows: int = 4_096
    """Cell-days drawn for each step."""
    learning_rate: float = 4e-3
    weight_decay: float = 0.05
    seed: int = 0
    spatial_folds: int = 5
    """Folds of the spatial evaluation; 0 leaves it out."""
