"""Links between variables of the graph: what a run that looks for causes finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pyoxigraph import NamedNode


class Link(NamedTuple):
    """That one variable of the graph drives another."""

    cause: NamedNode
    effect: NamedNode
    lag_s: float | None
    """Seconds from cause to effect; None where the method tells none."""
    strength: float
    """By the measure of the method; its sign is that of the effect."""
    p_value: float | None = None
    stability: float | None = None
    """Share of resampled data sets with the link; the runtime fills it in."""
