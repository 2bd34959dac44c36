"""Which graphs of an embedded store have triples in common."""

from __future__ import annotations

from itertools import combinations, islice
from typing import TYPE_CHECKING

from pyoxigraph import NamedNode

if TYPE_CHECKING:
    from pyoxigraph import Store

    from kg.updates.write_log import WriteLog


#: Triples of a graph that are counted to find the smaller one of two.
_COUNTED = 10_000
#: Answers that are remembered.
_MANY = 1_000


class SharedTriples:
    """Looks for triples that two graphs have, and remembers until they are written about."""

    def __init__(self) -> None:
        self._known: dict[tuple[frozenset[NamedNode], str | None], tuple[int, bool]] = {}

    def any(
        self, store: Store, log: WriteLog, graphs: tuple[NamedNode, ...], predicate: str | None
    ) -> bool:
        """Return whether two of some graphs have a triple in common.

        Args:
            store: The store.
            log: Its writes.
            graphs: Each once.
            predicate: The IRI of its property; None for any.
        """
        key = frozenset(graphs), predicate
        writes = log.count
        known = self._known.get(key)
        properties = None if predicate is None else (predicate,)
        if known is not None and not log.changed(known[0], properties):
            return known[1]
        found = any(_meet(store, a, b, predicate) for a, b in combinations(graphs, 2))
        if len(self._known) >= _MANY:
            self._known.clear()
        self._known[key] = writes, found
        return found


def _meet(store: Store, one: NamedNode, other: NamedNode, predicate: str | None) -> bool:
    counts = [
        sum(1 for _ in islice(store.quads_for_pattern(None, _node(predicate), None, g), _COUNTED))
        for g in (one, other)
    ]
    if not all(counts):
        return False
    small, large = (one, other) if counts[0] <= counts[1] else (other, one)
    pattern = f"?s {_node(predicate) or '?p'} ?o"
    # Looked up triple by triple: a join would first read one of the graphs whole.
    return bool(
        store.query(
            f"ASK {{ GRAPH {small} {{ {pattern} }} LATERAL {{ GRAPH {large} {{ {pattern} }} }} }}"
        )
    )


def _node(predicate: str | None) -> NamedNode | None:
    return None if predicate is None else NamedNode(predicate)
