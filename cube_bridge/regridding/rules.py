"""How the values of source cells become one: mean, sum, linear, most frequent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from cube_bridge.regridding.methods import Method
    from cube_bridge.regridding.weights import Weights


@dataclass(frozen=True, kw_only=True)
class BlockWeights:
    """What turns a window of the source into a block of the target."""

    method: Method
    weights: Weights
    held: Weights | None
    """For bilinear: the cell that holds each centre."""


def _mean(stack: np.ndarray, step: BlockWeights) -> np.ndarray:
    """Return weighted means, (n, rows, columns), of (n, y, x) cells; NaN without a valid one."""
    valid = np.isfinite(stack)
    total = step.weights.sums(np.where(valid, stack, 0.0))
    weight = step.weights.sums(valid.astype(np.float64))
    mean: np.ndarray = np.divide(total, weight, out=np.full(total.shape, np.nan), where=weight > 0)
    return mean


def _sum(stack: np.ndarray, step: BlockWeights) -> np.ndarray:
    """Return weighted sums, (n, rows, columns), of (n, y, x) cells; NaN without a valid one."""
    valid = np.isfinite(stack)
    total = step.weights.sums(np.where(valid, stack, 0.0))
    return np.where(step.weights.sums(valid.astype(np.float64)) > 0, total, np.nan)


def _bilinear(stack: np.ndarray, step: BlockWeights) -> np.ndarray:
    """Return values between centres, (n, rows, columns) from (n, y, x); gaps keep their size."""
    found = _mean(stack, step)
    if step.held is not None:
        # A gap stays as large as it is: where the cell itself has no value, there is none.
        found[step.held.sums(np.isfinite(stack).astype(np.float64)) == 0] = np.nan
    return found


def _mode(stack: np.ndarray, step: BlockWeights) -> np.ndarray:
    """Return the values of the largest weight, (n, rows, columns), of (n, y, x) cells."""
    classes = np.unique(stack[np.isfinite(stack)])
    best = found = None
    for value in classes:
        weight = step.weights.sums((stack == value).astype(np.float64))
        if best is None or found is None:
            best, found = weight, np.where(weight > 0, value, np.nan)
            continue
        larger = weight > best
        best[larger], found[larger] = weight[larger], value
    if found is None:
        return np.full(step.weights.sums(np.zeros_like(stack)).shape, np.nan)
    return found


RULES: dict[str, Callable[[np.ndarray, BlockWeights], np.ndarray]] = {
    "nearest": _mean,
    "bilinear": _bilinear,
    "mean": _mean,
    "sum": _sum,
    "mode": _mode,
}
