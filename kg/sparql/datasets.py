"""The data set that a query or an operation of an update names for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyoxigraph import NamedNode

from kg.store import Dataset

if TYPE_CHECKING:
    from tree_sitter import Node

    from kg.sparql.syntax import Syntax


def dataset_of(syntax: Syntax) -> Dataset | None:
    """Return what FROM and FROM NAMED say; None where the query has neither."""
    default = list(syntax.walk("default_graph_clause"))
    named = list(syntax.walk("named_graph_clause"))
    return _dataset(syntax, default, named) if default or named else None


def using_of(syntax: Syntax, operation: Node) -> Dataset | None:
    """Return what USING and USING NAMED say; None where the operation has neither."""
    clauses = [n for n in operation.named_children if n.type == "using_clause"]
    named = [n for n in clauses if any(c.type == "NAMED" for c in n.children)]
    return _dataset(syntax, [n for n in clauses if n not in named], named) if clauses else None


def _dataset(syntax: Syntax, default: list[Node], named: list[Node]) -> Dataset:
    def graphs(clauses: list[Node]) -> tuple[NamedNode, ...]:
        names = [syntax.iri(n.named_children[-1]) for n in clauses]
        return tuple(NamedNode(n) for n in dict.fromkeys(names) if n is not None)

    return Dataset(default=graphs(default), named=graphs(named))
