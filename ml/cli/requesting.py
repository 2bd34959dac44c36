"""A run that a subcommand requests and executes itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from pyoxigraph import NamedNode

    from kg.store import GraphStore


def request_and_execute(
    store: GraphStore,
    model: str,
    plan: NamedNode,
    predict_from: datetime | None,
    *,
    evaluate: bool,
    weights: Path | None = None,
) -> NamedNode:
    """Request a run of a use case and execute it, unless this very run is in the graph.

    Raises:
        RunError: The plan is for another use case, or another worker has the run.
    """
    from kg.cli.progress import CONSOLE, progress_stages
    from kg.embedded.store import EmbeddedStore
    from kg.rdf.iris import Iris
    from kg.rows import ask
    from ml.card import find_card
    from ml.errors import RunError
    from ml.planning.planned import read_plan
    from ml.runs.claims import claim, release_abandoned
    from ml.runs.requests import request_run, run_status
    from ml.runs.worker import execute_run
    from ontology.terms import DEEP

    iris = Iris.from_environment()
    card = find_card(model)
    read_plan(store, plan)
    if not ask(store, f"ASK {{ {plan} deep:forModel {card.iri} }}"):
        raise RunError(f"the plan <{plan.value}> is not for {model}; make one with deepcube plan")
    run = request_run(store, iris, plan, predict_from, evaluate=evaluate, weights=weights)
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
