"""RDF terms as arguments of functions; a term of another kind is an error."""

from __future__ import annotations

import math
from functools import lru_cache

from pyoxigraph import Literal, NamedNode

from kg.geosparql.crs import to_srs
from kg.geosparql.errors import InvalidArgumentError
from kg.geosparql.literals import Geometry, parse
from kg.geosparql.units import Unit, unit_of
from ontology.terms import XSD

_TEXTS = {XSD.string, XSD.anyURI}
_INTEGERS = {
    *(XSD.byte, XSD.int, XSD.integer, XSD.long, XSD.negativeInteger, XSD.nonNegativeInteger),
    *(XSD.nonPositiveInteger, XSD.positiveInteger, XSD.short, XSD.unsignedByte, XSD.unsignedInt),
    *(XSD.unsignedLong, XSD.unsignedShort),
}
_NUMBERS = {*_INTEGERS, XSD.decimal, XSD.double, XSD.float}


def geometry_of(term: object) -> Geometry:
    """Return the geometry of a literal.

    Raises:
        InvalidArgumentError: The term is no literal.
        InvalidGeometryError: The literal is no geometry.
    """
    if not isinstance(term, Literal):
        raise InvalidArgumentError(f"{term} is no geometry literal")
    return parse(term.value, term.datatype.value)


def geometry_in(term: object, srs: str) -> Geometry:
    """Return the geometry of a literal in a reference system."""
    if not isinstance(term, Literal):
        raise InvalidArgumentError(f"{term} is no geometry literal")
    geometry = parse(term.value, term.datatype.value)
    return geometry if geometry.srs == srs else _moved(term.value, term.datatype.value, srs)


@lru_cache(maxsize=1024)
def _moved(lexical: str, datatype: str, srs: str) -> Geometry:
    # A constant in another system than the data is transformed once, not for every row.
    return to_srs(parse(lexical, datatype), srs)


def iri_of(term: object) -> str:
    """Return the IRI that a node or a literal of xsd:anyURI stands for."""
    if isinstance(term, NamedNode):
        return term.value
    return text_of(term)


def text_of(term: object) -> str:
    """Return the text of a string literal."""
    if isinstance(term, Literal) and term.datatype in _TEXTS:
        return term.value
    raise InvalidArgumentError(f"{term} is no text")


def unit_from(term: object) -> Unit:
    """Return the unit that an IRI stands for."""
    return unit_of(iri_of(term))


def number_of(term: object) -> float:
    """Return the value of a numeric literal."""
    if isinstance(term, Literal) and term.datatype in _NUMBERS:
        number = float(term.value)
        if math.isfinite(number):
            return number
    raise InvalidArgumentError(f"{term} is no number")


def integer_of(term: object) -> int:
    """Return the value of an integer literal."""
    if isinstance(term, Literal) and term.datatype in _INTEGERS:
        return int(term.value)
    raise InvalidArgumentError(f"{term} is no integer")
