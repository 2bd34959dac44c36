"""Tables of numbers that grow at their end, and looking values up in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable


#: Newest values, which are searched one by one before they are sorted or packed in.
TAIL = 4096
#: Bytes a slice above which not all that lies between the first and the last is copied.
_SPARSE = 4096


class Columns:
    """Arrays of equal length that grow at their end, a little at a time."""

    def __init__(self, **types: tuple[type, int]) -> None:
        """Make columns without rows.

        Args:
            types: For each column its dtype and its width: 1 for (n,), w for (n, w).
        """
        self.count = 0
        self._arrays: dict[str, np.ndarray] = {
            name: np.empty((0, width) if width > 1 else 0, kind)
            for name, (kind, width) in types.items()
        }

    def __getitem__(self, name: str) -> np.ndarray:
        """Return a column of all rows, (n,) or (n, width), which can be written to."""
        return self._arrays[name][: self.count]

    def append(self, **values: np.ndarray) -> None:
        """Add k rows: values for every column, (k,) or (k, width)."""
        length = len(next(iter(values.values())))
        needed = self.count + length
        for name, array in self._arrays.items():
            if needed > len(array):
                grown = np.empty((needed + needed // 2 + 1024, *array.shape[1:]), array.dtype)
                grown[: self.count] = array[: self.count]
                self._arrays[name] = grown
            self._arrays[name][self.count : needed] = values[name]
        self.count = needed

    def keep(self, mask: np.ndarray) -> None:
        """Keep only the rows that are True in a mask, (n,) bool; their places change."""
        for name in self._arrays:
            self._arrays[name] = self[name][mask]
        self.count = int(mask.sum())

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all columns by name, each (n,) or (n, width)."""
        return {name: self[name] for name in self._arrays}

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Append what `arrays` returned."""
        self.append(**{name: arrays[name] for name in self._arrays})

    @property
    def nbytes(self) -> int:
        """Bytes in memory; room to grow that was not written yet takes none."""
        return sum(self[name].nbytes for name in self._arrays)


class GrowingBytes:
    """Bytes that grow at their end; who reads the earlier ones is not disturbed."""

    def __init__(self, content: np.ndarray | None = None) -> None:
        self._array = np.empty(0, np.uint8) if content is None else content
        self._length = len(self._array)

    def __len__(self) -> int:
        return self._length

    @property
    def array(self) -> np.ndarray:
        """The bytes: (n,) uint8."""
        return self._array[: self._length]

    def append(self, content: bytes) -> None:
        """Add bytes."""
        needed = self._length + len(content)
        if needed > len(self._array):
            grown = np.empty(needed + needed // 2 + 1024, np.uint8)
            grown[: self._length] = self.array
            self._array = grown
        self._array[self._length : needed] = np.frombuffer(content, np.uint8)
        self._length = needed

    def slices(self, starts: list[int], ends: list[int]) -> list[bytes]:
        """Return the bytes from each start to the end that belongs to it, which is not included."""
        if not starts:
            return []
        # Slices of bytes are made quicker than those of a view, if all is copied once more.
        low, high = min(starts), max(ends)
        starts, ends = _less(starts, low), _less(ends, low)
        if (high - low) < _SPARSE * len(starts):
            whole = self._array[low:high].tobytes()
            return [whole[a:b] for a, b in zip(starts, ends, strict=True)]
        view = self._array[low:high].data
        return [bytes(view[a:b]) for a, b in zip(starts, ends, strict=True)]


def _less(places: list[int], low: int) -> list[int]:
    return [p - low for p in places] if low else places


class Lookup:
    """Where a column of numbers has some values; the newest part is searched one by one."""

    def __init__(self) -> None:
        self._order: np.ndarray | None = None
        self._sorted = np.empty(0, np.int32)

    def places(self, column: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return where a column has one of some values: (m,) int64, in no order that is promised.

        Args:
            column: (n,), always the same one; it may have grown since the last call.
            values: (k,), each at most once.
        """
        if len(column) < len(self._sorted) or len(column) - len(self._sorted) > TAIL:
            self._sort(column)
        ordered = self._sorted
        low = np.searchsorted(ordered, values, side="left")
        counts = np.searchsorted(ordered, values, side="right") - low
        _, found = expand_ranges(low, counts)
        if self._order is not None:
            found = self._order[found]
        tail = len(ordered) + np.flatnonzero(np.isin(column[len(ordered) :], values))
        return np.concatenate([found, tail])

    def _sort(self, column: np.ndarray) -> None:
        # What was loaded in order is in order: then there is nothing to keep.
        if (column[1:] >= column[:-1]).all():
            self._order, self._sorted = None, column
            return
        self._order = np.argsort(column, kind="stable").astype(np.int32)
        self._sorted = column[self._order]

    def reset(self) -> None:
        """Forget the order: places have changed."""
        self._order, self._sorted = None, np.empty(0, np.int32)

    @property
    def nbytes(self) -> int:
        """Bytes in memory beyond the column's own."""
        return 0 if self._order is None else self._order.nbytes + self._sorted.nbytes


class Names:
    """A few names by number."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = list(names)
        self._numbers = {n: i for i, n in enumerate(self.names)}

    def number(self, name: str) -> int:
        """Return the number of a name, a new one for a new name."""
        if name not in self._numbers:
            self._numbers[name] = len(self.names)
            self.names.append(name)
        return self._numbers[name]

    def find(self, name: str) -> int:
        """Return the number of a name, -1 for one that is not here."""
        return self._numbers.get(name, -1)


def expand_ranges(starts: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what ranges of whole numbers hold, one range after the other.

    Args:
        starts: (n,) the first number of each range.
        counts: (n,) how many numbers it has; 0 for an empty one.

    Returns:
        (m,) int64, which range each number is of, and (m,) the numbers.
    """
    which = np.repeat(np.arange(len(starts)), counts)
    offset = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    return which, np.repeat(starts, counts) + offset
