"""Subcommands that plan, train, predict and evaluate."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pandas as pd
from rich.console import Console
from rich.table import Table

from kg.cli.opening import open_store
from kg.cli.options import IRI, store_options
from kg.cli.progress import CONSOLE, progress_stages
from kg.embedded.store import EmbeddedStore
from kg.rdf.iris import Iris
from kg.rdf.times import day_bounds
from kg.regions import find_region
from ml import train as training
from ml.demo import run_demo
from ml.errors import RunError
from ml.evaluate import temporal_split
from ml.fire_inputs import read_cell_days
from ml.inputs import make_plan, read_plan
from ml.model import model_card
from ml.models.fire_danger import FIRE_DANGER, Config
from ml.report import print_evaluations
from ml.worker import claim, execute_run, release_abandoned, request_run, run_status, work
from ontology.terms import DEEP

if TYPE_CHECKING:
    from datetime import datetime

    from pyoxigraph import NamedNode

    from kg.errors import DeepCubeError
    from kg.store import GraphStore

_DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command()
@click.argument("model")
@click.option("--region", required=True, help="Name or IRI of a place of the graph, or WKT.")
@click.option("--from", "begin", required=True, type=_DAY, help="First day.")
@click.option("--to", "end", required=True, type=_DAY, help="Last day.")
@store_options
def plan(
    model: str, region: str, begin: datetime, end: datetime, store: Path, endpoint: str | None
) -> None:
    """Infer which sources can serve MODEL, and write the plan with its reasons."""
    card = model_card(model)
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


@click.command()
@click.argument("model")
@click.option("--plan", "plan_iri", type=IRI, required=True, help="IRI of an input plan.")
@click.option("--before", required=True, type=_DAY, help="Train on the days before this one.")
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
    _refuse_other_models(model)
    with open_store(store, endpoint) as opened:
        data = read_cell_days(opened, read_plan(opened, plan_iri))
    rows = temporal_split(data, pd.Timestamp(before))
    start = time.perf_counter()
    with progress_stages() as stage:
        net = training.train(
            data, rows, Config(), progress=lambda done, total: stage("training", done, total)
        )
    weights.parent.mkdir(parents=True, exist_ok=True)
    training.save(net, weights, pd.Timestamp(before))
    seconds = time.perf_counter() - start
    click.echo(f"{weights}: trained on {int(rows.sum())} cell-days in {seconds:.0f} s")


@click.command()
@click.argument("model")
@click.option("--plan", "plan_iri", type=IRI, required=True, help="IRI of an input plan.")
@click.option("--from", "begin", required=True, type=_DAY, help="First day to predict.")
@click.option(
    "--weights",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Weights of `deepcube train`; else the model is trained on the days before.",
)
@store_options
def predict(
    model: str,
    plan_iri: NamedNode,
    begin: datetime,
    weights: Path | None,
    store: Path,
    endpoint: str | None,
) -> None:
    """Predict with MODEL from a day on, and write the predictions to the graph."""
    with open_store(store, endpoint) as opened:
        run = _request_and_execute(opened, model, plan_iri, begin, spatial_folds=0, weights=weights)
    click.echo(run.value)


@click.command()
@click.argument("model")
@click.option("--plan", "plan_iri", type=IRI, required=True, help="IRI of an input plan.")
@click.option("--from", "begin", required=True, type=_DAY, help="First day of the test period.")
@store_options
def evaluate(
    model: str, plan_iri: NamedNode, begin: datetime, store: Path, endpoint: str | None
) -> None:
    """Compare MODEL with its baselines on the temporal and the spatial split."""
    with open_store(store, endpoint) as opened:
        run = _request_and_execute(opened, model, plan_iri, begin, spatial_folds=5)
        print_evaluations(opened, run, Console())
    click.echo(run.value)


def _request_and_execute(
    store: GraphStore,
    model: str,
    plan_iri: NamedNode,
    begin: datetime,
    *,
    spatial_folds: int,
    weights: Path | None = None,
) -> NamedNode:
    _refuse_other_models(model)
    iris = Iris.from_environment()
    run = request_run(
        store,
        iris,
        plan_iri,
        pd.Timestamp(begin),
        Config(),
        spatial_folds=spatial_folds,
        weights=weights,
    )
    if isinstance(store, EmbeddedStore):
        release_abandoned(store)
    if run_status(store, run) == DEEP.RunSucceeded:
        CONSOLE.print("this very run is in the graph already")
    elif claim(store, run):
        with progress_stages() as stage:
            execute_run(store, iris, run, weights=weights, progress=stage)
    else:
        raise RunError(f"another worker has claimed <{run.value}>")
    return run


@click.command()
@click.option("--once", is_flag=True, help="Execute what waits and stop.")
@click.option(
    "--every", default=10.0, show_default=True, help="Seconds between looks at the graph."
)
@store_options
def worker(once: bool, every: float, store: Path, endpoint: str | None) -> None:
    """Claim and execute the runs that are requested in the graph."""
    iris = Iris.from_environment()
    while True:
        with open_store(store, endpoint) as opened, progress_stages() as stage:
            if endpoint is None:
                release_abandoned(opened)
            work(opened, iris, progress=stage, done=_report)
        if once:
            return
        time.sleep(every)


@click.command()
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    default=Path("build/demo/store"),
    show_default=True,
    help="Folder of the embedded store.",
)
def demo(store: Path) -> None:
    """Do the main job from door to door: index, reason, train, predict, write back, ask."""
    with EmbeddedStore(store) as opened:
        run_demo(opened, Iris.from_environment(), store)


def _report(run: NamedNode, failure: DeepCubeError | None) -> None:
    """Name a run that was executed on stdout, one that failed with its reason on stderr."""
    if failure is None:
        click.echo(run.value)
    else:
        click.echo(f"{run.value} failed: {failure}", err=True)


def _refuse_other_models(model: str) -> None:
    if model_card(model).iri != FIRE_DANGER.iri:
        raise RunError(f"{model!r} can be planned for, but only fire-danger can be executed yet")


def _short(iri: NamedNode) -> str:
    return "/".join(iri.value.split("/")[-3::2])
