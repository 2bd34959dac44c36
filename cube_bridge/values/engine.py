"""Pixel values of the cubes of a graph: open files, weights and chunks are kept between calls."""

from __future__ import annotations

from datetime import UTC
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import shapely
from cachetools import LRUCache

from cube_bridge.cubes.chunk_search import chunks_meeting
from cube_bridge.values.layers import CellOperation, StoredVariable
from cube_bridge.values.open_cubes import Sources, is_indexed
from cube_bridge.values.scanner import Scanner
from cube_bridge.values.variable_terms import Slice, variable_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from datetime import datetime

    from shapely.geometry.base import BaseGeometry

    from cube_bridge.values.layers import BlockIndex, Layer
    from cube_bridge.values.periods import Period
    from kg.rdf.terms import Term
    from kg.store import GraphStore

_OPERATIONS = 64


class Engine:
    """Reads cubes; safe among threads."""

    def __init__(self, scanner: Scanner | None = None) -> None:
        self.sources = Sources()
        self.scanner = scanner or Scanner()
        self._operations: LRUCache[Hashable, CellOperation] = LRUCache(_OPERATIONS)
        self._lock = Lock()

    def layer(self, store: GraphStore, term: Term) -> Layer:
        """Return what a variable's IRI, or a literal made from some, stands for.

        Raises:
            VariableNotFoundError: The graph knows no such variable of a cube.
            SourceError: Its file cannot be read, or is not the one that was indexed.
            SliceError: The variable also has levels or the like, and which one is not said.
            InvalidArgumentError: The term stands for no variable.
        """
        named = variable_of(term)
        if isinstance(named, Slice):
            return self.sources.variable(store, named.variable, named.places)
        operands = {
            n: self.sources.variable(store, s.variable, s.places) for n, s in named.operands.items()
        }
        key = (named.expression.text, *((n, v.key) for n, v in operands.items()))
        with self._lock:
            known = self._operations.get(key)
            if known is None:
                known = CellOperation(expression=named.expression, operands=operands)
                self._operations[key] = known
        return known

    def blocks_within(
        self,
        store: GraphStore,
        term: Term,
        layer: Layer,
        zones: Sequence[BaseGeometry | None],
        periods: Sequence[Period],
        bounds: tuple[float, float],
    ) -> frozenset[BlockIndex] | None:
        """Return the chunks that may hold values within bounds, as the graph's zone map tells.

        None where that is not known: of a cell operation, or while indexing is not complete.
        They are those around all zones and all periods, so that the graph is asked once.
        """
        low, high = (b if np.isfinite(b) else None for b in bounds)
        if (low is None and high is None) or not isinstance(layer, StoredVariable):
            return None
        named = variable_of(term)
        if not isinstance(named, Slice) or not is_indexed(store, named.variable):
            return None
        begin, end = _around_periods(layer, periods)
        around = _around_zones(layer, zones)
        found: set[BlockIndex] = set()
        for chunk in chunks_meeting(
            *(store, named.variable, around, begin, end),
            at=layer.positions,
            minimum_above=low,
            maximum_below=high,
        ):
            found.update(layer.layout.meeting(layer.in_order(chunk.slices)))
        return frozenset(found)


def _around_zones(layer: StoredVariable, zones: Sequence[BaseGeometry | None]) -> BaseGeometry:
    known = [z for z in zones if z is not None]
    if len(known) == len(zones) == 1:
        return known[0]
    if len(known) == len(zones):
        return shapely.box(*shapely.total_bounds(known))
    return layer.grid.footprint(tuple(slice(0, n) for n in layer.grid.shape))


def _around_periods(layer: StoredVariable, periods: Sequence[Period]) -> tuple[datetime, datetime]:
    times = np.zeros(1, "datetime64[us]") if layer.times is None else layer.times
    first = min(times[0] if p.first is None else p.first for p in periods)
    last = max(times[-1] if p.last is None else p.last for p in periods)
    begin, end = (t.astype("datetime64[us]").item() for t in (first, last))
    return begin.replace(tzinfo=UTC), end.replace(tzinfo=UTC)
