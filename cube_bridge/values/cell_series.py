"""Each cell's series brought to one number: its mean, its highest value, its trend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cube_bridge.errors import TooLargeError
from cube_bridge.sources.value_statistics import Accumulator
from cube_bridge.values.scanner import NO_LIMITS
from cube_bridge.values.series_statistics import mann_kendall, theil_sen, years

if TYPE_CHECKING:
    from collections.abc import Callable

    from cube_bridge.values.layers import Layer
    from cube_bridge.values.scanner import Limits, Scanner, Tile, TileZones


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
        online: dict[Tile, Accumulator] = {}
        for part in parts:
            values = part.values[:, times[part.times]]
            online.setdefault(part.tile, Accumulator(len(values))).add(values)
        return {tile: _result(found, statistic) for tile, found in online.items()}
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


def _result(found: Accumulator, statistic: str) -> np.ndarray:
    """Return a statistic of each row, (rows,); NaN without a valid value, of the count 0."""
    of = found.moments
    if statistic == "count":
        return of.weight
    with np.errstate(invalid="ignore", divide="ignore"):
        values = {
            "mean": of.mean,
            "sum": of.mean * of.weight,
            "standardDeviation": np.sqrt(of.squares / of.weight),
            "minimum": found.minimum,
            "maximum": found.maximum,
        }[statistic]
    return np.where(of.weight > 0, values, np.nan)


def _whole_series(
    layer: Layer, times: np.ndarray, statistic: str, share: float
) -> Callable[[np.ndarray], float]:
    """Return what makes one number of the series of a cell: a function of (times,)."""
    if statistic == "quantile":
        return lambda series: _quantile(series, share)
    if statistic == "trendSignificance":
        return mann_kendall
    x = years(layer.times[times]) if layer.times is not None else np.zeros(1)
    return lambda series: theil_sen(x, series)


def _quantile(series: np.ndarray, share: float) -> float:
    """Return a quantile of (times,) values, of a share from 0 to 1; NaN without a valid one."""
    known = series[np.isfinite(series)]
    return float(np.quantile(known, share)) if known.size else float("nan")
