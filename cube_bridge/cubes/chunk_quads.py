"""What the graph says of chunks: the tile and interval they lie in, and their statistics."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyoxigraph import Literal, NamedNode, Quad

from cube_bridge.cubes.iris import chunk_iri, tile_iri, tile_name
from cube_bridge.cubes.summaries import Failure
from cube_bridge.sources.description import part_quads, variable_iri
from cube_bridge.sources.value_statistics import statistics_quads
from kg.rdf.geometry import geometry_quads
from kg.rdf.iris import Iris, below
from kg.rdf.times import interval, interval_quads
from ontology.terms import DCTERMS, DEEP, RDFS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cube_bridge.cubes.axes import Axes, PlacedGrid
    from cube_bridge.cubes.iris import Cells
    from cube_bridge.cubes.summaries import ChunkPlace
    from cube_bridge.grids.grid import Window
    from cube_bridge.sources.value_statistics import Statistics


#: Version of a chunk that could not be read: no chunk has it, so that the next run tries again.
UNREAD = "unread"


@dataclass(frozen=True, kw_only=True)
class ChunkDescriber:
    """Makes the quads of a cube's chunks."""

    source: NamedNode
    iris: Iris
    tile_owners: frozenset[str]
    """Variables whose chunks also bring their tiles: one of those that share them."""

    def quads(self, place: ChunkPlace, found: Statistics | Failure, version: str) -> Iterator[Quad]:
        """Yield what the graph says of a chunk, and of its tile and interval at their first.

        A tile comes with the first chunk that lies in it, an interval with its first chunk, in
        the order of indices: the same in every run, so that a killed one can be continued.
        """
        axes, slices = place.axes, place.slices
        node = chunk_iri(self.source, axes.variable, place.index)
        is_gap = isinstance(found, Failure)
        yield from part_quads(node, DEEP.Gap if is_gap else DEEP.Chunk, self.source)
        yield Quad(node, DEEP.ofVariable, variable_iri(self.source, axes.variable))
        yield Quad(node, DEEP.chunkIndex, Literal(".".join(map(str, place.index))))
        yield Quad(node, DEEP.offset, Literal(_starts(slices)))
        yield Quad(node, DEEP.shape, Literal(_sizes(slices)))
        yield Quad(node, DEEP.chunkVersion, Literal(UNREAD if is_gap else version))
        window = axes.window(slices)
        tile = tile_iri(self.source, axes.placed.name, _cells(window))
        yield Quad(node, DEEP.inTile, tile)
        period = axes.period(slices)
        if period is not None:
            yield Quad(node, DCTERMS.temporal, interval(self.iris, *period))
        if isinstance(found, Failure):
            yield Quad(node, DEEP.message, Literal(found.message))
        else:
            yield from statistics_quads(node, found)
        if axes.variable in self.tile_owners and _is_first(place, axes.placed.grid.dims):
            yield from _tile_quads(self.source, axes.placed, window)
        if period is not None and axes.time and _is_first(place, (axes.time.dim,)):
            yield from interval_quads(self.iris, *period)


def tile_owners(variables: tuple[Axes, ...]) -> frozenset[str]:
    """Return the first of the variables that have the same tiles."""
    first: dict[tuple[object, ...], str] = {}
    for axes in variables:
        first.setdefault((axes.placed.name, _space(axes)), axes.variable)
    return frozenset(first.values())


def _space(axes: Axes) -> tuple[tuple[int, ...], ...]:
    return tuple(axes.layout.lengths[axes.layout.dims.index(d)] for d in axes.placed.grid.dims)


def _is_first(place: ChunkPlace, dims: tuple[str, ...]) -> bool:
    """Return whether no chunk before this one lies at the same place along some dimensions."""
    return not any(
        i for d, i in zip(place.axes.layout.dims, place.index, strict=True) if d not in dims
    )


def _cells(window: Window) -> Cells:
    return tuple((s.start, s.stop - s.start) for s in window)


def _tile_quads(source: NamedNode, placed: PlacedGrid, window: Window) -> Iterator[Quad]:
    tile = tile_iri(source, placed.name, _cells(window))
    yield from part_quads(tile, DEEP.Tile, source)
    yield Quad(tile, DEEP.onGrid, grid_iri(source, placed))
    yield Quad(tile, DEEP.offset, Literal(_starts(window)))
    yield Quad(tile, DEEP.shape, Literal(_sizes(window)))
    yield Quad(tile, RDFS.label, Literal(f"tile {tile_name(_cells(window))}"))
    yield from geometry_quads(tile, placed.grid.footprint(window))


def grid_iri(source: NamedNode, placed: PlacedGrid) -> NamedNode:
    """Return the IRI of a grid of a cube."""
    return below(source, "grid", placed.name)


def short_digest(*parts: str) -> str:
    """Return 16 characters that change when any of the parts does."""
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=12).digest()
    return base64.urlsafe_b64encode(digest).decode()


def place_text(place: ChunkPlace) -> str:
    """Return where a chunk lies and when, as its version takes it in."""
    slices = place.slices
    return f"{_starts(slices)} {_sizes(slices)} {place.axes.period(slices)}"


def _starts(slices: tuple[slice, ...]) -> str:
    return ",".join(str(s.start) for s in slices)


def _sizes(slices: tuple[slice, ...]) -> str:
    return ",".join(str(s.stop - s.start) for s in slices)
