"""The page on which people ask queries; its address is that of the protocol, /sparql."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from pyoxigraph import QueryBoolean, QueryTriples

from api.web.links import show_terms
from kg.views.examples import example_query

if TYPE_CHECKING:
    from api.state import State
    from kg.rdf.terms import Term
    from kg.results.solutions import QueryResult

#: Rows that the page shows; programs get all.
_ROWS_ON_PAGE = 500


def empty_form(state: State) -> dict[str, object]:
    """Return the form with an example, about what the store holds."""
    return filled_form(example_query(state.store))


def filled_form(sparql: str, *, infer: bool = False, explain: bool = False) -> dict[str, object]:
    """Return the form with a query, without an answer."""
    return {
        "sparql": sparql,
        "infer": infer,
        "explain": explain,
        "names": [],
        "rows": None,
        "more": False,
        "text": None,
        "plan": None,
    }


def with_result(form: dict[str, object], state: State, result: QueryResult) -> dict[str, object]:
    """Return a form with the first rows of an answer, or its yes or no."""
    rows: list[list[Term | None]]
    if isinstance(result, QueryBoolean):
        return {**form, "text": "yes" if result else "no"}
    if isinstance(result, QueryTriples):
        names = ["subject", "predicate", "object"]
        first = islice(result, _ROWS_ON_PAGE + 1)
        rows = [[t.subject, t.predicate, t.object] for t in first]
    else:
        names = [v.value for v in result.variables]
        rows = [list(row) for row in islice(result, _ROWS_ON_PAGE + 1)]
    shown = show_terms(state.store, state.iris, [t for row in rows for t in row if t is not None])
    return {
        **form,
        "names": names,
        "rows": [[None if t is None else shown[t] for t in row] for row in rows[:_ROWS_ON_PAGE]],
        "more": len(rows) > _ROWS_ON_PAGE,
    }
