"""Classes and properties below others: those of our modules, and those that a store adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyoxigraph import NamedNode, QuerySolutions

from kg.results.solutions import Solutions
from ontology import axioms
from ontology.terms import DEEP, RDFS

if TYPE_CHECKING:
    from kg.store import GraphStore


def subclasses(store: GraphStore, kind: NamedNode) -> frozenset[NamedNode]:
    """Return a class and all named classes below it, in our modules or in the store."""
    return axioms.subclasses(kind) | _found(store, f"?x {RDFS.subClassOf}+ {kind}")


def subproperties(store: GraphStore, prop: NamedNode) -> frozenset[NamedNode]:
    """Return a property and all properties below it, in our modules or in the store."""
    return axioms.subproperties(prop) | _found(store, f"?x {RDFS.subPropertyOf}+ {prop}")


def must_resolve(store: GraphStore) -> frozenset[NamedNode]:
    """Return the properties whose objects the store has to describe."""
    return axioms.must_resolve() | _found(store, f"?x {DEEP.mustResolve} true")


def _found(store: GraphStore, pattern: str) -> frozenset[NamedNode]:
    rows = store.query(f"SELECT DISTINCT ?x WHERE {{ {pattern} }}")
    if not isinstance(rows, QuerySolutions | Solutions):
        raise TypeError("a SELECT has solutions")  # the store breaks its own protocol
    return frozenset(row[0] for row in rows if isinstance(row[0], NamedNode))
