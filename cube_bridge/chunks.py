"""Cubes in the graph: tiles, intervals, and chunks with the statistics of their values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
from itertools import islice, pairwise, product
from typing import TYPE_CHECKING

import numpy as np
from dask.base import compute
from dask.delayed import delayed
from pyoxigraph import Literal, NamedNode, Quad

from cube_bridge.content import (
    Block,
    Content,
    Statistics,
    part_quads,
    statistics_quads,
    variable_iri,
    variable_quads,
)
from cube_bridge.errors import CoordinatesError
from cube_bridge.grids import Grid, Window, grid_of
from cube_bridge.mapping import CubeMapping, CubeVariable
from cube_bridge.opener import media_type, moments, open_cube
from cube_bridge.quantities import unit_of_spelling
from kg.geometry import CRS84, BBox, geometry_quads
from kg.iris import Iris, below
from kg.temporal import interval, interval_quads
from ontology.terms import DCTERMS, DEEP, PREFIXES, RDFS, XSD, expand

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    import pyproj
    import xarray as xr
    from shapely.geometry.base import BaseGeometry

#: Chunks computed, held in memory and written together.
_GROUP = 16


@dataclass(frozen=True, kw_only=True)
class _Axes:
    """Space and time of a cube as the graph needs them."""

    grid: Grid
    times: tuple[datetime, ...]
    """UTC; empty for a cube without time."""
    step: timedelta
    """From one time to the next: the median; zero where there is one time or none."""

    @property
    def extent(self) -> BaseGeometry:
        """The ground under the whole cube."""
        return self.grid.footprint(tuple(slice(0, n) for n in self.grid.shape))


@dataclass(frozen=True, kw_only=True)
class _Chunk:
    """Where a chunk lies in its variable."""

    name: str
    index: tuple[int, ...]
    """Position in the grid of chunks, one a dimension."""
    slices: tuple[slice, ...]
    """Cells, one slice a dimension."""


def chunk_statistics(values: np.ndarray) -> Statistics:
    """Return the statistics of an array of any shape; NaN and infinity are not valid values."""
    valid = np.asarray(values, dtype=np.float64).ravel()
    valid = valid[np.isfinite(valid)]
    if not valid.size:
        nan = float("nan")
        return Statistics(valid_count=0, minimum=nan, maximum=nan, mean=nan, sum_of_squares=nan)
    return Statistics(
        valid_count=int(valid.size),
        minimum=float(valid.min()),
        maximum=float(valid.max()),
        mean=float(valid.mean()),
        sum_of_squares=float(np.square(valid).sum()),
    )


def read_cube(path: Path, mapping: CubeMapping, source: NamedNode, iris: Iris) -> Content:
    """Open a cube and return it ready to be indexed; values are read block by block later.

    Raises:
        NotACubeError: The file cannot be opened as a cube.
        CoordinatesError: It has no coordinates, or no variable along them.
    """
    dataset = open_cube(path)
    axes = _axes_of(dataset)
    names = _spatial_variables(dataset, axes.grid)
    chunks = [chunk for name in names for chunk in _chunks_of(dataset, name)]

    def blocks(done: frozenset[str]) -> Iterator[Block]:
        remaining = iter(chunks)
        first = 0
        while group := list(islice(remaining, _GROUP)):
            key, first = str(first), first + len(group)
            if key not in done:
                yield key, list(_group_quads(dataset, group, axes, source, iris))

    return Content(
        kind=DEEP.Cube,
        media_type=media_type(path),
        bbox=BBox.of(axes.extent),
        period=_period(axes, slice(0, len(axes.times))),
        header=tuple(_variables(dataset, names, mapping, axes, source)),
        block_count=-(-len(chunks) // _GROUP),
        blocks=blocks,
        item_count=len(chunks),
    )


def _axes_of(dataset: xr.Dataset) -> _Axes:
    grid = grid_of(dataset)
    times = tuple(t.replace(tzinfo=UTC) for t in moments(dataset, grid.time)) if grid.time else ()
    if grid.time and not times:
        raise CoordinatesError(f"the coordinate {grid.time!r} holds no time at all")
    if any(b <= a for a, b in pairwise(times)):
        raise CoordinatesError(f"the times of {grid.time!r} do not increase")
    steps = sorted(b - a for a, b in pairwise(times))
    return _Axes(grid=grid, times=times, step=steps[len(steps) // 2] if steps else timedelta(0))


def _spatial_variables(dataset: xr.Dataset, grid: Grid) -> list[str]:
    names = [
        str(name)
        for name, variable in dataset.data_vars.items()
        if set(grid.dims) <= set(variable.dims) and variable.dtype.kind in "iufb"
    ]
    if not names:
        raise CoordinatesError(
            f"no numeric variable lies along {' and '.join(map(repr, grid.dims))}; "
            f"there are {', '.join(map(repr, dataset.data_vars)) or 'none at all'}"
        )
    return names


def _chunks_of(dataset: xr.Dataset, name: str) -> Iterator[_Chunk]:
    variable = dataset[name]
    sizes = variable.chunks or tuple((n,) for n in variable.shape)
    borders = [np.concatenate([[0], np.cumsum(s)]) for s in sizes]
    for index in product(*(range(len(s)) for s in sizes)):
        slices = tuple(slice(int(b[i]), int(b[i + 1])) for b, i in zip(borders, index, strict=True))
        yield _Chunk(name=name, index=index, slices=slices)


def _variables(
    dataset: xr.Dataset, names: list[str], mapping: CubeMapping, axes: _Axes, source: NamedNode
) -> Iterator[Quad]:
    for name in names:
        attrs = dataset[name].attrs
        said = mapping.variables.get(name, CubeVariable())
        spelling = attrs.get("units")
        standard_name = attrs.get("standard_name")
        observed = said.property or (f"{PREFIXES['cf']}{standard_name}/" if standard_name else None)
        unit = expand(said.unit) if said.unit else unit_of_spelling(str(spelling or ""))
        yield from variable_quads(
            source,
            name,
            label=said.label or attrs.get("long_name"),
            observed=observed,
            unit=unit,
            unit_text=str(spelling) if spelling else None,
            sampling_s=axes.step.total_seconds() or None,
            cell_methods=said.cell_methods or attrs.get("cell_methods"),
        )
        dims = ",".join(str(d) for d in dataset[name].dims)
        yield Quad(variable_iri(source, name), DEEP.dimensions, Literal(dims))
    yield from _crs_quads(source, axes.grid.crs)


def _crs_quads(source: NamedNode, crs: pyproj.CRS) -> Iterator[Quad]:
    """Yield the reference system as an IRI; as WKT where no authority lists it."""
    authority = crs.to_authority()
    if authority is None:
        yield Quad(source, DEEP.crsWkt, Literal(crs.to_wkt()))
        return
    name, code = authority
    known = (name, code) in {("OGC", "CRS84"), ("EPSG", "4326")}
    iri = CRS84 if known else f"http://www.opengis.net/def/crs/{name}/0/{code}"
    yield Quad(source, DEEP.crs, Literal(iri, datatype=XSD.anyURI))


def _group_quads(
    dataset: xr.Dataset, group: list[_Chunk], axes: _Axes, source: NamedNode, iris: Iris
) -> Iterator[Quad]:
    lazy = [delayed(chunk_statistics)(dataset[c.name].data[c.slices]) for c in group]
    for chunk, statistics in zip(group, compute(*lazy), strict=True):
        yield from _chunk_quads(dataset, chunk, statistics, axes, source, iris)


def _chunk_quads(
    dataset: xr.Dataset,
    chunk: _Chunk,
    statistics: Statistics,
    axes: _Axes,
    source: NamedNode,
    iris: Iris,
) -> Iterator[Quad]:
    by_dim = dict(zip(dataset[chunk.name].dims, chunk.slices, strict=True))
    node = below(source, "chunk", chunk.name, ".".join(map(str, chunk.index)))
    yield from part_quads(node, DEEP.Chunk, source)
    yield Quad(node, DEEP.ofVariable, variable_iri(source, chunk.name))
    yield Quad(node, DEEP.chunkIndex, Literal(".".join(map(str, chunk.index))))
    yield Quad(node, DEEP.offset, Literal(",".join(str(s.start) for s in chunk.slices)))
    yield Quad(node, DEEP.shape, Literal(",".join(str(s.stop - s.start) for s in chunk.slices)))
    tile, tile_quads = _tile(source, tuple(by_dim[d] for d in axes.grid.dims), axes)
    yield Quad(node, DEEP.inTile, tile)
    yield from tile_quads
    period = _period(axes, by_dim.get(axes.grid.time, slice(0, 0)))
    if period is not None:
        yield Quad(node, DCTERMS.temporal, interval(iris, *period))
        yield from interval_quads(iris, *period)
    yield from statistics_quads(node, statistics)


def _tile(source: NamedNode, window: Window, axes: _Axes) -> tuple[NamedNode, list[Quad]]:
    starts = "-".join(str(s.start) for s in window)
    name = f"{starts}-{'x'.join(str(s.stop - s.start) for s in window)}"
    tile = below(source, "tile", name)
    quads = [
        *part_quads(tile, DEEP.Tile, source),
        Quad(tile, RDFS.label, Literal(f"tile {name}")),
        *geometry_quads(tile, axes.grid.footprint(window)),
    ]
    return tile, quads


def _period(axes: _Axes, times: slice) -> tuple[datetime, datetime] | None:
    if not axes.times or times.stop <= times.start:
        return None
    return axes.times[times.start], axes.times[times.stop - 1] + axes.step
