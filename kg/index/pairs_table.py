"""The pairs of one property as sorted columns of numbers."""

from __future__ import annotations

import numpy as np

from kg.index.columns import expand_ranges

_LOW = np.int64(0xFFFFFFFF)


class PropertyTable:
    """What one property says in one graph; it does not change."""

    def __init__(self, codes: np.ndarray, turned: np.ndarray | None = None) -> None:
        """Take pairs.

        Args:
            codes: (n,) int64, `code(subjects, objects)`, ascending, each once.
            turned: `code(objects, subjects)`, ascending; None to sort it when it is needed.
        """
        self.codes = codes
        self._turned = turned

    def __len__(self) -> int:
        """Return how many pairs there are."""
        return len(self.codes)

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self.codes.nbytes + (0 if self._turned is None else self._turned.nbytes)

    @property
    def turned(self) -> np.ndarray:
        """`code(objects, subjects)`, (n,) int64, ascending; sorted when it is first needed."""
        if self._turned is None:
            self._turned = np.sort(_swapped(self.codes))
        return self._turned

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Return all subjects, ascending, and their objects: two (n,) int32, numbers of terms."""
        return _halves(self.codes)

    def objects_of(self, subjects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the pairs with some subjects.

        Args:
            subjects: (k,) numbers of terms.

        Returns:
            (m,) int64, for each pair the place of its subject in `subjects`, ascending, and
            (m,) int32, its object.
        """
        return _seconds(self.codes, subjects)

    def subjects_of(self, objects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the pairs with some objects.

        Args:
            objects: (k,) numbers of terms.

        Returns:
            (m,) int64, for each pair the place of its object in `objects`, ascending, and
            (m,) int32, its subject.
        """
        return _seconds(self.turned, objects)

    def count_objects_of(self, subject: int) -> int:
        """Return how many pairs have a subject, a number of a term."""
        return count_of(self.codes, subject)

    def count_subjects_of(self, target: int) -> int:
        """Return how many pairs have an object, a number of a term."""
        return count_of(self.turned, target)

    def has(self, subjects: np.ndarray, objects: np.ndarray) -> np.ndarray:
        """Return which pairs of a subject and an object, each (k,), are here: (k,) bool."""
        return _among(code(subjects, objects), self.codes)

    def with_pairs(self, codes: np.ndarray) -> PropertyTable:
        """Return a table that has these pairs too, (k,) int64 as of `code`, in any order."""
        fresh = _distinct(codes)
        fresh = fresh[~_among(fresh, self.codes)]
        turned = self._turned
        if turned is not None:
            turned = _inserted(turned, np.sort(_swapped(fresh)))
        return PropertyTable(_inserted(self.codes, fresh), turned)

    def without_pairs(self, codes: np.ndarray) -> PropertyTable:
        """Return a table without these pairs, (k,) int64 as of `code`, in any order."""
        gone = _distinct(codes)
        gone = gone[_among(gone, self.codes)]
        turned = self._turned
        if turned is not None:
            turned = np.delete(turned, np.searchsorted(turned, _swapped(gone)))
        return PropertyTable(np.delete(self.codes, np.searchsorted(self.codes, gone)), turned)


def code(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return pairs of (n,) and (n,) numbers below 2**31 as one number each: (n,) int64."""
    return (np.asarray(first, np.int64) << 32) | np.asarray(second, np.int64)


def _distinct(codes: np.ndarray) -> np.ndarray:
    ordered = np.sort(codes)
    return np.asarray(ordered[np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]])


def _halves(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (codes >> 32).astype(np.int32), (codes & _LOW).astype(np.int32)


def _swapped(codes: np.ndarray) -> np.ndarray:
    return np.asarray((codes << 32) | (codes >> 32))


def _among(codes: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Return which of (k,) codes are among (n,) ascending ones: (k,) bool."""
    if not len(ordered):
        return np.zeros(len(codes), bool)
    places = np.searchsorted(ordered, codes)
    places[places == len(ordered)] = 0
    return np.asarray(ordered[places] == codes)


def _inserted(ordered: np.ndarray, fresh: np.ndarray) -> np.ndarray:
    """Return (n,) ascending codes with (k,) ascending ones that are new: (n + k,)."""
    if not (len(ordered) and len(fresh)):
        return ordered if len(ordered) else fresh
    return np.insert(ordered, np.searchsorted(ordered, fresh), fresh)


def _seconds(ordered: np.ndarray, firsts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs that begin with some numbers: which of these, and the second number."""
    begin = np.asarray(firsts, np.int64) << 32
    low = np.searchsorted(ordered, begin)
    counts = np.searchsorted(ordered, begin + _LOW, side="right") - low
    which, places = expand_ranges(low, counts)
    return which, (ordered[places] & _LOW).astype(np.int32)


def count_of(ordered: np.ndarray, first: int) -> int:
    """Return how many of (n,) ascending codes, as of `code`, begin with a number."""
    begin = first << 32
    end = np.searchsorted(ordered, begin + _LOW, side="right")
    return int(end - np.searchsorted(ordered, begin))
