"""Each cell's series brought to one number: its mean, its highest value, its trend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cube_bridge.errors import TooLargeError
from cube_bridge.values.kernels import Moments
from cube_bridge.values.passes import NO_LIMITS
from cube_bridge.values.series_statistics import mann_kendall, theil_sen, years

if TYPE_CHECKING:
    from collections.abc import Callable

    from cube_bridge.values.layers import Layer
    from cube_bridge.values.passes import Limits, Scanner, Tile, TileZones

#: Bytes of series that may be held where a statistic needs all values of a cell at once.
_HELD_BYTES = 512 * 2**20

_ONLINE = frozenset({"mean", "standardDeviation", "minimum", "maximum", "sum", "count"})
CELL_STATISTICS = _ONLINE | {"quantile", "trend", "trendSignificance"}


def reduce_cells(
    scanner: Scanner,
    layer: Layer,
    tiles: dict[Tile, TileZones],
    times: np.ndarray,
    statistic: str,
    share: float,
    limits: Limits = NO_LIMITS,
) -> dict[Tile, np.ndarray]:
    """Return a statistic over time of each cell that zones have.

    Args:
        scanner: Reads the chunks, each once.
        layer: What to read.
        tiles: From `Scanner.tiles`.
        times: (times,) which to take.
        statistic: One of `CELL_STATISTICS`.
        share: Of quantile.
        limits: What is left out.

    Returns:
        (cells,) for each tile, in the order of `TileZones.cells`; NaN without a valid value.

    Raises:
        TooLargeError: The statistic needs more values at once than fit in memory.
    """
    zones = 1 + max((int(held.zones.max()) for held in tiles.values()), default=0)
    needed = np.broadcast_to(times, (zones, len(times)))
    parts = scanner.parts(layer, tiles, needed, limits)
    if statistic in _ONLINE:
        online: dict[Tile, _Online] = {}
        for part in parts:
            values = part.values[:, times[part.times]]
            online.setdefault(part.tile, _Online(len(values))).add(values)
        return {tile: found.result(statistic) for tile, found in online.items()}
    cells = sum(len(held.cells) for held in tiles.values())
    if cells * int(times.sum()) * 8 > _HELD_BYTES:
        raise TooLargeError(
            f"the {statistic} of {cells} cells at {int(times.sum())} times does not fit in "
            "memory; ask for a shorter period or a smaller region"
        )
    held: dict[Tile, list[np.ndarray]] = {}
    for part in parts:
        held.setdefault(part.tile, []).append(part.values[:, times[part.times]])
    reduce = _whole_series(layer, times, statistic, share)
    return {
        tile: np.array([reduce(series) for series in np.concatenate(found, axis=1)])
        for tile, found in held.items()
    }


class _Online:
    """Statistics of cells that need one time after the other only."""

    def __init__(self, cells: int) -> None:
        zero = np.zeros(cells)
        self._moments = Moments(weight=zero, mean=zero, squares=zero)
        self._low, self._high = np.full(cells, np.inf), np.full(cells, -np.inf)

    def add(self, values: np.ndarray) -> None:
        valid = np.isfinite(values)
        count = valid.sum(axis=1).astype(np.float64)
        total = np.where(valid, values, 0.0).sum(axis=1)
        mean = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
        squares = (np.where(valid, values - mean[:, None], 0.0) ** 2).sum(axis=1)
        self._moments = self._moments.merged(Moments(weight=count, mean=mean, squares=squares))
        self._low = np.minimum(self._low, np.where(valid, values, np.inf).min(1, initial=np.inf))
        self._high = np.maximum(
            self._high, np.where(valid, values, -np.inf).max(1, initial=-np.inf)
        )

    def result(self, statistic: str) -> np.ndarray:
        of = self._moments
        has = of.weight > 0
        if statistic == "count":
            return of.weight
        with np.errstate(invalid="ignore", divide="ignore"):
            found = {
                "mean": of.mean,
                "sum": of.mean * of.weight,
                "standardDeviation": np.sqrt(of.squares / of.weight),
                "minimum": self._low,
                "maximum": self._high,
            }[statistic]
        return np.where(has, found, np.nan)


def _whole_series(
    layer: Layer, times: np.ndarray, statistic: str, share: float
) -> Callable[[np.ndarray], float]:
    if statistic == "quantile":
        return lambda series: _quantile(series, share)
    if statistic == "trendSignificance":
        return mann_kendall
    x = years(layer.times[times]) if layer.times is not None else np.zeros(1)
    return lambda series: theil_sen(x, series)


def _quantile(series: np.ndarray, share: float) -> float:
    known = series[np.isfinite(series)]
    return float(np.quantile(known, share)) if known.size else float("nan")
