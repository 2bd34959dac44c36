"""Adding to the spatial index what is being loaded into its store."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from kg.index.spatial_index import SpatialIndex
    from kg.index.statements import Block


class Loading:
    """Adds to an index what is being loaded into its store."""

    def __init__(self, index: SpatialIndex, cover: Callable[[Collection[str]], None]) -> None:
        """Name the index.

        Args:
            index: Is added to.
            cover: Is called with properties of geometries, so that the index has all of theirs
                that were in the store before.
        """
        self._index = index
        self._cover = cover
        self.left: set[str] = set()
        """Properties of which the tables do not have everything after the load."""

    def add(self, block: Block) -> bool:
        """Add a block; return False if it has a geometry at a blank node."""
        index = self._index
        literals, links, others = block.parts()
        blank = block.has_start(b"_")
        if others.subjects:
            index.mark_mixed([block.predicate])
            if blank or not index.tables.follows(block.predicate):
                self.left.add(block.predicate)
                index.tables.forget([block.predicate])
            else:
                with index.lock:
                    index.tables.add(others)
        if blank and (literals.subjects or links.subjects):
            return False
        if literals.subjects:
            self._cover([block.predicate])
            index.add_literals(literals)
        if links.subjects:
            index.add_links(links)
        return True
