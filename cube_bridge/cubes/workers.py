"""One pass over the chunks of a cube: each is read once and summarised, a few at a time."""

from __future__ import annotations

import os
import queue
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol

import dask

from cube_bridge.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable


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
