"""The ontology and the descriptions of use cases, kept in the graph beside the data.

A document goes into a named graph of its own, so that a newer version can replace it.
Its triples without blank nodes (labels above all) are also in the default graph, where
plain queries join them with the data. Shapes are in their named graph only.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, RdfFormat, serialize

from kg.rdf.documents import parse_quads
from ontology.files import modules
from ontology.terms import DEEP, SHACL

if TYPE_CHECKING:
    from kg.store import GraphStore

ONTOLOGY_GRAPH = NamedNode("https://w3id.org/deepcube/ontology")


def install_ontology(store: GraphStore) -> None:
    """Bring the ontology in the store to this version; free where it is there already."""
    install_document(store, ONTOLOGY_GRAPH, [m.read_bytes() for m in modules()])


def install_use_case(
    store: GraphStore, model: NamedNode, description: bytes, shapes: bytes = b""
) -> None:
    """Bring the ontology and what a use case says of itself in the store to this version.

    Args:
        store: The graph.
        model: IRI of the model, which names the graph of its description.
        description: Turtle: the model, its slots, and what it predicts.
        shapes: Turtle: SHACL shapes of its predictions, which `kg.validation` finds again.

    Raises:
        RdfSyntaxError: A document is no Turtle.
    """
    install_ontology(store)
    install_document(store, model, [description])
    shapes_graph = NamedNode(f"{model.value}/shapes")
    is_linked = any(store.quads(model, SHACL.shapesGraph, shapes_graph, DefaultGraph()))
    if shapes or is_linked:
        # Of an earlier version that had shapes nothing is to stay.
        documents = [shapes] if shapes else []
        install_document(store, shapes_graph, documents, in_default_graph=False)
    if shapes and not is_linked:
        store.add([Quad(model, SHACL.shapesGraph, shapes_graph)])


def installed_shapes(store: GraphStore) -> list[bytes]:
    """Return the shapes that use cases have installed, a document of Turtle for each."""
    graphs = {
        q.object
        for q in store.quads(None, SHACL.shapesGraph, None, DefaultGraph())
        if isinstance(q.object, NamedNode)
    }
    return [
        # Sorted, so that the same shapes are the same document.
        serialize(
            sorted((q.triple for q in store.quads(None, None, None, graph)), key=str),
            format=RdfFormat.N_TRIPLES,
        )
        or b""
        for graph in sorted(graphs, key=lambda g: g.value)
    ]


def install_document(
    store: GraphStore, graph: NamedNode, documents: list[bytes], *, in_default_graph: bool = True
) -> None:
    """Make Turtle documents the content of a named graph, replacing what it held.

    Args:
        store: The graph.
        graph: Name of the graph.
        documents: Turtle.
        in_default_graph: Put what has no blank nodes into the default graph as well.

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
        if in_default_graph
        and not isinstance(t.subject, BlankNode)
        and not isinstance(t.object, BlankNode)
    ]
    store.remove(outdated)
    store.add([*fresh, Quad(graph, DEEP.fingerprint, digest)])
