"""RDF terms as arguments of questions about pixel values."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from pyoxigraph import Literal, NamedNode

from cube_bridge.values.cell_series import CELL_STATISTICS
from cube_bridge.values.series_statistics import Season
from cube_bridge.values.zone_weights import Weighting, zone_of
from kg.geosparql.arguments import geometry_in, number_of
from kg.geosparql.errors import InvalidArgumentError
from kg.rdf.geometry import CRS84
from ontology.terms import DEEP, XSD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shapely.geometry.base import BaseGeometry

    from kg.rdf.terms import Term

_WEIGHTINGS = {
    DEEP.AreaWeighting: Weighting.AREA,
    DEEP.CoverageWeighting: Weighting.COVERAGE,
    DEEP.CentreWeighting: Weighting.CENTRE,
}
_CELL_STATISTICS = {getattr(DEEP, name): name for name in CELL_STATISTICS}
_Choice = TypeVar("_Choice")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def zone_from(term: Term) -> BaseGeometry:
    """Return the zone that a geometry literal of any reference system stands for, in CRS84.

    Raises:
        InvalidArgumentError: The term is no literal at all: the query asks for the wrong thing.
        InvalidGeometryError: The literal is no geometry, or an empty one: the data is wrong.
    """
    if not isinstance(term, Literal):
        raise InvalidArgumentError(
            f"{term} is no geometry literal; give what geo:asWKT or its kin say of it"
        )
    return _zone(term.value, term.datatype.value)


@lru_cache(maxsize=4096)
def _zone(lexical: str, datatype: str) -> BaseGeometry:
    # One zone for one literal: its weights are found by it, and it is moved and mended once.
    literal = Literal(lexical, datatype=NamedNode(datatype))
    return zone_of(geometry_in(literal, CRS84).shape)


def share_from(term: Term) -> float:
    """Return a probability from 0 to 1."""
    share = number_of(term)
    if not 0 <= share <= 1:
        raise InvalidArgumentError(f"{term} is no probability: it must be from 0 to 1")
    return share


def weighting_from(term: Term) -> Weighting:
    """Return the weighting that an IRI names."""
    return _one_of(term, _WEIGHTINGS, "weighting")


def cell_statistic_from(term: Term) -> str:
    """Return the statistic over time that a property names."""
    return _one_of(term, _CELL_STATISTICS, "statistic of a cell")


def season_from(term: Term) -> Season:
    """Return the season that a text names."""
    return _one_of(term, {Literal(s.value): s for s in Season}, "season")


def boolean_from(term: Term) -> bool:
    """Return the value of an xsd:boolean."""
    if isinstance(term, Literal) and term.datatype == XSD.boolean and term.value in _BOOLEANS:
        return _BOOLEANS[term.value]
    raise InvalidArgumentError(f"{term} is neither true nor false")


def _one_of(term: Term, known: Mapping[Any, _Choice], what: str) -> _Choice:
    if term in known:
        return known[term]
    names = ", ".join(sorted(str(k) for k in known))
    raise InvalidArgumentError(f"{term} is no {what}; there are {names}")
