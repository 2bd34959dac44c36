"""Which facts of the graph a reasoner is given, and how what follows is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyoxigraph import DefaultGraph, NamedNode, Triple

from kg.hierarchy import subclasses
from ontology.terms import DEEP, QUDT, RDF, SOSA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kg.store import GraphStore

_VARIABLE_PROPERTIES = (QUDT.hasUnit, DEEP.samplingSeconds)


def variable_facts(store: GraphStore) -> Iterator[Triple]:
    """Yield what reasoning about variables needs: property, unit, cadence, kind of source.

    The values themselves, and space and time, are left out: GeoSPARQL settles those.
    """
    kinds = subclasses(store, DEEP.Source) - {DEEP.Source}
    for quad in store.quads(None, RDF.type, DEEP.Variable, DefaultGraph()):
        variable = quad.subject
        yield quad.triple
        for predicate in _VARIABLE_PROPERTIES:
            for fact in store.quads(variable, predicate, None, DefaultGraph()):
                yield fact.triple
        for part in store.quads(variable, DEEP.variableOf, None, DefaultGraph()):
            yield part.triple
            if isinstance(part.object, NamedNode):
                yield from _source_kinds(store, part.object, kinds)
        for observed in store.quads(variable, SOSA.observedProperty, None, DefaultGraph()):
            yield observed.triple
            if not isinstance(observed.object, NamedNode):
                continue
            for kind in store.quads(observed.object, RDF.type, None, DefaultGraph()):
                yield kind.triple


def _source_kinds(
    store: GraphStore, source: NamedNode, kinds: frozenset[NamedNode]
) -> Iterator[Triple]:
    for fact in store.quads(source, RDF.type, None, DefaultGraph()):
        if fact.object in kinds:
            yield fact.triple


def model_axioms(store: GraphStore, model: NamedNode) -> list[Triple]:
    """Return the description of a model, which `kg.vocabulary` keeps in its own graph."""
    return [q.triple for q in store.quads(None, None, None, model)]
