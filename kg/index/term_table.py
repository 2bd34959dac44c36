"""Terms by number: many IRIs and blank nodes in one block of bytes.

A million terms cost their text and some 20 bytes each, which a dict of strings would not.
"""

from __future__ import annotations

import contextlib
import itertools
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
from xxhash import xxh3_64_intdigest

from kg.index.columns import GrowingBytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


#: New terms are kept in a dict until there are so many; then they are sorted in.
_DICT_LIMIT = 4096
#: The same for a large table, in which sorting takes longer.
_MOST_RECENT = 65_536
#: The same while many are added; some 200 bytes each.
_ROOM = 4_000_000
_NEAR = 50_000


class TermTable:
    """Texts of terms (`<iri>`, `_:label`), numbered in the order in which they came."""

    def __init__(self) -> None:
        self._texts = GrowingBytes()
        self._ends = np.zeros(1, np.int64)
        """The number that follows the last byte of text i is at i + 1."""
        self._count = 0
        self._sorted = np.empty(0, np.uint64), np.empty(0, np.int32)
        """Hashes of the terms that are sorted in, ascending, and their numbers."""
        self._recent: dict[bytes, int] = {}
        self._near: dict[bytes, int] | None = None
        """Terms that were added or found last, while many are added."""
        self.room = _DICT_LIMIT
        """New terms that are kept in the dict at least; more while many are loaded."""

    def __len__(self) -> int:
        return self._count

    def text(self, number: int) -> bytes:
        """Return the text of one term."""
        return self._texts.array[self._ends[number] : self._ends[number + 1]].tobytes()

    def texts(self, numbers: np.ndarray) -> list[bytes]:
        """Return the texts of terms by their numbers, (n,) each."""
        return self._texts.slices(self._ends[numbers].tolist(), self._ends[numbers + 1].tolist())

    def has_blank(self, numbers: np.ndarray) -> bool:
        """Return whether one of some terms, (n,) numbers, is a blank node."""
        return bool((self._texts.array[self._ends[numbers]] == ord("_")).any())

    def find(self, texts: Sequence[bytes]) -> np.ndarray:
        """Return the number of each text, -1 where it is not here: (n,) int32."""
        found = _looked_up(self._recent, texts)
        if len(self._sorted[0]):
            missing = np.flatnonzero(found < 0)
            if len(missing):
                found[missing] = self._find_sorted([texts[i] for i in missing.tolist()])
        return found

    def _find_near(self, texts: Sequence[bytes]) -> np.ndarray:
        """Return what `find` does, quicker while many terms are added.

        A file speaks of the same terms again and again, so those that came last are kept in a
        small dict, which is looked at first.
        """
        near = self._near
        if near is None:
            return self.find(texts)
        found = _looked_up(near, texts)
        missing = np.flatnonzero(found < 0)
        if len(missing):
            others = [texts[i] for i in missing.tolist()]
            found[missing] = numbers = self.find(others)
            if len(near) > _NEAR:
                near.clear()
            near.update((t, n) for t, n in zip(others, numbers.tolist(), strict=True) if n >= 0)
        return found

    def _find_sorted(self, texts: list[bytes]) -> np.ndarray:
        """Return the numbers of those terms that are sorted in, -1 for others: (n,) int32."""
        found = np.full(len(texts), -1, np.int32)
        hashes = _hash(texts)
        ordered, order = self._sorted
        places = np.searchsorted(ordered, hashes)
        places[places == len(ordered)] = 0
        hit = np.flatnonzero(ordered[places] == hashes)
        numbers = order[places[hit]]
        # Two texts may share a hash: only a text that is the same is found.
        same = [
            known == texts[i] for i, known in zip(hit.tolist(), self.texts(numbers), strict=True)
        ]
        found[hit[same]] = numbers[same]
        for i in hit[np.logical_not(same)].tolist():
            found[i] = self._slow_find(texts[i], int(places[i]))
        return found

    def _slow_find(self, text: bytes, place: int) -> int:
        """Return the number of a text whose hash another text has too; -1 where it is not here."""
        ordered, order = self._sorted
        wanted = ordered[place]
        while place < len(ordered) and ordered[place] == wanted:
            if self.text(int(order[place])) == text:
                return int(order[place])
            place += 1
        return -1

    def add(self, texts: Sequence[bytes]) -> np.ndarray:
        """Return the number of each text, new ones for those that were not here: (n,) int32."""
        numbers = self._find_near(texts)
        missing = np.flatnonzero(numbers < 0).tolist()
        if missing:
            fresh = defaultdict[bytes, int](itertools.count(self._count).__next__)
            numbers[missing] = [fresh[texts[i]] for i in missing]
            self._append(fresh)
            self._recent |= fresh
            if self._near is not None:
                self._near |= fresh
            if len(self._recent) > max(self.room, min(self._count // 16, _MOST_RECENT)):
                self.settle()
        return numbers

    def _append(self, texts: Iterable[bytes]) -> None:
        texts = list(texts)
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        needed = self._count + len(texts) + 1
        if needed > len(self._ends):
            grown = np.zeros(needed + needed // 2 + 1024, np.int64)
            grown[: self._count + 1] = self._ends[: self._count + 1]
            self._ends = grown
        self._ends[self._count + 1 : needed] = self._ends[self._count] + np.cumsum(lengths)
        self._texts.append(b"".join(texts))
        self._count += len(texts)

    @contextlib.contextmanager
    def many(self) -> Iterator[None]:
        """Let many terms be added, at the price of memory until the context ends."""
        self.room = _ROOM
        self._near = {}
        try:
            yield
        finally:
            self.room = _DICT_LIMIT
            self._near = None
            self.settle()

    def settle(self) -> None:
        """Sort the new terms in, which takes less memory than the dict."""
        if not self._recent:
            return
        ordered, order = self._sorted
        numbers = np.fromiter(self._recent.values(), np.int32, len(self._recent))
        hashes = np.concatenate([ordered, _hash(list(self._recent))])
        places = np.argsort(hashes, kind="stable")
        # Who reads at the same time finds a term in the one or the other.
        self._sorted = hashes[places], np.concatenate([order, numbers])[places]
        self._recent = {}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what has to be kept to make the same table again."""
        self.settle()
        return {
            "texts": self._texts.array,
            "ends": self._ends[: self._count + 1],
            "hashes": self._sorted[0],
            "order": self._sorted[1],
        }

    @classmethod
    def of(cls, arrays: dict[str, np.ndarray]) -> TermTable:
        """Return the table of which `arrays` were kept."""
        table = cls()
        table._texts = GrowingBytes(arrays["texts"])
        table._ends = arrays["ends"]
        table._count = len(table._ends) - 1
        table._sorted = arrays["hashes"], arrays["order"]
        return table

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        arrays = 8 * self._count + sum(a.nbytes for a in self._sorted)
        return len(self._texts) + arrays + sum(len(t) + 120 for t in self._recent)


def _looked_up(known: dict[bytes, int], texts: Sequence[bytes]) -> np.ndarray:
    return np.fromiter(map(known.get, texts, itertools.repeat(-1)), np.int32, len(texts))


def hash_texts(texts: Sequence[bytes | str]) -> np.ndarray:
    """Return a hash of each text that is the same in every process: (n,) uint64.

    A str has the hash of its bytes in UTF-8.
    """
    return _hash([t.encode() if isinstance(t, str) else t for t in texts])


def _hash(texts: Sequence[bytes]) -> np.ndarray:
    return np.fromiter(map(xxh3_64_intdigest, texts), np.uint64, len(texts))
