"""Which properties were written about, and when: what was read of others stays true."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


#: Properties above which it is no longer told apart which of them were written.
_MANY = 10_000


class WriteLog:
    """Counts writes, and keeps which properties each of them may have changed."""

    def __init__(self) -> None:
        self.count = 0
        """How many writes there were."""
        self._all = 0
        """The last write that may have changed anything."""
        self._last: dict[str, int] = {}
        """The last write that may have changed statements with a property."""

    def record(self, properties: Collection[str] | None) -> None:
        """Record a write.

        Args:
            properties: IRIs of the properties that it may have changed; None for any.
        """
        self.count += 1
        if properties is None or len(self._last) + len(properties) > _MANY:
            self._last.clear()
            self._all = self.count
        else:
            self._last.update(dict.fromkeys(properties, self.count))

    def changed(self, since: int, properties: Collection[str] | None) -> bool:
        """Return whether a write after another one may have changed some properties.

        Args:
            since: The `count` at which they were read.
            properties: IRIs; None for any.
        """
        if properties is None:
            return self.count > since
        return self._all > since or any(self._last.get(p, 0) > since for p in properties)
