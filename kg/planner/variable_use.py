"""Where a query speaks of a variable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg.sparql.syntax import Edit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from tree_sitter import Node

    from kg.planner.basic_pattern import BasicPattern
    from kg.planner.constraints import Constraint
    from kg.sparql.syntax import Syntax


class VariableUse:
    """What one query, or one operation of an update, speaks of outside of its basic patterns."""

    def __init__(self, syntax: Syntax, query: Node) -> None:
        self._syntax = syntax
        self._query = query
        self._stars = [
            n
            for n in syntax.walk("select_clause")
            if any(c.type == "*" and c.parent == n for c in n.children)
        ]

    def has_fresh(self, basic: BasicPattern) -> bool:
        """Return whether a basic pattern has variables that stand for blank nodes."""
        return any(v.startswith(self._syntax.fresh) for v in basic.variables)

    def hidden_star(self, basic: BasicPattern) -> bool:
        """Return whether SELECT * of a sub-select would show variables that planning adds."""
        if not self.has_fresh(basic):
            return False
        node = basic.group.parent
        while node is not None and node.type != "sub_select":
            node = node.parent
        return node is not None and any(s.parent == node for s in self._stars)

    def is_apart(self, basic: BasicPattern) -> bool:
        """Return whether nothing outside of the EXISTS around a pattern uses its variables."""
        node: Node | None = basic.group
        while node is not None and node.type not in ("exists_func", "not_exists_func"):
            node = node.parent
        if node is None:
            return False
        mine = basic.variables | self._of_tables(basic)
        return not mine & self._spoken_of({node.id})

    def needed_outside(
        self, basic: BasicPattern, consumed: Iterable[Constraint], exposed: Collection[str]
    ) -> set[str]:
        """Return the variables of a basic pattern that are spoken of elsewhere in the query.

        Args:
            basic: Whose variables are meant.
            consumed: Constraints that go.
            exposed: Variables that what is added to the query speaks of.
        """
        own = {n.id for n in basic.spans} | {c.conjunct.id for c in consumed}
        mine = {v for v in basic.variables if not v.startswith(self._syntax.fresh)}
        mine |= self._of_tables(basic)
        shown = basic.variables & frozenset(exposed)
        if self._stars or self._query.type == "describe_query":
            return mine | shown
        return (mine & self._spoken_of(own)) | shown

    def _of_tables(self, basic: BasicPattern) -> set[str]:
        return {v for n in basic.tables for v in self._syntax.variables(n)}

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
            selected = self._syntax.selected_by(clause)
            if selected is not None:
                star = next(c for c in clause.children if c.type == "*")
                names = " ".join(f"?{n}" for n in selected)
                edits.append(Edit(start=star.start_byte, end=star.end_byte, text=names))
        return edits
