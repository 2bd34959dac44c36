"""Removing quads as one SPARQL update, which pyoxigraph executes as one transaction.

DELETE DATA cannot name blank nodes. So quads that have some are deleted by number: a function
says what the terms of each are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyoxigraph import DefaultGraph, Literal, NamedNode

if TYPE_CHECKING:
    from pyoxigraph import Quad, Store

    from kg.rdf.terms import Term


_TERM = NamedNode("urn:deepcube:term")


def remove_quads(store: Store, quads: list[Quad]) -> None:
    """Remove quads, all or none."""
    blank: list[Quad] = []
    plain: list[Quad] = []
    for quad in quads:
        (blank if "_:" in str(quad) else plain).append(quad)

    def term(number: Literal, place: Literal) -> Term:
        found: Term = blank[int(number.value)][int(place.value)]
        return found

    operations = [
        f"DELETE DATA {{ {' '.join(map(_data, plain))} }}",
        *(_by_number(blank, in_default=in_default) for in_default in (True, False)),
    ]
    store.update(" ;\n".join(operations), custom_functions={_TERM: term})


def _data(quad: Quad) -> str:
    if isinstance(quad.graph_name, DefaultGraph):
        return f"{quad.triple} ."
    return f"GRAPH {quad.graph_name} {{ {quad.triple} }}"


def _by_number(quads: list[Quad], *, in_default: bool) -> str:
    """Return the operation that deletes the quads in the default graph, or the others."""
    numbers = (
        str(i) for i, q in enumerate(quads) if isinstance(q.graph_name, DefaultGraph) == in_default
    )
    template = "?s ?p ?o" if in_default else "GRAPH ?g { ?s ?p ?o }"
    names = "spo" if in_default else "spog"
    binds = " ".join(f"BIND({_TERM}(?i, {place}) AS ?{n})" for place, n in enumerate(names))
    return f"DELETE {{ {template} }} WHERE {{ VALUES ?i {{ {' '.join(numbers)} }} {binds} }}"
