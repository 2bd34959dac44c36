"""The values of what a query says without looking at the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyoxigraph import Literal

from kg.geosparql.errors import InvalidGeometryError
from kg.geosparql.literals import GEOMETRY_DATATYPES, Geometry, parse
from kg.sparql.unevaluated import rows_without_data

if TYPE_CHECKING:
    from kg.rdf.terms import Term


class Constants:
    """Evaluates parts of one query on an empty store."""

    def __init__(self, prologue: str, base_iri: str | None) -> None:
        self._prologue = prologue
        self._base_iri = base_iri

    def value(self, expression: str) -> Term | None:
        """Return the value of an expression without variables; None where it has none."""
        rows = self._rows(f"SELECT ({expression} AS ?x) {{}}")
        return None if rows is None else rows[0]

    def geometries(self, table: str, variable: str) -> list[Geometry] | None:
        """Return the distinct geometries that VALUES or BIND gives to a variable.

        Returns:
            None where it may be something else than what is said here: it is UNDEF.
        """
        rows = self._rows(f"SELECT DISTINCT {variable} {{ {table} }}")
        return None if rows is None or None in rows else geometries_of(rows)

    def _rows(self, query: str) -> list[Term | None] | None:
        rows = rows_without_data(f"{self._prologue} {query}", self._base_iri)
        return None if rows is None else [row[0] for row in rows]


def geometries_of(terms: list[Term | None]) -> list[Geometry]:
    """Return the geometries among terms; with the others every spatial test is an error."""
    found = (geometry_of(t) for t in terms)
    return [g for g in found if g is not None]


def geometry_of(term: Term | None) -> Geometry | None:
    """Return the geometry that a literal says; None for any other term."""
    if not isinstance(term, Literal) or term.datatype.value not in GEOMETRY_DATATYPES:
        return None
    try:
        return parse(term.value, term.datatype.value)
    except InvalidGeometryError:
        return None
