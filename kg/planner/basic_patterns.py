"""The basic patterns of a query, and which constraints of which filters are about them.

A filter of the same group is exact: it may go once the basic pattern is answered. A filter
further out (`kg.sparql.scoping`) and one whose other side is bound by VALUES stay where they
are, and narrow the basic pattern.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kg.planner.basic_pattern import BasicPattern, Reaching
from kg.planner.constraints import AnyOf, Nearest, Scope
from kg.planner.filters import constraints_of
from kg.sparql.patterns import triple_patterns
from kg.sparql.scoping import bound_in, joined_groups, outside, reaches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from kg.planner.constraints import Constraint
    from kg.sparql.constants import Constants
    from kg.sparql.patterns import TriplePattern
    from kg.sparql.scoping import Reach
    from kg.sparql.syntax import Syntax


class BasicPatterns:
    """Finds the basic patterns of one query."""

    def __init__(self, syntax: Syntax, default: Scope, constants: Constants) -> None:
        """Take the query.

        Args:
            syntax: The query.
            default: What patterns outside of GRAPH are matched against.
            constants: Evaluates what does not depend on the data.
        """
        self._syntax = syntax
        self._default = default
        self._constants = constants
        self._read: dict[int, list[Constraint]] = {}

    def constrained(self, within: Node) -> list[BasicPattern]:
        """Return the basic patterns that have constraints, in a part of the text."""
        groups = self._syntax.walk("group_graph_pattern", within=within)
        return [r for g in groups for r in self.of(g) if r.constraints or r.reaching]

    def of(self, group: Node) -> list[BasicPattern]:
        """Return the basic patterns of one group, constrained or not; none inside of SERVICE."""
        basics = self._plain(group)
        constraints: dict[int, list[Constraint]] = {b.key: [] for b in basics}
        reaching: dict[int, list[Reaching]] = {b.key: [] for b in basics}
        for reach in reaches(self._syntax, group) if basics else ():
            is_own = reach.group.id == group.id
            for constraint in self._constraints(reach.group):
                for key, found in self._given(basics, constraint, reach, is_own=is_own):
                    if isinstance(found, Reaching):
                        reaching[key].append(found)
                    else:
                        constraints[key].append(found)
        return [
            replace(b, constraints=tuple(constraints[b.key]), reaching=tuple(reaching[b.key]))
            if constraints[b.key] or reaching[b.key]
            else b
            for b in basics
        ]

    def _given(
        self, basics: list[BasicPattern], constraint: Constraint, reach: Reach, *, is_own: bool
    ) -> Iterator[tuple[int, Constraint | Reaching]]:
        """Yield what a constraint asks of basic patterns, with the key of each."""
        if not is_own:
            if isinstance(constraint.test, Nearest):
                return
            constraint = replace(constraint, is_exact=False)
        passing = {v for v in constraint.variables if is_own or reach.passes(self._syntax, v)}
        halves = []
        for basic in basics:
            objects = {p.object for p in basic.patterns if not p.is_path}
            found = [v for v in constraint.variables if v in objects and v in passing]
            if len(found) == len(constraint.variables):
                yield basic.key, constraint
                if is_own and not isinstance(constraint.test, AnyOf):
                    return
            elif len(found) == 1:
                halves.append((basic, found[0]))
        if len(constraint.variables) != 2 or isinstance(constraint.test, Nearest):
            return
        for basic, own in halves:
            other = next(v for v in constraint.variables if v != own)
            binder = self._binder(reach.group, basic, other)
            if binder is not None:
                yield (
                    basic.key,
                    Reaching(
                        constraint=constraint, own=own, other=other, binder=binder, is_own=is_own
                    ),
                )

    def _binder(self, group: Node, asking: BasicPattern, variable: str) -> BasicPattern | None:
        """Return the basic pattern that binds a variable wherever the filters of a group look."""
        basics = [r for g in joined_groups(group) for r in self._plain(g)]
        parts = outside(group)
        around = parts[0].parent if parts else None
        if around is not None:
            seen = {n.id for n in parts}
            basics += [r for r in self._plain(around) if all(n.id in seen for n in r.spans)]
        own = {n.id for n in asking.spans}
        for basic in basics:
            if variable in basic.variables and not own & {n.id for n in basic.spans}:
                return basic
        return None

    def _constraints(self, group: Node) -> list[Constraint]:
        if group.id not in self._read:
            bound = bound_in(self._syntax, group)
            self._read[group.id] = list(constraints_of(self._syntax, group, bound, self._constants))
        return self._read[group.id]

    def _plain(self, group: Node) -> list[BasicPattern]:
        """Return the basic patterns of one group without constraints."""
        context = _context(self._syntax, group, self._default)
        if context is None:
            return []
        scope, per_solution = context
        return list(_basics(self._syntax, group, scope, per_solution=per_solution))


def _context(syntax: Syntax, group: Node, default: Scope) -> tuple[Scope, bool] | None:
    """Return the graphs a group is about, and whether it is evaluated per solution."""
    scope, per_solution = None, False
    node = group.parent
    while node is not None:
        if node.type == "service_graph_pattern":
            return None
        if node.type in ("exists_func", "not_exists_func"):
            per_solution = True
        if node.type == "graph_graph_pattern" and scope is None:
            name = syntax.term(node.named_children[0])
            if name is None:
                return None
            named = None if name.startswith("?") else (name.encode(),)
            scope = Scope(graphs=named, name=name)
        node = node.parent
    return scope or default, per_solution


def _basics(
    syntax: Syntax, group: Node, scope: Scope, *, per_solution: bool
) -> Iterator[BasicPattern]:
    """Yield the stretches of a group that only filters interrupt."""
    for parts in _stretches(syntax, group):
        blocks = [(n, found) for n, found in parts if found is not None]
        if blocks:
            yield BasicPattern(
                group=group,
                blocks=tuple(n for n, _ in blocks),
                patterns=tuple(p for _, found in blocks for p in found),
                tables=tuple(n for n, found in parts if found is None),
                scope=scope,
                per_solution=per_solution,
            )


def _stretches(
    syntax: Syntax, group: Node
) -> Iterator[list[tuple[Node, list[TriplePattern] | None]]]:
    """Yield blocks with their triple patterns and VALUES with None, as far as they hang together.

    A block that says more than triple patterns can ends a stretch, as all else does.
    """
    stretch: list[tuple[Node, list[TriplePattern] | None]] = []
    for child in group.named_children:
        if child.type == "filter":
            continue
        patterns = triple_patterns(syntax, child) if child.type == "triples_block" else None
        if patterns is not None or child.type == "inline_data":
            stretch.append((child, patterns))
        else:
            yield stretch
            stretch = []
    yield stretch
