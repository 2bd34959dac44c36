"""Quads in blocks that can be sent one by one: a blank node is never in two of them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from pyoxigraph import BlankNode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyoxigraph import Quad


def has_blank_node(quad: Quad) -> bool:
    """Return whether a quad has a blank node."""
    return any(True for _ in _blank_nodes(quad))


def blocks(quads: Iterable[Quad], size: int) -> Iterator[list[Quad]]:
    """Yield quads in blocks of some size; larger where more than that hang together.

    In a request a blank node's label means a new node, so all that is said of it goes in one.
    """
    iterator = iter(quads)
    first = list(islice(iterator, size))
    rest = list(islice(iterator, 1))
    if not rest:
        if first:
            yield first
        return
    block: list[Quad] = []
    together = _Together()
    for part in (first, rest, iterator):
        for quad in part:
            if has_blank_node(quad):
                together.add(quad)
                continue
            block.append(quad)
            if len(block) >= size:
                yield block
                block = []
    for group in together.groups():
        if block and len(block) + len(group) > size:
            yield block
            block = []
        block += group
    if block:
        yield block


def _blank_nodes(quad: Quad) -> Iterator[BlankNode]:
    for term in (quad.subject, quad.object, quad.graph_name):
        if isinstance(term, BlankNode):
            yield term


class _Together:
    """Quads that share blank nodes, directly or through one another."""

    def __init__(self) -> None:
        self._above: dict[BlankNode, BlankNode] = {}
        self._quads: list[Quad] = []

    def add(self, quad: Quad) -> None:
        self._quads.append(quad)
        first, *others = _blank_nodes(quad)
        for other in others:
            self._above[self._root(other)] = self._root(first)

    def groups(self) -> Iterable[list[Quad]]:
        found: dict[BlankNode, list[Quad]] = {}
        for quad in self._quads:
            found.setdefault(self._root(next(_blank_nodes(quad))), []).append(quad)
        return found.values()

    def _root(self, node: BlankNode) -> BlankNode:
        while (above := self._above.get(node, node)) != node:
            self._above[node] = node = self._above.get(above, above)
        return node
