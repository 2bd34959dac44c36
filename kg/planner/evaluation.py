"""The evaluation of components: what the index knows, joined with what the store knows.

Whichever is fewer goes first: candidates are looked up in the store one by one, or all of the
rest is asked for and joined with them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kg.index.multiplicity import Multiplicity
from kg.planner.candidate_rows import rows_with_keys
from kg.planner.components import asked_rest, keys_of
from kg.planner.rest import AskedRest, Rest, is_known, rest_of_store
from kg.planner.tables import Table, distinct, join_sorted

if TYPE_CHECKING:
    from kg.planner.components import Anchor, Keys
    from kg.planner.fetched import Fetched
    from kg.planner.source import Asking


def evaluate(asking: Asking, anchor: Anchor, rows: np.ndarray, needed: set[str]) -> Table:
    """Return the solutions of a component whose anchor is in some rows.

    Args:
        asking: The store.
        anchor: Where the component touches the index.
        rows: (n,) candidates, exact.
        needed: The variables that are asked for.
    """
    rest = _rest(anchor, needed)
    if len(rows) > asking.costs.many_rows and not rest.is_nothing:
        rows = _rows_of_few(asking, rest, rows)
    keys = keys_of(asking.index, anchor, rows)
    if rest.is_nothing:
        asking.note(f"{anchor.variable}: {len(keys.rows)} rows from the index alone")
        columns = {n: c for n, c in keys.columns.items() if n in needed}
        return Table(rows={anchor.variable: keys.rows}, columns=columns)
    # Where each node has one literal, finding the node is finding the literal.
    if anchor.variable in needed and not _is_single(asking, anchor, rows):
        rest = replace(rest, has_literals=True)
    fetched = rest_of_store(asking, AskedRest(rest=rest, candidates=distinct(keys.keys)))
    if fetched is None:
        raise ValueError("without a limit all solutions are fetched")
    return _joined(asking, keys, fetched, needed)


def is_remembered(asking: Asking, anchor: Anchor, needed: set[str]) -> bool:
    """Return whether the store's part of a component is known without asking."""
    return is_known(asking, _rest(anchor, needed))


def _rest(anchor: Anchor, needed: set[str]) -> Rest:
    return Rest.of(anchor, asked_rest(anchor, keep_literal=anchor.variable in needed), needed)


def _is_single(asking: Asking, anchor: Anchor, rows: np.ndarray) -> bool:
    graphs = anchor.component.scope.graphs
    return Multiplicity.of(asking.index, anchor.predicate, graphs, rows).is_single


def _joined(asking: Asking, keys: Keys, fetched: Fetched, needed: set[str]) -> Table:
    """Return what the index and the store know, joined by the keys."""
    anchor = keys.anchor
    # Solution i of the store's goes with candidate j.
    j, i = join_sorted(keys.keys, fetched.keys_in_order, fetched.order)
    # Where the rest speaks of the geometry too, it must be the same one.
    if anchor.geometry in fetched.columns and anchor.geometry != anchor.key:
        same = fetched.columns[anchor.geometry][i] == keys.geometries[j]
        i, j = i[same], j[same]
    if fetched.literals is not None:
        same = fetched.literals[i] == asking.index.rows["literal"][keys.rows[j]]
        i, j = i[same], j[same]
    columns = {n: c[j] for n, c in keys.columns.items() if n in needed}
    columns |= {n: c[i] for n, c in fetched.columns.items() if n in needed and n not in columns}
    return Table(rows={anchor.variable: keys.rows[j]}, columns=columns)


def _rows_of_few(asking: Asking, rest: Rest, rows: np.ndarray) -> np.ndarray:
    """Return those of many rows that the rest speaks of, where it is few or remembered."""
    few = len(rows) // 10
    # With the literals the answer would be long to send, and asked for again with candidates.
    sends_literals = rest.anchor.variable in rest.names
    asked = AskedRest(rest=rest, most_in_tables=few, most_in_store=0 if sends_literals else few)
    found = rest_of_store(asking, asked)
    if found is None:
        return rows
    return np.asarray(rows[rows_with_keys(asking.index, rest.anchor, found.known_keys)[rows]])
