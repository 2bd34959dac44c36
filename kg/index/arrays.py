"""Arrays as sets and ranges: membership, positions, groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from kg.index.columns import Columns


def among(column: np.ndarray, numbers: np.ndarray, size: int) -> np.ndarray:
    """Return which values of a column are among some numbers, all below a size."""
    if len(numbers) == 1:
        return np.asarray(column == numbers[0])
    marks = np.zeros(size, bool)
    marks[numbers] = True
    return np.asarray(marks[column])


def _group(*tables: dict[str, np.ndarray]) -> np.ndarray:
    """Return a number for each record of some tables, one after the other; equal ones share it."""
    columns = [np.concatenate([t[name] for t in tables]) for name in tables[0]]
    order = np.lexsort(columns)
    differs = np.zeros(len(order), bool)
    for column in columns:
        differs[1:] |= column[order[1:]] != column[order[:-1]]
    numbers = np.empty(len(order), np.int64)
    numbers[order] = np.cumsum(differs)
    return numbers


def not_in(columns: dict[str, np.ndarray], others: dict[str, np.ndarray]) -> np.ndarray:
    """Return the places of records that are in no other table, each record once."""
    numbers = _group(others, columns)
    count = len(numbers) - len(next(iter(columns.values())))
    _, first = np.unique(numbers, return_index=True)
    first = np.sort(first)
    return first[first >= count] - count


def places_in(table: Columns, columns: dict[str, np.ndarray], by: str) -> np.ndarray:
    """Return where a table has one of some records."""
    rows = np.flatnonzero(np.isin(table[by], columns[by]) & table["alive"])
    numbers = _group({n: table[n][rows] for n in columns}, columns)
    return rows[np.isin(numbers[: len(rows)], numbers[len(rows) :])]
