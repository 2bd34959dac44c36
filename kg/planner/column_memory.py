"""What was found out about parts of queries, until a write changes it."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from cachetools import LRUCache

if TYPE_CHECKING:
    from weakref import ReferenceType

    from kg.index.spatial_index import SpatialIndex
    from kg.planner.fetched import Remembered
    from kg.updates.write_log import WriteLog

#: Bytes of columns that are remembered at most.
_MEMORY = 256 * 2**20
#: What a text in a column is taken to weigh.
_TEXT_BYTES = 120
#: What an entry is taken to weigh beside its columns.
_ENTRY_BYTES = 500


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What was found out, and what it stays true of."""

    found: Remembered
    writes: int
    """How many writes there were when the store was asked."""
    properties: frozenset[str] | None
    """The IRIs of the properties that were asked for; None for any."""
    index: ReferenceType[SpatialIndex]
    """The index whose numbers of terms the columns hold."""
    terms: int | None
    """How many terms the index must have, because one was missing; None where none was."""

    def is_true(self, log: WriteLog, index: SpatialIndex) -> bool:
        """Return whether the store would give the same answer again."""
        return (
            self.index() is index
            and self.terms in (None, len(index.terms))
            and not log.changed(self.writes, self.properties)
        )


class ColumnMemory:
    """What was found out about parts of the queries of one store, by their texts.

    What was not used for longest goes when all weigh too much.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: LRUCache[str, Entry] = LRUCache(_MEMORY, getsizeof=_weight)

    def get(self, key: str, log: WriteLog, index: SpatialIndex) -> Remembered | None:
        """Return what was found out, where it is still true.

        Args:
            key: The text of the part.
            log: Knows what was written since.
            index: The index as it is now.
        """
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            if not entry.is_true(log, index):
                del self._entries[key]
                return None
            return entry.found

    def put(self, key: str, entry: Entry) -> None:
        """Keep what was found out, unless it alone weighs too much."""
        with self._lock:
            self._entries.pop(key, None)
            if _weight(entry) <= _MEMORY:
                self._entries[key] = entry

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()


def _weight(entry: Entry) -> int:
    """Return about how many bytes an entry takes."""
    arrays = entry.found.arrays
    texts = (len(a) * _TEXT_BYTES if a.dtype == object else int(a.nbytes) for a in arrays)
    return _ENTRY_BYTES + sum(texts)
