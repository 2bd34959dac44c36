"""The ontology and the descriptions of models, kept in the graph beside the data.

A document goes into a named graph of its own, so that a newer version can replace it.
Its triples without blank nodes (labels above all) are also in the default graph, where
plain queries join them with the data.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, RdfFormat

from kg.parsing import parse_quads
from ontology.files import modules
from ontology.terms import DEEP

if TYPE_CHECKING:
    from kg.store import GraphStore

ONTOLOGY_GRAPH = NamedNode("https://w3id.org/deepcube/ontology")


def install_ontology(store: GraphStore) -> None:
    """Bring the ontology in the store to this version; free where it is there already."""
    install_document(store, ONTOLOGY_GRAPH, [m.read_bytes() for m in modules()])


def install_document(store: GraphStore, graph: NamedNode, documents: list[bytes]) -> None:
    """Make Turtle documents the content of a named graph, replacing what it held.

    Raises:
        RdfSyntaxError: A document is no Turtle.
    """
    digest = Literal(hashlib.sha256(b"\n".join(documents)).hexdigest())
    if any(store.quads(graph, DEEP.fingerprint, digest)):
        return
    triples = [q.triple for d in documents for q in parse_quads(d, RdfFormat.TURTLE)]
    outdated = [
        *store.quads(None, None, None, graph),
        *store.quads(graph, DEEP.fingerprint, None),
    ]
    outdated += [Quad(q.subject, q.predicate, q.object) for q in outdated]
    fresh = [Quad(t.subject, t.predicate, t.object, graph) for t in triples]
    fresh += [
        Quad(t.subject, t.predicate, t.object)
        for t in triples
        if not isinstance(t.subject, BlankNode) and not isinstance(t.object, BlankNode)
    ]
    store.remove(outdated)
    store.add([*fresh, Quad(graph, DEEP.fingerprint, digest)])
