"""The subcommand `deepcube plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kg.cli.opening import open_store
from kg.cli.options import store_options
from ml.cli.options import MOMENT

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from pyoxigraph import NamedNode


@click.command()
@click.argument("model")
@click.option("--region", required=True, help="Name or IRI of a place of the graph, or WKT.")
@click.option("--from", "begin", required=True, type=MOMENT, help="First day.")
@click.option("--to", "end", required=True, type=MOMENT, help="Last day.")
@store_options
def plan(
    model: str, region: str, begin: datetime, end: datetime, store: Path, endpoint: str | None
) -> None:
    """Infer which sources can serve MODEL, and write the plan with its reasons."""
    from rich.console import Console
    from rich.table import Table

    from kg.rdf.iris import Iris
    from kg.rdf.times import day_bounds
    from kg.regions import find_region
    from ml.card import find_card
    from ml.planning.plan import make_plan

    card = find_card(model)
    iris = Iris.from_environment()
    with open_store(store, endpoint) as opened:
        found = find_region(opened, iris, region)
        period = (day_bounds(begin.date())[0], day_bounds(end.date())[1])
        made = make_plan(opened, iris, card, found, period)
    table = Table("slot", "variable", "chosen", "reason")
    for chosen in made.inputs:
        table.add_row(chosen.slot, _short(chosen.variable), "yes", chosen.reason)
    for refused in made.refused:
        table.add_row(refused.slot, _short(refused.variable), "no", refused.reason)
    Console().print(table)
    click.echo(made.iri.value)


def _short(iri: NamedNode) -> str:
    return "/".join(iri.value.split("/")[-3::2])
