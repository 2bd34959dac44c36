"""The subcommand `deepcube evaluate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kg.cli.opening import open_store
from kg.cli.options import IRI, store_options
from ml.cli.options import MOMENT

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from pyoxigraph import NamedNode


@click.command()
@click.argument("model")
@click.option("--plan", "plan_iri", type=IRI, required=True, help="IRI of an input plan.")
@click.option("--from", "begin", type=MOMENT, help="First day of the test period.")
@store_options
def evaluate(
    model: str,
    plan_iri: NamedNode,
    begin: datetime | None,
    store: Path,
    endpoint: str | None,
) -> None:
    """Compare MODEL with its baselines on the splits of its use case."""
    from rich.console import Console

    from ml.cli.report import print_evaluations
    from ml.cli.requesting import request_and_execute

    with open_store(store, endpoint) as opened:
        run = request_and_execute(opened, model, plan_iri, begin, evaluate=True)
        print_evaluations(opened, run, Console())
    click.echo(run.value)
