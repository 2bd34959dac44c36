"""Where a query speaks of a variable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyoxigraph import QuerySolutions, Store

from kg.geosparql.functions import FUNCTIONS
from kg.planner.syntax import Edit
from kg.unknown_functions import with_unknown_functions

if TYPE_CHECKING:
    from tree_sitter import Node

    from kg.planner.constraints import Constraint, Run
    from kg.planner.syntax import Syntax


class Mentions:
    """What one query, or one operation of an update, speaks of outside of its runs."""

    def __init__(self, syntax: Syntax, query: Node) -> None:
        self._syntax = syntax
        self._query = query
        self._stars = [
            n
            for n in syntax.walk("select_clause")
            if any(c.type == "*" and c.parent == n for c in n.children)
        ]

    def hidden_star(self, run: Run) -> bool:
        """Return whether SELECT * of a sub-select would show variables that planning adds."""
        if not any(v.startswith(self._syntax.fresh) for p in run.patterns for v in p.variables):
            return False
        node = run.group.parent
        while node is not None and node.type != "sub_select":
            node = node.parent
        return node is not None and any(s.parent == node for s in self._stars)

    def is_apart(self, run: Run) -> bool:
        """Return whether nothing outside of the EXISTS around a run speaks of its variables."""
        node: Node | None = run.group
        while node is not None and node.type not in ("exists_func", "not_exists_func"):
            node = node.parent
        if node is None:
            return False
        mine = {v for p in run.patterns for v in p.variables}
        mine |= {v for n in run.tables for v in self._syntax.variables(n)}
        return not mine & self._spoken_of({node.id})

    def needed_outside(self, run: Run, consumed: list[Constraint], exposed: set[str]) -> set[str]:
        """Return the variables of a run that are spoken of elsewhere in the query.

        Args:
            run: Whose variables are meant.
            consumed: Constraints that go.
            exposed: Variables that what is added to the query speaks of.
        """
        own = {n.id for n in run.spans} | {c.conjunct.id for c in consumed}
        mine = {
            v for p in run.patterns for v in p.variables if not v.startswith(self._syntax.fresh)
        }
        mine |= {v for n in run.tables for v in self._syntax.variables(n)}
        shown = {v for p in run.patterns for v in p.variables} & exposed
        if self._stars or self._query.type == "describe_query":
            return mine | shown
        return (mine & self._spoken_of(own)) | shown

    def _spoken_of(self, besides: set[int]) -> set[str]:
        """Return the variables of the text, besides those in some nodes of it."""
        found: set[str] = set()
        # VALUES after the query may be outside of its node.
        stack = [self._syntax.root]
        while stack:
            node = stack.pop()
            if node.id in besides:
                continue
            if node.type == "var":
                found.add("?" + self._syntax.text(node)[1:])
            stack.extend(node.children)
        return found

    def named_star(self) -> list[Edit]:
        """Return edits that name the variables of the query's *, so that ours stay hidden."""
        edits = []
        for clause in self._stars:
            if clause.parent != self._query:
                continue
            result = with_unknown_functions(
                lambda known: Store().query(
                    self._syntax.source.decode(),
                    base_iri=self._syntax.base,
                    custom_functions=known,
                ),
                FUNCTIONS,
            )
            if isinstance(result, QuerySolutions):
                star = next(c for c in clause.children if c.type == "*")
                names = " ".join(str(v) for v in result.variables)
                edits.append(Edit(start=star.start_byte, end=star.end_byte, text=names))
        return edits
