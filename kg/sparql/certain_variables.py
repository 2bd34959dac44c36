"""Which variables a pattern is certain to bind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg.sparql.patterns import triple_patterns

if TYPE_CHECKING:
    from tree_sitter import Node

    from kg.sparql.syntax import Syntax


def certain_variables(syntax: Syntax, group: Node, *, patterns: bool = True) -> frozenset[str]:
    """Return variables that every solution of a group binds.

    Args:
        syntax: The tree.
        group: The group, or a sub-select in its place.
        patterns: Whether to count the triple patterns of the group itself.
    """
    parts = (p for p in group.children if patterns or p.type != "triples_block")
    return frozenset(v for part in parts for v in certain_in(syntax, part))


def certain_in(syntax: Syntax, part: Node) -> frozenset[str]:
    """Return variables that every solution of one part of a group binds."""
    found: frozenset[str] = frozenset()
    if part.type == "triples_block":
        found = frozenset(v for p in triple_patterns(syntax, part) or () for v in p.variables)
    elif part.type == "group_or_union_graph_pattern":
        sides = [c for c in part.children if c.type == "group_graph_pattern"]
        found = frozenset.intersection(*(certain_variables(syntax, s) for s in sides))
    elif part.type == "graph_graph_pattern":
        inner = (certain_variables(syntax, c) for c in part.named_children)
        found = frozenset(v for names in inner for v in names)
    elif part.type == "sub_select":
        found = _selected(syntax, part)
    elif part.type == "group_graph_pattern":
        found = certain_variables(syntax, part)
    return found


def _selected(syntax: Syntax, query: Node) -> frozenset[str]:
    clause, *rest = query.named_children
    chosen = frozenset(
        name for c in clause.children if c.type == "var" and (name := syntax.term(c)) is not None
    )
    wheres = [c for c in rest if c.type == "where_clause"]
    return chosen & {v for w in wheres for v in certain_variables(syntax, w)}
