"""How much each cell of a grid counts for each cell of another: sparse matrices.

Cells that a target does not meet have no row or column of weights, so that nothing is made up
where a source has nothing to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyproj
from scipy.sparse import csr_array

from cube_bridge.grids.equality import is_same_plane
from cube_bridge.grids.rectilinear import RectilinearGrid
from cube_bridge.grids.sphere import authalic_metres
from cube_bridge.regridding.overlaps import cell_polygons, overlap_areas, source_polygons
from cube_bridge.regridding.swaths import holding_cells, linear_between_centres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cube_bridge.grids.grid import Grid
    from cube_bridge.grids.parts import GridPart


#: nearest: 1 for the cell that holds the centre; linear: between the four centres around it;
#: overlap: square metres in common; share: of the source cell, what lies in the target cell.
Kind = Literal["nearest", "linear", "overlap", "share"]

#: Overlaps below this share of a cell are rounding.
_SLIVER = 1e-9
#: Cells that are held as float64 at a time while weights are applied.
_AT_ONCE = 2**22


@dataclass(frozen=True, kw_only=True)
class Separable:
    """Weights of rows times weights of columns: what two grids of one plane have."""

    rows: csr_array
    """(target rows, source rows)"""
    columns: csr_array
    """(target columns, source columns)"""

    def sums(self, stack: np.ndarray) -> np.ndarray:
        """Return weighted sums: (n, source rows, source columns) to (n, rows, columns)."""
        n, height, width = stack.shape
        across = (self.columns @ stack.reshape(n * height, width).T).reshape(-1, n, height)
        found = self.rows @ across.transpose(2, 1, 0).reshape(height, -1)
        return np.asarray(found.reshape(self.rows.shape[0], n, -1).transpose(1, 0, 2))


@dataclass(frozen=True, kw_only=True)
class General:
    """Weights from any cell to any other."""

    matrix: csr_array
    """(target cells, source cells), both in rows of columns"""
    shape: tuple[int, int]
    """Rows and columns of the target."""

    def sums(self, stack: np.ndarray) -> np.ndarray:
        """See `Separable.sums`."""
        flat = stack.reshape(len(stack), -1)
        return np.asarray((self.matrix @ flat.T).T.reshape(len(stack), *self.shape))


Weights = Separable | General


def batches(stack: np.ndarray) -> Iterator[np.ndarray]:
    """Yield parts of (n, rows, columns), each small enough to be held as float64 a few times."""
    step = max(_AT_ONCE // max(stack[0].size, 1), 1) if len(stack) else 1
    for start in range(0, len(stack), step):
        yield stack[start : start + step]


def weights_between(
    source: Grid, part: GridPart, target: RectilinearGrid, kind: Kind, plane: pyproj.CRS
) -> Weights:
    """Return the weights from a part of a grid to a whole other.

    Args:
        source: Where the values are; rows and columns of a plane, or cells of any shape.
        part: Its rows and columns that count.
        target: All of its cells get weights.
        kind: Which weights.
        plane: One of equal areas around the target; the same for all blocks of it, if it can
            be, so that what is divided among them adds up exactly.
    """
    if not isinstance(source, RectilinearGrid):
        return _from_swath(source, part, target, kind, plane)
    if is_same_plane(source, target):
        return _in_one_plane(source, part, target, kind)
    if kind in ("overlap", "share"):
        return _by_polygons(source, part, target, plane, share=kind == "share")
    x, y = centres_in_plane(source, target)
    columns, rows = (
        _points(borders, at, kind)
        for borders, at in (
            (part.x_borders(source), _turned_into(x, part.x_borders(source), source)),
            (part.y_borders(source), y.ravel()),
        )
    )
    return General(matrix=_rowwise_product(rows, columns), shape=target.shape)


def centres_in_plane(
    source: RectilinearGrid, target: RectilinearGrid
) -> tuple[np.ndarray, np.ndarray]:
    """Return where the centres of a target lie in the plane of a source: two (rows, columns)."""
    x, y = np.meshgrid(*(e[:-1] + np.diff(e) / 2 for e in (target.x_edges, target.y_edges)))
    transformer = pyproj.Transformer.from_crs(target.crs, source.crs, always_xy=True)
    longitudes, latitudes = transformer.transform(x, y)
    return np.asarray(longitudes), np.asarray(latitudes)


def _turned_into(
    x: np.ndarray, borders: tuple[np.ndarray, np.ndarray], grid: RectilinearGrid
) -> np.ndarray:
    """Return x, flat, moved by whole turns to the columns whose (n,) borders are given."""
    flat = x.ravel()
    if not grid.crs.is_geographic:
        return flat
    middle = (min(map(np.min, borders)) + max(map(np.max, borders))) / 2
    return np.asarray((flat - middle + 180.0) % 360.0 - 180.0 + middle)


def _in_one_plane(
    source: RectilinearGrid, part: GridPart, target: RectilinearGrid, kind: Kind
) -> Separable:
    found = []
    for borders, edges, flatten in (
        (part.y_borders(source), target.y_edges, authalic_metres if source.is_lonlat else None),
        (part.x_borders(source), target.x_edges, None),
    ):
        if kind in ("overlap", "share"):
            first, last = borders if flatten is None else tuple(flatten(b) for b in borders)
            to = edges if flatten is None else flatten(edges)
            found.append(_overlaps(first, last, to, share=kind == "share"))
        else:
            found.append(_points(borders, edges[:-1] + np.diff(edges) / 2, kind))
    return Separable(rows=found[0], columns=found[1])


def _overlaps(first: np.ndarray, last: np.ndarray, edges: np.ndarray, *, share: bool) -> csr_array:
    """Return the lengths that intervals have in common: (targets, sources)."""
    low, high = np.minimum(first, last), np.maximum(first, last)
    begin, end = np.minimum(edges[:-1], edges[1:]), np.maximum(edges[:-1], edges[1:])
    common = np.minimum(end[:, None], high) - np.maximum(begin[:, None], low)
    length = high - low
    common[common < _SLIVER * np.minimum(length, (end - begin)[:, None])] = 0.0
    return csr_array(common / length if share else common)


def _points(borders: tuple[np.ndarray, np.ndarray], at: np.ndarray, kind: Kind) -> csr_array:
    """Return weights along one axis for points: (points, sources)."""
    low, high = np.minimum(*borders), np.maximum(*borders)
    order = np.argsort(low, kind="stable")
    low, high = low[order], high[order]
    known = np.isfinite(at)
    place = np.where(known, at, low[0])
    cell = np.clip(np.searchsorted(low, place, side="right") - 1, 0, len(low) - 1)
    inside = known & (place >= low[cell]) & (place <= high[cell])
    points = np.flatnonzero(inside)
    shape = len(at), len(low)
    if kind == "nearest" or len(low) == 1:
        return csr_array((np.ones(len(points)), (points, order[cell[points]])), shape=shape)
    middles = (low + high) / 2
    before = np.clip(np.searchsorted(middles, place, side="right") - 1, 0, len(low) - 2)
    gap = middles[before + 1] - middles[before]
    after = np.clip((place - middles[before]) / gap, 0.0, 1.0)[points]
    columns = np.concatenate([order[before[points]], order[before[points] + 1]])
    values = np.concatenate([1.0 - after, after])
    found = csr_array((values, (np.tile(points, 2), columns)), shape=shape)
    found.eliminate_zeros()
    return found


def _rowwise_product(rows: csr_array, columns: csr_array) -> csr_array:
    """Return, for each point, weights of rows times weights of columns: (points, cells)."""
    points, height, width = rows.shape[0], rows.shape[1], columns.shape[1]
    of_row, of_column = np.diff(rows.indptr), np.diff(columns.indptr)
    counts = of_row * of_column
    point = np.repeat(np.arange(points), counts)
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    i = rows.indptr[point] + place // of_column[point]
    j = columns.indptr[point] + place % of_column[point]
    return csr_array(
        (rows.data[i] * columns.data[j], (point, rows.indices[i] * width + columns.indices[j])),
        shape=(points, height * width),
    )


def _by_polygons(
    source: Grid, part: GridPart, target: RectilinearGrid, plane: pyproj.CRS, *, share: bool
) -> General:
    from_, to = source_polygons(source, part, plane), cell_polygons(target, plane)
    matrix = overlap_areas(from_, to, share=share)
    return General(matrix=matrix, shape=target.shape)


def _from_swath(
    source: Grid, part: GridPart, target: RectilinearGrid, kind: Kind, plane: pyproj.CRS
) -> General:
    if kind in ("overlap", "share"):
        return _by_polygons(source, part, target, plane, share=kind == "share")
    matrix = (holding_cells if kind == "nearest" else linear_between_centres)(
        source, part, target, plane
    )
    return General(matrix=matrix, shape=target.shape)
