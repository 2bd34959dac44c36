"""What reading a source yields: its extent, its variables, and its parts block by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyoxigraph import Literal, NamedNode, Quad

from kg.rdf.iris import below, slug
from kg.rdf.terms import integer
from ontology.terms import DCAT, DCTERMS, DEEP, QUDT, RDF, RDFS, SOSA, XSD, expand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from kg.rdf.geometry import BBox
    from kg.rdf.times import Cadence

Block = tuple[str, list[Quad]]


@dataclass(frozen=True, kw_only=True)
class SourceDescription:
    """A source as a whole, once it has been checked."""

    kind: NamedNode
    """Class of the source, such as deep:Cube: a subclass of deep:Source."""
    media_type: str
    bbox: BBox
    period: tuple[datetime, datetime] | None
    """First moment, and the moment after the last; None for what has no time."""
    header: tuple[Quad, ...]
    """What is said before any part: the variables above all."""
    item_count: int
    """Parts of the source: chunks, series, events or features."""


@dataclass(frozen=True, kw_only=True)
class Content(SourceDescription):
    """A source that is written block by block."""

    block_count: int
    blocks: Callable[[frozenset[str]], Iterator[Block]]
    """Yields (key, quads) for each block whose key is not among those given."""


def variable_iri(source: NamedNode, name: str) -> NamedNode:
    """Return the IRI of a variable of a source."""
    return below(source, "variable", slug(name))


def variable_quads(
    source: NamedNode,
    name: str,
    *,
    label: str | None = None,
    observed: str | None = None,
    unit: NamedNode | None = None,
    unit_text: str | None = None,
    cadence: Cadence | None = None,
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
        cadence: How often it is sampled.
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
    if cadence is not None:
        text = Literal(cadence.text, datatype=XSD.duration)
        yield Quad(variable, DCAT.temporalResolution, text)
        yield Quad(variable, DEEP.samplingSeconds, integer(cadence.nominal_s))
    if cell_methods is not None:
        yield Quad(variable, DEEP.cellMethods, Literal(cell_methods))


def part_quads(part: NamedNode, kind: NamedNode, source: NamedNode) -> Iterator[Quad]:
    """Yield the type of a part and the source that it belongs to."""
    yield Quad(part, RDF.type, kind)
    yield Quad(part, DCTERMS.isPartOf, source)
