"""Cells one by one, with their place, their time and their value."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from cube_bridge.values.cell_series import reduce_cells
from cube_bridge.values.layers import window_of
from cube_bridge.values.scanner import NO_LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shapely.geometry.base import BaseGeometry

    from cube_bridge.values.layers import BlockIndex, Layer
    from cube_bridge.values.periods import Period
    from cube_bridge.values.scanner import Limits, Scanner, Tile, TileZones
    from cube_bridge.values.zone_weights import Weighting


#: Cells this many times fewer than those of the window around them are looked up one by one.
_FEW = 20


@dataclass(frozen=True, kw_only=True)
class CellQuestion:
    """A region and a period whose cells are asked for."""

    zone: BaseGeometry | None
    """As `cube_bridge.values.zone_weights.zone_of` returns it; None for all cells."""
    period: Period


@dataclass(frozen=True, kw_only=True)
class CellBlock:
    """Cells of one tile that were found, each at one time."""

    question: int
    """Its position among the questions."""
    tile: Tile
    cells: np.ndarray
    """(n,) positions in the flattened tile."""
    shares: np.ndarray
    """(n,) share of each that the geometry covers."""
    times: np.ndarray | None
    """(n,) positions in time of the layer; None for a statistic over time."""
    values: np.ndarray
    """(n,) float64, all valid."""


def find_cells(
    scanner: Scanner,
    layer: Layer,
    questions: Sequence[CellQuestion],
    weighting: Weighting,
    limits: Limits = NO_LIMITS,
) -> Iterator[CellBlock]:
    """Yield the valid cells whose value is within limits; each chunk is read once for all.

    Args:
        scanner: Reads the chunks.
        layer: What to read.
        questions: Regions and periods.
        weighting: Whether cells belong to a region by their centre.
        limits: Lowest and highest value, both included.
    """
    tiles = scanner.tiles(layer, [q.zone for q in questions], weighting)
    spans = [q.period.positions(layer.times) for q in questions]
    asked: dict[BlockIndex, list[int]] = {}
    for index in _indices(layer, tiles, spans):
        along = layer.layout.slices(index)[0]
        if limits.blocks is not None and index not in limits.blocks:
            continue
        places = [
            place
            for place, number in enumerate(tiles[index[1:]].zones)
            if spans[number].start < along.stop and along.start < spans[number].stop
        ]
        if places:
            asked[index] = places
    for index, block in scanner.reader.blocks(layer, list(asked)):
        held = tiles[index[1:]]
        begin = int(layer.layout.borders[0][index[0]])
        flat = block.reshape(len(block), -1)
        for place in asked[index]:
            number = int(held.zones[place])
            first = max(spans[number].start - begin, 0)
            own = flat[first : spans[number].stop - begin]
            weights = held.weights[place]
            if weights.cells.size < flat.shape[1]:
                own = own[:, weights.cells]
            # NaN is within no bounds; infinities are no values.
            inside = (own >= limits.lowest) & (own <= limits.highest) & np.isfinite(own)
            rows, columns = np.nonzero(inside)
            if rows.size:
                yield CellBlock(
                    question=number,
                    tile=index[1:],
                    cells=weights.cells[columns],
                    shares=weights.shares[columns],
                    times=rows + (begin + first),
                    values=own[rows, columns].astype(np.float64),
                )


def _indices(
    layer: Layer, tiles: dict[Tile, TileZones], spans: list[slice]
) -> Iterator[BlockIndex]:
    """Yield the chunks of tiles that hold any of the times, time by time."""
    borders = layer.layout.borders[0]
    for place, (begin, end) in enumerate(itertools.pairwise(borders)):
        if any(s.start < end and begin < s.stop for s in spans):
            yield from ((place, *tile) for tile in tiles)


def find_reduced_cells(
    scanner: Scanner,
    layer: Layer,
    question: CellQuestion,
    weighting: Weighting,
    statistic: str,
    share: float,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Iterator[CellBlock]:
    """Yield the cells of one region with a statistic over time as their value.

    Args:
        scanner: Reads the chunks.
        layer: What to read.
        question: The region and the period.
        weighting: Whether cells belong to the region by their centre.
        statistic: One of `cube_bridge.values.cell_series.CELL_STATISTICS`.
        share: Of quantile.
        bounds: Of the statistic, both included.
    """
    tiles = scanner.tiles(layer, [question.zone], weighting)
    times = np.zeros(1 if layer.times is None else len(layer.times), bool)
    times[question.period.positions(layer.times)] = True
    maps = reduce_cells(scanner, layer, tiles, times, statistic, share)
    for tile, values in maps.items():
        (kept,) = np.nonzero((values >= bounds[0]) & (values <= bounds[1]) & np.isfinite(values))
        held = tiles[tile]
        if kept.size:
            yield CellBlock(
                question=0,
                tile=tile,
                cells=held.cells[kept],
                shares=held.weights[0].shares[kept],
                times=None,
                values=values[kept],
            )


def geometries(layer: Layer, tile: Tile, cells: np.ndarray) -> np.ndarray:
    """Return cells of a tile as polygons, or as points where they are stations: (n,) objects."""
    window = window_of(layer.layout.slices((0, *tile)))
    shape = tuple(s.stop - s.start for s in window)
    places = np.unravel_index(cells, shape)
    if len(cells) * _FEW < prod(int(np.ptp(p)) + 1 for p in places):
        single = [
            tuple(slice(s.start + i, s.start + i + 1) for s, i in zip(window, place, strict=True))
            for place in zip(*(p.tolist() for p in places), strict=True)
        ]
        return np.array([layer.grid.cells(one).ravel()[0] for one in single], dtype=object)
    around = tuple(
        slice(s.start + int(p.min()), s.start + int(p.max()) + 1)
        for s, p in zip(window, places, strict=True)
    )
    inner = tuple(p - int(p.min()) for p in places)
    return np.asarray(layer.grid.cells(around)[inner])


def centres(layer: Layer, tile: Tile, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return longitude and latitude of the centres of cells of a tile: two (n,)."""
    window = window_of(layer.layout.slices((0, *tile)))
    longitudes, latitudes = layer.grid.centres(window)
    return longitudes.ravel()[cells], latitudes.ravel()[cells]
