"""Statistics of zones: many zones at many times in one pass over the chunks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cube_bridge.errors import TooLargeError
from cube_bridge.sources.value_statistics import Moments
from cube_bridge.values.kernels import (
    areas_beyond,
    extremes,
    moments,
    sums,
    weighted_quantile,
)
from cube_bridge.values.scanner import NO_LIMITS
from cube_bridge.values.zone_weights import Weighting, by_weighting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapely.geometry.base import BaseGeometry

    from cube_bridge.values.layers import Layer
    from cube_bridge.values.scanner import Limits, Scanner, ZoneChunk


#: Bytes of values that one quantile over all times may hold.
_HELD_BYTES = 512 * 2**20

_MOMENTS = frozenset({"mean", "standardDeviation"})
_SUMS = frozenset({"sum", "count"})
_EXTREMES = frozenset({"minimum", "maximum"})
_AREAS = frozenset({"areaAbove", "areaBelow"})
STATISTICS = _MOMENTS | _SUMS | _EXTREMES | _AREAS | {"quantile"}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which statistics to compute of zones, how cells are weighted, and their parameters."""

    statistics: frozenset[str]
    """Names of `STATISTICS`."""
    weighting: Weighting = Weighting.AREA
    threshold: float = float("nan")
    """Of areaAbove and areaBelow, in the unit of the layer."""
    share: float = 0.5
    """Of quantile, 0 to 1."""


class ZoneSeries:
    """Statistics of zones at times, put together chunk by chunk."""

    def __init__(self, zones: int, times: int, wanted: Wanted) -> None:
        self._wanted = wanted
        self._shape = zones, times
        names = wanted.statistics
        zero = Moments(
            weight=np.zeros(self._shape), mean=np.zeros(self._shape), squares=np.zeros(self._shape)
        )
        self._moments = zero if names & _MOMENTS else None
        self._fields = {
            n: np.full(self._shape, np.nan if n in _EXTREMES | {"quantile"} else 0.0)
            for n in ("minimum", "maximum", "sum", "count", "areaAbove", "areaBelow", "quantile")
            if names & _group_of(n)
        }
        self._waiting: dict[int, list[tuple[slice, np.ndarray, np.ndarray]]] = {}

    def add(self, part: ZoneChunk) -> None:
        """Take in the values of one chunk."""
        zones, times, names = part.held.zones, part.times, self._wanted.statistics
        if self._moments is not None:
            added = moments(part.values, part.held.counting, squared="standardDeviation" in names)
            own = self._moments
            before = Moments(
                weight=own.weight[zones, times],
                mean=own.mean[zones, times],
                squares=own.squares[zones, times],
            )
            after = before.merged(added)
            own.weight[zones, times], own.mean[zones, times] = after.weight, after.mean
            own.squares[zones, times] = after.squares
        if names & _SUMS:
            count, total = sums(part.values, part.held.shares)
            self._fields["count"][zones, times] += count
            self._fields["sum"][zones, times] += total
        if names & _AREAS:
            above, below = areas_beyond(part.values, part.held.areas, self._wanted.threshold)
            self._fields["areaAbove"][zones, times] += above
            self._fields["areaBelow"][zones, times] += below
        if names & _EXTREMES:
            for place, zone in enumerate(zones):
                low, high = extremes(part.values, part.held.positions(place))
                least, most = self._fields["minimum"], self._fields["maximum"]
                least[zone, times] = np.fmin(least[zone, times], low)
                most[zone, times] = np.fmax(most[zone, times], high)
        if "quantile" in names:
            for place, zone in enumerate(zones):
                own_values = part.values[part.held.positions(place)]
                weights = by_weighting(part.held.weights[place], self._wanted.weighting)
                self._waiting.setdefault(int(zone), []).append((times, own_values, weights))
            if part.ends_times:
                self._settle()

    def _settle(self) -> None:
        """Compute the quantiles of the times of which all chunks were seen."""
        for zone, parts in self._waiting.items():
            begin, end = min(p[0].start for p in parts), max(p[0].stop for p in parts)
            for time in range(begin, end):
                inside = [p for p in parts if p[0].start <= time < p[0].stop]
                values = np.concatenate([v[:, time - s.start] for s, v, _ in inside])
                weights = np.concatenate([w for _, _, w in inside])
                found = weighted_quantile(values, weights, self._wanted.share)
                self._fields["quantile"][zone, time] = found
        self._waiting = {}

    def at_times(self) -> dict[str, np.ndarray]:
        """Return each statistic, (zones, times); NaN where a zone has no valid cell."""
        found = dict(self._fields)
        if self._moments is not None:
            found |= _from_moments(self._moments)
        if "sum" in found:
            found["sum"] = np.where(found["count"] > 0, found["sum"], np.nan)
        return {n: found[n] for n in self._wanted.statistics}

    def pooled(self, zone: int, times: np.ndarray) -> dict[str, float]:
        """Return each statistic of a zone over all cells of some times, (times,) bool or positions.

        Areas are means over the times. Quantiles are not among them: see `pooled_quantile`.
        """
        found: dict[str, float] = {}
        if self._moments is not None:
            parts = [a[zone, times] for a in (self._moments.weight, self._moments.mean)]
            weight = parts[0].sum()
            mean = (parts[0] * parts[1]).sum() / weight if weight > 0 else 0.0
            spread = self._moments.squares[zone, times] + parts[0] * (parts[1] - mean) ** 2
            one = Moments(
                weight=np.asarray(weight), mean=np.asarray(mean), squares=np.asarray(spread.sum())
            )
            found |= {n: float(v) for n, v in _from_moments(one).items()}
        for name, field in self._fields.items():
            own = field[zone, times]
            if name in _EXTREMES:
                known = own[~np.isnan(own)]
                choose = np.min if name == "minimum" else np.max
                found[name] = float(choose(known)) if known.size else float("nan")
            elif name in _AREAS:
                found[name] = float(own.mean()) if own.size else 0.0
            elif name in _SUMS:
                found[name] = float(own.sum())
        if "sum" in found and found["count"] <= 0:
            found["sum"] = float("nan")
        return {n: found[n] for n in self._wanted.statistics if n in found}


def zone_series(
    scanner: Scanner,
    layer: Layer,
    zones: Sequence[BaseGeometry | None],
    needed: np.ndarray,
    wanted: Wanted,
    limits: Limits = NO_LIMITS,
) -> ZoneSeries:
    """Return statistics of zones at times, each chunk read once for all of them.

    Args:
        scanner: Reads the chunks.
        layer: What to read.
        zones: As `cube_bridge.values.zone_weights.zone_of` returns them; None for all cells.
        needed: (zones, times) which to compute; the others are not to be used.
        wanted: What to compute.
        limits: What is left out.
    """
    series = ZoneSeries(len(zones), needed.shape[1], wanted)
    tiles = scanner.tiles(layer, zones, wanted.weighting)
    for part in scanner.parts(layer, tiles, needed, limits):
        series.add(part)
    return series


def pooled_quantile(
    scanner: Scanner,
    layer: Layer,
    zone: BaseGeometry | None,
    times: np.ndarray,
    wanted: Wanted,
    limits: Limits = NO_LIMITS,
) -> float:
    """Return the quantile of a zone over all cells of some times.

    Args:
        scanner: Reads the chunks.
        layer: What to read.
        zone: One zone.
        times: (times,) which to take.
        wanted: Its `share` and `weighting`.
        limits: What is left out.

    Raises:
        TooLargeError: The zone has more values than fit in memory.
    """
    tiles = scanner.tiles(layer, [zone], wanted.weighting)
    cells = sum(len(held.cells) for held in tiles.values())
    if cells * int(times.sum()) * 16 > _HELD_BYTES:
        raise TooLargeError(
            f"the quantile of {cells} cells at {int(times.sum())} times does not fit in memory; "
            "ask for a shorter period, a smaller zone, or one quantile for each time"
        )
    values, weights = [np.zeros(0)], [np.zeros(0)]
    for part in scanner.parts(layer, tiles, times[None, :], limits):
        own = part.values[:, times[part.times]]
        values.append(own.ravel())
        counting = by_weighting(part.held.weights[0], wanted.weighting)
        weights.append(np.repeat(counting, own.shape[1]))
    return weighted_quantile(np.concatenate(values), np.concatenate(weights), wanted.share)


def _group_of(name: str) -> frozenset[str]:
    groups = (_SUMS, _EXTREMES, _AREAS)
    return next((g for g in groups if name in g), frozenset({name}))


def _from_moments(of: Moments) -> dict[str, np.ndarray]:
    """Return mean and standard deviation in the shape of the moments; NaN without weight."""
    has = of.weight > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        deviation = np.sqrt(of.squares / of.weight)
    return {
        "mean": np.where(has, of.mean, np.nan),
        "standardDeviation": np.where(has, deviation, np.nan),
    }
