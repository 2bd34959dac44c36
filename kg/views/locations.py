"""Where a resource is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg.hierarchy import subproperties
from kg.rdf.terms import text
from kg.rows import select
from ontology.terms import DEEP

if TYPE_CHECKING:
    from kg.store import GraphStore


def located_wkt(store: GraphStore, iri: str) -> str | None:
    """Return the geometry of a resource, or of what it is about, as WKT; None where it has none.

    What a resource is about is told by the properties below `deep:locatedBy`, in our modules or
    in the store.
    """
    links = sorted(subproperties(store, DEEP.locatedBy), key=lambda p: p.value)
    about = "|".join(str(link) for link in links)
    rows = select(
        store,
        f"""
        SELECT ?wkt WHERE {{
          {{ <{iri}> geo:asWKT ?wkt }}
          UNION {{ <{iri}> geo:hasDefaultGeometry/geo:asWKT ?wkt }}
          UNION {{ <{iri}> geo:hasBoundingBox/geo:asWKT ?wkt }}
          UNION {{ <{iri}> ({about})/(geo:hasDefaultGeometry|geo:hasBoundingBox)/geo:asWKT ?wkt }}
        }} LIMIT 1""",
    )
    return text(rows[0]["wkt"]) if rows else None
