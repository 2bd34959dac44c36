"""The application in process, on a store with a finished run."""

import io
import re
import shutil
from pathlib import Path

import pytest
from pyoxigraph import RdfFormat, parse
from starlette.testclient import TestClient

from api import endpoints
from api.app import create_app, routers
from kg.embedded.store import EmbeddedStore
from kg.rdf.terms import text
from kg.rows import select
from kg.views.predictions import most_severe_moment

HTML = {"Accept": "text/html"}
COUNT = "SELECT (COUNT(*) AS ?n) WHERE { ?s a <https://w3id.org/deepcube/ontology#Alert> }"


@pytest.fixture(scope="module")
def served(finished, tmp_path_factory):
    """A client, the store behind it, and the run in it; only read in this module."""
    folder = tmp_path_factory.mktemp("served") / "store"
    shutil.copytree(finished[0], folder)
    with EmbeddedStore(folder, read_only=True) as store:
        yield TestClient(create_app(store), raise_server_exceptions=False), store, finished[2]


@pytest.fixture
def writable(store):
    return TestClient(create_app(store)), store


def a_prediction(store, run):
    rows = select(
        store, f"SELECT ?p {{ ?p prov:wasGeneratedBy {run} ; a deep:Prediction }} LIMIT 1"
    )
    return text(rows[0]["p"])


@pytest.mark.parametrize(
    ("accept", "media_type", "start"),
    [
        (None, "application/sparql-results+json", b'{"head"'),
        ("application/json", "application/json", b'{"head"'),
        ("application/sparql-results+xml", "application/sparql-results+xml", b"<?xml"),
        ("text/csv", "text/csv; charset=utf-8", b"n\r\n"),
        ("text/tab-separated-values", "text/tab-separated-values; charset=utf-8", b"?n\n"),
        ("text/html", "text/html; charset=utf-8", b"<!doctype html>"),
    ],
)
def test_a_select_comes_in_each_form(served, accept, media_type, start):
    client, _, _ = served
    headers = {"Accept": accept} if accept else {"Accept": "*/*"}
    answer = client.get("/sparql", params={"query": COUNT}, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.content.startswith(start)


def test_get_form_and_direct_post_give_the_same(served):
    client, _, _ = served
    direct = {"Content-Type": "application/sparql-query"}
    answers = [
        client.get("/sparql", params={"query": COUNT}),
        client.post("/sparql", data={"query": COUNT}),
        client.post("/sparql", content=COUNT, headers=direct),
    ]
    assert {a.status_code for a in answers} == {200}
    assert len({a.content for a in answers}) == 1


def test_ask_and_construct(served):
    client, _, _ = served
    assert client.get("/sparql", params={"query": "ASK {}"}).json()["boolean"] is True
    query = "CONSTRUCT { ?s a ?t } WHERE { ?s a ?t } LIMIT 5"
    answer = client.get("/sparql", params={"query": query}, headers={"Accept": "text/turtle"})
    assert len(list(parse(answer.content, format=RdfFormat.TURTLE))) == 5
    assert client.get("/sparql", params={"query": query}, headers=HTML).text.count("<tr>") == 6
    csv = {"Accept": "text/csv"}
    assert client.get("/sparql", params={"query": query}, headers=csv).status_code == 406


@pytest.mark.parametrize(
    ("request_", "status", "message"),
    [
        (("GET", {"params": {"query": "SELECT * {"}}), 400, "malformed SPARQL"),
        (("POST", {"data": {"sparql": "ASK {}"}}), 400, "no query"),
        (("POST", {"content": "ASK {}", "headers": {"Content-Type": "text/plain"}}), 415, "send"),
        (
            (
                "POST",
                {
                    "content": b"ASK {} # \xff",
                    "headers": {"Content-Type": "application/sparql-query"},
                },
            ),
            400,
            "not UTF-8",
        ),
        (
            ("GET", {"params": {"query": "ASK {}"}, "headers": {"Accept": "image/png"}}),
            406,
            "cannot send",
        ),
        (("DELETE", {}), 405, "no DELETE"),
    ],
)
def test_bad_requests_get_a_clear_message(served, request_, status, message):
    client, _, _ = served
    method, options = request_
    answer = client.request(method, "/sparql", **options)
    assert answer.status_code == status
    assert message in answer.text
    assert "Traceback" not in answer.text


def test_a_prediction_is_rdf_for_programs_and_a_page_for_people(served):
    client, store, run = served
    iri = a_prediction(store, run)
    path = iri.removeprefix("http://localhost:8000")
    turtle = client.get(path, headers={"Accept": "text/turtle"})
    triples = {q.triple for q in parse(turtle.content, format=RdfFormat.TURTLE)}
    asked = {q.triple for q in store.quads() if getattr(q.subject, "value", "") == iri}
    assert triples == asked
    assert turtle.headers["vary"] == "Accept"
    page = client.get(path, headers=HTML)
    assert page.status_code == 200
    assert "<svg" in page.text
    assert "Simulated" in page.text
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_every_link_of_a_page_leads_somewhere(served):
    client, store, run = served
    seen, waiting = set(), ["/", a_prediction(store, run).removeprefix("http://localhost:8000")]
    while waiting and len(seen) < 60:
        path = waiting.pop(0)
        seen.add(path)
        answer = client.get(path, headers=HTML)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:200]}"
        links = re.findall(r'href="(/[^"]*)"', answer.text)
        waiting += [w for link in links if (w := link.replace("&amp;", "&")) not in seen]
    assert len(seen) == 60


def test_the_page_of_predictions_shows_the_day_asked_for(served):
    client, _, run = served
    page = client.get("/predictions", params={"moment": "2015-11-20"}, headers=HTML).text
    assert "Fire danger on 2015-11-20" in page
    assert page.count('class="shape"') == 64
    assert "Simulated" in page
    assert "90 % interval" in page
    assert "very extreme" in page
    same = client.get("/predictions", params={"moment": "2015-11-20", "run": run.value})
    assert same.text == page
    none = client.get("/predictions", params={"moment": "1999-01-01"}).text
    assert "No prediction for 1999-01-01" in none
    assert 'rel="next">2015-11-01' in none
    assert 'rel="prev"' not in none


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({"moment": "tomorrow"}, 400),
        ({"moment": "2015-13-01"}, 400),
        ({"run": "no iri"}, 400),
        ({"run": "urn:no-run"}, 404),
    ],
)
def test_predictions_that_cannot_be_asked_for(served, parameters, status):
    client, _, _ = served
    assert client.get("/predictions", params=parameters).status_code == status


def test_the_overview_shows_the_latest_run_at_its_highest(served):
    client, store, run = served
    page = client.get("/", headers=HTML).text
    highest = most_severe_moment(store, run)
    assert f"Fire danger on {highest.label}" in page
    assert page.count('class="shape"') == 64


A_MONTHLY_RUN = """
@prefix deep: <https://w3id.org/deepcube/ontology#> .
@prefix prov: <http://www.w3.org/ns/prov#> .
@prefix qudt: <http://qudt.org/schema/qudt/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix sosa: <http://www.w3.org/ns/sosa/> .
@prefix time: <http://www.w3.org/2006/time#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
<urn:run> a deep:Run ; deep:runStatus deep:RunSucceeded ; rdfs:label "soil moisture from 2020" ;
    prov:endedAtTime "2021-01-01T00:00:00Z"^^xsd:dateTime .
<urn:moisture> rdfs:label "soil moisture" ; qudt:hasUnit <urn:unit> .
<urn:unit> qudt:symbol "kg/m²" .
<urn:begin> time:inXSDDateTimeStamp "2020-05-01T00:00:00Z"^^xsd:dateTimeStamp .
<urn:end> time:inXSDDateTimeStamp "2020-06-01T00:00:00Z"^^xsd:dateTimeStamp .
<urn:may> time:hasBeginning <urn:begin> ; time:hasEnd <urn:end> .
<urn:north> rdfs:label "Northern Mountains" .
<urn:south> rdfs:label "Southern Coast" .
<urn:p1> a deep:Prediction ; prov:wasGeneratedBy <urn:run> ; sosa:hasSimpleResult 212.5e0 ;
    deep:lowerBound 180.0e0 ; deep:upperBound 240.0e0 ; deep:nominalCoverage 0.8e0 ;
    sosa:hasFeatureOfInterest <urn:north> ; sosa:observedProperty <urn:moisture> ;
    sosa:phenomenonTime <urn:may> .
<urn:p2> a deep:Prediction ; prov:wasGeneratedBy <urn:run> ; sosa:hasSimpleResult 12.0e0 ;
    deep:lowerBound 2.0e0 ; deep:upperBound 21.0e0 ; deep:nominalCoverage 0.8e0 ;
    sosa:hasFeatureOfInterest <urn:south> ; sosa:observedProperty <urn:moisture> ;
    sosa:phenomenonTime <urn:may> .
<urn:alert> a deep:Alert ; prov:wasGeneratedBy <urn:run> ; deep:capHeadline "dry for a month" ;
    deep:capOnset "2020-05-01T00:00:00Z"^^xsd:dateTime ; deep:capSeverity "Moderate" ;
    deep:capExpires "2020-06-01T00:00:00Z"^^xsd:dateTime ; deep:alertArea <urn:south> .
"""


def test_predictions_of_another_use_case_by_month_without_geometry_are_a_table(writable):
    client, store = writable
    store.load(io.BytesIO(A_MONTHLY_RUN.encode()), RdfFormat.TURTLE)
    page = client.get("/predictions", headers=HTML).text
    assert "Soil moisture in May 2020" in page
    assert '<svg class="map"' not in page
    assert "value (kg/m²)" in page
    assert "80 % interval" in page
    assert "180.00 to 240.00" in page
    assert page.index("Northern Mountains") < page.index("Southern Coast")
    assert "dry for a month" in page
    assert "<th>class</th>" not in page
    assert client.get("/predictions", params={"moment": "2020-05"}).text == page
    assert "No prediction for 2020-06" in client.get("/predictions?moment=2020-06").text
    assert "a deep:Prediction" in client.get("/sparql", headers=HTML).text


def test_a_class_from_a_scheme_gives_the_colour_and_the_order(writable):
    client, store = writable
    store.load(io.BytesIO(A_MONTHLY_RUN.encode()), RdfFormat.TURTLE)
    store.update(
        "PREFIX deep: <https://w3id.org/deepcube/ontology#> "
        "PREFIX skos: <http://www.w3.org/2004/02/skos/core#> INSERT DATA { "
        "<urn:p2> deep:predictedClass <urn:dry> . <urn:dry> skos:inScheme <urn:scheme> ; "
        "skos:prefLabel 'very dry' ; skos:notation 2 ; deep:colour '#abc123' . "
        "<urn:wet> skos:inScheme <urn:scheme> ; skos:prefLabel 'wet' ; skos:notation 1 ; "
        "deep:colour '#123abc' }"
    )
    page = client.get("/predictions", headers=HTML).text
    assert "<th>class</th>" in page
    legend = page[page.index('class="legend"') :]
    assert legend.index("#123abc") < legend.index("#abc123")
    # The highest class comes first.
    table = page[page.index("<th>place</th>") :]
    assert table.index("Southern Coast") < table.index("Northern Mountains")


def test_a_prediction_about_no_time_is_shown(writable):
    client, store = writable
    store.load(io.BytesIO(A_MONTHLY_RUN.encode()), RdfFormat.TURTLE)
    store.update("DELETE WHERE { ?p <http://www.w3.org/ns/sosa/phenomenonTime> ?t }")
    page = client.get("/predictions", headers=HTML).text
    assert "<h2>Soil moisture</h2>" in page
    assert "Northern Mountains" in page


def test_every_module_of_endpoints_with_a_router_answers():
    modules = {f.stem for f in Path(endpoints.__file__).parent.glob("*.py")}
    paths = {route.path for router in routers() for route in router.routes}
    assert {"/", "/predictions", "/sparql", "/resource", "/healthz", "/static/style.css"} <= paths
    assert len(routers()) == len(modules - {"__init__", "sparql_form"})


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/id/nothing/here", 404),
        ("/resource?iri=http://example.org/unknown", 404),
        ("/resource", 400),
        ("/resource?iri=not an iri", 400),
        ("/resource?iri=urn:x&format=pdf", 400),
        ("/no-such-page", 404),
    ],
)
def test_what_does_not_exist_is_an_error_for_people_and_programs(served, path, status):
    client, _, _ = served
    for accept in ("text/html", "text/turtle"):
        answer = client.get(path, headers={"Accept": accept})
        assert answer.status_code == status
        assert "Traceback" not in answer.text
    assert "<!doctype html>" in client.get(path, headers=HTML).text


def test_markup_in_data_is_shown_not_run(writable):
    client, store = writable
    store.update(
        "INSERT DATA { <http://localhost:8000/id/x> "
        "<http://www.w3.org/2000/01/rdf-schema#label> '<script>alert(1)</script>' ; "
        "<urn:link> <javascript:alert(1)> ; "
        "<http://www.opengis.net/ont/geosparql#asWKT> 'POINT(1 1)' }"
    )
    page = client.get("/id/x", headers=HTML).text
    assert "<script" not in page
    assert 'href="javascript' not in page
    assert "&lt;script&gt;" in page


def test_updates_are_transactions_and_can_be_forbidden(writable, store):
    client, _ = writable
    good = {"Content-Type": "application/sparql-update"}
    assert client.post("/update", content="INSERT DATA {<urn:a> <urn:b> 1}", headers=good)
    assert len(store) == 1
    answer = client.post("/update", content="INSERT DATA {<urn:a> <urn:b> 2", headers=good)
    assert answer.status_code == 400
    assert len(store) == 1
    closed = TestClient(create_app(store, read_only=True))
    answer = closed.post("/update", data={"update": "CLEAR ALL"})
    assert answer.status_code == 403
    assert len(store) == 1


def test_an_update_from_a_page_of_another_site_is_refused(writable, store):
    client, _ = writable
    update = {"update": "INSERT DATA { <urn:a> <urn:b> 1 }"}
    evil = client.post("/update", data=update, headers={"Origin": "http://evil.example"})
    assert evil.status_code == 403
    assert len(store) == 0
    same = client.post("/update", data=update, headers={"Origin": "http://testserver"})
    assert same.status_code == 204


def test_what_is_well_formed_and_cannot_be_executed_is_a_500(writable):
    client, _ = writable
    answer = client.post("/update", data={"update": "LOAD <file:///etc/hostname>"})
    assert answer.status_code == 500
    assert "cannot be executed" in answer.text
    service = "SELECT * { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }"
    for headers in (HTML, {"Accept": "application/json"}):
        answer = client.get("/sparql", params={"query": service}, headers=headers)
        assert answer.status_code == 500
        assert "cannot be evaluated" in answer.text


def test_head_is_answered_without_a_body(writable):
    client, _ = writable
    for path in ("/", "/healthz", "/static/style.css"):
        assert client.head(path).status_code == 200


def test_an_empty_store_has_a_first_page(writable):
    client, _ = writable
    assert "Nothing yet" in client.get("/", headers=HTML).text
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}
    assert client.get("/static/style.css").headers["content-type"].startswith("text/css")


def test_a_store_that_is_gone_is_not_ready(store):
    client = TestClient(create_app(store))
    store.close()
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
