"""A default graph that several graphs make up: their RDF merge, which has each triple once.

pyoxigraph matches a triple that two of the graphs have twice. So a pattern whose property has
such triples becomes a sub-select of its distinct solutions; others stay as they are written.

https://www.w3.org/TR/sparql11-query/#unnamedGraph
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kg.sparql.datasets import dataset_of
from kg.sparql.patterns import triple_patterns
from kg.sparql.syntax import FRESH, RDF_TYPE, Edit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyoxigraph import NamedNode
    from tree_sitter import Node

    from kg.sparql.patterns import TriplePattern
    from kg.sparql.syntax import Sparql, Syntax
    from kg.store import Dataset

    #: Tells whether two of some graphs have a triple in common, with a property or any.
    Shared = Callable[[tuple[NamedNode, ...], str | None], bool]


_FROM = re.compile(r"(?i)\bFROM\b")
#: Counts the values of the variables that a rewriting adds, too.
_COUNTS_ALL = re.compile(r"(?i)\(\s*DISTINCT\s*\*\s*\)")
#: Only whether there is a solution matters, unless a sub-select counts them.
_ONCE = ("exists_func", "not_exists_func", "minus_graph_pattern")
_ELSEWHERE = ("graph_graph_pattern", "service_graph_pattern")


def as_merge(sparql: Sparql, dataset: Dataset | None, shared: Shared) -> Sparql:
    """Return a query that finds each triple of its default graph once.

    Args:
        sparql: The query.
        dataset: Overrides FROM and FROM NAMED.
        shared: Tells whether two of some graphs have a triple in common.
    """
    if len(dataset.default) < 2 if dataset is not None else not _FROM.search(sparql.text):
        return sparql
    spelt_out = sparql.spelt_out
    syntax = spelt_out.syntax
    if syntax is None:
        return sparql
    edits = [] if dataset is not None else list(_repeated(syntax))
    chosen = dataset or dataset_of(syntax)
    if chosen is not None and len(set(chosen.default)) > 1:
        edits += _Merge(syntax, tuple(dict.fromkeys(chosen.default)), shared).edits()
    return spelt_out.edited(edits) if edits else sparql


def _repeated(syntax: Syntax) -> Iterator[Edit]:
    """Yield edits that take away a graph that was named before."""
    seen: set[tuple[str, str | None]] = set()
    for clause in syntax.walk("dataset_clause"):
        graph = clause.named_children[0]
        key = graph.type, syntax.iri(graph.named_children[-1])
        if key in seen:
            yield Edit(start=clause.start_byte, end=clause.end_byte, text=" ")
        seen.add(key)


class _Merge:
    """Writes the patterns of one query over several graphs."""

    def __init__(self, syntax: Syntax, graphs: tuple[NamedNode, ...], shared: Shared) -> None:
        self._syntax = syntax
        self._graphs = graphs
        self._shared = shared
        self._asked: dict[str | None, bool] = {}
        self._is_changed = False

    def edits(self) -> list[Edit]:
        """Return the edits; none where no pattern matches a triple twice."""
        edits = []
        for block in self._blocks(self._syntax.root):
            patterns = triple_patterns(self._syntax, block)
            if patterns is None:
                return []
            written = [self._written(p) for p in patterns]
            edits.append(
                Edit(start=block.start_byte, end=block.end_byte, text=" ".join(written) + " ")
            )
        if not self._is_changed or _COUNTS_ALL.search(self._syntax.source.decode()):
            return []
        return [*self._syntax.stars(), *edits]

    def _blocks(self, node: Node) -> Iterator[Node]:
        """Yield the blocks that are matched against the default graph, where numbers matter."""
        once = node.type in _ONCE and not any(self._syntax.walk("sub_select", within=node))
        if once or node.type in _ELSEWHERE:
            return
        if node.type == "triples_block":
            yield node
            return
        for child in node.named_children:
            yield from self._blocks(child)

    def _twice(self, predicate: str) -> bool:
        """Return whether a triple with a predicate, as it is written, may be there twice."""
        known = predicate[1:-1] if predicate.startswith("<") else None
        if known not in self._asked:
            self._asked[known] = self._shared(self._graphs, known)
        self._is_changed |= self._asked[known]
        return self._asked[known]

    def _written(self, pattern: TriplePattern) -> str:
        path = pattern.path
        if path is None:
            return _once(pattern) if self._twice(pattern.predicate) else str(pattern)
        if path.children[0].type == "!" and self._twice("?"):
            return self._by_others(pattern, path)
        return str(pattern)  # the store finds each pair of ends of any other path once

    def _by_others(self, pattern: TriplePattern, path: Node) -> str:
        """Write a negated property set; one of both directions has each pair of ends once."""
        parts = list(self._syntax.walk("path_one_in_property_set", within=path))
        inverse = {self._syntax.text(part).startswith("^") for part in parts}
        ends = pattern.subject, pattern.object
        if len(inverse) > 1 or not any(end.startswith("?") for end in ends):
            return str(pattern)
        others = [
            next((f"<{i}>" for n in part.named_children if (i := self._syntax.iri(n))), RDF_TYPE)
            for part in parts
        ]
        subject, target = ends[::-1] if True in inverse else ends
        name = f"{self._syntax.fresh}n_{path.start_byte}"
        names = " ".join(sorted({t for t in ends if t.startswith("?")} | {name}))
        condition = f"FILTER({name} NOT IN ({', '.join(others)}))"
        return f"{{ SELECT DISTINCT {names} {{ {subject} {name} {target} {condition} }} }}"


def _once(pattern: TriplePattern) -> str:
    names = " ".join(sorted(pattern.variables)) or f"{FRESH}none"
    return f"{{ SELECT DISTINCT {names} {{ {pattern} }} }}"
