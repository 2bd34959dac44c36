"""What a query says before any data are looked at: it is put to an empty store.

So constants have the values that the store gives them, and what the store would refuse is
refused, without a second reading of SPARQL that could differ from the store's own.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from pyoxigraph import Literal, NamedNode, QuerySolutions, Store

from kg.errors import QueryError
from kg.geosparql.aggregates import CALLED
from kg.geosparql.functions import FUNCTIONS
from kg.sparql.unknown_functions import with_unknown_functions

if TYPE_CHECKING:
    from kg.rdf.terms import Term
    from kg.results.solutions import QueryResult


def answered_empty(sparql: str, base_iri: str | None) -> QueryResult:
    """Return the answer of a store without data, whatever functions the query calls.

    Raises:
        SyntaxError: The query is malformed.
        ValueError: It has an IRI or a literal that is none.
    """
    return with_unknown_functions(
        lambda known: Store().query(
            sparql,
            base_iri=base_iri,
            custom_functions=known,
            custom_aggregate_functions=CALLED,
        ),
        FUNCTIONS,
    )


def check(sparql: str, base_iri: str | None) -> None:
    """Refuse a malformed query before anything is done for it.

    Raises:
        QueryError: The query is malformed; it says where.
    """
    try:
        answered_empty(sparql, base_iri)
    except (SyntaxError, ValueError) as error:
        raise QueryError.of_syntax("query", error) from error


def selected_names(sparql: str, base_iri: str | None) -> list[str] | None:
    """Return the variables of a query's solutions, without question marks; `*` is written out.

    Returns:
        None where it is no SELECT, or is malformed: that is for the store to report.
    """
    try:
        result = answered_empty(sparql, base_iri)
    except (SyntaxError, ValueError):
        return None
    return [v.value for v in result.variables] if isinstance(result, QuerySolutions) else None


def rows_without_data(sparql: str, base_iri: str | None) -> list[list[Term | None]] | None:
    """Return the solutions that a SELECT has without data; None where it has an error in it."""
    try:
        result = answered_empty(sparql, base_iri)
    except (SyntaxError, ValueError):
        return None
    return [list(row) for row in result] if isinstance(result, QuerySolutions) else None


@lru_cache(maxsize=256)
def resolved_iri(iri: str, base_iri: str) -> str:
    """Return a relative IRI in full, as the store resolves it; itself where the store cannot."""
    value = _value(f"<{iri}>", base_iri)
    return value.value if isinstance(value, NamedNode) else iri


def term_of(text: str) -> Term | None:
    """Return the constant that a text in full says: `<iri>` or a literal; None for any other."""
    return NamedNode(text[1:-1]) if text.startswith("<") else literal_of(text)


@lru_cache(maxsize=256)
def literal_of(text: str) -> Term | None:
    """Return a literal from its text, as the store reads it; None for what is no literal."""
    value = _value(text, None)
    return value if isinstance(value, Literal) else None


def _value(expression: str, base_iri: str | None) -> Term | None:
    """Return the value of an expression that calls no function of ours."""
    try:
        result = Store().query(f"SELECT ({expression} AS ?x) {{}}", base_iri=base_iri)
    except (SyntaxError, ValueError):
        return None
    return next(result)["x"] if isinstance(result, QuerySolutions) else None
