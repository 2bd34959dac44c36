"""What the graph holds, as rows for pages and for tables in the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pyoxigraph import NamedNode

from kg.query import number, select, text

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


@dataclass(frozen=True, kw_only=True)
class EvaluationRow:
    """Scores of one method under one protocol."""

    iri: NamedNode
    protocol: str
    method: str
    is_baseline: bool
    auc: float
    auprc: float
    brier: float
    base_rate: float


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


def evaluations(store: GraphStore, run: NamedNode) -> list[EvaluationRow]:
    """Return the scores of a run, by protocol, baselines first, the worst first."""
    rows = select(
        store,
        f"""SELECT ?e ?protocol ?method ?baseline ?auc ?auprc ?brier ?base WHERE {{
              ?e a deep:Evaluation ; prov:wasGeneratedBy {run} ; deep:protocol ?protocol ;
                 deep:evaluatedMethod ?method ; deep:isBaseline ?baseline ;
                 dqv:hasQualityMeasurement ?a, ?p, ?b, ?r .
              ?a dqv:isMeasurementOf deep:AUC ; dqv:value ?auc .
              ?p dqv:isMeasurementOf deep:AUPRC ; dqv:value ?auprc .
              ?b dqv:isMeasurementOf deep:BrierScore ; dqv:value ?brier .
              ?r dqv:isMeasurementOf deep:BaseRate ; dqv:value ?base .
            }} ORDER BY DESC(?protocol) DESC(?baseline) ?auc""",
    )
    return [
        EvaluationRow(
            iri=NamedNode(text(r["e"])),
            protocol=text(r["protocol"]),
            method=text(r["method"]),
            is_baseline=text(r["baseline"]) == "true",
            auc=number(r["auc"]),
            auprc=number(r["auprc"]),
            brier=number(r["brier"]),
            base_rate=number(r["base"]),
        )
        for r in rows
    ]


def most_dangerous_day(store: GraphStore, run: NamedNode) -> date | None:
    """Return the day of a run with the highest danger on average; None without predictions."""
    rows = select(
        store,
        f"""SELECT ?begin (AVG(?value) AS ?mean) WHERE {{
              ?p prov:wasGeneratedBy {run} ; sosa:hasSimpleResult ?value ;
                 sosa:phenomenonTime/time:hasBeginning/time:inXSDDateTimeStamp ?begin
            }} GROUP BY ?begin ORDER BY DESC(?mean) LIMIT 1""",
    )
    return date.fromisoformat(text(rows[0]["begin"])[:10]) if rows and "begin" in rows[0] else None


def danger_legend(store: GraphStore) -> list[tuple[str, str]]:
    """Return label and colour of each danger class, from low to very extreme."""
    rows = select(
        store,
        """SELECT ?label ?colour WHERE { ?c skos:inScheme deep:FireDangerClasses ;
             deep:colour ?colour ; rdfs:label ?label ; skos:notation ?order } ORDER BY ?order""",
    )
    return [(text(r["label"]), text(r["colour"])) for r in rows]
