"""Chunks of a cube read one after the other and summed up."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dask.local import get_sync

from cube_bridge.defaults import PATIENCE_S
from cube_bridge.sources.value_statistics import chunk_statistics

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

    import xarray as xr

    from cube_bridge.cubes.axes import Axes
    from cube_bridge.cubes.workers import (
        Workers,
    )
    from cube_bridge.sources.value_statistics import Statistics


#: Chunks that are under way for each worker: one that is read, one that waits.
_AHEAD = 2
_LONGEST = 500


@dataclass(frozen=True, kw_only=True)
class ChunkPlace:
    """Where a chunk lies in its variable."""

    axes: Axes
    index: tuple[int, ...]
    """Position in the grid of chunks, one a dimension."""

    @property
    def slices(self) -> tuple[slice, ...]:
        """Cells, one slice a dimension."""
        return self.axes.layout.slices(self.index)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a chunk could not be read."""

    message: str


def read_chunks(
    dataset: xr.Dataset,
    places: Iterable[ChunkPlace],
    workers: Workers,
    *,
    patience_s: float = PATIENCE_S,
) -> Iterator[tuple[ChunkPlace, Statistics | Failure]]:
    """Yield the statistics of chunks in their order, reading a few ahead.

    A chunk that cannot be read, or not in time, yields a failure; the others go on.
    """
    graphs = _Graphs(dataset)
    under_way: deque[tuple[ChunkPlace, Future[Statistics | Failure], float]] = deque()
    for place in places:
        future = workers.submit(_summarise, graphs.of(place))
        under_way.append((place, future, time.monotonic()))
        if len(under_way) >= _AHEAD * workers.count:
            yield _next(under_way, workers, patience_s)
    while under_way:
        yield _next(under_way, workers, patience_s)


def _next(
    under_way: deque[tuple[ChunkPlace, Future[Statistics | Failure], float]],
    workers: Workers,
    patience_s: float,
) -> tuple[ChunkPlace, Statistics | Failure]:
    place, future, submitted = under_way.popleft()
    while True:
        begun = workers.started(future)
        # Where it waits for others, their time does not count against it.
        left = patience_s if begun is None else begun + patience_s - time.monotonic()
        try:
            return place, future.result(timeout=max(left, 0.0))
        except TimeoutError:
            if begun is None and workers.started(future) is not None:
                continue
            if begun is None and time.monotonic() < submitted + _AHEAD * patience_s:
                continue
            workers.abandon(future)
            return place, Failure(message=f"no answer within {patience_s:g} s")


@dataclass(frozen=True, kw_only=True)
class _Recipe:
    """What makes one chunk. A cluster that saw the tasks themselves would run them one by one."""

    graph: dict[Any, Any]
    key: Any


class _Graphs:
    """The tasks that make single chunks."""

    def __init__(self, dataset: xr.Dataset) -> None:
        self._dataset = dataset
        self._arrays: dict[str, Any] = {}

    def of(self, place: ChunkPlace) -> _Recipe:
        """Return what makes a chunk."""
        name = place.axes.variable
        if name not in self._arrays:
            variable = self._dataset[name]
            self._arrays[name] = (variable if variable.chunks else variable.chunk()).data
        array = self._arrays[name]
        key = (array.name, *place.index)
        return _Recipe(graph=dict(array.__dask_graph__().cull({key})), key=key)


def _summarise(recipe: _Recipe) -> Statistics | Failure:
    try:
        return chunk_statistics(get_sync(recipe.graph, recipe.key))
    except Exception as error:  # noqa: BLE001 -- a damaged chunk raises whatever its codec does
        said = " ".join(f"{type(error).__name__}: {error}".split())
        return Failure(message=said[:_LONGEST])
