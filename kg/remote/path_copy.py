"""Property paths, of which a server is asked for the triples and not for the way through them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

    from kg.sparql.patterns import TriplePattern
    from kg.sparql.syntax import Syntax


def alternatives(syntax: Syntax, pattern: TriplePattern) -> list[str] | None:
    """Return the properties of a path p|q, as SPARQL; None for any other path."""
    found: list[str] = []
    stack = [pattern.path] if pattern.path is not None else []
    while stack:
        node = stack.pop()
        inner = [c for c in node.children if c.type not in "()"]
        if node.type == "binary_path" and node.children[1].type == "|":
            stack += [node.children[0], node.children[2]]
        elif node.type == "path_element" and len(inner) == 1:
            stack += inner
        elif (term := syntax.term(node)) is not None and node.type != "var":
            found.append(term)
        else:
            return None
    # A triple of a property that is named twice counts twice: the store here sees to that.
    return list(dict.fromkeys(found)) or None


def properties_along(syntax: Syntax, path: Node) -> set[str] | None:
    """Return the properties that a path may go along, as SPARQL; None where it may be any."""
    found: set[str] = set()
    stack = [path]
    while stack:
        node = stack.pop()
        if node.type == "path_negated_property_set":
            return None
        if node.type == "a":
            found.add("<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>")
        elif (iri := syntax.iri(node)) is not None:
            found.add(f"<{iri}>")
        else:
            stack.extend(node.children)
    return found
