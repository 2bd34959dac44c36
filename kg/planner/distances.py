"""Bounds on distances, as filters say them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyoxigraph import Literal, NamedNode

from kg.geosparql.errors import UnknownUnitError
from kg.geosparql.measures import distance, distance_m
from kg.geosparql.units import Kind, unit_of
from kg.index.spatial_tests import DistanceTest
from ontology.terms import PREFIXES, XSD

if TYPE_CHECKING:
    from kg.geosparql.literals import Geometry
    from kg.rdf.terms import Term

_GEOF = PREFIXES["geof"]


#: A distance is compared with a number; with anything else the filter is an error.
_NUMERIC = frozenset(
    XSD.namespace + name
    for names in (
        ("integer", "decimal", "float", "double", "long", "int", "short", "byte"),
        ("nonNegativeInteger", "positiveInteger", "nonPositiveInteger", "negativeInteger"),
        ("unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte"),
    )
    for name in names
)


def distance_test(
    function: str, unit: Term | None, bound: Term | None, *, strict: bool
) -> DistanceTest | None:
    """Return the test of geof:distance or geof:metricDistance below a bound; None for others."""
    value = _number(bound)
    if value is None:
        return None
    if function == f"{_GEOF}metricDistance" and unit is None:
        return DistanceTest(measure=distance_m, bound=value, strict=strict, metres=value)
    if function != f"{_GEOF}distance" or not isinstance(unit, NamedNode | Literal):
        return None
    iri = unit.value
    try:
        known = unit_of(iri)
    except UnknownUnitError:
        return None

    def measure(a: Geometry, b: Geometry) -> float:
        return distance(a, b, known)

    if known.kind is Kind.AREA:
        return None
    share = value * known.factor
    return DistanceTest(
        measure=measure,
        bound=value,
        strict=strict,
        metres=share if known.kind is Kind.LENGTH else None,
        radians=share if known.kind is Kind.ANGLE else None,
    )


def _number(term: Term | None) -> float | None:
    if not isinstance(term, Literal) or term.datatype.value not in _NUMERIC:
        return None
    try:
        return float(term.value)
    except ValueError:
        return None
