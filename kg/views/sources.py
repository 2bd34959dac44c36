"""The indexed sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyoxigraph import NamedNode

from kg.rdf.terms import number, text
from kg.rows import select

if TYPE_CHECKING:
    from kg.store import GraphStore


@dataclass(frozen=True, kw_only=True)
class SourceRow:
    """An indexed source."""

    iri: NamedNode
    title: str
    kind: str
    """Label of its class."""
    items: int
    licence: str
    """IRI."""
    period: tuple[str, str] | None
    """First day and day after the last, as xsd:date text."""


def sources(store: GraphStore) -> list[SourceRow]:
    """Return all sources, by kind and title."""
    rows = select(
        store,
        """SELECT ?source ?title ?kind ?items ?licence ?from ?to WHERE {
             ?source a deep:Source, ?class ; dcterms:title ?title ; deep:itemCount ?items ;
                     dcterms:license ?licence .
             ?class rdfs:subClassOf deep:Source ; rdfs:label ?kind .
             OPTIONAL { ?source dcterms:temporal ?t .
                        ?t time:hasBeginning/time:inXSDDateTimeStamp ?from ;
                           time:hasEnd/time:inXSDDateTimeStamp ?to }
           } ORDER BY ?kind ?title""",
    )
    return [
        SourceRow(
            iri=NamedNode(text(r["source"])),
            title=text(r["title"]),
            kind=text(r["kind"]),
            items=int(number(r["items"])),
            licence=text(r["licence"]),
            period=(text(r["from"])[:10], text(r["to"])[:10]) if "from" in r else None,
        )
        for r in rows
    ]
