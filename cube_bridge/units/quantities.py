"""Units: how a source spells them, which QUDT unit that is, and conversion between them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, TypeVar, cast
from urllib.parse import quote, unquote

from pyoxigraph import Literal, NamedNode, Quad, Store

from cube_bridge.errors import UnitError
from cube_bridge.units.udunits import ParsedUnit, parse_unit
from kg.rdf.prefixes import with_prefixes
from kg.rdf.terms import double
from ontology.terms import QUDT, RDF, RDFS, compact

if TYPE_CHECKING:
    from collections.abc import Iterator


#: Units that QUDT has no name for; what follows spells them out.
_COMPOSITES = "https://w3id.org/deepcube/unit/"
Number = TypeVar("Number")


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A QUDT unit, as far as conversion needs it."""

    iri: NamedNode
    symbol: str
    """As people write it."""
    dimension: str
    """Dimension vector; two units convert where it is the same."""
    multiplier: float
    offset: float
    """SI value = (value + offset) * multiplier."""


def unit(iri: NamedNode) -> Unit:
    """Return a unit of the ontology.

    Raises:
        UnitError: It is not in `ontology/units.ttl`.
    """
    known = _units().get(iri) or _composite(iri)
    if known is None:
        raise UnitError(f"unknown unit {compact(iri.value)}; add it to ontology/units.ttl")
    return known


def unit_of_spelling(spelling: str) -> NamedNode | None:
    """Return the unit for a UDUNITS spelling, or None where it is no unit.

    QUDT's where it has one of that size; otherwise one of ours, whose IRI spells it out.
    """
    words = " ".join(spelling.split())
    if words in _spellings():
        return _spellings()[words]
    parsed = parse_unit(words)
    if parsed is None:
        return None
    if parsed.canonical in _canonical_spellings():
        return _canonical_spellings()[parsed.canonical]
    is_plain = not any(parsed.exponents)
    same = [u for u in _units().values() if not is_plain and _is_same(u, parsed)]
    if same:
        return min(same, key=lambda u: (len(u.symbol), u.iri.value)).iri
    return NamedNode(_COMPOSITES + quote(parsed.canonical, safe=""))


def unit_quads(iri: NamedNode) -> Iterator[Quad]:
    """Yield what a unit of our own means, as QUDT would say it; nothing for those of QUDT."""
    composite = _composite(iri)
    if composite is not None:
        yield Quad(iri, RDF.type, QUDT.Unit)
        yield Quad(iri, RDFS.label, Literal(composite.symbol))
        yield Quad(iri, QUDT.symbol, Literal(composite.symbol))
        yield Quad(iri, QUDT.hasDimensionVector, NamedNode(composite.dimension))
        yield Quad(iri, QUDT.conversionMultiplier, double(composite.multiplier))


def _composite(iri: NamedNode) -> Unit | None:
    """Return a unit whose IRI spells it out."""
    if not iri.value.startswith(_COMPOSITES):
        return None
    parsed = parse_unit(unquote(iri.value.removeprefix(_COMPOSITES)))
    if parsed is None:
        return None
    return Unit(
        iri=iri,
        symbol=parsed.canonical.replace(".", " ")
        if "e" not in parsed.canonical
        else parsed.canonical,
        dimension=parsed.dimension,
        multiplier=parsed.multiplier,
        offset=parsed.offset,
    )


def _is_same(known: Unit, parsed: ParsedUnit) -> bool:
    return (
        known.dimension == parsed.dimension
        and math.isclose(known.multiplier, parsed.multiplier, rel_tol=1e-9)
        and known.offset == parsed.offset
    )


def convert(values: Number, source: NamedNode, target: NamedNode) -> Number:
    """Return values (a number or an array) in another unit.

    Raises:
        UnitError: A unit is unknown, or the two measure different things.
    """
    if source == target:
        return values
    a, b = unit(source), unit(target)
    if a.dimension != b.dimension:
        raise UnitError(f"{a.symbol} cannot be converted to {b.symbol}")
    si = (cast("float", values) + a.offset) * a.multiplier
    return cast("Number", si / b.multiplier - b.offset)


@cache
def _store() -> Store:
    store = Store()
    store.load(path=str(files("ontology") / "units.ttl"))
    return store


@cache
def _units() -> dict[NamedNode, Unit]:
    rows = _store().query(
        with_prefixes(
            """SELECT ?u ?symbol ?dimension ?multiplier ?offset WHERE {
                 ?u qudt:symbol ?symbol ; qudt:hasDimensionVector ?dimension ;
                    qudt:conversionMultiplier ?multiplier .
                 OPTIONAL { ?u qudt:conversionOffset ?offset } }"""
        )
    )
    return {
        r["u"]: Unit(
            iri=r["u"],
            symbol=r["symbol"].value,
            dimension=r["dimension"].value,
            multiplier=float(r["multiplier"].value),
            offset=float(r["offset"].value) if r["offset"] is not None else 0.0,
        )
        for r in rows  # type: ignore[union-attr]
    }


@cache
def _canonical_spellings() -> dict[str, NamedNode]:
    parsed = {text: parse_unit(text) for text in _spellings()}
    return {p.canonical: _spellings()[text] for text, p in parsed.items() if p is not None}


@cache
def _spellings() -> dict[str, NamedNode]:
    rows = _store().query(with_prefixes("SELECT ?u ?s WHERE { ?u deep:udunitsSymbol ?s }"))
    return {r["s"].value: r["u"] for r in rows}  # type: ignore[union-attr]
