"""What was computed or read last, within a budget of bytes."""

from __future__ import annotations

from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from cachetools import LRUCache

if TYPE_CHECKING:
    from collections.abc import Hashable

_Value = TypeVar("_Value")


class _Held(NamedTuple, Generic[_Value]):
    value: _Value
    size: int
    """In bytes."""


class ByteCache(Generic[_Value]):
    """The values used last; the oldest go when the budget is spent. Safe among threads."""

    def __init__(self, budget: int) -> None:
        self._held: LRUCache[Hashable, _Held[_Value]] = LRUCache(
            budget, getsizeof=lambda held: held.size
        )
        self._lock = Lock()

    @property
    def budget(self) -> int:
        """Bytes that are held at most."""
        return int(self._held.maxsize)

    @property
    def spent(self) -> int:
        """Bytes that are held."""
        return int(self._held.currsize)

    def get(self, key: Hashable) -> _Value | None:
        """Return a value, or None where it is not held."""
        with self._lock:
            found = self._held.get(key)
            return None if found is None else found.value

    def put(self, key: Hashable, value: _Value, size: int) -> None:
        """Hold a value of a size in bytes; one larger than the budget is not held."""
        with self._lock:
            self._held.pop(key, None)
            with suppress(ValueError):  # larger than the budget
                self._held[key] = _Held(value, size)

    def clear(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._held.clear()

    def __len__(self) -> int:
        return len(self._held)
