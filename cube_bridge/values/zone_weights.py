"""Which cells of a chunk a zone has, and how much each counts: once for all times."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Protocol

import numpy as np
import shapely

from cube_bridge.values.caching import ByteCache
from kg.geosparql.errors import InvalidGeometryError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from shapely.geometry.base import BaseGeometry

    from cube_bridge.grids.grid import Grid, Window
    from cube_bridge.values.layers import Layer


_CACHE_BYTES = 128 * 2**20
#: Cells of a window that are looked at in one go; a larger one is taken chunk by chunk.
_WINDOW_CELLS = 2**20
_AREAL = 2


class Weighting(Enum):
    """What a cell counts by in a mean."""

    AREA = "area"
    """The square metres of it that the zone covers."""
    COVERAGE = "coverage"
    """The share of it that the zone covers, as if all cells were equally large."""
    CENTRE = "centre"
    """Its square metres if its centre lies in the zone, else nothing."""


class CellWeights(Protocol):
    """The cells that a zone has in one chunk."""

    @property
    def cells(self) -> np.ndarray:
        """(n,) positions in the flattened window of the chunk, int64, ascending."""

    @property
    def shares(self) -> np.ndarray:
        """(n,) share of each cell, more than 0; of lines that of the length, of points 1."""

    @property
    def areas(self) -> np.ndarray:
        """(n,) square metres of whole cells; 1 for stations and for zones without an area."""


@dataclass(frozen=True, kw_only=True)
class SomeCells:
    """Cells one by one; see `CellWeights`."""

    cells: np.ndarray
    shares: np.ndarray
    areas: np.ndarray

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self.cells.nbytes + self.shares.nbytes + self.areas.nbytes


@dataclass(frozen=True, kw_only=True)
class AllCells:
    """All cells of a window, their areas computed when they are asked for; see `CellWeights`."""

    cells: np.ndarray
    shares: np.ndarray
    grid: Grid
    window: Window

    @property
    def areas(self) -> np.ndarray:
        """See `CellWeights`."""
        return self.grid.areas(self.window).ravel()


def by_weighting(weights: CellWeights, weighting: Weighting) -> np.ndarray:
    """Return what each cell counts in a mean: (cells,), a share or square metres."""
    if weighting is Weighting.COVERAGE:
        return weights.shares
    return np.asarray(weights.shares * weights.areas)


def all_cells(layer: Layer, tile: tuple[int, ...]) -> CellWeights:
    """Return the weights of a chunk of which all cells count whole."""
    window = layer.layout.slices((0, *tile))[1:]
    cells, ones = _whole(prod(s.stop - s.start for s in window))
    return AllCells(cells=cells, shares=ones, grid=layer.grid, window=window)


@lru_cache(maxsize=64)
def _whole(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of the cells of a window, (cells,) int64, and ones."""
    # Chunks of one size share theirs, so that a cube of many chunks takes no more memory.
    return np.arange(count), np.broadcast_to(1.0, count)


@lru_cache(maxsize=4096)
def zone_of(geometry: BaseGeometry) -> BaseGeometry:
    """Return the part of a geometry that makes it a zone: what has an area, else a length.

    Raises:
        InvalidGeometryError: The geometry is empty.
    """
    valid = geometry if geometry.is_valid else shapely.make_valid(geometry)
    parts = _parts(shapely.force_2d(valid))
    if not parts:
        raise InvalidGeometryError("an empty geometry has no cells")
    dimensions = shapely.get_dimensions(parts)
    kept = [p for p, d in zip(parts, dimensions, strict=True) if d == dimensions.max()]
    return kept[0] if len(kept) == 1 else shapely.union_all(kept)


def _parts(geometry: BaseGeometry) -> list[BaseGeometry]:
    found: list[BaseGeometry] = []
    for part in shapely.get_parts(geometry):
        if hasattr(part, "geoms"):
            found += _parts(part)
        elif not part.is_empty:
            found.append(part)
    return found


class ZoneWeights:
    """Weights of zones in chunks; those used last are kept."""

    def __init__(self, cache_bytes: int = _CACHE_BYTES) -> None:
        self._cache: ByteCache[SomeCells] = ByteCache(cache_bytes)

    def windows(self, layer: Layer, zone: BaseGeometry) -> list[Window]:
        """Return the windows that hold the cells of a zone."""
        return layer.grid.windows(zone)

    def of(
        self,
        layer: Layer,
        zone: BaseGeometry,
        tiles: Iterable[tuple[int, ...]],
        weighting: Weighting,
    ) -> dict[tuple[int, ...], SomeCells]:
        """Return the weights of a zone in those of the tiles in which it has cells.

        Args:
            layer: Whose chunks the tiles are.
            zone: As `zone_of` returns it.
            tiles: Positions of chunks along the dimensions of the grid.
            weighting: Whether cells belong to the zone by their centre.
        """
        centre = weighting is Weighting.CENTRE and shapely.get_dimensions(zone) == _AREAL
        base = (layer.cells_key, shapely.to_wkb(zone), centre)
        found: dict[tuple[int, ...], SomeCells] = {}
        missing = []
        for tile in tiles:
            held = self._cache.get((*base, tile))
            if held is None:
                missing.append(tile)
            else:
                found[tile] = held
        if missing:
            computed = _weights(layer, zone, missing, centre=centre)
            for tile, weights in computed.items():
                self._cache.put((*base, tile), weights, weights.nbytes + len(base[1]) + 500)
            found.update(computed)
        return {t: w for t, w in found.items() if w.cells.size}


def _weights(
    layer: Layer, zone: BaseGeometry, tiles: list[tuple[int, ...]], *, centre: bool
) -> dict[tuple[int, ...], SomeCells]:
    parts: dict[tuple[int, ...], list[SomeCells]] = {tile: [] for tile in tiles}
    # A part of a tile at a time where the whole is too large.
    for window in layer.grid.windows(zone):
        inner = {t: _overlap(layer.layout.slices((0, *t))[1:], window) for t in tiles}
        touched = {t: w for t, w in inner.items() if w is not None}
        if not touched:
            continue
        whole = _around(list(touched.values()))
        if prod(s.stop - s.start for s in whole) <= _WINDOW_CELLS:
            shares, areas = _cover(layer.grid, zone, whole, centre=centre)
            for tile, part in touched.items():
                inside = tuple(
                    slice(p.start - w.start, p.stop - w.start)
                    for p, w in zip(part, whole, strict=True)
                )
                parts[tile].append(_sparse(layer, tile, part, shares[inside], areas[inside]))
        else:
            for tile, part in touched.items():
                covered = _cover(layer.grid, zone, part, centre=centre)
                parts[tile].append(_sparse(layer, tile, part, *covered))
    return {tile: _joined(found) for tile, found in parts.items()}


def _cover(
    grid: Grid, zone: BaseGeometry, window: Window, *, centre: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return shares 0 to 1 and areas in m2 of the cells of a window: in its shape, both."""
    shares = (
        grid.contains(zone, window).astype(np.float64) if centre else grid.coverage(zone, window)
    )
    areal = shapely.get_dimensions(zone) == _AREAL
    return shares, grid.areas(window) if areal else np.ones(shares.shape)


def _sparse(
    layer: Layer, tile: tuple[int, ...], part: Window, shares: np.ndarray, areas: np.ndarray
) -> SomeCells:
    """Return the cells with a share of a part of a tile, of shares and areas in its shape."""
    where = np.nonzero(shares > 0)
    slices = layer.layout.slices((0, *tile))[1:]
    shape = [s.stop - s.start for s in slices]
    places: Any = tuple(
        w + (p.start - s.start) for w, p, s in zip(where, part, slices, strict=True)
    )
    cells = np.ravel_multi_index(places, shape)
    return SomeCells(cells=cells, shares=shares[where], areas=areas[where])


def _joined(parts: list[SomeCells]) -> SomeCells:
    if len(parts) == 1:
        return parts[0]
    if not parts:
        none = np.zeros(0)
        return SomeCells(cells=none.astype(np.int64), shares=none, areas=none)
    # Windows of one zone do not overlap.
    cells = np.concatenate([p.cells for p in parts])
    order = np.argsort(cells, kind="stable")
    return SomeCells(
        cells=cells[order],
        shares=np.concatenate([p.shares for p in parts])[order],
        areas=np.concatenate([p.areas for p in parts])[order],
    )


def _overlap(one: Window, other: Window) -> Window | None:
    both = tuple(
        slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(one, other, strict=True)
    )
    return both if all(s.start < s.stop for s in both) else None


def _around(windows: list[Window]) -> Window:
    return tuple(
        slice(min(s.start for s in along), max(s.stop for s in along))
        for along in zip(*windows, strict=True)
    )
