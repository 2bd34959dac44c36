"""The main job from door to door, on real data, or on a simulated summer where there is none."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from rich.console import Console
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table

from cube_bridge.errors import DatasetUnavailableError
from cube_bridge.folders import cache_folder, data_folder
from cube_bridge.indexing.index import index_dataset, index_file
from cube_bridge.kinds.datasets import locate
from cube_bridge.kinds.simulation import ISLAND, simulate
from kg.cli.progress import CONSOLE, progress_stages
from kg.rdf.terms import text
from kg.rdf.times import day_bounds
from kg.regions import find_region
from kg.rows import select
from kg.views.predictions import highest_moment
from kg.views.sources import sources as all_sources
from ml.errors import RunError
from ml.inputs import make_plan
from ml.models.fire_danger import FIRE_DANGER, Config
from ml.plots import draw_danger_map
from ml.report import print_evaluations
from ml.worker import claim, execute_run, release, request_run, run_status
from ontology.terms import DEEP, compact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from pyoxigraph import NamedNode

    from cube_bridge.kinds.simulation import SimulatedSource
    from kg.rdf.iris import Iris
    from kg.store import GraphStore
    from ml.inputs import InputPlan, Refused

_DATASETS = (
    "natural-earth-countries",
    "natural-earth-places",
    "natural-earth-protected-areas",
    "munich-land-surface-temperature",
    "munich-ndvi",
    "australia-weather-2015",
    "australia-hotspots-2015",
)
_YEAR = (pd.Timestamp("2015-01-01").date(), pd.Timestamp("2015-12-31").date())
_PREDICT_FROM = pd.Timestamp("2015-09-01")


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question that the demo asks of the graph."""

    title: str
    sparql: str


def run_demo(store: GraphStore, iris: Iris, store_folder: Path) -> None:
    """Index, reason, train, predict, write back, and ask; print what came of each.

    Args:
        store: An open embedded store.
        iris: How IRIs are made.
        store_folder: The store's folder, named in the command that serves it; the map goes
            beside it.
    """
    console = Console(width=None if Console().is_terminal else 150)
    sources = _find_sources(console)
    region_name = "Australia" if sources is None else ISLAND
    _heading(console, "1 Index", "what is in the sources, where, when, under which licence")
    _index_all(store, iris, sources, console)
    _heading(console, "2 Reason", "which of it can serve as input of the fire danger model")
    begin, end = day_bounds(_YEAR[0])[0], day_bounds(_YEAR[1])[1]
    with _timed("reasoning with HermiT"):
        plan = make_plan(
            store, iris, FIRE_DANGER, find_region(store, iris, region_name), (begin, end)
        )
    _print_plan(console, plan)
    _heading(console, "3 Train and predict", f"from {_PREDICT_FROM:%Y-%m-%d} on, beside baselines")
    run = request_run(store, iris, plan.iri, _PREDICT_FROM, Config())
    _execute(store, iris, run)
    print_evaluations(store, run, console)
    _heading(
        console, "4 Write back", "predictions, intervals, danger classes and alerts as triples"
    )
    _print_counts(store, run, console)
    _heading(console, "5 Look", "three questions to the graph, a map, and the server")
    highest = highest_moment(store, run)
    if highest is None:
        raise RunError(f"<{run.value}> has no predictions")
    day = highest.begin.date()
    for question in questions(run, day):
        _answer(store, question, console)
    file = store_folder.resolve().parent / f"fire-danger-{day}.png"
    with _timed(f"drawing {file.name}"):
        draw_danger_map(store, run, day, file)
    console.print(f"\nmap of the most dangerous day: {file}", soft_wrap=True)
    console.print(f"the run: {run.value}", soft_wrap=True)
    console.print(
        f"\nlook at all of it: deepcube serve --store {store_folder}"
        "   then open http://localhost:8000",
        soft_wrap=True,
    )


def _find_sources(console: Console) -> list[SimulatedSource] | None:
    """Return None where the real data is here or was fetched, else the simulated sources."""
    try:
        with _timed("finding the data"):
            for name in _DATASETS:
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
        return simulate(cache_folder() / "simulated-summer")
    return None


def _index_all(
    store: GraphStore, iris: Iris, sources: list[SimulatedSource] | None, console: Console
) -> None:
    names = list(_DATASETS) if sources is None else [s.mapping.source.id for s in sources]
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


def _print_counts(store: GraphStore, run: NamedNode, console: Console) -> None:
    rows = select(
        store,
        f"""SELECT ?kind (COUNT(?x) AS ?n) WHERE {{
              VALUES ?kind {{ deep:FireDangerPrediction deep:Alert deep:Evaluation }}
              ?x prov:wasGeneratedBy {run} ; a ?kind }} GROUP BY ?kind ORDER BY ?kind""",
    )
    for row in rows:
        console.print(f"{text(row['n']):>7} {compact(text(row['kind']))}")
    rows = select(
        store,
        f"""SELECT ?label (COUNT(?x) AS ?n) WHERE {{
              ?x prov:wasGeneratedBy {run} ; deep:dangerClass ?c .
              ?c rdfs:label ?label ; skos:notation ?order
            }} GROUP BY ?label ?order ORDER BY ?order""",
    )
    console.print(
        "danger classes: " + ", ".join(f"{text(r['label'])} {text(r['n'])}" for r in rows)
    )


def questions(run: NamedNode, day: date) -> list[Question]:
    """Return what the demo asks of the graph about a run and a day of it."""
    return [
        Question(
            title=f"On {day}, which towns lay where danger was highest, and what does it rest on?",
            sparql=f"""
SELECT ?town (?value AS ?danger) ?low ?high ?class
       (GROUP_CONCAT(?input; separator=", ") AS ?inputs)
WHERE {{
  ?prediction prov:wasGeneratedBy <{run.value}> ;
      sosa:phenomenonTime/time:hasBeginning/time:inXSDDateTimeStamp
          "{day}T00:00:00Z"^^xsd:dateTime ;
      sosa:hasFeatureOfInterest/geo:hasDefaultGeometry/geo:asWKT ?cell ;
      sosa:hasSimpleResult ?value ; deep:lowerBound ?low ; deep:upperBound ?high ;
      deep:dangerClass/rdfs:label ?class ; prov:wasDerivedFrom ?part .
  OPTIONAL {{ ?part deep:ofVariable ?of }}  # a series; what is no series is a variable itself
  BIND(COALESCE(?of, ?part) AS ?variable)
  ?variable rdfs:label ?input .
  <{run.value}> deep:usesPlan/deep:planRegion/deep:countryCode ?country .
  ?place a deep:Settlement ; rdfs:label ?town ; deep:countryCode ?country ;
      geo:hasDefaultGeometry/geo:asWKT ?point .
  FILTER(geof:sfWithin(?point, ?cell))
}}
GROUP BY ?town ?value ?low ?high ?class ORDER BY DESC(?value) ?town LIMIT 8""",
        ),
        Question(
            title="Which alerts concern the most people?",
            sparql=f"""
SELECT ?headline (STRDT(SUBSTR(STR(?onset), 1, 10), xsd:date) AS ?from) ?severity ?certainty
       (GROUP_CONCAT(?town; separator=", ") AS ?towns) (SUM(?people) AS ?population)
WHERE {{
  ?alert a deep:Alert ; prov:wasGeneratedBy <{run.value}> ; deep:capHeadline ?headline ;
      deep:capOnset ?onset ; deep:capSeverity ?severity ; deep:capCertainty ?certainty ;
      deep:alertArea/geo:hasDefaultGeometry/geo:asWKT ?cell .
  <{run.value}> deep:usesPlan/deep:planRegion/deep:countryCode ?country .
  ?place a deep:Settlement ; rdfs:label ?town ; deep:population ?people ;
      deep:countryCode ?country ; geo:hasDefaultGeometry/geo:asWKT ?point .
  FILTER(geof:sfWithin(?point, ?cell))
}}
GROUP BY ?alert ?headline ?onset ?severity ?certainty ORDER BY DESC(?population) ?onset LIMIT 6""",
        ),
        Question(
            title="What is in the cube that was refused, and why was it refused?",
            sparql="""
SELECT ?cube ?variable ?chunks ?valid ?lowest ?highest (SAMPLE(?reason) AS ?why)
WHERE {
  { SELECT ?v (COUNT(?chunk) AS ?chunks) (SUM(?n) AS ?valid) (MIN(?min) AS ?lowest)
           (MAX(?max) AS ?highest)
    WHERE { ?chunk a deep:Chunk ; deep:ofVariable ?v ; deep:validCount ?n ;
                   deep:minimum ?min ; deep:maximum ?max } GROUP BY ?v }
  ?v rdfs:label ?variable ; deep:variableOf/dcterms:title ?cube .
  ?refusal a deep:Refusal ; deep:variable ?v ; deep:reason ?reason ;
      deep:slot <https://w3id.org/deepcube/model/fire-danger#temperature> .
}
GROUP BY ?cube ?variable ?chunks ?valid ?lowest ?highest ORDER BY ?cube ?variable""",
        ),
    ]


def _answer(store: GraphStore, question: Question, console: Console) -> None:
    console.print(f"\n[bold]{question.title}[/bold]")
    console.print(Syntax(question.sparql.strip(), "sparql", word_wrap=True))
    rows = select(store, question.sparql)
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(*names)
    for row in rows:
        table.add_row(*(_shown(text(row[n])) if n in row else "" for n in names))
    console.print(table)


def _shown(value: str) -> str:
    try:
        return f"{float(value):.4g}" if "." in value else value
    except ValueError:
        return compact(value)


def _heading(console: Console, title: str, what: str) -> None:
    console.print(f"\n[bold cyan]{title}[/bold cyan]  {what}")


@contextmanager
def _timed(what: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    CONSOLE.print(f"{what}: {time.perf_counter() - start:.1f} s", highlight=False)
