"""Terms of RDF as Python types, and Python values as literals."""

from __future__ import annotations

from pyoxigraph import (
    BlankNode,
    DefaultGraph,
    Literal,
    NamedNode,
    Triple,
)

from ontology.terms import XSD


def text(term: Term) -> str:
    """Return the lexical form of a literal, the IRI of a node."""
    if isinstance(term, Triple):
        return str(term)
    return term.value


def number(term: Term) -> float:
    """Return the value of a numeric literal."""
    return float(text(term))


def integer(value: int) -> Literal:
    """Return an xsd:integer."""
    return Literal(str(value), datatype=XSD.integer)


def double(value: float) -> Literal:
    """Return an xsd:double with the shortest text that reads back the same."""
    return Literal(repr(float(value)), datatype=XSD.double)


Term = NamedNode | BlankNode | Literal | Triple

Subject = NamedNode | BlankNode | Triple
GraphName = NamedNode | BlankNode | DefaultGraph
