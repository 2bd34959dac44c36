"""What can go wrong with plans, runs and models.

DeepCubeError
├── ModelNotFoundError            no installed model by that name
├── PlanError                     no plan: a slot that nothing can fill, an unknown region
└── RunError                      a run that cannot be executed
"""

from __future__ import annotations

from kg.errors import DeepCubeError


class ModelNotFoundError(DeepCubeError, LookupError):
    """No installed model has that name."""


class PlanError(DeepCubeError, ValueError):
    """No plan can be made."""


class RunError(DeepCubeError, RuntimeError):
    """A run cannot be executed."""
