"""The subcommand `deepcube demo`: the main job from door to door.

On real data, or on simulated sources where there is neither a network nor a folder of data.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyoxigraph import NamedNode
    from rich.console import Console

    from kg.rdf.iris import Iris
    from kg.store import GraphStore
    from ml.planning.planned import InputPlan, Refused
    from ml.use_case import Demo, Output, Question


@click.command()
@click.option(
    "--use-case",
    "identifier",
    help="Which use case is shown; by default the first that brings a demonstration.",
)
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    default=Path("build/demo/store"),
    show_default=True,
    help="Folder of the embedded store.",
)
def demo(identifier: str | None, store: Path) -> None:
    """Do the main job from door to door: index, reason, train, predict, write back, ask."""
    from kg.embedded.store import EmbeddedStore
    from kg.rdf.iris import Iris

    name, shown = _find_demo(identifier)
    with EmbeddedStore(store) as opened:
        run_demo(opened, Iris.from_environment(), store, name, shown)


def _find_demo(identifier: str | None) -> tuple[str, Demo]:
    """Return a use case with its demonstration: the one that is named, or the first there is."""
    from importlib import import_module
    from importlib.util import find_spec

    from ml.card import package_of, packages
    from ml.errors import ModelNotFoundError

    names = sorted(packages()) if identifier is None else [identifier]
    for name in names:
        if find_spec(f"{package_of(name)}.demo") is not None:
            return name, import_module(f"{package_of(name)}.demo").DEMO
    raise ModelNotFoundError(f"no demonstration in {', '.join(names)}")


def run_demo(store: GraphStore, iris: Iris, store_folder: Path, name: str, shown: Demo) -> None:
    """Index, reason, train, predict, write back, and ask; print what came of each.

    Args:
        store: An open embedded store.
        iris: How IRIs are made.
        store_folder: The store's folder, named in the command that serves it; the map goes
            beside it.
        name: Identifier of the use case.
        shown: What is shown of it.
    """
    from rich.console import Console

    from ml.cli.report import print_evaluations
    from ml.runs.requests import request_run
    from ml.use_case import find_predicting

    console = Console(width=None if Console().is_terminal else 150)
    simulated = _find_sources(console, shown)
    region = shown.region if simulated is None else simulated[1]
    _heading(console, "1 Index", "what is in the sources, where, when, under which licence")
    _index_all(store, iris, shown, simulated[0] if simulated else None, console)
    _heading(console, "2 Reason", f"which of it can serve as input of {shown.title}")
    plan = _plan(store, iris, name, shown, region)
    _print_plan(console, plan)
    since = f"from {shown.predict_from:%Y-%m-%d} on, beside baselines"
    _heading(console, "3 Train and predict", since)
    run = request_run(store, iris, plan.iri, shown.predict_from)
    _execute(store, iris, run)
    print_evaluations(store, run, console)
    _heading(console, "4 Write back", "predictions, intervals, classes and alerts as triples")
    _print_counts(store, run, find_predicting(name).outputs, console)
    _heading(console, "5 Look", "questions to the graph, a map, and the server")
    _look(store, run, shown, store_folder, console)


def _plan(store: GraphStore, iris: Iris, name: str, shown: Demo, region: str) -> InputPlan:
    from kg.rdf.times import day_bounds
    from kg.regions import find_region
    from ml.card import find_card
    from ml.planning.plan import make_plan

    period = day_bounds(shown.period[0])[0], day_bounds(shown.period[1])[1]
    with _timed("reasoning with HermiT"):
        return make_plan(store, iris, find_card(name), find_region(store, iris, region), period)


def _look(
    store: GraphStore, run: NamedNode, shown: Demo, store_folder: Path, console: Console
) -> None:
    from kg.views.predictions import most_severe_moment
    from ml.errors import RunError

    moment = most_severe_moment(store, run)
    if moment is None:
        raise RunError(f"<{run.value}> has no predictions")
    for question in shown.questions(run, moment):
        _answer(store, question, console)
    with _timed("drawing the map"):
        file = shown.draw(store, run, moment, store_folder.resolve().parent)
    console.print(f"\nmap {moment.phrase}: {file}", soft_wrap=True)
    console.print(f"the run: {run.value}", soft_wrap=True)
    console.print(
        f"\nlook at all of it: deepcube serve --store {store_folder}"
        "   then open http://localhost:8000",
        soft_wrap=True,
    )


def _find_sources(console: Console, shown: Demo) -> tuple[tuple[Any, ...], str] | None:
    """Return None where the real data is here or was fetched, else the simulated sources."""
    from rich.panel import Panel

    from cube_bridge.errors import DatasetUnavailableError
    from cube_bridge.folders import cache_folder, data_folder
    from cube_bridge.kinds.datasets import locate

    try:
        with _timed("finding the data"):
            for name in shown.datasets:
                locate(name)
    except DatasetUnavailableError as error:
        if data_folder() is not None:
            raise
        console.print(
            Panel(
                f"{error}\n\nThere is neither a network nor a folder DEEPCUBE_DATA. The demo goes "
                "on with a SIMULATED summer on an invented island. Every source, prediction and "
                "alert is marked as deep:Simulated in the graph; no figure below is about the "
                "real world.",
                title="SIMULATED DATA",
                border_style="bold red",
            )
        )
        return shown.simulate(cache_folder() / "simulated-summer")
    return None


def _index_all(
    store: GraphStore,
    iris: Iris,
    shown: Demo,
    sources: tuple[Any, ...] | None,
    console: Console,
) -> None:
    from rich.table import Table

    from cube_bridge.indexing.index import index_dataset, index_file
    from kg.cli.progress import progress_stages
    from kg.views.sources import sources as all_sources

    names = list(shown.datasets) if sources is None else [s.mapping.source.id for s in sources]
    for i, name in enumerate(names):
        with progress_stages() as stage, _timed(f"indexing {name}"):
            if sources is None:
                index_dataset(store, iris, name, progress=stage)
            else:
                found = sources[i]
                index_file(store, iris, found.path, found.mapping, replace=True, progress=stage)
    table = Table("source", "kind", "items", "from", "to", "licence")
    for s in all_sources(store):
        table.add_row(s.title, s.kind, f"{s.items:,}", *(s.period or ("", "")), s.licence)
    console.print(table)


def _print_plan(console: Console, plan: InputPlan) -> None:
    from rich.table import Table

    table = Table("slot", "filled by", "why", title="chosen")
    for chosen in plan.inputs:
        source = chosen.source.value.rsplit("/", 1)[1]
        table.add_row(chosen.slot, f"{source}: {chosen.name.strip()}", chosen.reason)
    console.print(table)
    # Every variable is refused for the slots of other properties; what people ask is why a
    # source that looks alike was not taken, so the table shows the near misses.
    nearest: dict[str, Refused] = {}
    for r in sorted(plan.refused, key=lambda r: -r.met):
        nearest.setdefault(r.variable.value, r)
    for chosen in plan.inputs:
        nearest.pop(chosen.variable.value, None)
    table = Table("variable", "for", "why not", title="refused (the nearest miss of each)")
    for r in nearest.values():
        table.add_row("/".join(r.variable.value.split("/")[-3::2]), r.slot, r.reason)
    console.print(table)


def _execute(store: GraphStore, iris: Iris, run: NamedNode) -> None:
    from kg.cli.progress import CONSOLE, progress_stages
    from ml.runs.claims import claim, release
    from ml.runs.requests import run_status
    from ml.runs.worker import execute_run
    from ontology.terms import DEEP

    status = run_status(store, run)
    if status == DEEP.RunSucceeded:
        CONSOLE.print("this very run is in the graph already; nothing is computed anew")
        return
    if status == DEEP.RunActive:
        # Only one process can have the store open, so whoever claimed the run has gone.
        release(store, run)
    if claim(store, run):
        with progress_stages() as report, _timed("training, evaluating and predicting"):
            execute_run(store, iris, run, progress=report)


def _print_counts(
    store: GraphStore, run: NamedNode, outputs: tuple[Output, ...], console: Console
) -> None:
    from kg.rdf.terms import text
    from kg.rows import select
    from ontology.terms import compact

    kinds = " ".join(str(output.prediction_class) for output in outputs)
    rows = select(
        store,
        f"""SELECT ?kind (COUNT(?x) AS ?n) WHERE {{
              VALUES ?kind {{ {kinds} deep:Alert deep:Evaluation }}
              ?x prov:wasGeneratedBy {run} ; a ?kind }} GROUP BY ?kind ORDER BY ?kind""",
    )
    for row in rows:
        console.print(f"{text(row['n']):>7} {compact(text(row['kind']))}")
    for output in outputs:
        rows = select(
            store,
            f"""SELECT ?label (COUNT(?x) AS ?n) WHERE {{
                  ?x prov:wasGeneratedBy {run} ; {output.class_property} ?c .
                  ?c rdfs:label ?label ; skos:notation ?order
                }} GROUP BY ?label ?order ORDER BY ?order""",
        )
        found = ", ".join(f"{text(r['label'])} {text(r['n'])}" for r in rows)
        if found:
            console.print(f"classes of {output.label}: {found}")


def _answer(store: GraphStore, question: Question, console: Console) -> None:
    from rich.syntax import Syntax
    from rich.table import Table

    from kg.rdf.terms import text
    from kg.rows import select

    console.print(f"\n[bold]{question.title}[/bold]")
    console.print(Syntax(question.sparql.strip(), "sparql", word_wrap=True))
    rows = select(store, question.sparql)
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(*names)
    for row in rows:
        table.add_row(*(_shown(text(row[n])) if n in row else "" for n in names))
    console.print(table)


def _shown(value: str) -> str:
    from ontology.terms import compact

    try:
        return f"{float(value):.4g}" if "." in value else value
    except ValueError:
        return compact(value)


def _heading(console: Console, title: str, what: str) -> None:
    console.print(f"\n[bold cyan]{title}[/bold cyan]  {what}")


@contextmanager
def _timed(what: str) -> Iterator[None]:
    from kg.cli.progress import CONSOLE

    start = time.perf_counter()
    yield
    CONSOLE.print(f"{what}: {time.perf_counter() - start:.1f} s", highlight=False)
