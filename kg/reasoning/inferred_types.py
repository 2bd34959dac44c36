"""Types that follow from the facts, kept in a graph of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyoxigraph import BlankNode, NamedNode, Quad

from kg.reasoning.facts import (
    variable_facts,
)
from kg.reasoning.hermit import entailed_types, ontology_axioms
from ontology.terms import OWL, RDF

if TYPE_CHECKING:
    from kg.store import GraphStore


INFERRED_GRAPH = NamedNode("https://w3id.org/deepcube/inferred")


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
