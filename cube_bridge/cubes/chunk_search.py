"""Which chunks of a variable meet a region and a period, and may hold values in a range."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, product
from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyoxigraph import NamedNode

from cube_bridge.cubes.iris import cells_of_tile, chunk_iri, chunk_name
from cube_bridge.cubes.layout import ChunkLayout, layout_of_text
from cube_bridge.cubes.time_borders import seconds_of, times_of_text
from cube_bridge.errors import SourceNotFoundError
from cube_bridge.sources.value_statistics import EMPTY, Statistics
from kg.rdf.geometry import CRS84, wkt_literal
from kg.rdf.terms import number, text
from kg.rows import select
from ontology.terms import DEEP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from shapely.geometry.base import BaseGeometry

    from kg.store import GraphStore


#: Chunks that one query asks for: more VALUES make pyoxigraph slower, each by itself.
_BATCH = 500
_METRES_PER_DEGREE = 111_320.0


@dataclass(frozen=True, kw_only=True)
class ChunkRef:
    """A chunk of a variable as the graph has it: where it lies, and its zone map."""

    iri: NamedNode
    index: tuple[int, ...]
    """Position in the grid of chunks, one a dimension."""
    slices: tuple[slice, ...]
    """Cells, one slice a dimension, in the order of the variable's dimensions."""
    statistics: Statistics | None
    """Zone map of the values; None for a gap: what it holds could not be read."""


@dataclass(frozen=True, kw_only=True)
class _Variable:
    """What the graph says of a variable that is cut into chunks."""

    source: NamedNode
    name: str
    layout: ChunkLayout
    grid: NamedNode
    space: tuple[int, ...]
    """Axes of the dimensions of the grid."""
    time: int | None
    """Axis of time; None for a variable without time."""
    borders: np.ndarray
    """When each chunk along time begins, and when the last ends: seconds since 1970."""
    margin: float
    """Degrees by which a tile's outline may be off, as its sides are curves."""


def chunks_meeting(
    store: GraphStore,
    variable: NamedNode,
    geometry: BaseGeometry,
    begin: datetime,
    end: datetime,
    *,
    at: Mapping[str, int] | None = None,
    minimum_above: float | None = None,
    maximum_below: float | None = None,
) -> list[ChunkRef]:
    """Return the chunks of a variable whose tile meets a geometry and whose interval a period.

    Tiles come from the spatial index, intervals from the times at which the variable's chunks
    begin; what both leave is looked up by IRI. A variable without time meets any period.

    Args:
        store: The graph that the cube is indexed in.
        variable: IRI of the variable.
        geometry: In CRS84.
        begin: First moment.
        end: Moment after the last; the same as `begin` for one instant.
        at: Positions along dimensions that are neither space nor time; along those not named
            all chunks are meant.
        minimum_above: Cells below this do not matter: chunks without a value that reaches it
            are left out, as the zone map tells. Gaps are never left out.
        maximum_below: Cells above this do not matter: the same for small values.

    Returns:
        In the order of their indices.

    Raises:
        SourceNotFoundError: The graph knows no such variable with chunks.
    """
    found = _variable(store, variable)
    along_time = _positions_in_time(found, begin, end)
    tiles = _positions_in_space(store, found, geometry) if along_time else []
    indices = iter(sorted(_indices(found, tiles, along_time, at or {})))
    bounds = (minimum_above, maximum_below)
    references: list[ChunkRef] = []
    while part := list(islice(indices, _BATCH)):
        references += _described(store, found, part, bounds)
    return references


def _variable(store: GraphStore, variable: NamedNode) -> _Variable:
    rows = select(
        store,
        f"""SELECT ?source ?name ?dims ?lengths ?time ?borders ?grid ?space ?crs ?metres WHERE {{
              {variable} deep:variableOf ?source ; deep:variableName ?name ;
                         deep:dimensions ?dims ; deep:chunkLengths ?lengths ; deep:onGrid ?grid .
              ?grid deep:dimensions ?space .
              OPTIONAL {{ ?grid deep:crs ?crs }}
              OPTIONAL {{ ?grid dcat:spatialResolutionInMeters ?metres }}
              OPTIONAL {{ {variable} deep:timeDimension ?time ; deep:timeBorders ?borders }} }}""",
    )
    if not rows:
        raise SourceNotFoundError(
            f"the graph knows no chunks of a variable {variable}; `deepcube index` adds a cube"
        )
    row = rows[0]
    layout = layout_of_text(text(row["dims"]), text(row["lengths"]))
    is_straight = "crs" in row and text(row["crs"]) == CRS84
    metres = number(row["metres"]) if "metres" in row else 0.0
    source = row["source"]
    if not isinstance(source, NamedNode) or not isinstance(row["grid"], NamedNode):
        raise SourceNotFoundError(f"the variable {variable} has no source or grid with an IRI")
    return _Variable(
        source=source,
        name=text(row["name"]),
        layout=layout,
        grid=row["grid"],
        space=tuple(layout.dims.index(d) for d in text(row["space"]).split(",")),
        time=layout.dims.index(text(row["time"])) if "time" in row else None,
        borders=times_of_text(text(row["borders"])) if "time" in row else np.empty(0),
        margin=0.0 if is_straight else metres / _METRES_PER_DEGREE,
    )


def _positions_in_time(variable: _Variable, begin: datetime, end: datetime) -> list[int]:
    if variable.time is None:
        return [0]
    first, last = seconds_of(begin), seconds_of(end)
    starts, stops = variable.borders[:-1], variable.borders[1:]
    begins_before = (starts < last) | ((starts == last) & (first == last))
    ends_after = (stops > first) | (starts >= first)
    return [int(i) for i in np.flatnonzero(begins_before & ends_after)]


def _positions_in_space(
    store: GraphStore, variable: _Variable, geometry: BaseGeometry
) -> list[tuple[int, ...]]:
    """Return where the tiles that meet a geometry lie among the chunks along space."""
    if variable.margin:
        widened = variable.margin / max(
            np.cos(np.radians(np.abs(geometry.bounds[1::2]).max())), 0.1
        )
        geometry = shapely.buffer(geometry, widened, quad_segs=2)
    # Where a tile lies is in its IRI: by deep:offset, which chunks have too, the whole of that
    # property might have to be read from the store.
    rows = select(
        store,
        f"""SELECT ?tile WHERE {{
              ?tile deep:onGrid {variable.grid} ; geo:hasDefaultGeometry/geo:asWKT ?wkt
              FILTER(geof:sfIntersects(?wkt, {wkt_literal(geometry)})) }}""",
    )
    layout = variable.layout
    places = [
        {
            (int(start), size): i
            for i, (start, size) in enumerate(
                zip(layout.starts(axis), layout.lengths[axis], strict=True)
            )
        }
        for axis in variable.space
    ]
    found = []
    for row in rows:
        if not isinstance(row["tile"], NamedNode):
            continue
        cells = cells_of_tile(row["tile"])
        position = [place.get(key) for place, key in zip(places, cells, strict=True)]
        # The tiles of a variable that is cut otherwise are not those of this one.
        if None not in position:
            found.append(tuple(p for p in position if p is not None))
    return found


def _indices(
    variable: _Variable,
    tiles: list[tuple[int, ...]],
    along_time: list[int],
    at: Mapping[str, int],
) -> Iterator[tuple[int, ...]]:
    layout = variable.layout
    axes = [range(len(n)) for n in layout.lengths]
    chosen: list[list[int] | range] = list(axes)
    for dim, position in at.items():
        axis = layout.dims.index(dim)
        chosen[axis] = [int(np.searchsorted(layout.starts(axis), position, side="right")) - 1]
    if variable.time is not None:
        chosen[variable.time] = along_time
    for tile in tiles:
        for axis, position in zip(variable.space, tile, strict=True):
            chosen[axis] = [position]
        yield from product(*chosen)


def _described(
    store: GraphStore,
    variable: _Variable,
    indices: list[tuple[int, ...]],
    bounds: tuple[float | None, float | None],
) -> Iterator[ChunkRef]:
    described = dict(_with_values(store, variable, indices))
    rest = [index for index in indices if index not in described]
    if rest:
        described.update(_without_values(store, variable, rest))
    base = _base(variable)
    for index in indices:
        if index in described and _may_hold(described[index], *bounds):
            yield ChunkRef(
                iri=NamedNode(base + chunk_name(index)),
                index=index,
                slices=variable.layout.slices(index),
                statistics=described[index],
            )


def _base(variable: _Variable) -> str:
    """Return how the IRIs of all chunks of a variable begin."""
    return chunk_iri(variable.source, variable.name, ()).value


def _values(variable: _Variable, indices: list[tuple[int, ...]]) -> tuple[str, str]:
    """Return what stands before and in a query for chunks: `?chunk`, and `?number` in the list.

    IRIs are short, and a row comes back as a number: most of the time would go into both.
    """
    rows = (f"({n} <{chunk_name(index)}>)" for n, index in enumerate(indices))
    return f"BASE <{_base(variable)}>", f"VALUES (?number ?chunk) {{ {' '.join(rows)} }}"


def _with_values(
    store: GraphStore, variable: _Variable, indices: list[tuple[int, ...]]
) -> Iterator[tuple[tuple[int, ...], Statistics | None]]:
    base, values = _values(variable, indices)
    # One pattern without OPTIONAL: pyoxigraph would scan all chunks for each of those.
    rows = select(
        store,
        f"""{base} SELECT ?number ?count ?minimum ?maximum ?mean ?squares WHERE {{
              {values}
              ?chunk deep:validCount ?count ; deep:minimum ?minimum ; deep:maximum ?maximum ;
                     deep:mean ?mean ; deep:sumOfSquares ?squares }}""",
    )
    for row in rows:
        yield (
            indices[int(text(row["number"]))],
            Statistics(
                valid_count=int(text(row["count"])),
                minimum=number(row["minimum"]),
                maximum=number(row["maximum"]),
                mean=number(row["mean"]),
                sum_of_squares=number(row["squares"]),
            ),
        )


def _without_values(
    store: GraphStore, variable: _Variable, indices: list[tuple[int, ...]]
) -> Iterator[tuple[tuple[int, ...], Statistics | None]]:
    """Yield chunks without a valid value, with their statistics, and gaps, with None."""
    base, values = _values(variable, indices)
    rows = select(store, f"{base} SELECT ?number ?kind WHERE {{ {values} ?chunk a ?kind }}")
    for row in rows:
        if row["kind"] in (DEEP.Chunk, DEEP.Gap):
            index = indices[int(text(row["number"]))]
            yield index, EMPTY if row["kind"] == DEEP.Chunk else None


def _may_hold(statistics: Statistics | None, low: float | None, high: float | None) -> bool:
    if statistics is None or (low is None and high is None):
        return True
    if not statistics.valid_count:
        return False
    return (low is None or statistics.maximum >= low) and (
        high is None or statistics.minimum <= high
    )
