"""Rows of a query as Python dicts, for code that asks the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyoxigraph import (
    QuerySolutions,
)

from kg.errors import QueryError
from kg.rdf.prefixes import (
    with_prefixes,
)
from kg.results.solutions import Solutions

if TYPE_CHECKING:
    from kg.rdf.terms import Term
    from kg.store import GraphStore


def select(store: GraphStore, sparql: str) -> list[dict[str, Term]]:
    """Return the rows of a SELECT of our own; unbound variables are left out of a row.

    Raises:
        QueryError: The query is no SELECT.
    """
    result = store.query(with_prefixes(sparql))
    if not isinstance(result, QuerySolutions | Solutions):
        raise QueryError("rows come from a SELECT; this is an ASK, CONSTRUCT or DESCRIBE")
    names = [v.value for v in result.variables]
    return [
        {n: term for n, term in zip(names, row, strict=True) if term is not None} for row in result
    ]


def ask(store: GraphStore, sparql: str) -> bool:
    """Return the answer of an ASK of our own."""
    return bool(store.query(with_prefixes(sparql)))
