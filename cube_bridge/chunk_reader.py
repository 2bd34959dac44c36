"""One pass over the chunks of a cube: each is read once and summarised, a few at a time."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import dask
from dask.local import get_sync

from cube_bridge.defaults import PATIENCE_S
from cube_bridge.errors import SourceError
from cube_bridge.sources.value_statistics import chunk_statistics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import xarray as xr

    from cube_bridge.axes import Axes
    from cube_bridge.sources.value_statistics import Statistics

#: Chunks that are under way for each worker: one that is read, one that waits.
_AHEAD = 2
_LONGEST = 500


@dataclass(frozen=True, kw_only=True)
class Place:
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


class Workers(Protocol):
    """What reads chunks: threads of this process, or a cluster."""

    @property
    def count(self) -> int:
        """Chunks that are read at the same time."""

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Have a function called soon."""

    def abandon(self, future: Future[Any]) -> None:
        """Wait for a call no longer, although it may never end."""

    def started(self, future: Future[Any]) -> float | None:
        """Return when a call began, by the monotonic clock; None if it did not."""

    def close(self) -> None:
        """Begin no further call."""


def read_chunks(
    dataset: xr.Dataset,
    places: Iterable[Place],
    workers: Workers,
    *,
    patience_s: float = PATIENCE_S,
) -> Iterator[tuple[Place, Statistics | Failure]]:
    """Yield the statistics of chunks in their order, reading a few ahead.

    A chunk that cannot be read, or not in time, yields a failure; the others go on.
    """
    graphs = _Graphs(dataset)
    under_way: deque[tuple[Place, Future[Statistics | Failure], float]] = deque()
    for place in places:
        future = workers.submit(_summarise, graphs.of(place))
        under_way.append((place, future, time.monotonic()))
        if len(under_way) >= _AHEAD * workers.count:
            yield _next(under_way, workers, patience_s)
    while under_way:
        yield _next(under_way, workers, patience_s)


def _next(
    under_way: deque[tuple[Place, Future[Statistics | Failure], float]],
    workers: Workers,
    patience_s: float,
) -> tuple[Place, Statistics | Failure]:
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

    def of(self, place: Place) -> _Recipe:
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


class Threads:
    """Workers in this process; one that never returns keeps no one from leaving."""

    def __init__(self, count: int | None = None) -> None:
        self.count = count or int(dask.config.get("num_workers", None) or os.cpu_count() or 1)
        self._calls: queue.SimpleQueue[
            tuple[Future[Any], Callable[..., Any], tuple[Any, ...]] | None
        ] = queue.SimpleQueue()
        self._started: dict[Future[Any], float] = {}
        for _ in range(self.count):
            self._add()

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """See `Workers.submit`."""
        future: Future[Any] = Future()
        self._calls.put((future, function, arguments))
        return future

    def started(self, future: Future[Any]) -> float | None:
        """See `Workers.started`."""
        return self._started.get(future)

    def abandon(self, future: Future[Any]) -> None:
        """See `Workers.abandon`: another thread takes the place of the one that hangs."""
        if not future.cancel() and not future.done():
            self._add()

    def close(self) -> None:
        """See `Workers.close`."""
        for _ in range(self.count):
            self._calls.put(None)

    def _add(self) -> None:
        threading.Thread(target=self._work, daemon=True, name="chunk reader").start()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            future, function, arguments = call
            if not future.set_running_or_notify_cancel():
                continue
            self._started[future] = time.monotonic()
            try:
                future.set_result(function(*arguments))
            except BaseException as error:  # noqa: BLE001 -- raised again where it is waited for
                future.set_exception(error)
            finally:
                del self._started[future]
            # What was computed is not kept until the next call comes.
            del call, future, function, arguments


class Cluster:
    """Workers of a Dask distributed cluster."""

    def __init__(self, address: str) -> None:
        """Connect.

        Raises:
            SourceError: There is no cluster, or nothing to connect with.
        """
        try:
            from distributed import Client  # noqa: PLC0415 -- an optional dependency
        except ImportError as error:
            raise SourceError(
                "a cluster needs the package `distributed`: pip install 'deepcube[cluster]'"
            ) from error
        try:
            self._client = Client(address, timeout="5s", set_as_default=False)
        except (OSError, ValueError, RuntimeError) as error:
            raise SourceError(f"no Dask scheduler answers at {address}: {error}") from error
        self.count = max(sum(self._client.nthreads().values()), 1)
        self._executor = self._client.get_executor()

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """See `Workers.submit`."""
        submitted: Future[Any] = self._executor.submit(function, *arguments)
        return submitted

    def started(self, future: Future[Any]) -> float | None:  # noqa: ARG002 -- it does not say
        """See `Workers.started`: a cluster does not say."""
        return None

    def abandon(self, future: Future[Any]) -> None:
        """See `Workers.abandon`."""
        future.cancel()

    def close(self) -> None:
        """See `Workers.close`."""
        self._client.close()
