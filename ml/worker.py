"""Runs meet their workers in the graph: anyone requests one, a worker claims and executes it."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from dataclasses import asdict
from typing import TYPE_CHECKING

import pandas as pd
import pooch
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad

from cube_bridge.folders import cache_folder
from kg.errors import DeepCubeError
from kg.rdf.iris import below
from kg.rdf.provenance import end_quad, start_quads
from kg.rdf.terms import text
from kg.rdf.times import date_time_literal
from kg.rows import ask, select
from kg.validation.shacl import validate_quads
from ml import train
from ml.errors import RunError
from ml.fire_inputs import read_cell_days
from ml.inputs import read_plan
from ml.models.fire_danger import FIRE_DANGER, Config
from ml.run import execute
from ml.write_back import Outcome, cell_blocks, run_quads
from ontology.terms import DEEP, DQV, PROV, RDF, RDFS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kg.rdf.iris import Iris
    from kg.store import GraphStore
    from ml.run import Progress

#: Cells whose quads are validated and written together.
_CELLS = 8


def request_run(
    store: GraphStore,
    iris: Iris,
    plan: NamedNode,
    predict_from: pd.Timestamp,
    config: Config,
    *,
    spatial_folds: int = 5,
    weights: Path | None = None,
) -> NamedNode:
    """Write a run to the graph for a worker to claim; the same request is the same run.

    Args:
        store: The graph.
        iris: How IRIs are made.
        plan: The inputs.
        predict_from: First day to predict.
        config: Of the model.
        spatial_folds: Folds of the spatial evaluation; 0 leaves it out.
        weights: A file of `ml.train.save` to predict with: part of what the run is.

    Raises:
        PlanError: The graph has no such plan.
    """
    read_plan(store, plan)
    settings: dict[str, object] = {**asdict(config), "spatial_folds": spatial_folds}
    if weights is not None:
        settings["weights_sha256"] = pooch.file_hash(str(weights))
    digest = hashlib.sha256(
        json.dumps([plan.value, predict_from.isoformat(), settings], sort_keys=True).encode()
    )
    run = iris.mint("run", FIRE_DANGER.identifier, digest.hexdigest()[:12])
    if run_status(store, run) in (None, DEEP.RunFailed):
        remove_run(store, run)
        quads = [
            Quad(run, RDF.type, DEEP.Run),
            Quad(
                run, RDFS.label, Literal(f"{FIRE_DANGER.identifier} from {predict_from:%Y-%m-%d}")
            ),
            Quad(run, DEEP.usesPlan, plan),
            Quad(run, DEEP.predictFrom, date_time_literal(predict_from.to_pydatetime())),
            Quad(run, DEEP.configuration, Literal(json.dumps(settings, sort_keys=True))),
            Quad(run, DEEP.runStatus, DEEP.RunRequested),
        ]
        validate_quads(quads)
        store.add(quads)
    return run


def run_status(store: GraphStore, run: NamedNode) -> NamedNode | None:
    """Return the status of a run; None for one that nobody has requested."""
    for quad in store.quads(run, DEEP.runStatus, None, DefaultGraph()):
        if isinstance(quad.object, NamedNode):
            return quad.object
    return None


def requested_runs(store: GraphStore) -> list[NamedNode]:
    """Return the runs that wait for a worker."""
    rows = select(
        store,
        f"""SELECT ?run WHERE {{
              ?run a deep:Run ; deep:runStatus deep:RunRequested ;
                   deep:usesPlan/deep:forModel {FIRE_DANGER.iri} }} ORDER BY ?run""",
    )
    return [NamedNode(text(r["run"])) for r in rows]


def claim(store: GraphStore, run: NamedNode) -> bool:
    """Take a requested run; return whether it is ours now.

    One update both tests and sets, so that of several workers one gets it.
    """
    worker = Literal(f"{socket.gethostname()}/{os.getpid()}")
    start = " ".join(
        f"{q.triple} ." for q in start_quads(run, DEEP.Run, []) if q.predicate != RDFS.label
    )
    store.update(
        f"""DELETE {{ {run} {DEEP.runStatus} {DEEP.RunRequested} }}
        INSERT {{ {run} {DEEP.runStatus} {DEEP.RunActive} ; {DEEP.claimedBy} {worker} . {start} }}
        WHERE {{ {run} {DEEP.runStatus} {DEEP.RunRequested} }}"""
    )
    return ask(store, f"ASK {{ {run} deep:runStatus deep:RunActive ; deep:claimedBy {worker} }}")


def release(store: GraphStore, run: NamedNode) -> None:
    """Give a run that its worker did not finish back to be claimed, and clear what it wrote."""
    _remove_results(store, run)
    store.update(
        f"""DELETE {{ {run} {DEEP.runStatus} ?s ; {DEEP.claimedBy} ?w ;
                          {PROV.startedAtTime} ?t }}
        INSERT {{ {run} {DEEP.runStatus} {DEEP.RunRequested} }}
        WHERE {{ {run} {DEEP.runStatus} ?s
                 OPTIONAL {{ {run} {DEEP.claimedBy} ?w }}
                 OPTIONAL {{ {run} {PROV.startedAtTime} ?t }} }}"""
    )


def release_abandoned(store: GraphStore) -> None:
    """Release all active runs: for an embedded store, where no other worker can be alive."""
    for quad in list(store.quads(None, DEEP.runStatus, DEEP.RunActive, DefaultGraph())):
        if isinstance(quad.subject, NamedNode):
            release(store, quad.subject)


def execute_run(
    store: GraphStore,
    iris: Iris,
    run: NamedNode,
    *,
    weights: Path | None = None,
    progress: Progress | None = None,
) -> None:
    """Execute a run that has been claimed, and write its results.

    What it writes goes cell by cell; should it fail, all of it is taken back and the run is
    marked as failed with the message.

    Args:
        store: The graph.
        iris: How IRIs are made.
        run: The run.
        weights: A file of `ml.train.save` to predict with, instead of training.
        progress: Called as the stages proceed.

    Raises:
        DeepCubeError: Whatever went wrong; the graph says it too.
    """
    try:
        _execute(store, iris, run, weights, progress or (lambda *_: None))
    except Exception as error:
        # Whatever it was: a run that nobody works on must not look as if somebody did.
        _remove_results(store, run)
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
    rows = select(
        store,
        f"""SELECT ?plan ?from ?config WHERE {{
              {run} deep:usesPlan ?plan ; deep:predictFrom ?from ; deep:configuration ?config }}""",
    )
    if not rows:
        raise RunError(
            f"<{run.value}> is no complete run: it needs a plan, a date, a configuration"
        )
    settings = json.loads(text(rows[0]["config"]))
    folds = int(settings.pop("spatial_folds"))
    expected = settings.pop("weights_sha256", None)
    if expected != (pooch.file_hash(str(weights)) if weights else None):
        raise RunError(f"<{run.value}> was requested with other weights than it is executed with")
    predict_from = pd.Timestamp(text(rows[0]["from"])).tz_convert(None)
    inputs = read_plan(store, NamedNode(text(rows[0]["plan"])))
    data = read_cell_days(store, inputs)
    result = execute(
        data,
        predict_from,
        Config(**settings),
        spatial_folds=folds,
        net=train.load(weights, predict_from) if weights else None,
        progress=progress,
    )
    outcome = Outcome(
        run=run,
        model=FIRE_DANGER.iri,
        inputs=inputs,
        data=data,
        result=result,
        simulated=any(
            ask(store, f"ASK {{ {planned.source} a deep:Simulated }}") for planned in inputs
        ),
    )
    _write(store, iris, outcome, progress)
    train.save(result.net, weights_file(run), predict_from)


def _write(store: GraphStore, iris: Iris, outcome: Outcome, progress: Progress) -> None:
    total = len(outcome.data.longitude)
    pending: list[Quad] = []
    for done, quads in enumerate(cell_blocks(outcome, iris), 1):
        pending += quads
        if done % _CELLS == 0 or done == total:
            validate_quads(pending, shapes=FIRE_DANGER.shapes)
            store.add(pending)
            pending = []
            progress("writing predictions", done, total)
    run = outcome.run
    final = [
        *run_quads(outcome),
        end_quad(run),
        *(Quad(run, PROV.used, i.variable) for i in outcome.inputs),
    ]
    validate_quads(final, shapes=FIRE_DANGER.shapes)
    triples = " ".join(f"{q.triple} ." for q in final)
    store.update(
        f"""DELETE {{ {run} {DEEP.runStatus} {DEEP.RunActive} }}
        INSERT {{ {run} {DEEP.runStatus} {DEEP.RunSucceeded} . {triples} }}
        WHERE {{ {run} {DEEP.runStatus} {DEEP.RunActive} }}"""
    )


def weights_file(run: NamedNode) -> Path:
    """Return where the weights of a run are kept."""
    folder = cache_folder() / "weights"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{'-'.join(run.value.rsplit('/', 2)[-2:])}.pt"


def remove_run(store: GraphStore, run: NamedNode) -> None:
    """Take a run with all its results out of the graph."""
    _remove_results(store, run)
    store.remove(list(store.quads(run, None, None, DefaultGraph())))


def _remove_results(store: GraphStore, run: NamedNode) -> None:
    prefix = below(run, "").value
    store.update(
        f"""DELETE {{ ?s ?p ?o }} WHERE {{
              ?s {PROV.wasGeneratedBy} {run} ; ?p ?o }};
        DELETE {{ ?s ?p ?o }} WHERE {{
              {run} {DEEP.hasClassBound}|{DQV.hasQualityMeasurement} ?s .
              ?s ?p ?o }};
        DELETE {{ ?s ?p ?o }} WHERE {{
              ?s {DQV.computedOn} {run} ; ?p ?o
              FILTER(STRSTARTS(STR(?s), "{prefix}")) }}"""
    )


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
