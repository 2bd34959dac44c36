"""How a spatial index follows a write: it reads again what was touched, from its store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kg.index.statements import Link, Statement, graph_text, statement_of, term_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyoxigraph import BlankNode, NamedNode, Quad

    from kg.index.spatial_index import SpatialIndex
    from kg.rdf.terms import GraphName
    from kg.updates.touched import Touched


#: Statements and links that are added to an index at a time.
_BLOCK = 50_000


class IndexSource(Protocol):
    """What an index asks of its store, to read again what a write may have changed."""

    def in_graph(self, graph: GraphName) -> Iterable[Quad]:
        """Return what a graph says by the properties that the index follows."""

    def about(self, subjects: Iterable[NamedNode | BlankNode]) -> Iterable[Quad]:
        """Return what is said of some nodes."""

    def of_new_nodes(self, touched: Touched) -> Iterable[Quad]:
        """Return what is said of the blank nodes that an update made, and perhaps of others."""


def follow(index: SpatialIndex, touched: Touched, store: IndexSource) -> None:
    """Read again what an update touched, which is not everything.

    Args:
        index: Covers the properties that were touched.
        touched: What the update touched.
        store: As it is after the update.
    """
    graphs = {graph_text(g): g for g in touched.graphs}
    if touched.named_graphs:
        index.remove_named_graphs()
    for name, graph in graphs.items():
        index.remove_graph(name)
        add_quads(index, store.in_graph(graph))
    if touched.subjects:
        index.remove_subjects([term_text(s) for s in touched.subjects])
        add_quads(index, store.about(touched.subjects))
    add_quads(index, store.of_new_nodes(touched))
    index.mark_mixed(touched.mixed)


def add_quads(index: SpatialIndex, quads: Iterable[Quad]) -> None:
    """Add those quads that an index holds, and mark the properties of the others as mixed."""
    block: list[Statement | Link] = []
    others: set[str] = set()
    for quad in quads:
        item = statement_of(quad)
        if item is None:
            others.add(quad.predicate.value)
        elif isinstance(item, Link) or index.covers(item.predicate):
            # Queries on a property that is not covered do not ask the index.
            block.append(item)
        if len(block) >= _BLOCK:
            index.add(block)
            block = []
    index.add(block)
    index.mark_mixed(others)
