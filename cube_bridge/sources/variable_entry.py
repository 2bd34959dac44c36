"""Which source a variable of the graph is of, and what it is called there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyoxigraph import Literal, NamedNode

from ontology.terms import DEEP

if TYPE_CHECKING:
    from kg.store import GraphStore


@dataclass(frozen=True, kw_only=True)
class VariableEntry:
    """What the graph says of a variable, whatever kind its source is of."""

    source: NamedNode
    """IRI of the source that it is of."""
    name: str
    """What the file calls it."""


def variable_entry(store: GraphStore, variable: NamedNode) -> VariableEntry | None:
    """Return which source a variable is of; None where the graph knows no such variable.

    Two look-ups by subject and predicate, and no query: this is asked for every variable of
    every call. (`cube_bridge.cubes.chunk_search`, which asks for the layout of the chunks anyway,
    has both in that one query.)

    Args:
        store: The graph.
        variable: IRI of the variable.
    """
    source = node_of(store, variable, DEEP.variableOf)
    name = text_of(store, variable, DEEP.variableName)
    return None if source is None or name is None else VariableEntry(source=source, name=name)


def node_of(store: GraphStore, subject: NamedNode, predicate: NamedNode) -> NamedNode | None:
    """Return the IRI that a property of a node has; the first of several, None without one."""
    objects = (q.object for q in store.quads(subject, predicate, None, None))
    return next((o for o in objects if isinstance(o, NamedNode)), None)


def text_of(store: GraphStore, subject: NamedNode, predicate: NamedNode) -> str | None:
    """Return the text of the literal that a property of a node has; None without one."""
    objects = (q.object for q in store.quads(subject, predicate, None, None))
    return next((o.value for o in objects if isinstance(o, Literal)), None)
