"""Which filters may narrow a group that is nested in theirs, and change no answer.

A filter may narrow a group further inside if each solution that it keeps has the values that
the inner group gave to the filter's variables. That is so where only nested groups, branches
of UNION, GRAPH, and sub-selects that do no more than project stand in between.

It is so through OPTIONAL, too, with one condition. A solution of the inner group that is left
out by narrowing comes out of the OPTIONAL without its variables. The filter, which was false
for it, is then an error, which is as good as false. But if something else in the query binds
the same variable, the filter would see that value instead. So nothing else may bind it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kg.sparql.volatile import is_constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from kg.sparql.syntax import Syntax


_GROUP = "group_graph_pattern"
_JOINED = ("group_or_union_graph_pattern", "graph_graph_pattern")
_EXISTS = ("exists_func", "not_exists_func")


@dataclass(frozen=True, kw_only=True)
class Reach:
    """A group around another one, whose filters see what that one binds."""

    group: Node
    """The group around."""
    optionals: tuple[Node, ...] = ()
    """The OPTIONALs between the inner group and this one, from the inside."""
    selects: tuple[Node, ...] = ()
    """The sub-selects between them, from the inside."""

    def passes(self, syntax: Syntax, variable: str) -> bool:
        """Return whether a variable of the inner group is the same one out here."""
        return all(_projects(syntax, s, variable) for s in self.selects) and all(
            is_only_read(syntax, self.group, variable, besides=o)
            and not _leaks(syntax, self.group, o)
            for o in self.optionals
        )


def reaches(syntax: Syntax, group: Node) -> Iterator[Reach]:
    """Yield a group itself and those around it whose filters see what it binds."""
    optionals: list[Node] = []
    selects: list[Node] = []
    current: Node | None = group
    while current is not None:
        yield Reach(group=current, optionals=tuple(optionals), selects=tuple(selects))
        around = current.parent
        if around is None:
            return
        if around.type in _JOINED:
            current = around.parent
        elif around.type == "optional_graph_pattern":
            optionals.append(around)
            current = around.parent
        elif around.type == "where_clause" and _only_projects(around.parent, syntax):
            select = around.parent
            current = None if select is None else select.parent
            selects += [] if select is None else [select]
        else:
            return


def _only_projects(select: Node | None, syntax: Syntax) -> bool:
    """Return whether a sub-select has a row for each solution, or for each distinct one."""
    if select is None or select.type != "sub_select":
        return False
    clause = next(n for n in select.named_children if n.type == "select_clause")
    if any(n.type not in ("var", "comment") for n in clause.named_children):
        return False
    modifiers = ("group_clause", "having_clause", "limit_clause", "offset_clause")
    own = [n for n in select.named_children if n.type == "solution_modifier"]
    return not any(True for n in own for _ in syntax.walk(*modifiers, within=n))


def _projects(syntax: Syntax, select: Node, variable: str) -> bool:
    clause = next(n for n in select.named_children if n.type == "select_clause")
    return variable in syntax.variables(clause) or any(c.type == "*" for c in clause.children)


def is_only_read(syntax: Syntax, group: Node, variable: str, *, besides: Node) -> bool:
    """Return whether nothing in a group binds a variable, besides one part of it."""
    for node in syntax.walk("var", within=group):
        if "?" + syntax.text(node)[1:] != variable:
            continue
        if not (_is_in(node, group, besides) or _is_read(node, group)):
            return False
    return True


def _is_in(node: Node, group: Node, part: Node) -> bool:
    around: Node | None = node
    while around is not None and around.id != group.id:
        if around.id == part.id:
            return True
        around = around.parent
    return False


def _is_read(node: Node, group: Node) -> bool:
    inner, around = node, node.parent
    while around is not None and around.id != group.id:
        if around.type in ("filter", "select_clause"):
            return True
        if around.type == "bind":
            return inner.id != around.named_children[-1].id
        inner, around = around, around.parent
    return False


def _leaks(syntax: Syntax, group: Node, optional: Node) -> bool:
    """Return whether what only an OPTIONAL binds is joined with something outside of it.

    Where it is left unbound, that something would have all its solutions.
    """
    parent = optional.parent
    if parent is None:
        return True
    own = syntax.variables(optional)
    before = [n for n in parent.named_children if n.end_byte <= optional.start_byte]
    own -= {v for n in before if n.type != "filter" for v in syntax.variables(n)}
    return not all(is_only_read(syntax, group, v, besides=optional) for v in own)


@dataclass(kw_only=True)
class Bound:
    """What a group binds its variables to, besides by triple patterns."""

    constants: dict[str, str] = field(default_factory=dict)
    """Expressions without variables."""
    expressions: dict[str, Node] = field(default_factory=dict)
    """Expressions with variables: a filter that reads one of these reads the expression."""
    tables: dict[str, str] = field(default_factory=dict)
    """What binds a variable to one of a few constants: VALUES, or a BIND further out."""


def bound_in(syntax: Syntax, group: Node) -> Bound:
    """Return what BIND and VALUES say where the filters of a group can see it."""
    found = Bound()
    for node in _joined(group):
        if node.type == "inline_data":
            _note_table(syntax, node, found)
        elif (written := _written(syntax, node)) is not None:
            name, expression = written
            if not syntax.variables(expression):
                found.constants[name] = syntax.text(expression)
            elif is_only_read(syntax, group, name, besides=node):
                # Where the expression is an error, nothing else binds the variable then.
                found.expressions[name] = expression
    for node in outside(group):
        if node.type == "inline_data":
            _note_table(syntax, node, found)
        elif (written := _written(syntax, node)) is not None:
            name, expression = written
            if not syntax.variables(expression):
                found.tables.setdefault(name, syntax.text(node))
    return found


def _written(syntax: Syntax, node: Node) -> tuple[str, Node] | None:
    """Return the variable and the expression of a BIND whose value is always the same."""
    if node.type != "bind" or len(node.named_children) != 2:
        return None
    expression, target = node.named_children
    if not is_constant(syntax.text(expression)):
        return None
    return "?" + syntax.text(target)[1:], expression


def _note_table(syntax: Syntax, node: Node, found: Bound) -> None:
    for name in syntax.variables(node):
        found.tables.setdefault(name, syntax.text(node))


def outside(group: Node) -> list[Node]:
    """Return the parts of the group around an OPTIONAL or EXISTS that its filters see."""
    around = group.parent
    if around is None or around.parent is None:
        return []
    if around.type == "optional_graph_pattern":
        siblings = around.parent.named_children
        return [n for n in siblings if n.end_byte <= around.start_byte]
    if around.type in _EXISTS:
        node: Node | None = around
        while node is not None and node.type != "filter":
            if node.type == _GROUP:
                return []
            node = node.parent
        if node is not None and node.parent is not None and node.parent.type == _GROUP:
            return [n for n in node.parent.named_children if n.id != node.id]
    return []


def _joined(group: Node) -> Iterator[Node]:
    """Yield the parts of a group, and of the groups that are joined with it."""
    for inner in joined_groups(group):
        yield from inner.named_children


def is_demanded(group: Node) -> bool:
    """Return whether a group is that of FILTER EXISTS, and the filter says nothing else."""
    around = group.parent
    if around is None or around.type != "exists_func":
        return False
    around = around.parent
    while around is not None and around.type == "bracketted_expression":
        around = around.parent
    return around is not None and around.type == "filter"


def joined_groups(group: Node) -> Iterator[Node]:
    """Yield a group and those nested in it whose solutions all of its own have a part of."""
    yield group
    for child in group.named_children:
        inner = [n for n in child.named_children if n.type == _GROUP]
        if child.type in _JOINED and len(inner) == 1:
            yield from joined_groups(inner[0])
