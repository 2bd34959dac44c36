"""Quads as the rdflib graph that pyshacl validates."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import rdflib
from pyoxigraph import BlankNode, Literal, NamedNode

from kg.errors import ValidationFailedError
from ontology.terms import XSD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyoxigraph import Quad

    from kg.rdf.terms import Term


def rdflib_graph(quads: Iterable[Quad]) -> rdflib.Graph:
    """Return the triples of quads, whatever graph they are in.

    Raises:
        ValidationFailedError: A triple term is among them, which rdflib does not know.
    """
    graph = rdflib.Graph()
    # rdflib checks each IRI that it makes, and most terms of a block recur.
    node = lru_cache(maxsize=50_000)(_node)
    for q in quads:
        graph.add((node(q.subject), node(q.predicate), node(q.object)))
    return graph


def _node(term: Term) -> rdflib.term.Node:
    if isinstance(term, NamedNode):
        return rdflib.URIRef(term.value)
    if isinstance(term, BlankNode):
        return rdflib.BNode(term.value)
    if isinstance(term, Literal):
        if term.language:
            return rdflib.Literal(term.value, lang=term.language)
        if term.datatype == XSD.string:
            # To rdflib, unlike RDF 1.1, "a" and "a"^^xsd:string are two literals.
            return rdflib.Literal(term.value)
        return rdflib.Literal(term.value, datatype=rdflib.URIRef(term.datatype.value))
    raise ValidationFailedError(f"triple terms are not validated: {term}")
