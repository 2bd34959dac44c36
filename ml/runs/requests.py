"""Runs are requested in the graph; the same request is the same run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pooch
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad

from kg.rdf.terms import text
from kg.rdf.times import date_time_literal
from kg.rows import select
from kg.validation.shacl import validate_quads
from ml.card import packages
from ml.errors import RunError
from ml.planning.planned import read_plan
from ml.runs.clearing import remove_run
from ml.use_case import Settings, find_use_case
from ontology.terms import DEEP, RDF, RDFS

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from kg.rdf.iris import Iris
    from kg.store import GraphStore
    from ml.use_case import Discovery, UseCase


class Request(NamedTuple):
    """What a run is asked for."""

    case: UseCase[Any, Any, Any] | Discovery[Any, Any]
    plan: NamedNode
    settings: Settings


def request_run(
    store: GraphStore,
    iris: Iris,
    plan: NamedNode,
    predict_from: datetime | None,
    config: object = None,
    *,
    evaluate: bool = True,
    weights: Path | None = None,
) -> NamedNode:
    """Write a run to the graph for a worker to claim; the same request is the same run.

    Args:
        store: The graph.
        iris: How IRIs are made.
        plan: The inputs, and with them the use case.
        predict_from: First moment to predict; None where samples have no time.
        config: Of the use case; None takes its defaults.
        evaluate: Compare the model with baselines as well.
        weights: A file of `deepcube train` to predict with: part of what the run is.

    Raises:
        PlanError: The graph has no such plan.
        ModelNotFoundError: The plan is for a use case that is not installed.
        RunError: The configuration is not one of the use case.
    """
    read_plan(store, plan)
    case = _case_of(store, plan)
    settings = _settings(case.config() if config is None else config, case)
    if not evaluate:
        settings["evaluate"] = False
    if weights is not None:
        settings["weights_sha256"] = pooch.file_hash(str(weights))
    moment = None if predict_from is None else predict_from.isoformat()
    digest = hashlib.sha256(json.dumps([plan.value, moment, settings], sort_keys=True).encode())
    run = iris.mint("run", case.card.identifier, digest.hexdigest()[:12])
    if run_status(store, run) in (None, DEEP.RunFailed):
        remove_run(store, run)
        since = "" if predict_from is None else f" from {predict_from:%Y-%m-%d}"
        quads = [
            Quad(run, RDF.type, DEEP.Run),
            Quad(run, RDFS.label, Literal(f"{case.card.identifier}{since}")),
            Quad(run, DEEP.usesPlan, plan),
            Quad(run, DEEP.configuration, Literal(json.dumps(settings, sort_keys=True))),
            Quad(run, DEEP.runStatus, DEEP.RunRequested),
        ]
        if predict_from is not None:
            quads.append(Quad(run, DEEP.predictFrom, date_time_literal(predict_from)))
        validate_quads(quads)
        store.add(quads)
    return run


def read_request(store: GraphStore, run: NamedNode, weights: Path | None) -> Request:
    """Return what a run of the graph asks for.

    Args:
        store: The graph.
        run: The run.
        weights: The weights with which it is going to be executed.

    Raises:
        RunError: The run says too little, or was requested with other weights.
        ModelNotFoundError: It is of a use case that is not installed.
    """
    rows = select(
        store,
        f"""SELECT ?plan ?from ?config WHERE {{
              {run} deep:usesPlan ?plan ; deep:configuration ?config
              OPTIONAL {{ {run} deep:predictFrom ?from }} }}""",
    )
    if not rows:
        raise RunError(f"<{run.value}> is no complete run: it needs a plan and a configuration")
    settings = json.loads(text(rows[0]["config"]))
    evaluate = bool(settings.pop("evaluate", True))
    expected = settings.pop("weights_sha256", None)
    if expected != (pooch.file_hash(str(weights)) if weights else None):
        raise RunError(f"<{run.value}> was requested with other weights than it is executed with")
    moment = np.datetime64(text(rows[0]["from"]).rstrip("Z")) if "from" in rows[0] else None
    plan = NamedNode(text(rows[0]["plan"]))
    return Request(
        case=_case_of(store, plan),
        plan=plan,
        settings=Settings(predict_from=moment, evaluate=evaluate, config=settings, weights=weights),
    )


def run_status(store: GraphStore, run: NamedNode) -> NamedNode | None:
    """Return the status of a run; None for one that nobody has requested."""
    for quad in store.quads(run, DEEP.runStatus, None, DefaultGraph()):
        if isinstance(quad.object, NamedNode):
            return quad.object
    return None


def requested_runs(store: GraphStore) -> list[NamedNode]:
    """Return the runs that wait for a worker, of the use cases that are installed here."""
    rows = select(
        store,
        """SELECT ?run ?identifier WHERE {
             ?run a deep:Run ; deep:runStatus deep:RunRequested ;
                  deep:usesPlan/deep:forModel/dcterms:identifier ?identifier } ORDER BY ?run""",
    )
    known = packages()
    return [NamedNode(text(r["run"])) for r in rows if text(r["identifier"]) in known]


def _case_of(store: GraphStore, plan: NamedNode) -> UseCase[Any, Any, Any] | Discovery[Any, Any]:
    rows = select(store, f"SELECT ?id WHERE {{ {plan} deep:forModel/dcterms:identifier ?id }}")
    if not rows:
        raise RunError(f"the graph does not say which model the plan <{plan.value}> is for")
    return find_use_case(text(rows[0]["id"]))


def _settings(
    config: object, case: UseCase[Any, Any, Any] | Discovery[Any, Any]
) -> dict[str, object]:
    if not is_dataclass(config) or isinstance(config, type) or not isinstance(config, case.config):
        raise RunError(f"{config!r} is no configuration of {case.card.identifier}")
    return asdict(config)
