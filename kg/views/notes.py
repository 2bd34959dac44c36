"""What indexing found odd or could not read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg.rdf.terms import text
from kg.rows import select

if TYPE_CHECKING:
    from kg.store import GraphStore


def notes(store: GraphStore) -> list[str]:
    """Return what indexing found odd or could not read, a line each: none of it is a violation."""
    odd = select(
        store,
        """SELECT ?severity ?finding ?message WHERE {
             ?finding a deep:Finding ; deep:severity ?severity ; deep:message ?message }
           ORDER BY DESC(?severity) ?finding""",
    )
    gaps = select(
        store,
        """SELECT ?source ?count WHERE { ?source deep:gapCount ?count } ORDER BY ?source""",
    )
    return [
        *(f"{text(r['severity'])}: <{text(r['finding'])}> {text(r['message'])}" for r in odd),
        *(
            f"warning: <{text(r['source'])}> {text(r['count'])} chunk(s) could not be read; "
            "index it again to retry"
            for r in gaps
        ),
    ]
