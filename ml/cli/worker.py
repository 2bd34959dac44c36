"""The subcommand `deepcube worker`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from kg.cli.opening import open_store
from kg.cli.options import store_options

if TYPE_CHECKING:
    from pathlib import Path

    from pyoxigraph import NamedNode

    from kg.errors import DeepCubeError


@click.command()
@click.option("--once", is_flag=True, help="Execute what waits and stop.")
@click.option(
    "--every", default=10.0, show_default=True, help="Seconds between looks at the graph."
)
@store_options
def worker(once: bool, every: float, store: Path, endpoint: str | None) -> None:
    """Claim and execute the runs that are requested in the graph."""
    from kg.cli.progress import progress_stages
    from kg.rdf.iris import Iris
    from ml.runs.claims import release_abandoned
    from ml.runs.worker import work

    iris = Iris.from_environment()
    while True:
        with open_store(store, endpoint) as opened, progress_stages() as stage:
            if endpoint is None:
                release_abandoned(opened)
            work(opened, iris, progress=stage, done=_report)
        if once:
            return
        time.sleep(every)


def _report(run: NamedNode, failure: DeepCubeError | None) -> None:
    """Name a run that was executed on stdout, one that failed with its reason on stderr."""
    if failure is None:
        click.echo(run.value)
    else:
        click.echo(f"{run.value} failed: {failure}", err=True)
