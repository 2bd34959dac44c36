"""How good methods are under the protocols of a run, by whatever metrics were measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyoxigraph import NamedNode

from kg.rdf.terms import number, text
from kg.rows import select
from kg.views.labels import labels
from ontology.axioms import higher_is_better
from ontology.terms import compact

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kg.rdf.terms import Term
    from kg.store import GraphStore


@dataclass(frozen=True, kw_only=True)
class Score:
    """What one metric says."""

    metric: NamedNode
    label: str
    value: float
    higher_is_better: bool | None
    """None for a metric that describes and does not compare."""


@dataclass(frozen=True, kw_only=True)
class EvaluationRow:
    """Scores of one method under one protocol."""

    iri: NamedNode
    protocol: str
    method: str
    is_baseline: bool
    scores: tuple[Score, ...]
    """By label; those that compare before those that only describe."""

    def score(self, label: str) -> Score | None:
        """Return what the metric of this label says; None where it was not measured."""
        return next((s for s in self.scores if s.label == label), None)


def evaluations(store: GraphStore, run: NamedNode) -> list[EvaluationRow]:
    """Return the scores of a run, by protocol, baselines first, the worst first.

    What is worst is told by the first metric that compares.
    """
    rows = select(
        store,
        f"""SELECT ?e ?protocol ?method ?baseline ?metric ?value ?higher WHERE {{
              ?e a deep:Evaluation ; deep:protocol ?protocol ;
                 deep:evaluatedMethod ?method ; deep:isBaseline ?baseline ;
                 dqv:hasQualityMeasurement ?m .
              # Evaluations are few, and what a run made may be a hundred thousand predictions.
              FILTER EXISTS {{ ?e prov:wasGeneratedBy {run} }}
              ?m dqv:isMeasurementOf ?metric ; dqv:value ?value .
              OPTIONAL {{ ?metric deep:higherIsBetter ?higher }} }}""",
    )
    names = labels(store, {text(r["metric"]) for r in rows}) if rows else {}
    grouped: dict[str, list[dict[str, Term]]] = {}
    for row in rows:
        grouped.setdefault(text(row["e"]), []).append(row)
    found = [_evaluation(iri, group, names) for iri, group in grouped.items()]
    # Sorted by the last of several orders first: each sort keeps what the one before left equal.
    found.sort(key=lambda e: (_goodness(e), e.method))
    return sorted(found, key=lambda e: (e.protocol, e.is_baseline), reverse=True)


def metrics_of(rows: Iterable[EvaluationRow]) -> tuple[str, ...]:
    """Return the labels of the metrics by which methods are compared, as columns of a table."""
    found = (s.label for row in rows for s in row.scores if s.higher_is_better is not None)
    return tuple(sorted(dict.fromkeys(found)))


def _evaluation(iri: str, rows: list[dict[str, Term]], names: dict[str, str]) -> EvaluationRow:
    scores = [_score(row, names) for row in rows]
    return EvaluationRow(
        iri=NamedNode(iri),
        protocol=text(rows[0]["protocol"]),
        method=text(rows[0]["method"]),
        is_baseline=text(rows[0]["baseline"]) == "true",
        scores=tuple(sorted(scores, key=lambda s: (s.higher_is_better is None, s.label))),
    )


def _score(row: dict[str, Term], names: dict[str, str]) -> Score:
    metric = NamedNode(text(row["metric"]))
    said = text(row["higher"]) == "true" if "higher" in row else None
    return Score(
        metric=metric,
        label=names.get(metric.value, compact(metric.value)),
        value=number(row["value"]),
        higher_is_better=higher_is_better().get(metric) if said is None else said,
    )


def _goodness(row: EvaluationRow) -> float:
    first = next((s for s in row.scores if s.higher_is_better is not None), None)
    if first is None:
        return 0.0
    return first.value if first.higher_is_better else -first.value
