"""Scores of a run as tables in the terminal, as the graph has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from kg.overview import evaluations
from kg.query import number, select, text
from ontology.terms import compact

if TYPE_CHECKING:
    from pyoxigraph import NamedNode
    from rich.console import Console

    from kg.store import GraphStore


def print_evaluations(store: GraphStore, run: NamedNode, console: Console) -> None:
    """Print the scores of a run, as the graph has them."""
    found = evaluations(store, run)
    for protocol in dict.fromkeys(e.protocol for e in found):
        group = [e for e in found if e.protocol == protocol]
        title = f"{protocol}; {group[0].base_rate:.1%} of cell-days burn"
        table = Table("method", "AUC", "AUPRC", "Brier", title=title)
        for e in group:
            figures = [f"{v:.3f}" for v in (e.auc, e.auprc, e.brier)]
            table.add_row(e.method, *figures, style=None if e.is_baseline else "bold")
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
