"""Scores of a run as tables in the terminal, as the graph has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from kg.query import number, select, text
from ml.evaluate import FORECAST, NOWCAST
from ontology.terms import compact

if TYPE_CHECKING:
    from pyoxigraph import NamedNode
    from rich.console import Console

    from kg.store import GraphStore


def print_evaluations(store: GraphStore, run: NamedNode, console: Console) -> None:
    """Print the scores of a run, as the graph has them."""
    rows = select(
        store,
        f"""SELECT ?protocol ?method ?baseline ?auc ?auprc ?brier ?base WHERE {{
              ?e a deep:Evaluation ; prov:wasGeneratedBy {run} ; deep:protocol ?protocol ;
                 deep:evaluatedMethod ?method ; deep:isBaseline ?baseline ;
                 dqv:hasQualityMeasurement ?a, ?p, ?b, ?r .
              ?a dqv:isMeasurementOf deep:AUC ; dqv:value ?auc .
              ?p dqv:isMeasurementOf deep:AUPRC ; dqv:value ?auprc .
              ?b dqv:isMeasurementOf deep:BrierScore ; dqv:value ?brier .
              ?r dqv:isMeasurementOf deep:BaseRate ; dqv:value ?base .
            }} ORDER BY DESC(?protocol) DESC(?baseline) ?auc""",
    )
    for protocol in dict.fromkeys(text(r["protocol"]) for r in rows):
        group = [r for r in rows if text(r["protocol"]) == protocol]
        base = number(group[0]["base"])
        table = Table(
            "method", "AUC", "AUPRC", "Brier", title=f"{protocol}; {base:.1%} of cell-days burn"
        )
        for r in group:
            ours = text(r["method"]) in (NOWCAST, FORECAST)
            figures = [f"{number(r[n]):.3f}" for n in ("auc", "auprc", "brier")]
            table.add_row(text(r["method"]), *figures, style="bold" if ours else None)
        console.print(table)
    measured = {
        compact(text(r["metric"])): number(r["value"])
        for r in select(
            store,
            f"""SELECT ?metric ?value WHERE {{ {run} dqv:hasQualityMeasurement ?m .
                ?m dqv:isMeasurementOf ?metric ; dqv:value ?value }}""",
        )
    }
    if "deep:IntervalCoverage" in measured:
        console.print(
            f"intervals: nominal coverage 90 %, measured {measured['deep:IntervalCoverage']:.1%} "
            f"of cell-months, mean width {measured['deep:IntervalWidth']:.2f}"
        )
