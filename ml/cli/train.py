"""The subcommand `deepcube train`."""

from __future__ import annotations

import time
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
@click.option("--before", required=True, type=MOMENT, help="Train on what is before this day.")
@click.option(
    "--weights",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write.",
)
@store_options
def train(
    model: str,
    plan_iri: NamedNode,
    before: datetime,
    weights: Path,
    store: Path,
    endpoint: str | None,
) -> None:
    """Train MODEL on the inputs of a plan and keep its weights."""
    import numpy as np

    from kg.cli.progress import progress_stages
    from kg.rdf.iris import Iris
    from ml.inputs.inputs import Inputs
    from ml.planning.planned import read_plan
    from ml.runs.execute import training_samples
    from ml.runs.worker import moment_text
    from ml.use_case import find_predicting

    case = find_predicting(model)
    moment = np.datetime64(before, "s")
    with open_store(store, endpoint) as opened:
        inputs = Inputs(opened, Iris.from_environment(), read_plan(opened, plan_iri))
        data = case.read(inputs)
    rows = training_samples(case.samples(data), moment)
    start = time.perf_counter()
    with progress_stages() as stage:
        fitted = case.fit(
            data, rows, case.config(), lambda done, total: stage("training", done, total)
        )
    weights.parent.mkdir(parents=True, exist_ok=True)
    case.save(fitted, weights, moment_text(moment))
    seconds = time.perf_counter() - start
    click.echo(f"{weights}: trained on {int(rows.sum())} samples in {seconds:.0f} s")
