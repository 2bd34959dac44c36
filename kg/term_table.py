"""Terms by number: many IRIs and blank nodes in one block of bytes.

A million terms cost their text and some 20 bytes each, which a dict of strings would not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pandas.util import hash_array

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: New terms are kept in a dict until there are so many; then they are sorted in.
_DICT_LIMIT = 4096


class TermTable:
    """Texts of terms (`<iri>`, `_:label`), numbered in the order in which they came."""

    def __init__(self) -> None:
        self._texts = bytearray()
        self._ends = np.zeros(1, np.int64)
        """The number that follows the last byte of text i is at i + 1."""
        self._count = 0
        self._hashes = np.empty(0, np.uint64)
        """Of the terms that are sorted in, ascending; their numbers are in `_order`."""
        self._order = np.empty(0, np.int32)
        self._recent: dict[bytes, int] = {}

    def __len__(self) -> int:
        return self._count

    def text(self, number: int) -> bytes:
        """Return the text of one term."""
        return bytes(self._texts[self._ends[number] : self._ends[number + 1]])

    def texts(self, numbers: np.ndarray) -> list[bytes]:
        """Return the texts of many terms."""
        view = memoryview(self._texts)
        starts, ends = self._ends[numbers].tolist(), self._ends[numbers + 1].tolist()
        return [bytes(view[a:b]) for a, b in zip(starts, ends, strict=True)]

    def has_blank(self, numbers: np.ndarray) -> bool:
        """Return whether blank nodes are among some terms."""
        first = np.frombuffer(self._texts, np.uint8)[self._ends[numbers]]
        return bool((first == ord("_")).any())

    def find(self, texts: Sequence[bytes]) -> np.ndarray:
        """Return the number of each text, -1 where it is not here: (n,) int32."""
        found = np.full(len(texts), -1, np.int32)
        if not len(texts):
            return found
        if len(self._hashes):
            hashes = _hash(texts)
            places = np.searchsorted(self._hashes, hashes)
            places[places == len(self._hashes)] = 0
            hit = np.flatnonzero(self._hashes[places] == hashes)
            numbers = self._order[places[hit]]
            # Two texts may share a hash: only a text that is the same is found.
            same = [
                known == texts[i]
                for i, known in zip(hit.tolist(), self.texts(numbers), strict=True)
            ]
            found[hit[same]] = numbers[same]
            for i in hit[np.logical_not(same)].tolist():
                found[i] = self._slow_find(texts[i], int(places[i]))
        if self._recent:
            for i in np.flatnonzero(found < 0).tolist():
                found[i] = self._recent.get(texts[i], -1)
        return found

    def _slow_find(self, text: bytes, place: int) -> int:
        wanted = self._hashes[place]
        while place < len(self._hashes) and self._hashes[place] == wanted:
            if self.text(int(self._order[place])) == text:
                return int(self._order[place])
            place += 1
        return -1

    def add(self, texts: Sequence[bytes]) -> np.ndarray:
        """Return the number of each text, new ones for those that were not here: (n,) int32."""
        numbers = self.find(texts)
        fresh: dict[bytes, int] = {}
        for i in np.flatnonzero(numbers < 0).tolist():
            numbers[i] = fresh.setdefault(texts[i], self._count + len(fresh))
        if fresh:
            self._append(fresh)
            self._recent |= fresh
            if len(self._recent) > _DICT_LIMIT:
                self._sort_in()
        return numbers

    def _append(self, texts: Iterable[bytes]) -> None:
        texts = list(texts)
        lengths = np.fromiter((len(t) for t in texts), np.int64, len(texts))
        needed = self._count + len(texts) + 1
        if needed > len(self._ends):
            grown = np.zeros(needed + needed // 8 + 1024, np.int64)
            grown[: self._count + 1] = self._ends[: self._count + 1]
            self._ends = grown
        self._ends[self._count + 1 : needed] = self._ends[self._count] + np.cumsum(lengths)
        self._texts += b"".join(texts)
        self._count += len(texts)

    def _sort_in(self) -> None:
        numbers = np.fromiter(self._recent.values(), np.int32, len(self._recent))
        hashes = np.concatenate([self._hashes, _hash(list(self._recent))])
        order = np.argsort(hashes, kind="stable")
        self._hashes = hashes[order]
        self._order = np.concatenate([self._order, numbers])[order]
        self._recent = {}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what has to be kept to make the same table again."""
        if self._recent:
            self._sort_in()
        return {
            "texts": np.frombuffer(bytes(self._texts), np.uint8),
            "ends": self._ends[: self._count + 1],
            "hashes": self._hashes,
            "order": self._order,
        }

    @classmethod
    def of(cls, arrays: dict[str, np.ndarray]) -> TermTable:
        """Return the table of kept arrays."""
        table = cls()
        table._texts = bytearray(arrays["texts"].tobytes())
        table._ends = arrays["ends"]
        table._count = len(table._ends) - 1
        table._hashes, table._order = arrays["hashes"], arrays["order"]
        return table

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        arrays = self._ends.nbytes + self._hashes.nbytes + self._order.nbytes
        return len(self._texts) + arrays + sum(len(t) + 120 for t in self._recent)


def hash_texts(texts: Sequence[bytes | str]) -> np.ndarray:
    """Return a hash of each text that is the same in every process: (n,) uint64."""
    return _hash(texts)


def _hash(texts: Sequence[bytes | str]) -> np.ndarray:
    array = np.empty(len(texts), object)
    array[:] = texts
    return hash_array(array, categorize=False)
