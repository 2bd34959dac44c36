"""Questions about zones, many of them answered in one pass."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import shapely

from cube_bridge.values.cell_series import reduce_cells
from cube_bridge.values.periods import Period
from cube_bridge.values.scanner import NO_LIMITS, ZoneChunk
from cube_bridge.values.series_statistics import (
    Season,
    anomalies,
    mann_kendall,
    theil_sen,
    years,
)
from cube_bridge.values.zone_statistics import (
    STATISTICS,
    Wanted,
    ZoneSeries,
    pooled_quantile,
    zone_series,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shapely.geometry.base import BaseGeometry

    from cube_bridge.values.layers import Layer
    from cube_bridge.values.scanner import Limits, Scanner


#: What is computed from the series of means of a zone.
SERIES_STATISTICS = frozenset({"anomaly", "trend", "trendSignificance"})
_ALWAYS = Period()


@dataclass(frozen=True, kw_only=True)
class ZoneQuestion:
    """What is asked of one zone: which statistics of its cells, and in which period."""

    layer: Layer
    zone: BaseGeometry | None
    """As `cube_bridge.values.zone_weights.zone_of` returns it; None for all cells."""
    period: Period
    wanted: Wanted
    """`statistics` may also hold names of `SERIES_STATISTICS`."""
    pooled: bool = True
    """One answer over all cells and times; else one for each time."""
    cell_statistic: str | None = None
    """Brings each cell's series to one number, of which the statistics are then taken."""
    reference: Period = _ALWAYS
    """Of the anomaly: what is usual."""
    season: Season = Season.MONTH
    limits: Limits = NO_LIMITS
    """Which values count; questions that share a pass share it."""


@dataclass(frozen=True, kw_only=True)
class ZoneAnswer:
    """The statistics of one zone, at one time or over all, that answer a `ZoneQuestion`."""

    question: int
    """Its position among the questions."""
    time: np.datetime64 | None
    """None where the answer is of a whole period, or the cube has no time."""
    statistics: dict[str, float]
    """By name; NaN where there is no valid cell."""


def answer_zones(scanner: Scanner, questions: Sequence[ZoneQuestion]) -> Iterator[ZoneAnswer]:
    """Yield answers; questions about one layer that differ in zone and period share a pass."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for number, question in enumerate(questions):
        key: tuple[object, ...] = (
            *(question.layer.key, question.wanted, question.cell_statistic, question.limits),
        )
        if question.cell_statistic is not None:
            key = (*key, question.period)
        groups.setdefault(key, []).append(number)
    for numbers in groups.values():
        group = _Group(scanner, {n: questions[n] for n in numbers})
        yield from group.of_cells() if group.first.cell_statistic else group.of_series()


class _Group:
    """Questions that one pass answers."""

    def __init__(self, scanner: Scanner, questions: dict[int, ZoneQuestion]) -> None:
        self._scanner = scanner
        self._questions = questions
        self.first = next(iter(questions.values()))
        self._layer = self.first.layer
        self._times = self._layer.times
        self._count = 1 if self._times is None else len(self._times)
        by_bytes: dict[bytes, int] = {}
        self._zones: list[BaseGeometry | None] = []
        self._zone_of: dict[int, int] = {}
        for number, question in questions.items():
            code = b"" if question.zone is None else shapely.to_wkb(question.zone)
            place = by_bytes.setdefault(code, len(self._zones))
            if place == len(self._zones):
                self._zones.append(question.zone)
            self._zone_of[number] = place

    def of_series(self) -> Iterator[ZoneAnswer]:
        """Answer from statistics at each time."""
        names = self.first.wanted.statistics
        series_wanted = names & SERIES_STATISTICS
        plain = names & STATISTICS
        only_pooled = all(q.pooled for q in self._questions.values())
        # A quantile of a whole period is not made from those of its times.
        asked = plain - {"quantile"} if only_pooled else plain
        asked |= {"mean"} if series_wanted else frozenset()
        needed = np.zeros((len(self._zones), self._count), bool)
        for number, question in self._questions.items():
            zone = self._zone_of[number]
            needed[zone, question.period.positions(self._times)] = True
            if "anomaly" in series_wanted:
                needed[zone, question.reference.positions(self._times)] = True
        wanted = replace(self.first.wanted, statistics=asked)
        series = ZoneSeries(*needed.shape, wanted)
        if asked:
            series = zone_series(
                self._scanner, self._layer, self._zones, needed, wanted, self.first.limits
            )
        fields = series.at_times()
        for number, question in self._questions.items():
            yield from self._answers(number, question, series, fields)

    def _answers(
        self,
        number: int,
        question: ZoneQuestion,
        series: ZoneSeries,
        fields: dict[str, np.ndarray],
    ) -> Iterator[ZoneAnswer]:
        zone, names = self._zone_of[number], question.wanted.statistics
        positions = question.period.positions(self._times)
        own = np.zeros(self._count, bool)
        own[positions] = True
        means = fields.get("mean", np.zeros(0))[zone : zone + 1].ravel()
        unusual = self._anomalies(question, means) if "anomaly" in names else None
        trend = self._trend(names, own, means)
        if question.pooled:
            values = {**series.pooled(zone, own), **trend}
            if unusual is not None:
                known = unusual[own & np.isfinite(unusual)]
                values["anomaly"] = float(known.mean()) if known.size else float("nan")
            if "quantile" in names:
                values["quantile"] = pooled_quantile(
                    *(self._scanner, self._layer, question.zone, own),
                    *(question.wanted, question.limits),
                )
            values = {n: v for n, v in values.items() if n in names}
            yield ZoneAnswer(question=number, time=None, statistics=values)
            return
        for place in range(positions.start, positions.stop):
            values = {n: float(f[zone, place]) for n, f in fields.items() if n in names}
            if unusual is not None:
                values["anomaly"] = float(unusual[place])
            time = None if self._times is None else self._times[place]
            yield ZoneAnswer(question=number, time=time, statistics={**values, **trend})

    def _anomalies(self, question: ZoneQuestion, means: np.ndarray) -> np.ndarray:
        """Return (times,) means less those of the same season in the reference period."""
        if self._times is None:
            return np.full(means.shape, np.nan)
        usual = np.zeros(self._count, bool)
        usual[question.reference.positions(self._times)] = True
        return anomalies(means, self._times, usual, question.season)

    def _trend(self, names: frozenset[str], own: np.ndarray, means: np.ndarray) -> dict[str, float]:
        """Return the trend of (times,) means, a year, and its significance, as asked for."""
        found: dict[str, float] = {}
        if self._times is not None and "trend" in names:
            found["trend"] = theil_sen(years(self._times[own]), means[own])
        if self._times is not None and "trendSignificance" in names:
            found["trendSignificance"] = mann_kendall(means[own])
        return found

    def of_cells(self) -> Iterator[ZoneAnswer]:
        """Answer from a map of each cell's series brought to one number."""
        wanted = self.first.wanted
        times = np.zeros(self._count, bool)
        times[self.first.period.positions(self._times)] = True
        tiles = self._scanner.tiles(self._layer, self._zones, wanted.weighting)
        statistic = self.first.cell_statistic or ""
        maps = reduce_cells(
            *(self._scanner, self._layer, tiles, times),
            *(statistic, wanted.share, self.first.limits),
        )
        plain = replace(wanted, statistics=wanted.statistics & STATISTICS)
        series = ZoneSeries(len(self._zones), 1, plain)
        for place, (tile, values) in enumerate(maps.items()):
            series.add(
                ZoneChunk(
                    tile=tile,
                    times=slice(0, 1),
                    values=values[:, None],
                    held=tiles[tile],
                    ends_times=place == len(maps) - 1,
                )
            )
        fields = series.at_times()
        for number in self._questions:
            zone = self._zone_of[number]
            values_of = {n: float(f[zone, 0]) for n, f in fields.items()}
            yield ZoneAnswer(question=number, time=None, statistics=values_of)
