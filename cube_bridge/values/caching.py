"""What was computed or read last, within a budget of bytes."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

_Value = TypeVar("_Value")


class ByteCache(Generic[_Value]):
    """The values used last; the oldest go when the budget is spent. Safe among threads."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.spent = 0
        self._held: OrderedDict[Hashable, tuple[_Value, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> _Value | None:
        """Return a value, or None where it is not held."""
        with self._lock:
            found = self._held.get(key)
            if found is None:
                return None
            self._held.move_to_end(key)
            return found[0]

    def put(self, key: Hashable, value: _Value, size: int) -> None:
        """Hold a value of a size in bytes; one larger than the budget is not held."""
        with self._lock:
            if key in self._held:
                self.spent -= self._held.pop(key)[1]
            if size > self.budget:
                return
            self._held[key] = value, size
            self.spent += size
            while self.spent > self.budget:
                self.spent -= self._held.popitem(last=False)[1][1]

    def clear(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._held.clear()
            self.spent = 0

    def __len__(self) -> int:
        return len(self._held)
