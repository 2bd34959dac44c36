"""Cubes in the graph: tiles, intervals, and chunks with the statistics of their values."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, product
from typing import TYPE_CHECKING

import numpy as np
import shapely
from dask.base import compute
from dask.delayed import delayed
from pyoxigraph import Literal, NamedNode, Quad

from cube_bridge.axes import Axes, PlacedGrid, Placement, placement_of
from cube_bridge.content import (
    Block,
    Content,
    Statistics,
    chunk_iri,
    part_quads,
    statistics_quads,
    variable_iri,
    variable_quads,
)
from cube_bridge.layout import times_text
from cube_bridge.mapping import CubeMapping, CubeVariable
from cube_bridge.opener import media_type, open_cube
from cube_bridge.quantities import unit_of_spelling
from kg.geometry import CRS84, BBox, geometry_quads
from kg.iris import Iris, below
from kg.temporal import interval, interval_quads
from ontology.terms import DCAT, DCTERMS, DEEP, PREFIXES, RDFS, XSD, expand

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyproj
    import xarray as xr

    from cube_bridge.grids import Window

#: Chunks computed, held in memory and written together.
_GROUP = 16


@dataclass(frozen=True, kw_only=True)
class _Chunk:
    """Where a chunk lies in its variable."""

    axes: Axes
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
    placement = placement_of(dataset)
    chunks = [
        _Chunk(axes=axes, index=index, slices=axes.layout.slices(index))
        for axes in placement.axes
        for index in product(*(range(len(n)) for n in axes.layout.lengths))
    ]

    def blocks(done: frozenset[str]) -> Iterator[Block]:
        remaining = iter(chunks)
        first = 0
        while group := list(islice(remaining, _GROUP)):
            key, first = str(first), first + len(group)
            if key not in done:
                yield key, list(_group_quads(dataset, group, source, iris))

    return Content(
        kind=DEEP.Cube,
        media_type=media_type(path),
        bbox=BBox.of(shapely.union_all([g.extent for g in placement.grids])),
        period=placement.period,
        header=tuple(_header(dataset, placement, mapping, source)),
        block_count=-(-len(chunks) // _GROUP),
        blocks=blocks,
        item_count=len(chunks),
    )


def _header(
    dataset: xr.Dataset, placement: Placement, mapping: CubeMapping, source: NamedNode
) -> Iterator[Quad]:
    for axes in placement.axes:
        yield from _variable(dataset[axes.variable], axes, mapping, source)
    for placed in placement.grids:
        yield from grid_quads(source, placed)
    yield from _crs_quads(source, placement.grids[0].grid.crs)


def _variable(
    variable: xr.DataArray, axes: Axes, mapping: CubeMapping, source: NamedNode
) -> Iterator[Quad]:
    name, attrs = axes.variable, variable.attrs
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
        sampling_s=(axes.time.step.total_seconds() or None) if axes.time else None,
        cell_methods=said.cell_methods or attrs.get("cell_methods"),
    )
    yield from layout_quads(source, axes)


def layout_quads(source: NamedNode, axes: Axes) -> Iterator[Quad]:
    """Yield how a variable is cut into chunks, and on which grid."""
    node = variable_iri(source, axes.variable)
    yield Quad(node, DEEP.dimensions, Literal(",".join(axes.layout.dims)))
    yield Quad(node, DEEP.shape, Literal(",".join(map(str, axes.layout.shape))))
    yield Quad(node, DEEP.chunkLengths, Literal(axes.layout.text()))
    yield Quad(node, DEEP.onGrid, grid_iri(source, axes.placed))
    if axes.time is not None:
        yield Quad(node, DEEP.timeDimension, Literal(axes.time.dim))
        yield Quad(node, DEEP.timeBorders, Literal(times_text(axes.borders())))


def grid_iri(source: NamedNode, placed: PlacedGrid) -> NamedNode:
    """Return the IRI of a grid of a cube."""
    return below(source, "grid", placed.name)


def grid_quads(source: NamedNode, placed: PlacedGrid) -> Iterator[Quad]:
    """Yield what the graph says of a grid."""
    node = grid_iri(source, placed)
    yield from part_quads(node, DEEP.Grid, source)
    yield Quad(node, RDFS.label, Literal(f"grid {placed.name}"))
    yield Quad(node, DEEP.dimensions, Literal(",".join(placed.grid.dims)))
    yield Quad(node, DEEP.shape, Literal(",".join(map(str, placed.grid.shape))))
    if placed.resolution_m:
        metres = Literal(f"{placed.resolution_m:.6g}", datatype=XSD.decimal)
        yield Quad(node, DCAT.spatialResolutionInMeters, metres)
    yield from _crs_quads(node, placed.grid.crs)


def _crs_quads(subject: NamedNode, crs: pyproj.CRS) -> Iterator[Quad]:
    """Yield the reference system as an IRI; as WKT where no authority lists it."""
    authority = crs.to_authority()
    if authority is None:
        yield Quad(subject, DEEP.crsWkt, Literal(crs.to_wkt()))
        return
    name, code = authority
    known = (name, code) in {("OGC", "CRS84"), ("EPSG", "4326")}
    iri = CRS84 if known else f"http://www.opengis.net/def/crs/{name}/0/{code}"
    yield Quad(subject, DEEP.crs, Literal(iri, datatype=XSD.anyURI))


def _group_quads(
    dataset: xr.Dataset, group: list[_Chunk], source: NamedNode, iris: Iris
) -> Iterator[Quad]:
    lazy = [delayed(chunk_statistics)(dataset[c.axes.variable].data[c.slices]) for c in group]
    for chunk, statistics in zip(group, compute(*lazy), strict=True):
        yield from _chunk_quads(chunk, statistics, source, iris)


def _chunk_quads(
    chunk: _Chunk, statistics: Statistics, source: NamedNode, iris: Iris
) -> Iterator[Quad]:
    node = chunk_iri(source, chunk.axes.variable, chunk.index)
    yield from part_quads(node, DEEP.Chunk, source)
    yield Quad(node, DEEP.ofVariable, variable_iri(source, chunk.axes.variable))
    yield Quad(node, DEEP.chunkIndex, Literal(".".join(map(str, chunk.index))))
    yield Quad(node, DEEP.offset, Literal(_starts(chunk.slices)))
    yield Quad(node, DEEP.shape, Literal(_sizes(chunk.slices)))
    tile, tile_quads = _tile(source, chunk.axes.placed, chunk.axes.window(chunk.slices))
    yield Quad(node, DEEP.inTile, tile)
    yield from tile_quads
    period = chunk.axes.period(chunk.slices)
    if period is not None:
        yield Quad(node, DCTERMS.temporal, interval(iris, *period))
        yield from interval_quads(iris, *period)
    yield from statistics_quads(node, statistics)


def _tile(source: NamedNode, placed: PlacedGrid, window: Window) -> tuple[NamedNode, list[Quad]]:
    name = f"{_starts(window)}-{_sizes(window)}".replace(",", "x")
    tile = below(source, "tile", placed.name, name)
    quads = [
        *part_quads(tile, DEEP.Tile, source),
        Quad(tile, DEEP.onGrid, grid_iri(source, placed)),
        Quad(tile, DEEP.offset, Literal(_starts(window))),
        Quad(tile, DEEP.shape, Literal(_sizes(window))),
        Quad(tile, RDFS.label, Literal(f"tile {name}")),
        *geometry_quads(tile, placed.grid.footprint(window)),
    ]
    return tile, quads


def _starts(slices: tuple[slice, ...]) -> str:
    return ",".join(str(s.start) for s in slices)


def _sizes(slices: tuple[slice, ...]) -> str:
    return ",".join(str(s.stop - s.start) for s in slices)
