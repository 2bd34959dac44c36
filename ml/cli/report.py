"""Scores of a run as tables in the terminal, as the graph has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from kg.rdf.terms import number, text
from kg.rows import select
from kg.views.evaluations import evaluations, metrics_of
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
        rate = group[0].score("base rate")
        title = f"{protocol}; base rate {rate.value:.1%}" if rate else protocol
        metrics = metrics_of(group)
        table = Table("method", *metrics, title=title)
        for e in group:
            measured = [e.score(metric) for metric in metrics]
            figures = ["" if s is None else f"{s.value:.3f}" for s in measured]
            table.add_row(e.method, *figures, style=None if e.is_baseline else "bold")
        console.print(table)
    of_run = {
        compact(text(r["metric"])): number(r["value"])
        for r in select(
            store,
            f"""SELECT ?metric ?value WHERE {{ {run} dqv:hasQualityMeasurement ?m .
                ?m dqv:isMeasurementOf ?metric ; dqv:value ?value }}""",
        )
    }
    if "deep:IntervalCoverage" in of_run:
        console.print(
            f"intervals: nominal coverage {_nominal(store, run):.0%}, measured "
            f"{of_run['deep:IntervalCoverage']:.1%}, mean width {of_run['deep:IntervalWidth']:.2f}"
        )


def _nominal(store: GraphStore, run: NamedNode) -> float:
    """Return the coverage that the intervals of a run aim at."""
    rows = select(
        store,
        f"""SELECT ?coverage WHERE {{
              ?p prov:wasGeneratedBy {run} ; deep:nominalCoverage ?coverage }} LIMIT 1""",
    )
    return number(rows[0]["coverage"])
