"""Whether others have written to a server: digests of its statements, which it computes itself.

The digest of a property is the number of its statements, and the sum of a number of nine digits
from the MD5 of each, so that a change is missed once in a thousand million times. Of statements
with a blank node, whose label a server need not tell, the lengths are summed: one that is
replaced by another as long is not noticed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ontology.terms import XSD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kg.remote.client import SparqlClient


_STATEMENT = (
    'CONCAT(STR(?s), " ", STR(?o), " ", COALESCE(STR(DATATYPE(?o)), ""), " ", '
    'COALESCE(STR(?g), ""))'
)
_LENGTHS = " + ".join(
    f"{weight} * COALESCE(STRLEN(STR({v})), 0)" for weight, v in ((1, "?s"), (3, "?o"), (7, "?g"))
)
#: Nine digits of a statement's hash, in functions that every SPARQL 1.1 server has, and no
#: leading 0; lengths where a blank node has no text.
_DIGITS = (
    f"COALESCE(<{XSD.integer.value}>(CONCAT("
    f'"1", SUBSTR(REPLACE(MD5({_STATEMENT}), "[a-f]", ""), 1, 9))), {_LENGTHS})'
)


def digests(client: SparqlClient, properties: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return the digest of each property that the server has statements of.

    Args:
        client: The server.
        properties: IRIs.

    Returns:
        By the property's IRI the number of its statements, and the sum over them.
    """
    table = f"VALUES ?p {{ {' '.join(f'<{p}>' for p in sorted(properties))} }}"
    result = client.query(
        f"SELECT ?p (COUNT(*) AS ?n) (SUM({_DIGITS}) AS ?d) {{ "
        f"{anywhere('?s ?p ?o', table)} }} GROUP BY ?p"
    )
    rows = [tuple(row) for row in result]  # type: ignore[union-attr]
    return {str(p): (str(n), str(digest)) for p, n, digest in rows if p is not None}


def anywhere(pattern: str, table: str = "") -> str:
    """Return a group for a pattern in the default graph or in a named one, ?g.

    Args:
        pattern: Triple patterns.
        table: VALUES that are joined with it in either.
    """
    return f"{{ {table} {pattern} }} UNION {{ {table} GRAPH ?g {{ {pattern} }} }}"
