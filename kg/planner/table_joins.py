"""Triple patterns answered from the copy of what properties say, without asking the store.

What a pattern says is a table of pairs; patterns are joined one after the other, from the
candidates of the spatial index or from the pattern that has the fewest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kg.index.statements import LINKS
from kg.index.stored_terms import stored_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kg.index.pairs_table import PropertyTable
    from kg.planner.components import Component
    from kg.planner.source import Source
    from kg.sparql.patterns import TriplePattern

#: Solutions above which a join is left to the store, which need not hold them all at once.
_MOST = 30_000_000

#: For each variable the numbers of its terms, (n,) int32 or int64, in the order of solutions.
Columns = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A triple pattern and the table it is matched against."""

    table: PropertyTable
    """What its property says, in the graph of the pattern."""
    subject: str | int
    """A variable, or the number of a term; -1 for a term that is nowhere."""
    object: str | int
    """As the subject."""

    @property
    def variables(self) -> tuple[str, ...]:
        """Its variables."""
        return tuple(dict.fromkeys(t for t in (self.subject, self.object) if isinstance(t, str)))

    def matches(self) -> Columns:
        """Return its solutions; without a variable one column that tells how many there are."""
        subject, target = self.subject, self.object
        if isinstance(subject, int) and isinstance(target, int):
            found = self.table.has(np.array([subject]), np.array([target]))
            return {"": np.flatnonzero(found)}
        if isinstance(target, int):
            return {str(subject): self.table.subjects_of(np.array([target]))[1]}
        if isinstance(subject, int):
            return {target: self.table.objects_of(np.array([subject]))[1]}
        subjects, objects = self.table.pairs()
        if subject == target:
            return {subject: subjects[subjects == objects]}
        return {subject: subjects, target: objects}

    def count(self) -> int:
        """Return how many solutions it has."""
        subject, target = self.subject, self.object
        if isinstance(subject, int) and isinstance(target, int):
            return len(self.matches()[""])
        if isinstance(target, int):
            return self.table.count_subjects_of(target)
        return len(self.table) if isinstance(subject, str) else self.table.count_objects_of(subject)

    def joined(self, columns: Columns) -> Columns:
        """Return solutions that share a variable with it, each with all of its matches."""
        subject, target = (self._values(t, columns) for t in (self.subject, self.object))
        if subject is not None and target is not None:
            kept = self.table.has(subject, target)
            return {n: c[kept] for n, c in columns.items()}
        if subject is not None:
            which, new = self.table.objects_of(subject)
        elif target is not None:
            which, new = self.table.subjects_of(target)
        else:
            raise ValueError("no variable is shared")
        name = self.object if subject is not None else self.subject
        return {**{n: c[which] for n, c in columns.items()}, str(name): new}

    @staticmethod
    def _values(term: str | int, columns: Columns) -> np.ndarray | None:
        if isinstance(term, str):
            return columns.get(term)
        return np.full(len(next(iter(columns.values()))), term, np.int64)


def patterns_of(
    source: Source, component: Component, patterns: Sequence[TriplePattern], *, read: bool = False
) -> list[Pattern] | None:
    """Return patterns with their tables; None where one has to be answered by the store.

    Args:
        source: Where the tables are.
        component: What the patterns belong to.
        patterns: Some of its patterns.
        read: A table that is not there is read from the store first.
    """
    graphs = component.scope.graphs
    if not component.is_bare or graphs is None or len(graphs) != 1 or not patterns:
        return None
    if not all(_is_plain(p, source) for p in patterns):
        return None
    found = []
    for pattern in patterns:
        table = source.table(pattern.predicate_iri, graphs[0], read=read)
        if table is None:
            return None
        try:
            subject, target = (_term(t, source) for t in (pattern.subject, pattern.object))
        except SyntaxError:  # a prefix in a datatype
            return None
        found.append(Pattern(table=table, subject=subject, object=target))
    return found


def _is_plain(pattern: TriplePattern, source: Source) -> bool:
    predicate = pattern.predicate_iri
    return (
        not pattern.is_path
        and pattern.predicate.startswith("<")
        and predicate not in LINKS
        and not source.index.covers(predicate)
    )


def _term(text: str, source: Source) -> str | int:
    if text.startswith("?"):
        return text
    return int(source.index.terms.find(stored_texts([text.encode()]))[0])


def least(patterns: list[Pattern]) -> int:
    """Return how many solutions the pattern with the fewest has: about what all have."""
    return min(p.count() for p in patterns)


def solve(patterns: list[Pattern], key: str, candidates: np.ndarray | None) -> Columns | None:
    """Return the solutions of patterns, one column for each variable, of numbers of terms.

    Args:
        patterns: What has to hold together.
        key: A variable of which only candidates matter.
        candidates: (n,) numbers of terms, each once; None for any.

    Returns:
        Some solutions with another key may be among them. None where the patterns do not hang
        together, or have more solutions than should be held at once.
    """
    counts = [p.count() for p in patterns]
    first = int(np.argmin(counts))
    speaks = any(key in p.variables for p in patterns)
    if speaks and candidates is not None and len(candidates) <= counts[first]:
        columns, left = {key: candidates}, list(patterns)
    else:
        columns, left = patterns[first].matches(), patterns[:first] + patterns[first + 1 :]
    while left:
        near = [p for p in left if set(p.variables) & columns.keys()]
        if not near:
            return None
        # What has no new variable only takes away.
        pattern = min(near, key=lambda p: len(set(p.variables) - columns.keys()))
        left.remove(pattern)
        columns = pattern.joined(columns)
        if len(next(iter(columns.values()))) > _MOST:
            return None
    return columns if key in columns else None
