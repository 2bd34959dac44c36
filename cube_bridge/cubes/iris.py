"""IRIs of the parts of a cube: which cells they are of is in them, so that they are looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cube_bridge.errors import SourceError
from kg.rdf.iris import below

if TYPE_CHECKING:
    from pyoxigraph import NamedNode

#: The first cell and the number of cells along each dimension of a grid.
Cells = tuple[tuple[int, int], ...]


def chunk_iri(source: NamedNode, variable: str, index: tuple[int, ...]) -> NamedNode:
    """Return the IRI of a chunk: its variable and place are in it, so that it can be looked up."""
    return below(source, "chunk", variable, chunk_name(index))


def chunk_name(index: tuple[int, ...]) -> str:
    """Return how the IRI of a chunk ends: it needs no escapes."""
    return ".".join(map(str, index))


def tile_iri(source: NamedNode, grid: str, cells: Cells) -> NamedNode:
    """Return the IRI of a tile of a grid: which cells it has is in it, as in that of a chunk."""
    return below(source, "tile", grid, tile_name(cells))


def tile_name(cells: Cells) -> str:
    """Return the cells of a tile as a short text: `0x180-90x180`, first cells and numbers."""
    return "-".join("x".join(str(c[k]) for c in cells) for k in (0, 1))


def cells_of_tile(tile: NamedNode) -> Cells:
    """Return the cells that the IRI of a tile tells.

    Raises:
        SourceError: It is none that `tile_iri` makes.
    """
    starts, _, sizes = tile.value.rpartition("/")[2].partition("-")
    try:
        return tuple(zip(map(int, starts.split("x")), map(int, sizes.split("x")), strict=True))
    except ValueError as error:
        raise SourceError(
            f"the IRI of the tile {tile} does not say which cells it has; index the cube anew"
        ) from error
