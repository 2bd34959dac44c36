"""The evaluation of components: what the index knows, joined with what the store knows.

Whichever is fewer goes first: candidates are looked up in the store one by one, or all of the
rest is asked for and joined with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pyoxigraph import Literal, QueryResultsFormat, QuerySolutions

from kg.geosparql.literals import Geometry
from kg.planner.components import (
    Anchor,
    Component,
    Keys,
    Source,
    asked_rest,
    in_scope,
    keys_of,
    rest_of,
)
from kg.planner.constraints import Among, AnyOf, Constraint, Nearest, WithConstant
from kg.planner.multiplicity import Multiplicity
from kg.planner.row_matching import count_near, rows_matching
from kg.planner.table_joins import least, patterns_of, solve
from kg.planner.tables import Table, distinct, join_sorted
from kg.term_table import hash_texts

if TYPE_CHECKING:
    from kg.planner.patterns import TriplePattern
    from kg.spatial_index import SpatialIndex

#: What a lookup from a candidate costs, in rows of a scan (both measured, some 25 and 10 us).
LOOKUP_COST = 2.5
#: Candidates below which counting the other side is not worth it.
FEW = 200
#: What the rest may be, as a share of all geometries, before looking up is considered.
_SHARE = 4
#: Rows from which it is worth asking the store first which of them it speaks of.
_MANY_ROWS = 5_000
#: Solutions from which the properties that they need are read whole, and kept.
MANY_READ = 5_000
#: How far the other side is counted.
COUNT_LIMIT = 20_000


def candidate_rows(
    source: Source,
    prologue: str,
    component: Component,
    anchor: Anchor,
    constraints: list[Constraint],
    steps: list[str],
) -> np.ndarray:
    """Return the rows that an anchor may be, by its constraints with constants: (n,) int32.

    Where the rest of the component has fewer solutions than there are boxes that meet, it is
    asked first, and only its geometries are tested.
    """
    index = source.index
    mask = index.select(predicate=anchor.literal.predicate[1:-1], graphs=component.scope.graphs)
    for among in (c.test.rows for c in constraints if isinstance(c.test, Among)):
        few = np.zeros(len(mask), bool)
        few[among] = True
        mask = mask & few
    choices = [a for c in constraints if (a := _alternatives(c, anchor.variable)) is not None]
    if not choices:
        return np.flatnonzero(mask).astype(np.int32)
    near = near_of(index, constraints, anchor.variable) or 0
    if near > FEW:
        mask = few_by_the_rest(source, prologue, component, anchor, mask, near, steps)
    for tests in choices:
        found = np.zeros(len(mask), bool)
        for t in tests:
            found[rows_matching(index, mask, t.test, t.constant, row_first=t.row_first)] = True
        mask = found
    rows = np.flatnonzero(mask).astype(np.int32)
    texts = " and ".join(c.text for c in constraints)
    steps.append(f"{texts}: {len(rows)} of {len(index)} geometries, {near} by their boxes")
    return rows


def near_of(index: SpatialIndex, constraints: list[Constraint], variable: str) -> int | None:
    """Return about how many rows may satisfy constraints with constants; None without any."""
    choices = (_alternatives(c, variable) for c in constraints)
    return min(
        (
            sum(count_near(index, t.test, t.constant, row_first=t.row_first) for t in tests)
            for tests in choices
            if tests is not None
        ),
        default=None,
    )


def _alternatives(constraint: Constraint, variable: str) -> tuple[WithConstant, ...] | None:
    """Return the tests of which one must hold; None where it is not about constants."""
    test = constraint.test
    if isinstance(test, AnyOf):
        return test.alternatives
    row_first = constraint.left == variable
    constant = constraint.right if row_first else constraint.left
    if isinstance(test, Nearest | Among) or not isinstance(constant, Geometry):
        return None
    return (WithConstant(test=test, constant=constant, row_first=row_first),)


def few_by_the_rest(
    source: Source,
    prologue: str,
    component: Component,
    anchor: Anchor,
    mask: np.ndarray,
    near: int,
    steps: list[str],
) -> np.ndarray:
    """Return a mask of rows, narrowed to what the rest has where that is fewer."""
    rest = rest_of(component, anchor, keep_literal=False)
    if not rest and component.is_bare:
        return mask
    # Behind a variable graph name the rest says nothing about which graph's geometry it is.
    body = component.body(rest)
    spoken = frozenset().union(*(p.variables for p in rest))
    if anchor.key not in spoken:
        return mask
    patterns = patterns_of(source, component, rest)
    if patterns is not None:
        if least(patterns) * _SHARE > near:
            return mask
        known = solve(patterns, anchor.key, None)
        if known is not None:
            steps.append(f"thematic first: {len(known[anchor.key])} solutions, {near} boxes meet")
            return np.asarray(mask & _marked(source, anchor, known[anchor.key]))
    body = in_scope(body, component.scope)
    limit = min(int(near / LOOKUP_COST), COUNT_LIMIT)
    if count_up_to(source, prologue, body, limit) >= limit:
        return mask
    names = [anchor.key]
    query = f"{prologue} SELECT {anchor.key} {{ {body} }}"
    columns = source.remembered(query)
    if columns is None:
        columns = _columns(source, query, names, anchor, check_literal=False)
        source.remember(query, columns)
    keys = columns[anchor.key]
    steps.append(f"thematic first: {len(keys)} solutions of the rest, {near} boxes meet")
    return np.asarray(mask & _marked(source, anchor, keys[keys >= 0]))


def _marked(source: Source, anchor: Anchor, keys: np.ndarray) -> np.ndarray:
    """Return which rows of the index belong to some keys: (rows,) bool."""
    index = source.index
    link = None if anchor.link is None else anchor.link.predicate[1:-1]
    marks = np.zeros(index.rows.count, bool)
    marks[index.rows_of(index.distinct(keys), link)] = True
    return marks


def count_up_to(source: Source, prologue: str, body: str, limit: int) -> int:
    """Return how many solutions a part has, at most a limit."""
    whole = f"{prologue} SELECT (COUNT(*) AS ?n) {{ {body} }}"
    known = source.remembered(whole)
    if known is not None:
        found, counted_to = known["count"].tolist()
        if found < counted_to or counted_to >= limit:
            return int(min(found, limit))
    result = source.evaluate(
        f"{prologue} SELECT (COUNT(*) AS ?n) {{ SELECT * {{ {body} }} LIMIT {limit} }}"
    )
    if not isinstance(result, QuerySolutions):
        raise TypeError("a count is a SELECT")
    value = next(result)["n"]
    found = int(value.value) if isinstance(value, Literal) else 0
    source.remember(whole, {"count": np.array([found, limit])})
    return found


def evaluate(
    source: Source,
    prologue: str,
    component: Component,
    anchor: Anchor,
    rows: np.ndarray,
    needed: set[str],
    steps: list[str],
) -> Table:
    """Return the solutions of a component whose anchor is in some rows.

    Args:
        source: The store.
        prologue: Of the query, for the prefixes.
        component: What to evaluate.
        anchor: Where it touches the index.
        rows: (n,) candidates, exact.
        needed: The variables that are asked for.
        steps: Takes a line on what was done.
    """
    index = source.index
    keep_literal = anchor.variable in needed
    rest = asked_rest(component, anchor, keep_literal=keep_literal)
    if len(rows) > _MANY_ROWS and (rest or not component.is_bare):
        rows = _rows_of_few(source, prologue, component, anchor, rest, rows, needed)
    keys = keys_of(index, component, anchor, rows)
    known = {anchor.geometry: keys.geometries, anchor.key: keys.keys}
    if not rest and component.is_bare:
        steps.append(f"{anchor.variable}: {len(keys.rows)} rows from the index alone")
        columns = {n: c for n, c in known.items() if n in needed}
        return Table(rows={anchor.variable: keys.rows}, columns=columns)
    predicate = anchor.literal.predicate[1:-1]
    # Where each node has one literal, finding the node is finding the literal.
    has_many = (
        keep_literal
        and not Multiplicity.of(index, predicate, component.scope.graphs, rows).is_single
    )
    asked = _Asked(prologue=prologue, needed=needed, check_literal=has_many)
    fetched = _fetch(source, asked, component, anchor, rest, keys, steps)
    j, i = join_sorted(keys.keys, fetched["keys in order"], fetched["order of keys"])
    # Where the rest speaks of the geometry too, it must be the same one.
    if anchor.geometry in fetched and anchor.geometry != anchor.key:
        same = fetched[anchor.geometry][i] == keys.geometries[j]
        i, j = i[same], j[same]
    if has_many:
        same = fetched["literal of anchor"][i] == index.rows["literal"][keys.rows[j]]
        i, j = i[same], j[same]
    columns = {n: c[j] for n, c in known.items() if n in needed}
    columns |= {n: c[i] for n, c in fetched.items() if n in needed and n not in columns}
    return Table(rows={anchor.variable: keys.rows[j]}, columns=columns)


def thematic_query(
    prologue: str,
    component: Component,
    anchor: Anchor,
    rest: list[TriplePattern],
    needed: set[str],
) -> tuple[str, list[str]]:
    """Return the query for the store's part alone, and its variables, the key first."""
    spoken = frozenset().union(*(p.variables for p in rest))
    names = [anchor.key, *sorted((needed | {anchor.geometry}) & spoken - {anchor.key})]
    body = in_scope(component.body(rest), component.scope)
    return f"{prologue} SELECT {' '.join(names)} {{ {body} }}", names


def is_remembered(
    source: Source, prologue: str, component: Component, anchor: Anchor, needed: set[str]
) -> bool:
    """Return whether the store's part of a component is known without asking."""
    rest = asked_rest(component, anchor, keep_literal=anchor.variable in needed)
    if not rest:
        return component.is_bare
    if patterns_of(source, component, rest) is not None:
        return True
    query, _ = thematic_query(prologue, component, anchor, rest, needed)
    return source.remembered(query) is not None


def _rows_of_few(
    source: Source,
    prologue: str,
    component: Component,
    anchor: Anchor,
    rest: list[TriplePattern],
    rows: np.ndarray,
    needed: set[str],
) -> np.ndarray:
    """Return those of many rows that the rest speaks of, where it is few or remembered."""
    patterns = patterns_of(source, component, rest)
    if patterns is not None:
        few = least(patterns) < len(rows) // 10
        known = solve(patterns, anchor.key, None) if few else None
        if known is not None:
            rows = np.asarray(rows[_marked(source, anchor, known[anchor.key])[rows]])
        return rows
    thematic, names = thematic_query(prologue, component, anchor, rest, needed)
    columns = source.remembered(thematic)
    if columns is None:
        if anchor.variable in needed:
            return rows
        body = in_scope(component.body(rest), component.scope)
        limit = len(rows) // 10
        if count_up_to(source, prologue, body, limit) >= limit:
            return rows
        columns = _columns(source, thematic, names, anchor, check_literal=False)
        source.remember(thematic, columns)
    keys = columns[anchor.key]
    return np.asarray(rows[_marked(source, anchor, keys[keys >= 0])[rows]])


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What is asked of the store for a component."""

    prologue: str
    needed: set[str]
    check_literal: bool
    """The literals themselves have to be compared: nodes have several."""


def _fetch(
    source: Source,
    asked: _Asked,
    component: Component,
    anchor: Anchor,
    rest: list[TriplePattern],
    keys: Keys,
    steps: list[str],
) -> dict[str, np.ndarray]:
    """Return the store's part, as columns; the key and the geometry as numbers of terms."""
    index = source.index
    prologue = asked.prologue
    thematic, names = thematic_query(prologue, component, anchor, rest, asked.needed)
    memory = f"{thematic} #literals" if asked.check_literal else thematic
    candidates = distinct(keys.keys)
    patterns = patterns_of(source, component, rest)
    if patterns is None and _is_much(source, asked, component, rest, len(candidates)):
        patterns = patterns_of(source, component, rest, read=True)
    known = None if patterns is None else solve(patterns, anchor.key, candidates)
    if known is not None:
        steps.append(f"{anchor.variable}: the rest joined from tables with {len(candidates)}")
        return _in_order({n: known[n] for n in names}, anchor.key)
    cached = source.remembered(memory)
    if cached is not None:
        steps.append(f"{anchor.variable}: the rest as remembered, joined with {len(candidates)}")
        return cached
    blank = index.terms.has_blank(candidates)
    if not blank and _spatial_first(source, prologue, component, rest, len(candidates)):
        steps.append(f"{anchor.variable}: the rest looked up from {len(candidates)} candidates")
        texts = index.terms.texts(candidates)
        size = source.block or max(len(texts), 1)
        found = []
        for start in range(0, max(len(texts), 1), size):
            values = b" ".join(texts[start : start + size]).decode()
            table = f"VALUES {anchor.key} {{ {values} }}"
            body = component.looked_up(table, rest, lateral=source.block is None)
            query = f"{prologue} SELECT {' '.join(names)} {{ {in_scope(body, component.scope)} }}"
            found.append(_columns(source, query, names, anchor, check_literal=asked.check_literal))
        if len(found) == 1:
            return found[0]
        columns = {name: np.concatenate([f[name] for f in found]) for name in found[0]}
        return _in_order(columns, anchor.key)
    columns = _columns(source, thematic, names, anchor, check_literal=asked.check_literal)
    count = len(columns[anchor.key])
    steps.append(f"{anchor.variable}: {count} of the rest joined with {len(candidates)} candidates")
    source.remember(memory, columns)
    return columns


def _is_much(
    source: Source,
    asked: _Asked,
    component: Component,
    rest: list[TriplePattern],
    candidates: int,
) -> bool:
    """Return whether the rest is so much that all of its properties are better read at once."""
    if source.block is not None or candidates <= MANY_READ or not component.is_bare:
        return False
    body = in_scope(component.body(rest), component.scope)
    return count_up_to(source, asked.prologue, body, MANY_READ) >= MANY_READ


def _spatial_first(
    source: Source,
    prologue: str,
    component: Component,
    rest: list[TriplePattern],
    candidates: int,
) -> bool:
    """Return whether looking up each candidate is cheaper than asking for all of the rest."""
    if candidates <= FEW:
        return True
    if candidates * LOOKUP_COST * _SHARE >= len(source.index):
        return False  # the rest is hardly more than the features there are
    limit = int(candidates * LOOKUP_COST) + 1
    body = in_scope(component.body(rest), component.scope)
    return count_up_to(source, prologue, body, limit) >= limit


def _columns(
    source: Source, query: str, names: list[str], anchor: Anchor, *, check_literal: bool
) -> dict[str, np.ndarray]:
    """Return the solutions of a query as columns; nodes of the index as numbers of terms."""
    result = source.evaluate(query)
    if not isinstance(result, QuerySolutions):
        raise TypeError("a part of a query is a SELECT")
    index = source.index
    columns: dict[str, np.ndarray] = {}
    if check_literal:
        solutions = [tuple(s) for s in result]
        by_name = {n: [s[i] for s in solutions] for i, n in enumerate(names)}
        literals = by_name[anchor.variable]
        columns["literal of anchor"] = hash_texts(
            [f"{w.datatype.value} {w.value}" if isinstance(w, Literal) else "" for w in literals]
        )
        texts = {n: [str(v).encode() for v in values] for n, values in by_name.items()}
    else:
        document = result.serialize(format=QueryResultsFormat.TSV) or b""
        lines = document.split(b"\n")[1:-1]
        if len(names) == 1:
            texts = {names[0]: lines}
        else:
            split = [line.split(b"\t") for line in lines]
            texts = {n: [s[i] for s in split] for i, n in enumerate(names)}
    for name, values in texts.items():
        if name in (anchor.key, anchor.geometry):
            columns[name] = index.terms.find(values)
        else:
            column = np.empty(len(values), object)
            column[:] = values
            columns[name] = column
    return _in_order(columns, anchor.key)


def _in_order(columns: dict[str, np.ndarray], key: str) -> dict[str, np.ndarray]:
    """Add to columns in which order their keys ascend."""
    order = np.argsort(columns[key], kind="stable")
    return columns | {"order of keys": order, "keys in order": columns[key][order]}
