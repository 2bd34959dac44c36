"""Solutions of a part of a query as columns, and how two of them are joined."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from kg.index.columns import expand_ranges
from kg.results.solutions import Column

if TYPE_CHECKING:
    from kg.index.term_table import TermTable


#: Below it sorting is quicker than marking.
_SHORT = 4096


@dataclass(kw_only=True)
class Table:
    """Solutions of a component.

    A column is (n,) int32 numbers of terms of the index, or (n,) objects: texts as in TSV.
    """

    rows: dict[str, np.ndarray]
    """For each variable that is a geometry literal, the row of the index it is in: (n,) int32."""
    columns: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        for column in (*self.rows.values(), *self.columns.values()):
            return len(column)
        return 0

    def take(self, places: np.ndarray) -> Table:
        """Return some of the solutions.

        Args:
            places: (m,) which of them, in what order; one may come more than once.
        """
        return Table(
            rows={n: c[places] for n, c in self.rows.items()},
            columns={n: c[places] for n, c in self.columns.items()},
        )

    def beside(self, other: Table) -> Table:
        """Return two tables of equal length as one."""
        return Table(rows=self.rows | other.rows, columns=self.columns | other.columns)


def one_below_another(tables: list[Table]) -> Table:
    """Return the solutions of one or more tables of the same variables."""
    return Table(
        rows={n: np.concatenate([t.rows[n] for t in tables]) for n in tables[0].rows},
        columns={n: np.concatenate([t.columns[n] for t in tables]) for n in tables[0].columns},
    )


def distinct(numbers: np.ndarray) -> np.ndarray:
    """Return each number once, ascending: (m,) of the (n,) that are given, none negative."""
    if len(numbers) < _SHORT:
        return np.unique(numbers)
    marks = np.zeros(int(numbers.max()) + 1, bool)
    marks[numbers] = True
    return np.flatnonzero(marks)


def join(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where equal numbers are.

    Args:
        left: (a,) numbers.
        right: (b,) numbers.

    Returns:
        For each pair of equal ones the place in the left, (n,) ascending, and in the right, (n,).
    """
    order = np.argsort(right, kind="stable")
    return join_sorted(left, right[order], order)


def join_sorted(
    left: np.ndarray, ordered: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the same as `join` where the right side is sorted already.

    Args:
        left: (a,) numbers.
        ordered: (b,) the numbers of the right side, ascending.
        order: (b,) at which place of the right side each of them is.
    """
    low = np.searchsorted(ordered, left, side="left")
    counts = np.searchsorted(ordered, left, side="right") - low
    first, places = expand_ranges(low, counts)
    return first, order[places]


def column_of(values: np.ndarray, terms: TermTable) -> Column:
    """Return a column in which each distinct value is written once.

    Args:
        values: (n,) numbers of terms, or objects: texts as in TSV.
        terms: The terms by number.
    """
    if values.dtype == object:
        numbers: dict[bytes, int] = {}
        codes = np.fromiter((numbers.setdefault(v, len(numbers)) for v in values), np.int32)
        return Column(codes=codes, texts=list(numbers))
    marks = np.zeros(len(terms), bool)
    marks[values] = True
    distinct = np.flatnonzero(marks)
    places = np.empty(len(terms), np.int32)
    places[distinct] = np.arange(len(distinct), dtype=np.int32)
    return Column(codes=places[values], texts=terms.texts(distinct))


def texts_of(values: np.ndarray, terms: TermTable) -> list[bytes]:
    """Return the texts of a column: of (n,) numbers of terms, or (n,) texts already."""
    return values.tolist() if values.dtype == object else terms.texts(values)
