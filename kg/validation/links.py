"""Links that lead nowhere: the trace of a half-written index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg.hierarchy import must_resolve
from kg.rdf.terms import text
from kg.rows import select
from kg.validation.report import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kg.store import GraphStore


def dangling_links(store: GraphStore) -> Iterator[Violation]:
    """Yield links to items that no triple describes, not more than a hundred.

    The properties that are looked at are those that the ontology says must resolve, in our
    modules (`deep:mustResolve true`) or in the store.
    """
    links = sorted(must_resolve(store), key=lambda p: p.value)
    ways = " UNION ".join(f"{{ ?s {link} ?o }}" for link in links)
    rows = select(
        store,
        f"""SELECT DISTINCT ?s ?o WHERE {{ {ways}
              FILTER NOT EXISTS {{ ?o ?any ?thing }} }} LIMIT 100""",
    )
    for row in rows:
        yield Violation(
            focus=text(row["s"]), path="", message=f"links to {text(row['o'])}, which is not there"
        )
