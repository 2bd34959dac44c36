import shutil
from datetime import UTC, date, datetime

import pandas as pd
import pytest
from pyoxigraph import NamedNode

from cube_bridge.indexing.index import index_file
from cube_bridge.kinds.mappings import parse_mapping
from kg.embedded.store import EmbeddedStore
from kg.errors import RegionError
from kg.rdf.terms import number, text
from kg.regions import find_region
from kg.rows import ask, select
from kg.validation.shacl import validate_store
from kg.views.predictions import most_severe_moment
from ml.card import find_card
from ml.errors import ModelNotFoundError, PlanError, RunError
from ml.inputs.inputs import Inputs
from ml.planning.plan import make_plan
from ml.planning.planned import read_plan
from ml.runs.claims import claim, release_abandoned
from ml.runs.requests import request_run, requested_runs, run_status
from ml.runs.worker import execute_run, work
from ml.use_cases.fire_danger.config import Config
from ml.use_cases.fire_danger.danger_map import draw_danger_map
from ml.use_cases.fire_danger.inputs import read_fire_data
from ml.use_cases.fire_danger.simulation import ISLAND
from ontology.terms import DEEP
from tests.conftest import SERIES_MAPPING

YEAR = (datetime(2015, 1, 1, tzinfo=UTC), datetime(2016, 1, 1, tzinfo=UTC))
FIRE_DANGER = find_card("fire-danger")
SMALL = Config(steps=20, members=2, hidden=16)


@pytest.fixture
def copy(finished, tmp_path):
    """A copy of the finished store that a test may change, its plan and its run."""
    folder, plan, run = finished
    shutil.copytree(folder, tmp_path / "store")
    with EmbeddedStore(tmp_path / "store") as store:
        yield store, plan, run


def test_each_slot_is_filled_and_each_other_variable_refused_with_a_reason(copy, iris):
    store, _, _ = copy
    plan = make_plan(store, iris, FIRE_DANGER, find_region(store, iris, ISLAND), YEAR)
    chosen = {i.slot: i.name for i in plan.inputs}
    assert chosen == {
        "fires": "events",
        "humidity": "humidity",
        "radiation": "radiation",
        "temperature": "temperature",
        "wind": "wind",
    }
    reasons = {(r.slot, r.source_title.split()[0]): r.reason for r in plan.refused}
    cube = reasons["temperature", "Surface"]
    assert "must observe air temperature (observes surface temperature)" in cube
    assert "sampled every P8D" in cube
    assert len(plan.refused) == 5 * 6 - 5
    rows = select(
        store,
        f"""SELECT ?reason WHERE {{ {plan.iri} deep:hasRefusal ?r . ?r deep:reason ?reason ;
              deep:failsRequirement deep:SampledDailyOrFiner }}""",
    )
    assert len(rows) == 5


def test_the_same_question_is_the_same_plan(copy, iris):
    store, plan, _ = copy
    before = len(store)
    again = make_plan(store, iris, FIRE_DANGER, find_region(store, iris, ISLAND), YEAR)
    assert again.iri == plan
    assert len(store) == before
    assert {i.slot for i in read_plan(store, plan)} == {i.slot for i in again.inputs}


def test_a_region_or_period_that_nothing_covers_is_refused_with_all_reasons(copy, iris):
    store, _, _ = copy
    far = find_region(store, iris, "POLYGON((0 0, 10 0, 10 10, 0 10, 0 0))")
    before = len(store)
    with pytest.raises(PlanError, match=r"must cover the region \(its extent holds 0%"):
        make_plan(store, iris, FIRE_DANGER, far, YEAR)
    later = (datetime(2015, 6, 1, tzinfo=UTC), datetime(2017, 1, 1, tzinfo=UTC))
    with pytest.raises(PlanError, match=r"must cover the period \(2015-01-01"):
        make_plan(store, iris, FIRE_DANGER, find_region(store, iris, ISLAND), later)
    with pytest.raises(PlanError, match="before it begins"):
        make_plan(store, iris, FIRE_DANGER, far, (YEAR[1], YEAR[0]))
    assert len(store) == before


def test_an_empty_graph_has_nothing_to_plan_with(store, iris):
    region = find_region(store, iris, "POLYGON((0 0, 10 0, 10 10, 0 10, 0 0))")
    with pytest.raises(PlanError, match="deepcube index"):
        make_plan(store, iris, FIRE_DANGER, region, YEAR)


def test_a_source_in_another_unit_serves_and_is_converted(copy, iris, tmp_path):
    store, plan, _ = copy
    inputs = {i.slot: i for i in read_plan(store, plan)}
    weather = select(
        store,
        f"""SELECT ?url WHERE {{ {inputs["temperature"].source}
              dcat:distribution/dcat:downloadURL ?url }}""",
    )
    table = pd.read_csv(text(weather[0]["url"]).removeprefix("file://"))
    table["temperature"] = table["temperature"] * 1.8 + 32
    table.to_csv(tmp_path / "warm.csv", index=False)
    document = {
        **SERIES_MAPPING,
        "source": {**SERIES_MAPPING["source"], "id": "a-fahrenheit"},
        "variables": [{"column": "temperature", "property": "grib:167", "unit": "unit:DEG_F"}],
    }
    index_file(store, iris, tmp_path / "warm.csv", parse_mapping(document, "m"))
    other = make_plan(store, iris, FIRE_DANGER, find_region(store, iris, ISLAND), YEAR)
    chosen = {i.slot: i for i in other.inputs}["temperature"]
    assert chosen.source.value.endswith("a-fahrenheit")
    assert "read in unit:DEG_C" in chosen.reason
    a = read_fire_data(Inputs(store, iris, tuple(inputs.values()))).cells.weather
    b = read_fire_data(Inputs(store, iris, other.inputs)).cells.weather
    assert abs(a - b).max() < 1e-3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Atlantis", "no place 'Atlantis'"),
        ("POLYGON((0 0, 1", "no WKT"),
        ("POINT(1 2)", "no area"),
        ("http://example.org/nowhere", "no place"),
    ],
)
def test_a_region_that_is_none(store, iris, name, message):
    with pytest.raises(RegionError, match=message):
        find_region(store, iris, name)


def test_an_unknown_model_is_named_with_those_there_are():
    with pytest.raises(ModelNotFoundError, match="fire-danger"):
        find_card("rain-dance")


def test_predictions_are_in_the_graph_with_all_they_rest_on(copy):
    store, _, run = copy
    rows = select(
        store,
        f"""SELECT ?value ?low ?high ?class ?wkt ?day (COUNT(?input) AS ?inputs) WHERE {{
              ?p a deep:FireDangerPrediction ; prov:wasGeneratedBy {run} ;
                 sosa:hasSimpleResult ?value ; deep:lowerBound ?low ; deep:upperBound ?high ;
                 deep:dangerClass/skos:notation ?class ;
                 sosa:hasFeatureOfInterest/geo:hasDefaultGeometry/geo:asWKT ?wkt ;
                 sosa:phenomenonTime/time:hasBeginning/time:inXSDDateTimeStamp ?day ;
                 sosa:usedProcedure/deep:hasSlot/dcterms:identifier "wind" ;
                 prov:wasDerivedFrom ?input . ?input ?any ?thing .
              FILTER EXISTS {{ ?p a deep:Simulated }}
            }} GROUP BY ?p ?value ?low ?high ?class ?wkt ?day""",
    )
    assert len(rows) == 64 * 61  # 64 cells, November and December
    for row in rows[::50]:
        assert number(row["low"]) <= number(row["value"]) <= number(row["high"])
        assert number(row["inputs"]) > 5
    assert run_status(store, run) == DEEP.RunSucceeded


def test_alerts_are_made_of_extreme_predictions_and_marked_as_simulated(copy):
    store, _, run = copy
    rows = select(
        store,
        f"""SELECT ?alert ?headline (MIN(?class) AS ?least) (COUNT(?p) AS ?days) WHERE {{
              ?alert a deep:Alert ; prov:wasGeneratedBy {run} ; deep:capStatus "Test" ;
                     deep:capHeadline ?headline ; prov:wasDerivedFrom ?p .
              ?p deep:dangerClass/skos:notation ?class }} GROUP BY ?alert ?headline""",
    )
    assert rows
    assert all(number(r["least"]) >= 5 for r in rows)
    assert all("simulated" in text(r["headline"]) for r in rows)


def test_the_whole_store_conforms_to_the_shapes(copy):
    store, _, _ = copy
    report = validate_store(store)
    assert report.conforms, report.violations[:3]


def test_a_run_is_claimed_by_one_worker_only(copy, iris):
    store, plan, _ = copy
    run = request_run(store, iris, plan, pd.Timestamp("2015-12-01"), SMALL, evaluate=False)
    assert requested_runs(store) == [run]
    assert claim(store, run)
    assert requested_runs(store) == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ml.runs.claims.os.getpid", lambda: -1)  # another process
        assert not claim(store, run)


def test_a_run_that_its_worker_left_is_done_by_the_next(copy, iris):
    store, plan, _ = copy
    run = request_run(store, iris, plan, pd.Timestamp("2015-12-01"), SMALL, evaluate=False)
    assert claim(store, run)
    release_abandoned(store)
    assert run_status(store, run) == DEEP.RunRequested
    assert work(store, iris) == 1
    assert run_status(store, run) == DEEP.RunSucceeded
    assert request_run(store, iris, plan, pd.Timestamp("2015-12-01"), SMALL, evaluate=False) == run
    assert work(store, iris) == 0  # the same request is the same run


def test_a_run_that_fails_says_why_and_leaves_nothing(copy, iris):
    store, plan, _ = copy
    run = request_run(store, iris, plan, pd.Timestamp("2015-01-20"), SMALL, evaluate=False)
    assert claim(store, run)
    with pytest.raises(RunError, match="need 120 days"):
        execute_run(store, iris, run)
    assert run_status(store, run) == DEEP.RunFailed
    assert ask(store, f'ASK {{ {run} deep:failureMessage ?m FILTER(CONTAINS(?m, "120 days")) }}')
    assert not ask(store, f"ASK {{ ?x prov:wasGeneratedBy {run} }}")
    with pytest.raises(PlanError, match="no plan"):
        request_run(store, iris, NamedNode("urn:none"), pd.Timestamp("2015-12-01"), SMALL)


def test_a_malformed_request_fails_alone_and_the_worker_goes_on(copy, iris):
    store, plan, _ = copy
    good = request_run(store, iris, plan, pd.Timestamp("2015-12-01"), SMALL, evaluate=False)
    store.update(
        f"""PREFIX deep: <https://w3id.org/deepcube/ontology#>
        PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
        INSERT DATA {{ <urn:a-bad-run> a deep:Run ; deep:usesPlan {plan} ;
          deep:runStatus deep:RunRequested ;
          deep:predictFrom "2015-12-01T00:00:00Z"^^xsd:dateTime ;
          deep:configuration '{{"spatial_folds": 0, "nope": 1}}' }}"""
    )
    told = {}
    assert work(store, iris, done=lambda run, failure: told.update({run: failure})) == 2
    assert told[good] is None
    assert "nope" in str(told[NamedNode("urn:a-bad-run")])
    assert run_status(store, good) == DEEP.RunSucceeded
    assert run_status(store, NamedNode("urn:a-bad-run")) == DEEP.RunFailed
    assert ask(store, 'ASK { <urn:a-bad-run> deep:failureMessage ?m FILTER(CONTAINS(?m, "nope")) }')
    assert work(store, iris) == 0


def test_other_weights_are_another_run(copy, iris, tmp_path):
    store, plan, _ = copy
    day = pd.Timestamp("2015-12-01")
    runs = {request_run(store, iris, plan, day, SMALL, evaluate=False)}
    for content in ("a", "b"):
        (tmp_path / content).write_text(content)
        runs.add(
            request_run(store, iris, plan, day, SMALL, evaluate=False, weights=tmp_path / content)
        )
    assert len(runs) == 3


def test_the_map_is_a_picture_that_says_it_is_simulated(copy, tmp_path):
    store, _, run = copy
    day = most_severe_moment(store, run).begin.date()
    assert date(2015, 11, 1) <= day <= date(2015, 12, 31)
    draw_danger_map(store, run, day, tmp_path / "map.png")
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(RunError, match="no prediction"):
        draw_danger_map(store, run, date(2015, 1, 1), tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()
