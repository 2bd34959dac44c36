"""Workers claim the runs that wait in the graph, execute them, and write what they found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pyoxigraph import Literal, Quad

from cube_bridge.folders import cache_folder
from kg.errors import DeepCubeError
from kg.rdf.provenance import end_quad
from kg.validation.shacl import validate_quads
from ml.errors import RunError
from ml.inputs.inputs import Inputs
from ml.planning.planned import read_plan
from ml.results.links import write_links
from ml.results.write import write_results
from ml.runs.claims import claim
from ml.runs.clearing import remove_results
from ml.runs.discover import discover
from ml.runs.execute import execute
from ml.runs.requests import read_request, requested_runs
from ml.use_case import Discovery
from ontology.terms import DEEP, PROV

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyoxigraph import NamedNode

    from kg.rdf.iris import Iris
    from kg.store import GraphStore
    from ml.use_case import Progress


def execute_run(
    store: GraphStore,
    iris: Iris,
    run: NamedNode,
    *,
    weights: Path | None = None,
    progress: Progress | None = None,
) -> None:
    """Execute a run that has been claimed, and write its results.

    What it writes goes place by place; should it fail, all of it is taken back and the run is
    marked as failed with the message.

    Args:
        store: The graph.
        iris: How IRIs are made.
        run: The run.
        weights: A file of `deepcube train` to predict with, instead of training.
        progress: Called as the stages proceed.

    Raises:
        DeepCubeError: Whatever went wrong; the graph says it too.
    """
    try:
        _execute(store, iris, run, weights, progress or (lambda *_: None))
    except Exception as error:
        # Whatever it was: a run that nobody works on must not look as if somebody did.
        remove_results(store, run)
        store.update(
            f"""DELETE {{ {run} {DEEP.runStatus} ?s }}
            INSERT {{ {run} {DEEP.runStatus} {DEEP.RunFailed} ;
                            {DEEP.failureMessage} {Literal(str(error))} .
                      {end_quad(run).triple} }}
            WHERE {{ {run} {DEEP.runStatus} ?s }}"""
        )
        if isinstance(error, DeepCubeError):
            raise
        raise RunError(f"the run <{run.value}> failed: {error}") from error


def _execute(
    store: GraphStore, iris: Iris, run: NamedNode, weights: Path | None, progress: Progress
) -> None:
    request = read_request(store, run, weights)
    inputs = Inputs(store, iris, read_plan(store, request.plan))
    case, settings = request.case, request.settings
    used = [Quad(run, PROV.used, i.variable) for i in inputs.planned]
    if isinstance(case, Discovery):
        links = write_links(store, run, case, discover(case, inputs, settings, progress))
        _succeed(store, run, [*links, end_quad(run), *used], case.card.shapes)
        return
    outcome = execute(case, inputs, settings, progress)
    said = write_results(
        store, iris, run, case, outcome, simulated=inputs.simulated, progress=progress
    )
    _succeed(store, run, [*said, end_quad(run), *used], case.card.shapes)
    case.save(outcome.fitted, weights_file(run), moment_text(settings.predict_from))


def _succeed(store: GraphStore, run: NamedNode, quads: list[Quad], shapes: bytes) -> None:
    """Write what is said of the run as a whole, together with its success."""
    validate_quads(quads, shapes=shapes)
    triples = " ".join(f"{q.triple} ." for q in quads)
    store.update(
        f"""DELETE {{ {run} {DEEP.runStatus} {DEEP.RunActive} }}
        INSERT {{ {run} {DEEP.runStatus} {DEEP.RunSucceeded} . {triples} }}
        WHERE {{ {run} {DEEP.runStatus} {DEEP.RunActive} }}"""
    )


def moment_text(moment: np.datetime64 | None) -> str:
    """Return a moment as ISO 8601 text; empty for none."""
    return "" if moment is None else str(np.datetime_as_string(moment, unit="s"))


def weights_file(run: NamedNode) -> Path:
    """Return where the weights of a run are kept."""
    folder = cache_folder() / "weights"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{'-'.join(run.value.rsplit('/', 2)[-2:])}.weights"


def work(
    store: GraphStore,
    iris: Iris,
    *,
    progress: Progress | None = None,
    done: Callable[[NamedNode, DeepCubeError | None], None] | None = None,
) -> int:
    """Claim and execute the runs that wait; return how many were claimed.

    A run that fails does not keep the others waiting: what went wrong is in the graph, and
    `done` is told.
    """
    count = 0
    for run in requested_runs(store):
        if not claim(store, run):
            continue
        count += 1
        failure: DeepCubeError | None = None
        try:
            execute_run(store, iris, run, progress=progress)
        except DeepCubeError as error:
            failure = error
        if done is not None:
            done(run, failure)
    return count
