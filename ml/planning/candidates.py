"""Variables of the graph that may fill a slot, and what is settled of each before reasoning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyoxigraph import NamedNode, Triple

from kg.rdf.geometry import parse_wkt
from kg.rdf.terms import text
from kg.rdf.times import timestamp
from kg.rows import select
from ontology.terms import DEEP, RDF

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from kg.regions import Region
    from kg.store import GraphStore

#: Share of the region that a source's extent must hold to count as covering it.
_MIN_SHARE = 0.5


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A variable of the graph, with all that a plan may need to say of it."""

    iri: NamedNode
    name: str
    """Name in its source."""
    source: NamedNode
    source_title: str
    source_kind: str
    """Label of the class of the source."""
    observes: str
    """Label of what it observes, as its source declares it."""
    unit: NamedNode | None
    sampling_s: int | None
    share: float
    """Share of the region within the source's extent, 0 to 1."""
    period: tuple[str, str] | None
    """First moment and moment after the last, as xsd:dateTime text."""


def candidates_for(store: GraphStore, region: Region) -> list[Candidate]:
    """Return all variables of sources that are indexed whole, with their share of a region."""
    rows = select(
        store,
        """SELECT ?variable ?name ?source ?title ?sourceKind ?observes ?unit ?seconds
                  ?wkt ?from ?to WHERE {
             ?variable a deep:Variable ; deep:variableName ?name ; deep:variableOf ?source .
             ?source dcterms:title ?title ; geo:hasBoundingBox/geo:asWKT ?wkt ;
                     deep:indexStatus deep:IndexComplete ; a ?class .
             ?class rdfs:subClassOf deep:Source ; rdfs:label ?sourceKind .
             OPTIONAL { ?variable sosa:observedProperty ?p . ?p a ?kind .
                        FILTER(?kind != sosa:ObservableProperty) ?kind rdfs:label ?observes }
             OPTIONAL { ?variable qudt:hasUnit ?unit }
             OPTIONAL { ?variable deep:samplingSeconds ?seconds }
             OPTIONAL { ?source dcterms:temporal ?t .
                        ?t time:hasBeginning/time:inXSDDateTimeStamp ?from ;
                           time:hasEnd/time:inXSDDateTimeStamp ?to }
           } ORDER BY ?variable""",
    )
    area = region.geometry.area
    found: dict[str, Candidate] = {}
    for row in rows:
        extent = parse_wkt(text(row["wkt"]))
        found[text(row["variable"])] = Candidate(
            iri=NamedNode(text(row["variable"])),
            name=text(row["name"]),
            source=NamedNode(text(row["source"])),
            source_title=text(row["title"]),
            source_kind=text(row["sourceKind"]),
            observes=text(row["observes"]) if "observes" in row else "nothing that is declared",
            unit=NamedNode(text(row["unit"])) if "unit" in row else None,
            sampling_s=int(text(row["seconds"])) if "seconds" in row else None,
            share=region.geometry.intersection(extent).area / area,
            period=(text(row["from"]), text(row["to"])) if "from" in row else None,
        )
    return list(found.values())


def coverage_facts(
    candidates: list[Candidate], region: Region, period: tuple[datetime, datetime]
) -> Iterator[Triple]:
    """Yield which candidates cover most of the region, and which the whole period."""
    wanted = NamedNode("urn:deepcube:plan-period")
    yield Triple(region.iri, RDF.type, DEEP.PlanRegion)
    yield Triple(wanted, RDF.type, DEEP.PlanPeriod)
    begin, end = (timestamp(moment) for moment in period)
    for candidate in candidates:
        if candidate.share >= _MIN_SHARE:
            yield Triple(candidate.iri, DEEP.coversRegion, region.iri)
        # Texts of one form and time zone, so that they order as the moments do.
        if candidate.period and candidate.period[0] <= begin and end <= candidate.period[1]:
            yield Triple(candidate.iri, DEEP.coversPeriod, wanted)
