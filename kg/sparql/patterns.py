"""The triple patterns of a query in full, however they are written.

Predicate lists, object lists, collections and blank nodes in brackets are written out, and a
sequence of a path becomes a pattern for each of its steps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kg.sparql.syntax import RDF_NAMESPACE, RDF_TYPE, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tree_sitter import Node

    from kg.sparql.syntax import Syntax


@dataclass(frozen=True, kw_only=True)
class TriplePattern:
    """One triple pattern; terms in full: `<iri>`, `?name`, or a literal as written."""

    subject: str
    predicate: str
    """A term, or the text of a property path."""
    object: str
    is_path: bool = False
    path: Node | None = field(default=None, compare=False, repr=False)
    """Where the path is written; None for a plain predicate."""

    def __str__(self) -> str:
        return f"{self.subject} {self.predicate} {self.object} ."

    @property
    def predicate_iri(self) -> str:
        """The predicate without its brackets; of no use where it is a variable or a path."""
        return self.predicate[1:-1]

    @property
    def variables(self) -> frozenset[str]:
        """The variables, with those that stand for blank nodes."""
        terms = (self.subject, self.object, *(() if self.is_path else (self.predicate,)))
        return frozenset(t for t in terms if t.startswith("?"))


def triple_patterns(syntax: Syntax, block: Node) -> list[TriplePattern] | None:
    """Return a block's triple patterns; None where it says more than triple patterns can.

    Predicate lists, object lists, collections and blank nodes in brackets are written out.
    """
    found: list[TriplePattern] = []
    for same_subject in parts_of(block):
        if same_subject.type != "triples_same_subject":
            return None
        if not _same_subject(syntax, same_subject, found):
            return None
    return found


def _same_subject(syntax: Syntax, node: Node, found: list[TriplePattern]) -> bool:
    parts = parts_of(node)
    subject = _node(syntax, parts[0], found)
    if subject is None:
        return False
    return all(_properties(syntax, subject, p, found) for p in parts[1:])


def _node(syntax: Syntax, node: Node, found: list[TriplePattern]) -> str | None:
    """Return the term of a subject or object; a bracket's own triples are added."""
    if node.type == "collection":
        return _collection(syntax, node, found)
    if node.type != "blank_node_property_list":
        return syntax.term(node)
    blank = f"{syntax.fresh}a_{node.start_byte}"
    return blank if all(_properties(syntax, blank, p, found) for p in parts_of(node)) else None


def _collection(syntax: Syntax, node: Node, found: list[TriplePattern]) -> str | None:
    cells = [f"{syntax.fresh}c_{m.start_byte}" for m in parts_of(node)]
    for cell, following, member in zip(
        cells, [*cells[1:], f"<{RDF_NAMESPACE}nil>"], parts_of(node), strict=True
    ):
        item = _node(syntax, member, found)
        if item is None:
            return None
        found.append(TriplePattern(subject=cell, predicate=f"<{RDF_NAMESPACE}first>", object=item))
        found.append(
            TriplePattern(subject=cell, predicate=f"<{RDF_NAMESPACE}rest>", object=following)
        )
    return cells[0]


def _properties(syntax: Syntax, subject: str, node: Node, found: list[TriplePattern]) -> bool:
    if node.type != "property_list":
        return False
    for item in parts_of(node):
        if item.type != "property":
            return False
        # The word `a` is an unnamed node where no path may stand.
        verb = next(c for c in item.children if c.type != "comment")
        objects = parts_of(item)[-1]
        if objects.type != "object_list":
            return False
        for part in parts_of(objects):
            target = _node(syntax, part, found)
            if target is None:
                return False
            found.extend(along(syntax, subject, verb, target, place=len(found)))
    return True


def properties_in(syntax: Syntax, *within: Node) -> frozenset[str] | None:
    """Return the IRIs of the properties that parts of the text speak of; None for any."""
    found = set()
    for part in within:
        if any(True for _ in syntax.walk("collection", within=part)):
            found |= {f"{RDF_NAMESPACE}first", f"{RDF_NAMESPACE}rest"}
        for item in syntax.walk("property", within=part):
            verb = next(c for c in item.children if c.type != "comment")
            words = syntax.walk("path_mod", "path_negated_property_set", "var", within=verb)
            if any(syntax.text(w) != "+" for w in words):
                return None
            named = [
                syntax.iri(n) for n in syntax.walk("iri_reference", "prefixed_name", within=verb)
            ]
            if any(n is None for n in named):
                return None
            if any(syntax.text(n) == "a" for n in _leaves(verb)):
                named.append(RDF_TYPE[1:-1])
            found.update(n for n in named if n is not None)
    return frozenset(found)


def along(
    syntax: Syntax, subject: str, verb: Node, target: str, *, place: int = 0
) -> Iterator[TriplePattern]:
    """Yield the patterns of a path: the steps of a sequence apart, `^` turned round.

    Args:
        syntax: The query.
        subject: Where the path starts.
        verb: The path.
        target: Where it ends.
        place: Tells the variables between the steps from those of the same path elsewhere.
    """
    verb = _without_brackets(verb)
    simple = _simple(syntax, verb)
    if simple is not None:
        yield TriplePattern(subject=subject, predicate=simple, object=target)
    elif target[0] in "?<" and (inner := _inverted(verb)) is not None:
        yield from along(syntax, target, inner, subject, place=place)
    elif verb.type == "binary_path" and verb.children[1].type == "/":
        middle = f"{syntax.fresh}p_{place}_{verb.start_byte}_{verb.end_byte}"
        yield from along(syntax, subject, verb.children[0], middle, place=place)
        yield from along(syntax, middle, verb.children[2], target, place=place)
    else:
        yield TriplePattern(
            subject=subject,
            predicate=syntax.text(verb),
            object=target,
            is_path=True,
            path=verb,
        )


def _simple(syntax: Syntax, verb: Node) -> str | None:
    if syntax.text(verb) == "a":
        return RDF_TYPE
    if verb.type != "path_element":
        return syntax.term(verb)
    return syntax.term(verb.children[0]) if len(verb.children) == 1 else None


def connected(pattern: TriplePattern, others: Iterable[TriplePattern]) -> list[TriplePattern]:
    """Return the patterns that share variables with one, directly or through one another."""
    reached, found, rest = set(pattern.variables), list[TriplePattern](), list(others)
    while near := [p for p in rest if p.variables & reached]:
        found += near
        rest = [p for p in rest if p not in near]
        reached |= {v for p in near for v in p.variables}
    return found


def _leaves(node: Node) -> Iterator[Node]:
    if not node.children:
        yield node
    for child in node.children:
        yield from _leaves(child)


def _without_brackets(verb: Node) -> Node:
    while verb.type == "path_element" and len(verb.children) == 3 and verb.children[0].type == "(":
        verb = verb.children[1]
    return verb


def _inverted(verb: Node) -> Node | None:
    """Return x of the path ^x where x is one IRI or in brackets, without ?, * or +."""
    if verb.type != "path_element" or verb.children[0].type != "path_inverse":
        return None
    rest = verb.children[1:]
    if len(rest) == 1:
        return rest[0] if rest[0].type in {"iri_reference", "prefixed_name", "a"} else None
    return rest[1] if [rest[0].type, rest[-1].type] == ["(", ")"] else None
