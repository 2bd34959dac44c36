"""A use case of another package does all that ours do, without a line of ours for it."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient

from api.__main__ import cli
from api.app import create_app
from cube_bridge.indexing.index import index_file
from cube_bridge.kinds.mappings import parse_mapping
from kg.embedded.store import EmbeddedStore
from kg.errors import ValidationFailedError
from kg.rdf.iris import Iris
from kg.rdf.terms import number, text
from kg.regions import find_region
from kg.rows import ask, select
from kg.validation.shacl import validate_store
from ml.card import find_card
from ml.planning.plan import make_plan
from ml.runs.clearing import remove_run
from ml.runs.requests import request_run, run_status
from ml.runs.worker import work
from ontology.terms import DEEP

MAPPING = {
    "kind": "series",
    "source": {"id": "gauges", "title": "Gauges", "license": "https://spdx.org/licenses/MIT"},
    "longitude": "lon",
    "latitude": "lat",
    "time": {"column": "date", "resolution": "P7D"},
    "variables": [
        {"column": "level", "property": "https://example.org/river#Level", "unit": "unit:CentiM"}
    ],
}
REGION = "POLYGON((9 49, 11 49, 11 51, 9 51, 9 49))"
PERIOD = (datetime(2020, 1, 6, tzinfo=UTC), datetime(2021, 11, 29, tzinfo=UTC))
START = datetime(2021, 9, 6)  # noqa: DTZ001  # UTC, as in all requests


def gauges(path, weeks=100):
    """Write weekly levels of four gauges in centimetres."""
    generator = np.random.default_rng(0)
    times = pd.date_range("2020-01-06", periods=weeks, freq="7D").strftime("%Y-%m-%d")
    rows = []
    for lon, lat in ((9.0, 49.0), (9.0, 51.0), (11.0, 49.0), (11.0, 51.0)):
        level = 300.0
        for time in times:
            level = 300 + 0.8 * (level - 300) + generator.normal(scale=20)
            rows.append({"date": time, "lon": lon, "lat": lat, "level": round(level, 1)})
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


@pytest.fixture
def river(tmp_path, monkeypatch):
    """The package with the use case, installed as far as entry points tell."""
    info = tmp_path / "river_levels-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: river-levels\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[deepcube.use_cases]\nriver-levels = river_levels\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "other_package"))
    yield
    for name in [m for m in sys.modules if m.split(".")[0] == "river_levels"]:
        del sys.modules[name]


@pytest.fixture
def planned(river, store, iris, tmp_path):
    index_file(store, iris, gauges(tmp_path / "gauges.csv"), parse_mapping(MAPPING, "gauges"))
    region = find_region(store, iris, REGION)
    plan = make_plan(store, iris, find_card("river-levels"), region, PERIOD)
    return store, plan.iri


def test_it_is_planned_trained_evaluated_written_back_validated_and_shown(planned, iris):
    store, plan = planned
    run = request_run(store, iris, plan, START)
    assert work(store, iris) == 1
    assert run_status(store, run) == DEEP.RunSucceeded
    rows = select(
        store,
        f"""SELECT ?p ?value ?low ?high ?label (COUNT(DISTINCT ?input) AS ?inputs)
                   (SUM(?share) AS ?shares) WHERE {{
              ?p a deep:Prediction, <https://example.org/river#Prediction> ;
                 prov:wasGeneratedBy {run} ; sosa:hasSimpleResult ?value ;
                 deep:lowerBound ?low ; deep:upperBound ?high ; rdfs:label ?label ;
                 qudt:hasUnit ?unit ; prov:wasDerivedFrom ?input ;
                 sosa:phenomenonTime/time:hasEnd/time:inXSDDateTimeStamp ?end ;
                 sosa:hasFeatureOfInterest ?gauge ; deep:hasAttribution/deep:share ?share .
              ?input a deep:Series ; deep:atStation ?gauge .
            }} GROUP BY ?p ?value ?low ?high ?label""",
    )
    assert len(rows) == 4 * 13
    for row in rows:
        assert number(row["low"]) < number(row["value"]) < number(row["high"])
        assert 2 < number(row["value"]) < 4  # metres: the table is in centimetres
        assert number(row["shares"]) == pytest.approx(1, abs=1e-5)
    assert any(text(r["label"]).endswith("2021-09-06 to 2021-09-13") for r in rows)
    scored = select(
        store,
        f"""SELECT DISTINCT ?protocol ?method WHERE {{
              ?e a deep:Evaluation ; prov:wasGeneratedBy {run} ; deep:protocol ?protocol ;
                 deep:evaluatedMethod ?method ;
                 dqv:hasQualityMeasurement/dqv:isMeasurementOf deep:RMSE }}""",
    )
    assert len(scored) == 4  # ridge and the last level, by time and by gauge
    assert ask(store, f"ASK {{ ?a a deep:Alert ; prov:wasGeneratedBy {run} }}")
    report = validate_store(store)
    assert report.conforms, report.violations[:3]
    page = TestClient(create_app(store)).get(
        "/predictions", params={"run": run.value, "moment": "2021-09-06 to 2021-09-13"}
    )
    assert page.status_code == 200, page.text
    assert "river level" in page.text.lower()
    assert "station at 49°, 9°" in page.text


def test_predicting_fits_once_beside_the_held_back_fit_and_reads_the_source_once(
    planned, iris, monkeypatch
):
    from river_levels.use_case import Ridge  # noqa: PLC0415

    from cube_bridge.kinds import series  # noqa: PLC0415

    fits, reads = [], []
    fit, read_rows = Ridge.fit, series.read_rows
    monkeypatch.setattr(Ridge, "fit", lambda *a, **k: fits.append(1) or fit(*a, **k))
    monkeypatch.setattr(series, "read_rows", lambda *a: reads.append(1) or read_rows(*a))
    store, plan = planned
    request_run(store, iris, plan, START, evaluate=False)
    assert work(store, iris) == 1
    assert len(fits) == 2
    assert len(reads) == 1
    assert not ask(store, "ASK { ?e a deep:Evaluation }")


def test_its_own_shape_is_part_of_the_gate_and_what_was_written_is_taken_back(
    planned, iris, monkeypatch
):
    from dataclasses import replace  # noqa: PLC0415

    from river_levels import use_case  # noqa: PLC0415

    deep_river = replace(
        use_case.USE_CASE,
        predict=lambda _, __, at: use_case.Prediction(value=np.full((len(at), 1), 51.0)),
    )
    monkeypatch.setattr(use_case, "USE_CASE", deep_river)
    store, plan = planned
    run = request_run(store, iris, plan, START, evaluate=False)
    told = {}
    work(store, iris, done=lambda run, failure: told.update({run: failure}))
    assert isinstance(told[run], ValidationFailedError)
    assert "no river is that deep" in str(told[run])
    assert run_status(store, run) == DEEP.RunFailed
    assert not ask(store, f"ASK {{ ?x prov:wasGeneratedBy {run} }}")


def test_a_run_leaves_the_graph_whole(planned, iris):
    store, plan = planned
    before = {str(q) for q in store.quads(None, None, None, None)}
    run = request_run(store, iris, plan, START, evaluate=False)
    work(store, iris)
    remove_run(store, run)
    left = [
        q
        for q in store.quads(None, None, None, None)
        if str(q) not in before and run.value in str(q)
    ]
    assert left == []


def test_the_subcommands_take_it_by_name(river, tmp_path):
    folder = str(tmp_path / "store")
    with EmbeddedStore(tmp_path / "store") as store:
        index_file(store, Iris(), gauges(tmp_path / "gauges.csv"), parse_mapping(MAPPING, "gauges"))

    def run(*arguments):
        result = CliRunner().invoke(cli, [*arguments, "--store", folder])
        assert result.exit_code == 0, (result.output, result.exception)
        return result.stdout

    asked = ("--region", REGION, "--from", "2020-01-06", "--to", "2021-11-28")
    plan = run("plan", "river-levels", *asked).split()[-1]
    weights = str(tmp_path / "weights")
    trained = run(
        "train", "river-levels", "--plan", plan, "--before", "2021-09-06", "--weights", weights
    )
    assert "trained on 336 samples" in trained
    of_plan = ("river-levels", "--plan", plan, "--from", "2021-09-06")
    assert "/run/river-levels/" in run("predict", *of_plan, "--weights", weights)
    assert "temporal: trained before 2021-09-06" in run("evaluate", *of_plan)
