"""Arrays as sets and ranges: membership, positions, groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kg.index.columns import Columns, Names


def among(column: np.ndarray, numbers: np.ndarray, size: int) -> np.ndarray:
    """Return which values of a column are among some numbers: (n,) bool.

    Args:
        column: (n,) whole numbers from 0 to below `size`.
        numbers: (k,) the same.
        size: How many different numbers there are.
    """
    if len(numbers) == 1:
        return np.asarray(column == numbers[0])
    marks = np.zeros(size, bool)
    marks[numbers] = True
    return np.asarray(marks[column])


def _group(*tables: dict[str, np.ndarray]) -> np.ndarray:
    """Return a number for each record of some tables, one after the other; equal ones share it.

    Args:
        tables: Columns by name, the same names in each; (n,) in one and (k,) in another.

    Returns:
        (n + k + ...,) int64.
    """
    columns = [np.concatenate([t[name] for t in tables]) for name in tables[0]]
    order = np.lexsort(columns)
    differs = np.zeros(len(order), bool)
    for column in columns:
        differs[1:] |= column[order[1:]] != column[order[:-1]]
    numbers = np.empty(len(order), np.int64)
    numbers[order] = np.cumsum(differs)
    return numbers


def not_in(columns: dict[str, np.ndarray], others: dict[str, np.ndarray]) -> np.ndarray:
    """Return the places of records that are in no other table, each record once: (m,) int64.

    Args:
        columns: The records, (n,) each column.
        others: The other table, (k,) each column, of the same names.
    """
    numbers = _group(others, columns)
    count = len(numbers) - len(next(iter(columns.values())))
    _, first = np.unique(numbers, return_index=True)
    first = np.sort(first)
    return first[first >= count] - count


def places_in(table: Columns, columns: dict[str, np.ndarray], by: str) -> np.ndarray:
    """Return the rows of a table that are alive and equal to one of some records: (m,) int64.

    Args:
        table: Has a column `alive`.
        columns: The records, (n,) each column.
        by: The column that is looked at first.
    """
    rows = np.flatnonzero(np.isin(table[by], columns[by]) & table["alive"])
    numbers = _group({n: table[n][rows] for n in columns}, columns)
    return rows[np.isin(numbers[: len(rows)], numbers[len(rows) :])]


def in_graphs(column: np.ndarray, graphs: Sequence[bytes] | None, names: Names) -> np.ndarray:
    """Return which rows are in one of some graphs: (n,) bool.

    Args:
        column: (n,) the number of each row's graph.
        graphs: None for any named graph.
        names: Numbers the graphs; the default graph is 0.
    """
    if graphs is None:
        return np.asarray(column != 0)
    numbers = [names.find(g.decode()) for g in graphs]
    if len(numbers) == 1:
        return np.asarray(column == numbers[0])
    return np.isin(column, numbers)
