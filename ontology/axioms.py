"""What the Turtle modules say, parsed once in a process: classes, properties, marks on them."""

from __future__ import annotations

from functools import cache

from pyoxigraph import Literal, NamedNode, RdfFormat, Triple, parse

from ontology.files import modules
from ontology.terms import DEEP, RDFS

#: The rank of a place of which no class has one: after all others.
UNRANKED = 1000


@cache
def axioms() -> tuple[Triple, ...]:
    """Return all triples of the modules; blank nodes of two modules are never the same."""
    return tuple(
        quad.triple
        for module in modules()
        for quad in parse(module.read_bytes(), format=RdfFormat.TURTLE, rename_blank_nodes=True)
    )


@cache
def subclasses(kind: NamedNode) -> frozenset[NamedNode]:
    """Return a class and all named classes below it."""
    return _below(kind, RDFS.subClassOf)


@cache
def subproperties(prop: NamedNode) -> frozenset[NamedNode]:
    """Return a property and all properties below it."""
    return _below(prop, RDFS.subPropertyOf)


@cache
def must_resolve() -> frozenset[NamedNode]:
    """Return the properties whose objects some triple has to describe."""
    return frozenset(
        t.subject
        for t in axioms()
        if t.predicate == DEEP.mustResolve
        and isinstance(t.subject, NamedNode)
        and t.object == Literal(value=True)
    )


@cache
def search_ranks() -> dict[NamedNode, int]:
    """Return the kinds of places in whose order a name is looked up, lowest number first."""
    return {
        t.subject: int(t.object.value)
        for t in axioms()
        if t.predicate == DEEP.searchRank
        and isinstance(t.subject, NamedNode)
        and isinstance(t.object, Literal)
    }


@cache
def higher_is_better() -> dict[NamedNode, bool]:
    """Return the metrics that compare methods, each with whether more is better."""
    return {
        t.subject: t.object == Literal(value=True)
        for t in axioms()
        if t.predicate == DEEP.higherIsBetter and isinstance(t.subject, NamedNode)
    }


def _below(top: NamedNode, link: NamedNode) -> frozenset[NamedNode]:
    lower: dict[NamedNode, list[NamedNode]] = {}
    for t in axioms():
        if (
            t.predicate == link
            and isinstance(t.subject, NamedNode)
            and isinstance(t.object, NamedNode)
        ):
            lower.setdefault(t.object, []).append(t.subject)
    found = {top}
    waiting = [top]
    while waiting:
        fresh = [n for n in lower.get(waiting.pop(), []) if n not in found]
        found.update(fresh)
        waiting += fresh
    return frozenset(found)
