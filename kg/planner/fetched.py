"""What a store answered about a part of a query: columns, or how many solutions there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """Solutions of a part of a query as columns, and in which order their keys ascend."""

    columns: Mapping[str, np.ndarray]
    """For each variable (n,): int numbers of terms of the index, -1 for a term that it does not
    have; or objects, the texts as in TSV."""
    key: str
    """The variable by which the solutions are joined with rows of the index."""
    order: np.ndarray
    """(n,) int64, the places of the solutions in the order of their keys."""
    keys_in_order: np.ndarray
    """(n,) the numbers of the keys, ascending."""
    literals: np.ndarray | None = None
    """(n,) hashes of the geometry literals; None where each node has one, so that none differ."""

    @classmethod
    def of(
        cls, columns: Mapping[str, np.ndarray], key: str, literals: np.ndarray | None = None
    ) -> Fetched:
        """Return columns with the order of their keys."""
        order = np.argsort(columns[key], kind="stable")
        return cls(
            columns=columns,
            key=key,
            order=order,
            keys_in_order=columns[key][order],
            literals=literals,
        )

    @classmethod
    def together(cls, parts: list[Fetched]) -> Fetched:
        """Return the solutions of one or more parts that have the same columns."""
        if len(parts) == 1:
            return parts[0]
        first = parts[0]
        hashes = [p.literals for p in parts if p.literals is not None]
        return cls.of(
            {n: np.concatenate([p.columns[n] for p in parts]) for n in first.columns},
            first.key,
            np.concatenate(hashes) if hashes else None,
        )

    def __len__(self) -> int:
        return len(self.order)

    @property
    def known_keys(self) -> np.ndarray:
        """The keys that are terms of the index: (m,) numbers, some more than once."""
        keys = self.columns[self.key]
        return np.asarray(keys[keys >= 0])

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """All arrays, to be weighed."""
        more = () if self.literals is None else (self.literals,)
        return (*self.columns.values(), self.order, self.keys_in_order, *more)

    @property
    def lacks_terms(self) -> bool:
        """Whether a node was not in the index when it was asked for."""
        numbers = (c for c in self.columns.values() if c.dtype != object)
        return any(len(c) and int(c.min()) < 0 for c in numbers)


@dataclass(frozen=True, kw_only=True)
class Counted:
    """How many solutions a part of a query has, as far as they were counted."""

    found: int
    limit: int
    """Where counting stopped; fewer are all that there are."""

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """None: a number weighs nothing."""
        return ()

    @property
    def lacks_terms(self) -> bool:
        """False: a number has no terms."""
        return False


Remembered = Fetched | Counted
