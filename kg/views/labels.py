"""What resources are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg.rdf.terms import text
from kg.rows import select

if TYPE_CHECKING:
    from kg.store import GraphStore


def labels(store: GraphStore, iris: set[str]) -> dict[str, str]:
    """Return the labels or titles of resources, where they have one."""
    values = " ".join(f"<{iri}>" for iri in sorted(iris))
    rows = select(
        store,
        f"""
        SELECT ?s (SAMPLE(?l) AS ?label) WHERE {{
          VALUES ?s {{ {values} }}
          ?s rdfs:label|dcterms:title|skos:prefLabel ?l
          FILTER(LANG(?l) = "" || LANGMATCHES(LANG(?l), "en"))
        }} GROUP BY ?s""",
    )
    return {text(row["s"]): text(row["label"]) for row in rows}
