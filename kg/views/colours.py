"""Colours for values that fall in no class."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: From light to dark: ColorBrewer's YlGnBu in seven classes, safe for the colour-blind
#: (https://colorbrewer2.org/#type=sequential&scheme=YlGnBu&n=7).
_SEQUENTIAL = ("#ffffcc", "#c7e9b4", "#7fcdbb", "#41b6c4", "#1d91c0", "#225ea8", "#0c2c84")
#: Of what is not a number.
_MISSING = "#bbbbbb"


@dataclass(frozen=True, kw_only=True)
class ColourScale:
    """Equal steps from the lowest to the highest value."""

    low: float
    high: float

    def colour(self, value: float) -> str:
        """Return the colour of a value; of one outside, that of the nearest end."""
        if not math.isfinite(value):
            return _MISSING
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.0
        step = int(share * len(_SEQUENTIAL))
        return _SEQUENTIAL[min(max(step, 0), len(_SEQUENTIAL) - 1)]

    def steps(self) -> tuple[tuple[float, float, str], ...]:
        """Return from, to and colour of each step, lowest first; one step for a single value."""
        if not self.high > self.low:
            return ((self.low, self.high, _SEQUENTIAL[0]),)
        size = (self.high - self.low) / len(_SEQUENTIAL)
        return tuple(
            (self.low + i * size, self.low + (i + 1) * size, colour)
            for i, colour in enumerate(_SEQUENTIAL)
        )


def scale_of(values: Iterable[float]) -> ColourScale:
    """Return the scale that spans values; those that are not finite are left out."""
    finite = [v for v in values if math.isfinite(v)]
    return ColourScale(low=min(finite, default=0.0), high=max(finite, default=0.0))
