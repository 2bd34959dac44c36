"""What the graph says of a cube as a whole: its variables, grids and dimensions."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import shapely
from pyoxigraph import Literal, NamedNode, Quad

from cube_bridge.cubes.chunk_quads import grid_iri
from cube_bridge.cubes.findings import finding_quads
from cube_bridge.cubes.mapping import CubeMapping, VariableMapping
from cube_bridge.cubes.time_borders import times_text
from cube_bridge.sources.description import (
    SourceDescription,
    part_quads,
    variable_iri,
    variable_quads,
)
from cube_bridge.units.quantities import unit_of_spelling, unit_quads
from kg.rdf.geometry import CRS84, BBox
from kg.rdf.iris import below
from kg.rdf.terms import double, integer
from kg.rdf.times import Cadence
from ontology.terms import DCAT, DEEP, PREFIXES, RDF, RDFS, XSD, expand

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyproj
    import xarray as xr

    from cube_bridge.cubes.axes import Axes, PlacedGrid, Placement
    from cube_bridge.cubes.opened import OpenedCube


#: Coordinates of a dimension that each become a node; a longer one is told by its ends.
_MANY = 1000


def describe_cube(cube: OpenedCube, mapping: CubeMapping, source: NamedNode) -> SourceDescription:
    """Return what the graph says of a cube as a whole, before any of its chunks."""
    placement = cube.placement
    return SourceDescription(
        kind=DEEP.Cube,
        media_type=cube.media_type,
        bbox=BBox.of(shapely.union_all([g.extent for g in placement.grids])),
        period=placement.period,
        header=tuple(_cube_quads(cube, mapping, source)),
        item_count=cube.chunk_count,
    )


def _cube_quads(cube: OpenedCube, mapping: CubeMapping, source: NamedNode) -> Iterator[Quad]:
    dataset, placement = cube.dataset, cube.placement
    for axes in placement.axes:
        yield from _variable(dataset[axes.variable], axes, mapping, source)
    for placed in placement.grids:
        yield from _grid_quads(source, placed)
    for dim in dict.fromkeys(d for axes in placement.axes for d in axes.others):
        yield from _dimension_quads(dataset, dim, source)
    yield from _crs_quads(source, placement.grids[0].grid.crs)
    yield from _distribution_quads(below(source, "distribution"), placement)
    yield from finding_quads(source, cube.findings)


def _distribution_quads(distribution: NamedNode, placement: Placement) -> Iterator[Quad]:
    """Yield how fine a cube is and how it is cut, for who chooses among those of one data set."""
    resolutions = [g.resolution_m for g in placement.grids if g.resolution_m]
    if resolutions:
        yield Quad(distribution, DCAT.spatialResolutionInMeters, metres(min(resolutions)))
    steps = [a.time.step.total_seconds() for a in placement.axes if a.time is not None]
    if steps and min(steps) >= 1:
        text = Cadence.of_seconds(min(steps)).text
        yield Quad(distribution, DCAT.temporalResolution, Literal(text, datatype=XSD.duration))
    cells, times = zip(*(_chunk_size(axes) for axes in placement.axes), strict=True)
    yield Quad(distribution, DEEP.chunkCells, integer(max(cells)))
    yield Quad(distribution, DEEP.chunkTimes, integer(max(times)))


def _chunk_size(axes: Axes) -> tuple[int, int]:
    """Return cells along space and along time of a variable's largest chunk."""
    largest = dict(zip(axes.layout.dims, axes.layout.largest, strict=True))
    cells = prod(largest[dim] for dim in axes.placed.grid.dims)
    return cells, largest[axes.time.dim] if axes.time is not None else 1


def _variable(
    variable: xr.DataArray, axes: Axes, mapping: CubeMapping, source: NamedNode
) -> Iterator[Quad]:
    name, attrs = axes.variable, variable.attrs
    described = mapping.variables.get(name, VariableMapping())
    spelling = attrs.get("units")
    standard_name = attrs.get("standard_name")
    observed = described.property or (
        f"{PREFIXES['cf']}{standard_name}/" if standard_name else None
    )
    unit = expand(described.unit) if described.unit else unit_of_spelling(str(spelling or ""))
    yield from variable_quads(
        source,
        name,
        label=described.label or attrs.get("long_name"),
        observed=observed,
        unit=unit,
        unit_text=str(spelling) if spelling else None,
        cadence=_cadence(axes),
        cell_methods=described.cell_methods or attrs.get("cell_methods"),
    )
    if unit is not None:
        yield from unit_quads(unit)
    node = variable_iri(source, name)
    if "flag_meanings" in attrs:
        yield Quad(node, DEEP.flagMeanings, Literal(str(attrs["flag_meanings"])))
    yield from _layout_quads(node, source, axes)


def _cadence(axes: Axes) -> Cadence | None:
    """Return how often a variable is sampled; None for less than a second, or where unknown."""
    step_s = axes.time.step.total_seconds() if axes.time is not None else 0
    return Cadence.of_seconds(step_s) if step_s >= 1 else None


def _layout_quads(node: NamedNode, source: NamedNode, axes: Axes) -> Iterator[Quad]:
    """Yield how a variable is cut into chunks, and on which grid."""
    layout = axes.layout
    yield Quad(node, DEEP.dimensions, Literal(",".join(layout.dims)))
    yield Quad(node, DEEP.shape, Literal(",".join(map(str, layout.shape))))
    yield Quad(node, DEEP.chunkLengths, Literal(layout.text()))
    yield Quad(node, DEEP.onGrid, grid_iri(source, axes.placed))
    cells, times = _chunk_size(axes)
    yield Quad(node, DEEP.chunkCells, integer(cells))
    yield Quad(node, DEEP.chunkTimes, integer(times))
    for dim in axes.others:
        yield Quad(node, DEEP.hasDimension, below(source, "dimension", dim))
    if axes.time is not None:
        yield Quad(node, DEEP.timeDimension, Literal(axes.time.dim))
        yield Quad(node, DEEP.timeBorders, Literal(times_text(axes.borders())))


def _grid_quads(source: NamedNode, placed: PlacedGrid) -> Iterator[Quad]:
    node = grid_iri(source, placed)
    yield from part_quads(node, DEEP.Grid, source)
    yield Quad(node, RDFS.label, Literal(f"grid {placed.name}"))
    yield Quad(node, DEEP.dimensions, Literal(",".join(placed.grid.dims)))
    yield Quad(node, DEEP.shape, Literal(",".join(map(str, placed.grid.shape))))
    if placed.resolution_m:
        yield Quad(node, DCAT.spatialResolutionInMeters, metres(placed.resolution_m))
    yield from _crs_quads(node, placed.grid.crs)


def metres(length: float) -> Literal:
    """Return metres to four digits, as DCAT wants them: a decimal."""
    return Literal(f"{float(f'{length:.4g}'):f}".rstrip("0").rstrip("."), datatype=XSD.decimal)


def _dimension_quads(dataset: xr.Dataset, dim: str, source: NamedNode) -> Iterator[Quad]:
    node = below(source, "dimension", dim)
    yield from part_quads(node, DEEP.Dimension, source)
    yield Quad(node, RDFS.label, Literal(dim))
    yield Quad(node, DEEP.length, integer(int(dataset.sizes[dim])))
    if dim not in dataset.coords:
        return
    coordinate = dataset[dim]
    if "units" in coordinate.attrs:
        yield Quad(node, DEEP.unitText, Literal(str(coordinate.attrs["units"])))
    values = coordinate.to_numpy()
    chosen = range(len(values)) if len(values) <= _MANY else (0, len(values) - 1)
    for position in chosen:
        value = values[position]
        item = below(node, str(position))
        yield Quad(node, DEEP.hasCoordinate, item)
        yield Quad(item, DEEP.position, integer(position))
        is_number = coordinate.dtype.kind in "iuf"
        yield Quad(item, RDF.value, double(value) if is_number else Literal(str(value)))


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
