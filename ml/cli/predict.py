"""The subcommand `deepcube predict`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kg.cli.opening import open_store
from kg.cli.options import IRI, store_options
from ml.cli.options import MOMENT

if TYPE_CHECKING:
    from datetime import datetime

    from pyoxigraph import NamedNode


@click.command()
@click.argument("model")
@click.option("--plan", "plan_iri", type=IRI, required=True, help="IRI of an input plan.")
@click.option(
    "--from",
    "begin",
    type=MOMENT,
    help="First day to predict; without it, whatever has no outcome yet.",
)
@click.option(
    "--weights",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Weights of `deepcube train`; else the model is trained on what is before.",
)
@store_options
def predict(
    model: str,
    plan_iri: NamedNode,
    begin: datetime | None,
    weights: Path | None,
    store: Path,
    endpoint: str | None,
) -> None:
    """Predict with MODEL from a day on, and write the predictions to the graph."""
    from ml.cli.requesting import request_and_execute

    with open_store(store, endpoint) as opened:
        run = request_and_execute(opened, model, plan_iri, begin, evaluate=False, weights=weights)
    click.echo(run.value)
