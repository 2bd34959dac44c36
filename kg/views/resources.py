"""What the graph says of one resource: the triples about it, and those that point to it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from pyoxigraph import BlankNode, DefaultGraph, NamedNode, Triple

from kg.errors import ResourceNotFoundError

if TYPE_CHECKING:
    from kg.rdf.terms import Subject
    from kg.store import GraphStore


@dataclass(frozen=True, kw_only=True)
class ResourceDescription:
    """One resource as the graph knows it."""

    iri: str
    outgoing: tuple[Triple, ...]
    """Triples with the resource as subject, and those of the blank nodes they lead to."""
    incoming: tuple[Triple, ...]
    """Triples with the resource as object, not more than asked for."""
    incoming_truncated: bool
    """True where more triples point here than `incoming` holds."""


def describe(store: GraphStore, iri: str, *, incoming_limit: int = 50) -> ResourceDescription:
    """Return what the graph says of a resource, named graphs included.

    Raises:
        ResourceNotFoundError: Nothing is known of it.
    """
    node = NamedNode(iri)
    outgoing: dict[Triple, None] = {}
    _closure(store, node, outgoing)
    found = islice(store.quads(None, None, node, DefaultGraph()), incoming_limit + 1)
    incoming = [q.triple for q in found]
    if not outgoing and not incoming:
        raise ResourceNotFoundError(iri)
    return ResourceDescription(
        iri=iri,
        outgoing=tuple(outgoing),
        incoming=tuple(incoming[:incoming_limit]),
        incoming_truncated=len(incoming) > incoming_limit,
    )


def _closure(store: GraphStore, subject: Subject, found: dict[Triple, None]) -> None:
    # In every graph: definitions of classes and models have graphs of their own, and what is
    # in the default graph of them lacks the blank nodes; see kg.vocabulary.
    for quad in list(store.quads(subject, None, None, None)):
        if quad.triple in found:
            continue
        found[quad.triple] = None
        if isinstance(quad.object, BlankNode):
            _closure(store, quad.object, found)
