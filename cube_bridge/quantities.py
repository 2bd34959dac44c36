"""Units: how a source spells them, which QUDT unit that is, and conversion between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TypeVar, cast

from pyoxigraph import NamedNode, Store

from cube_bridge.errors import UnitError
from kg.query import with_prefixes
from ontology.terms import compact

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
    try:
        return _units()[iri]
    except KeyError:
        raise UnitError(
            f"unknown unit {compact(iri.value)}; add it to ontology/units.ttl"
        ) from None


def unit_of_spelling(spelling: str) -> NamedNode | None:
    """Return the QUDT unit for a UDUNITS spelling, or None where it is not known."""
    return _spellings().get(" ".join(spelling.split()))


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
def _spellings() -> dict[str, NamedNode]:
    rows = _store().query(with_prefixes("SELECT ?u ?s WHERE { ?u deep:udunitsSymbol ?s }"))
    return {r["s"].value: r["u"] for r in rows}  # type: ignore[union-attr]
