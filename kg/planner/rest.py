"""The patterns of a component that the index does not answer, answered from where it is cheapest.

The ladder is the same wherever it is asked: tables of properties, what is remembered, a lookup
from each candidate, and at last the store, unless it would have too much to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import numpy as np
from pyoxigraph import Literal, QueryResultsFormat

from kg.index.term_table import hash_texts
from kg.planner.components import in_scope
from kg.planner.counting import count_up_to
from kg.planner.fetched import Fetched
from kg.planner.table_joins import least, patterns_of, solve

if TYPE_CHECKING:
    from pyoxigraph import QuerySolutions

    from kg.index.spatial_index import SpatialIndex
    from kg.planner.components import Anchor, Component
    from kg.planner.source import Asking
    from kg.planner.table_joins import Pattern
    from kg.sparql.patterns import TriplePattern


@dataclass(frozen=True, kw_only=True)
class Rest:
    """What is asked of a component besides what the index knows."""

    anchor: Anchor
    patterns: tuple[TriplePattern, ...]
    names: tuple[str, ...]
    """The variables that are asked for, the key of the anchor first."""
    has_literals: bool = False
    """The geometry literal is asked for and compared, because a node has several."""

    @classmethod
    def of(cls, anchor: Anchor, patterns: tuple[TriplePattern, ...], needed: set[str]) -> Rest:
        """Return what some patterns say of some variables, and of the anchor's nodes."""
        spoken = frozenset().union(*(p.variables for p in patterns))
        others = sorted((needed | {anchor.geometry}) & spoken - {anchor.key})
        return cls(anchor=anchor, patterns=patterns, names=(anchor.key, *others))

    @property
    def component(self) -> Component:
        """What it is a part of."""
        return self.anchor.component

    @property
    def is_nothing(self) -> bool:
        """Whether the index answers the whole component."""
        return not self.patterns and self.component.is_bare

    @property
    def body(self) -> str:
        """The patterns as they are asked outside of the query."""
        return in_scope(self.component.body(self.patterns), self.component.scope)

    def query(self, asking: Asking) -> str:
        """Return the question for all solutions."""
        return asking.select(self.names, self.body)

    def memory(self, asking: Asking) -> str:
        """Return under what the solutions are remembered."""
        return self.query(asking) + (" #literals" if self.has_literals else "")

    def tables(self, asking: Asking, *, read: bool = False) -> list[Pattern] | None:
        """Return the tables of properties that answer it; None where one is not there."""
        return patterns_of(asking.source, self.component, self.patterns, read=read)


@dataclass(frozen=True, kw_only=True)
class AskedRest:
    """For which solutions of the rest it is worth asking."""

    rest: Rest
    candidates: np.ndarray | None = None
    """(n,) numbers of the keys that matter, each once, ascending; None for any."""
    most_in_tables: float = inf
    """Solutions in tables from which on they are too many to be of use."""
    most_in_store: int | None = None
    """Solutions from which on the store is not asked for them; 0 never asks it."""


def rest_of_store(asking: Asking, asked: AskedRest) -> Fetched | None:
    """Return the solutions of the rest of a component, from where they are cheapest.

    Returns:
        None where there are too many of them. Some with other keys than the candidates may be
        among them.
    """
    rest, candidates = asked.rest, asked.candidates
    tables = rest.tables(asking)
    if tables is None and _are_worth_reading(asking, asked):
        tables = rest.tables(asking, read=True)
    if tables is not None:
        if least(tables) >= asked.most_in_tables:
            return None
        joined = solve(tables, rest.anchor.key, candidates)
        if joined is not None:
            _note(asking, asked, "joined from tables")
            return Fetched.of({n: joined[n] for n in rest.names}, rest.anchor.key)
    known = asking.source.remembered(rest.memory(asking))
    if isinstance(known, Fetched):
        _note(asking, asked, "as remembered, joined")
        return known
    if candidates is not None and _is_lookup_cheaper(asking, rest, candidates):
        _note(asking, asked, "looked up")
        return _looked_up(asking, rest, candidates)
    limit = asked.most_in_store
    if limit is not None and count_up_to(asking, rest.body, limit) >= limit:
        return None
    found = _answered(asking, rest, rest.query(asking))
    _note(asking, asked, f"has {len(found)} solutions, joined")
    asking.source.remember(rest.memory(asking), found)
    return found


def is_known(asking: Asking, rest: Rest) -> bool:
    """Return whether the solutions can be had without asking the store."""
    if not rest.patterns:
        return rest.component.is_bare
    return (
        rest.tables(asking) is not None or asking.source.remembered(rest.memory(asking)) is not None
    )


def _note(asking: Asking, asked: AskedRest, way: str) -> None:
    if asked.candidates is not None:
        count = len(asked.candidates)
        asking.note(f"{asked.rest.anchor.variable}: the rest {way} with {count} candidates")


def _are_worth_reading(asking: Asking, asked: AskedRest) -> bool:
    """Return whether there is so much that all of its properties are better read at once."""
    many = asking.costs.many_read
    if not asking.is_local or asked.candidates is None or len(asked.candidates) <= many:
        return False
    return asked.rest.component.is_bare and count_up_to(asking, asked.rest.body, many) >= many


def _is_lookup_cheaper(asking: Asking, rest: Rest, candidates: np.ndarray) -> bool:
    """Return whether looking up each candidate is cheaper than asking for all of the rest."""
    costs, index, count = asking.costs, asking.index, len(candidates)
    if index.terms.has_blank(candidates):
        return False  # a blank node cannot be named
    if count <= costs.few_candidates:
        return True
    if count * costs.lookup * costs.least_share >= len(index):
        return False  # the rest is hardly more than the features there are
    limit = int(count * costs.lookup) + 1
    return count_up_to(asking, rest.body, limit) >= limit


def _looked_up(asking: Asking, rest: Rest, candidates: np.ndarray) -> Fetched:
    """Return the solutions for some candidates, as many at a time as a request may have."""
    texts = asking.index.terms.texts(candidates)
    size = asking.source.block or max(len(texts), 1)
    found = []
    for start in range(0, max(len(texts), 1), size):
        values = b" ".join(texts[start : start + size]).decode()
        table = f"VALUES {rest.anchor.key} {{ {values} }}"
        body = rest.component.looked_up(table, rest.patterns, lateral=asking.is_local)
        query = asking.select(rest.names, in_scope(body, rest.component.scope))
        found.append(_answered(asking, rest, query))
    return Fetched.together(found)


def _answered(asking: Asking, rest: Rest, query: str) -> Fetched:
    """Return the store's solutions of a query as columns; nodes of the index as their numbers."""
    result = asking.solutions(query)
    literals = None
    if rest.has_literals:
        texts, literals = _texts_and_literals(result, rest)
    else:
        texts = _texts(result, rest.names)
    numbered = {rest.anchor.key, rest.anchor.geometry}
    columns = {
        name: _column(values, asking.index if name in numbered else None)
        for name, values in texts.items()
    }
    return Fetched.of(columns, rest.anchor.key, literals)


def _texts(result: QuerySolutions, names: tuple[str, ...]) -> dict[str, list[bytes]]:
    document = result.serialize(format=QueryResultsFormat.TSV) or b""
    lines = document.split(b"\n")[1:-1]
    if len(names) == 1:
        return {names[0]: lines}
    split = [line.split(b"\t") for line in lines]
    return {n: [s[i] for s in split] for i, n in enumerate(names)}


def _texts_and_literals(
    result: QuerySolutions, rest: Rest
) -> tuple[dict[str, list[bytes]], np.ndarray]:
    """Return the texts of the solutions, and (n,) hashes of their geometry literals."""
    solutions = [tuple(s) for s in result]
    by_name = {n: [s[i] for s in solutions] for i, n in enumerate(rest.names)}
    hashes = hash_texts(
        [
            f"{w.datatype.value} {w.value}" if isinstance(w, Literal) else ""
            for w in by_name[rest.anchor.variable]
        ]
    )
    return {n: [str(v).encode() for v in values] for n, values in by_name.items()}, hashes


def _column(texts: list[bytes], index: SpatialIndex | None) -> np.ndarray:
    """Return a column of texts, or of their numbers in an index."""
    if index is not None:
        return index.terms.find(texts)
    column = np.empty(len(texts), object)
    column[:] = texts
    return column
