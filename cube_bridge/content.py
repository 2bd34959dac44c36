"""What reading a source yields: its extent, its variables, and its parts block by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyoxigraph import Literal, NamedNode, Quad

from cube_bridge.errors import SourceError
from kg.iris import below, slug
from kg.query import double, integer
from kg.temporal import duration_text
from ontology.terms import DCAT, DCTERMS, DEEP, QUDT, RDF, RDFS, SOSA, XSD, expand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from kg.geometry import BBox

Block = tuple[str, list[Quad]]
#: The first cell and the number of cells along each dimension of a grid.
Cells = tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class Description:
    """A source as a whole, once it has been checked."""

    kind: NamedNode
    """Class of the source: deep:Cube, deep:SeriesTable, deep:EventTable, deep:FeatureCollection."""
    media_type: str
    bbox: BBox
    period: tuple[datetime, datetime] | None
    """First moment, and the moment after the last; None for what has no time."""
    header: tuple[Quad, ...]
    """What is said before any part: the variables above all."""
    item_count: int
    """Chunks, series, events or features."""


@dataclass(frozen=True, kw_only=True)
class Content(Description):
    """A source that is written block by block."""

    block_count: int
    blocks: Callable[[frozenset[str]], Iterator[Block]]
    """Yields (key, quads) for each block whose key is not among those given."""


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """Statistics of a part of a variable: its zone map."""

    valid_count: int
    minimum: float
    maximum: float
    mean: float
    sum_of_squares: float
    """NaN, like the three above, where no value is valid."""


_NAN = float("nan")
#: Of a part without a valid value.
EMPTY = Statistics(valid_count=0, minimum=_NAN, maximum=_NAN, mean=_NAN, sum_of_squares=_NAN)


def variable_iri(source: NamedNode, name: str) -> NamedNode:
    """Return the IRI of a variable of a source."""
    return below(source, "variable", slug(name))


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


def variable_quads(
    source: NamedNode,
    name: str,
    *,
    label: str | None = None,
    observed: str | None = None,
    unit: NamedNode | None = None,
    unit_text: str | None = None,
    sampling_s: float | None = None,
    cell_methods: str | None = None,
) -> Iterator[Quad]:
    """Yield what the graph says of a variable.

    Args:
        source: IRI of the source.
        name: Name in the source.
        label: Name for people; None takes the name in the source.
        observed: Class of the observed property, as a prefixed name or IRI.
        unit: QUDT unit.
        unit_text: Unit as the source spells it.
        sampling_s: Seconds from one value to the next.
        cell_methods: CF cell methods.
    """
    variable = variable_iri(source, name)
    yield Quad(source, DEEP.hasVariable, variable)
    yield Quad(variable, RDF.type, DEEP.Variable)
    yield Quad(variable, DEEP.variableOf, source)
    yield Quad(variable, DEEP.variableName, Literal(name))
    yield Quad(variable, RDFS.label, Literal(label or name.strip()))
    if observed is not None:
        node = below(variable, "property")
        yield Quad(variable, SOSA.observedProperty, node)
        yield Quad(node, RDF.type, SOSA.ObservableProperty)
        yield Quad(node, RDF.type, expand(observed))
        yield Quad(node, RDFS.label, Literal(label or name.strip()))
    if unit is not None:
        yield Quad(variable, QUDT.hasUnit, unit)
    if unit_text is not None:
        yield Quad(variable, DEEP.unitText, Literal(unit_text))
    if sampling_s is not None and sampling_s >= 1:
        text = duration_text(sampling_s)
        yield Quad(variable, DCAT.temporalResolution, Literal(text, datatype=XSD.duration))
        yield Quad(variable, DEEP.samplingSeconds, integer(round(sampling_s)))
    if cell_methods is not None:
        yield Quad(variable, DEEP.cellMethods, Literal(cell_methods))


def statistics_quads(part: NamedNode, statistics: Statistics) -> Iterator[Quad]:
    """Yield the statistics of a chunk or series; a part without values has only its count."""
    yield Quad(part, DEEP.validCount, integer(statistics.valid_count))
    if statistics.valid_count:
        yield Quad(part, DEEP.minimum, double(statistics.minimum))
        yield Quad(part, DEEP.maximum, double(statistics.maximum))
        yield Quad(part, DEEP.mean, double(statistics.mean))
        yield Quad(part, DEEP.sumOfSquares, double(statistics.sum_of_squares))


def part_quads(part: NamedNode, kind: NamedNode, source: NamedNode) -> Iterator[Quad]:
    """Yield the type of a part and the source that it belongs to."""
    yield Quad(part, RDF.type, kind)
    yield Quad(part, DCTERMS.isPartOf, source)
