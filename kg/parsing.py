"""RDF documents to quads."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from pyoxigraph import Quad, parse

from kg.errors import RdfSyntaxError

if TYPE_CHECKING:
    from pyoxigraph import RdfFormat

    from kg.store import GraphName


def parse_quads(
    source: BinaryIO | bytes, rdf_format: RdfFormat, *, graph: GraphName | None = None
) -> list[Quad]:
    """Return the quads of a whole document, all of them in one graph if one is named.

    Raises:
        RdfSyntaxError: The document is malformed.
    """
    try:
        quads = list(parse(source, format=rdf_format))
    except (SyntaxError, ValueError) as error:
        raise RdfSyntaxError(f"malformed {rdf_format.name}: {error}") from error
    if graph is None:
        return quads
    return [Quad(q.subject, q.predicate, q.object, graph) for q in quads]
