"""RDF documents to quads."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from pyoxigraph import DefaultGraph, Quad, parse

from kg.errors import RdfSyntaxError

if TYPE_CHECKING:
    from pyoxigraph import RdfFormat

    from kg.rdf.terms import GraphName


def parse_quads(
    source: BinaryIO | bytes,
    rdf_format: RdfFormat,
    *,
    graph: GraphName | None = None,
    base_iri: str | None = None,
) -> list[Quad]:
    """Return the quads of a whole document, all of them in one graph if one is named.

    Blank nodes get labels of their own: those of two documents are never the same.

    Raises:
        RdfSyntaxError: The document is malformed.
    """
    try:
        quads = list(parse(source, rdf_format, base_iri=base_iri, rename_blank_nodes=True))
    except (SyntaxError, ValueError) as error:
        raise RdfSyntaxError(f"malformed {rdf_format.name}: {error}") from error
    if graph is None:
        return quads
    return [Quad(q.subject, q.predicate, q.object, graph) for q in quads]


def parse_graph(
    source: BinaryIO | bytes,
    rdf_format: RdfFormat,
    graph: GraphName,
    *,
    base_iri: str | None = None,
) -> list[Quad]:
    """Return the triples of a document that holds one graph, as quads of that graph.

    Raises:
        RdfSyntaxError: The document is malformed, or has named graphs of its own.
    """
    quads = parse_quads(source, rdf_format, base_iri=base_iri)
    named = next((q.graph_name for q in quads if q.graph_name != DefaultGraph()), None)
    if named is not None:
        raise RdfSyntaxError(
            f"one graph is wanted, and the document has triples in the graph {named}; "
            "send each graph on its own, or the whole data set with `deepcube load`"
        )
    return [Quad(q.subject, q.predicate, q.object, graph) for q in quads]
