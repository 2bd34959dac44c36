"""Which facts of the graph a reasoner is given, and how what follows is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyoxigraph import BlankNode, DefaultGraph, NamedNode, Quad, Triple

from kg.hierarchy import subclasses
from kg.reasoner import entailed_types, ontology_axioms
from ontology.terms import DEEP, OWL, QUDT, RDF, SOSA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kg.store import GraphStore

INFERRED_GRAPH = NamedNode("https://w3id.org/deepcube/inferred")
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


def infer_variable_types(store: GraphStore) -> dict[NamedNode, frozenset[NamedNode]]:
    """Write the types of variables and of what they observe that follow but are not said.

    They replace what the graph <https://w3id.org/deepcube/inferred> held.

    Returns:
        The types that were written, by individual.

    Raises:
        ReasonerError: The facts contradict the ontology.
    """
    facts = list(variable_facts(store))
    said = {(t.subject, t.object) for t in facts if t.predicate == RDF.type}
    spoken_of = {s for s, _ in said if not isinstance(s, BlankNode)}
    types = entailed_types(ontology_axioms(), facts)
    fresh = {
        individual: frozenset(
            k
            for k in kinds
            if (individual, k) not in said and not k.value.startswith(OWL.namespace)
        )
        for individual, kinds in sorted(types.items(), key=lambda item: item[0].value)
        if individual in spoken_of
    }
    store.remove(store.quads(None, None, None, INFERRED_GRAPH))
    store.add(
        Quad(individual, RDF.type, kind, INFERRED_GRAPH)
        for individual, kinds in fresh.items()
        for kind in kinds
    )
    return fresh
