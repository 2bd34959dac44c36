"""One pass over the chunks of a layer, for many zones and many times at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from cube_bridge.values.chunk_reader import ChunkReader
from cube_bridge.values.zone_weights import Weighting, ZoneWeights, all_cells, by_weighting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shapely.geometry.base import BaseGeometry

    from cube_bridge.values.layers import BlockIndex, Layer
    from cube_bridge.values.zone_weights import CellWeights


Tile = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What is left out before anything is computed."""

    lowest: float = -np.inf
    """Values below are as if missing."""
    highest: float = np.inf
    """Values above are as if missing."""
    blocks: frozenset[BlockIndex] | None = None
    """Chunks that may hold values within; None for all."""

    @property
    def is_bounded(self) -> bool:
        """Return whether any value is left out."""
        return self.lowest > -np.inf or self.highest < np.inf


NO_LIMITS = Limits()


class TileZones:
    """The zones that have cells in one tile, and their cells there."""

    def __init__(
        self, zones: list[int], weights: list[CellWeights], weighting: Weighting, cell_count: int
    ) -> None:
        self.zones = np.array(zones)
        self.weights = weights
        self._weighting = weighting
        every = [w.cells for w in weights]
        self.cells = every[0] if len(every) == 1 else np.unique(np.concatenate(every))
        """(cells,) positions in the flattened tile that some zone has, ascending."""
        self.is_whole = len(self.cells) == cell_count
        self._borders = np.concatenate([[0], np.cumsum([len(c) for c in every])])

    @cached_property
    def _columns(self) -> np.ndarray:
        """Where the cells of the zones, zone after zone, are among `cells`: (n,) int64."""
        every = np.concatenate([w.cells for w in self.weights])
        return np.searchsorted(self.cells, every)

    def positions(self, place: int) -> np.ndarray:
        """Return where the cells of one of the zones are among `cells`: (n,) int64."""
        return self._columns[self._borders[place] : self._borders[place + 1]]

    @cached_property
    def counting(self) -> sparse.csr_array:
        """(zones, cells) what each cell counts in a mean."""
        return self._matrix([by_weighting(w, self._weighting) for w in self.weights])

    @cached_property
    def shares(self) -> sparse.csr_array:
        """(zones, cells) share of each cell."""
        return self._matrix([w.shares for w in self.weights])

    @cached_property
    def areas(self) -> sparse.csr_array:
        """(zones, cells) square metres of each cell that the zone has."""
        return self._matrix([w.shares * w.areas for w in self.weights])

    def _matrix(self, rows: list[np.ndarray]) -> sparse.csr_array:
        """Return a (zones, cells) matrix of what each zone, one (n,) a zone, says of its cells."""
        shape = len(rows), len(self.cells)
        return sparse.csr_array((np.concatenate(rows), self._columns, self._borders), shape=shape)


@dataclass(frozen=True, kw_only=True)
class ZoneChunk:
    """The values of zones in one chunk."""

    tile: Tile
    times: slice
    """Positions in time of the whole layer."""
    values: np.ndarray
    """(cells, times) float64."""
    held: TileZones
    ends_times: bool
    """True for the last chunk of these times."""


class Scanner:
    """Reads the chunks of layers in which zones have cells, each chunk once for all zones."""

    def __init__(
        self, reader: ChunkReader | None = None, weights: ZoneWeights | None = None
    ) -> None:
        self.reader = reader or ChunkReader()
        self.weights = weights or ZoneWeights()

    def tiles(
        self, layer: Layer, zones: Sequence[BaseGeometry | None], weighting: Weighting
    ) -> dict[Tile, TileZones]:
        """Return the tiles in which zones have cells; None as a zone has all."""
        by_tile: dict[Tile, tuple[list[int], list[CellWeights]]] = {}
        for number, zone in enumerate(zones):
            if zone is None:
                every = product(*map(range, layer.layout.counts[1:]))
                found: Mapping[Tile, CellWeights] = {t: all_cells(layer, t) for t in every}
            else:
                tiles = [
                    index[1:]
                    for window in layer.grid.windows(zone)
                    for index in layer.layout.meeting((slice(0, 1), *window))
                ]
                found = self.weights.of(layer, zone, dict.fromkeys(tiles), weighting)
            for tile, weights in found.items():
                numbers, all_weights = by_tile.setdefault(tile, ([], []))
                numbers.append(number)
                all_weights.append(weights)
        return {
            tile: TileZones(numbers, weights, weighting, _cell_count(layer, tile))
            for tile, (numbers, weights) in sorted(by_tile.items())
        }

    def parts(
        self,
        layer: Layer,
        tiles: dict[Tile, TileZones],
        needed: np.ndarray,
        limits: Limits = NO_LIMITS,
    ) -> Iterator[ZoneChunk]:
        """Yield what zones have in each chunk that they need, time by time; each is read once.

        Args:
            layer: What to read.
            tiles: From `tiles`.
            needed: (zones, times) whether a zone is asked for at a time.
            limits: What is left out.
        """
        borders = layer.layout.borders[0]
        wanted: list[tuple[tuple[int, ...], slice, bool]] = []
        for place, (begin, end) in enumerate(pairwise(borders)):
            asked = needed[:, begin:end]
            if not asked.any():
                continue
            first = len(wanted)
            for tile, held in tiles.items():
                if limits.blocks is not None and (place, *tile) not in limits.blocks:
                    continue
                places = np.flatnonzero(asked[held.zones].any(axis=0))
                if places.size:
                    span = slice(int(begin + places[0]), int(begin + places[-1]) + 1)
                    wanted.append(((place, *tile), span, False))
            if len(wanted) > first:
                wanted[-1] = (*wanted[-1][:2], True)
        blocks = self.reader.blocks(layer, [index for index, _, _ in wanted])
        for (index, block), (_, times, is_last) in zip(blocks, wanted, strict=True):
            held = tiles[index[1:]]
            first = int(borders[index[0]])
            flat = block.reshape(len(block), -1)[times.start - first : times.stop - first]
            own = flat if held.is_whole else flat[:, held.cells]
            values = np.ascontiguousarray(own.T, dtype=np.float64)
            if limits.is_bounded:
                within = (values >= limits.lowest) & (values <= limits.highest)
                values = np.where(within, values, np.nan)
            yield ZoneChunk(
                tile=index[1:], times=times, values=values, held=held, ends_times=is_last
            )


def _cell_count(layer: Layer, tile: Tile) -> int:
    slices = layer.layout.slices((0, *tile))[1:]
    return int(np.prod([s.stop - s.start for s in slices]))
