"""The SPARQL protocol beyond what the W3C's suite asks: tests/conformance runs that."""

from concurrent.futures import ThreadPoolExecutor

import httpx2 as httpx
import pytest
from pyoxigraph import NamedNode, RdfFormat, parse
from starlette.testclient import TestClient

from api.app import create_app
from kg.embedded.store import EmbeddedStore
from kg.rdf.prefixes import with_prefixes

A, B = "http://example.org/a", "http://example.org/b"
QUERY = {"Content-Type": "application/sparql-query"}
UPDATE = {"Content-Type": "application/sparql-update"}
HTML = {"Accept": "text/html"}


@pytest.fixture
def client(store):
    store.update(
        f"INSERT DATA {{ <urn:s> <urn:p> 0 . GRAPH <{A}> {{ <urn:s> <urn:p> 1 }} "
        f"GRAPH <{B}> {{ <urn:s> <urn:p> 2 }} }}"
    )
    return TestClient(create_app(store))


def values(answer):
    assert answer.status_code == 200, answer.text
    return sorted(int(b["o"]["value"]) for b in answer.json()["results"]["bindings"])


@pytest.mark.parametrize(
    ("parameters", "query", "expected"),
    [
        ({}, "SELECT ?o { ?s ?p ?o }", [0]),
        ({"default-graph-uri": [A]}, "SELECT ?o { ?s ?p ?o }", [1]),
        ({"default-graph-uri": [A, B]}, "SELECT ?o { ?s ?p ?o }", [1, 2]),
        ({"named-graph-uri": [B]}, "SELECT ?o { GRAPH ?g { ?s ?p ?o } }", [2]),
        ({"named-graph-uri": [B]}, "SELECT ?o { ?s ?p ?o }", []),
        ({"default-graph-uri": [A]}, "SELECT ?o FROM <urn:x> { ?s ?p ?o }", [1]),
    ],
)
def test_the_data_set_can_be_named_in_each_kind_of_request(client, parameters, query, expected):
    form = {"query": query, **parameters}
    answers = [
        client.get("/sparql", params=form),
        client.post("/sparql", data=form),
        client.post("/sparql", params=parameters, content=query, headers=QUERY),
        client.post("/sparql", params=parameters, data={"query": query}),
    ]
    assert [values(a) for a in answers] == [expected] * 4


def test_an_update_matches_the_graphs_that_the_request_names(client, store):
    update = "INSERT { <urn:t> ?p ?o } WHERE { ?s ?p ?o }"
    for parameters in ({"using-graph-uri": A}, {"using-graph-uri": B}):
        client.post("/update", params=parameters, content=update, headers=UPDATE)
    got = store.quads(NamedNode("urn:t"), None, None, None)
    assert sorted(q.object.value for q in got) == ["1", "2"]
    said = {"update": f"WITH <{A}> DELETE {{ ?s ?p ?o }} WHERE {{ ?s ?p ?o }}"}
    refused = client.post("/update", data={**said, "using-graph-uri": B})
    assert refused.status_code == 400
    assert "WITH" in refused.text


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "message"),
    [
        ("GET", "/sparql?query=ASK{}&query=ASK{}", {}, 400, "2 parameters 'query'"),
        ("POST", "/sparql?query=ASK{}", {"content": "ASK{}", "headers": QUERY}, 400, "exactly one"),
        ("POST", "/sparql", {"data": {"infer": "true"}}, 400, "no query"),
        ("GET", "/sparql?infer=true", {}, 400, "no query"),
        ("GET", "/sparql", {"headers": {"Accept": "text/csv"}}, 400, "no query"),
        ("GET", "/sparql?query=ASK{}&infer=yes", {}, 400, "infer is true or false, not 'yes'"),
        ("GET", "/sparql?query=ASK{}&rewrite=", {}, 400, "rewrite is true or false, not ''"),
        ("GET", "/sparql?query=ASK{}&explain=1", {}, 400, "explain is true or false"),
        ("GET", "/sparql?query=ASK{}&default-graph-uri=a", {}, 400, "absolute IRI, not 'a'"),
        ("GET", "/sparql?query=%FF", {}, 400, "not UTF-8"),
        ("POST", "/sparql", {"content": b"query=%FF"}, 415, "nothing"),
        (
            "POST",
            "/sparql",
            {"content": "ASK{}", "headers": {"Content-Type": "application/sparql-query;charset=x"}},
            400,
            "in UTF-8, not x",
        ),
        ("POST", "/sparql", {"content": "ASK{}", "headers": UPDATE}, 415, "sparql-query"),
        ("POST", "/update", {"content": "CLEAR ALL", "headers": QUERY}, 415, "sparql-update"),
        ("GET", "/update?update=CLEAR+ALL", {}, 405, "no GET"),
        ("PUT", "/sparql", {}, 405, "no PUT"),
    ],
)
def test_what_the_protocol_forbids_is_told_clearly(client, method, path, options, status, message):
    answer = client.request(method, path, **options)
    assert answer.status_code == status, answer.text
    assert message in answer.text


def test_a_charset_is_accepted_and_methods_are_named(client):
    headers = {"Content-Type": 'Application/SPARQL-Query; charset="UTF-8"'}
    assert client.post("/sparql", content="ASK {}", headers=headers).json()["boolean"] is True
    assert set(client.put("/sparql").headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


def test_relative_iris_are_below_the_endpoint(client):
    answer = client.get("/sparql", params={"query": "SELECT (STR(<x>) AS ?o) {}"})
    assert answer.json()["results"]["bindings"][0]["o"]["value"] == "http://testserver/x"


def test_a_plan_is_text_or_json_or_a_page(client):
    asked = {"query": "SELECT * { ?s ?p ?o }", "explain": "true"}
    plain = client.get("/sparql", params=asked)
    assert plain.headers["content-type"].startswith("text/plain")
    assert "SELECT * { ?s ?p ?o }" in plain.text
    plan = client.post("/sparql", data=asked, headers={"Accept": "application/json"}).json()
    assert set(plan) == {"steps", "sparql"}
    assert "".join(plan["steps"]) in plain.text
    page = client.get("/sparql", params=asked, headers=HTML).text
    assert "<h2>Plan</h2>" in page
    assert 'name="explain" value="true" checked' in page


def test_infer_and_rewrite_reach_the_store():
    class Recording(EmbeddedStore):
        """A store that remembers how it was asked."""

        def query(self, sparql, **said):
            self.said = said
            return super().query(sparql, **said)

    store = Recording()
    client = TestClient(create_app(store))
    client.get("/sparql", params={"query": "ASK {}"})
    assert (store.said["infer"], store.said["rewrite"]) == (False, True)
    client.post("/sparql", data={"query": "ASK {}", "infer": "true", "rewrite": "false"})
    assert (store.said["infer"], store.said["rewrite"]) == (True, False)
    client = TestClient(create_app(store, rewrite=False))
    client.get("/sparql", params={"query": "ASK {}"})
    assert not store.said["rewrite"]
    client.get("/sparql", params={"query": "ASK {}", "rewrite": "true"})
    assert store.said["rewrite"]


def test_the_service_describes_itself(client, store):
    described = client.get("/sparql", headers={"Accept": "application/n-triples"})
    text = described.text
    assert "<http://testserver/sparql>" in text
    assert "<http://testserver/update>" in text
    assert len(list(parse(described.content, format=RdfFormat.N_TRIPLES))) > 10
    closed = TestClient(create_app(store, read_only=True)).get("/sparql")
    assert closed.headers["content-type"].startswith("text/turtle")
    assert "/update" not in closed.text
    assert "<form" in client.get("/sparql", headers=HTML).text


def test_of_many_clients_who_claim_a_thing_one_gets_it(empty_server):
    things = [f"urn:thing:{i}" for i in range(10)]
    free = " ".join(f"<{t}> <urn:state> 'free' ." for t in things)
    # Makes a transaction last, so that those of several clients meet.
    long = " ".join(f"<urn:a> <urn:b> {i} ." for i in range(500))

    def claim(who):
        for thing in things:
            update = (
                f"DELETE {{ <{thing}> <urn:state> 'free' }} "
                f"INSERT {{ <{thing}> <urn:owner> {who} }} "
                f"WHERE {{ <{thing}> <urn:state> 'free' }} ; "
                f"INSERT DATA {{ {long} }}"
            )
            httpx.post(f"{empty_server}/update", content=update, headers=UPDATE).raise_for_status()

    with ThreadPoolExecutor() as pool:
        httpx.post(f"{empty_server}/update", content=f"INSERT DATA {{ {free} }}", headers=UPDATE)
        list(pool.map(claim, range(4)))
        query = "SELECT ?t (COUNT(?o) AS ?n) { ?t <urn:owner> ?o } GROUP BY ?t"
        rows = httpx.get(f"{empty_server}/sparql", params={"query": query}).json()["results"][
            "bindings"
        ]
    assert [r["n"]["value"] for r in rows] == ["1"] * len(things)


@pytest.mark.parametrize(
    ("service", "given", "message"),
    [
        ("deep:zones", 'deep:variable "t2m" ; deep:mean ?m', "no variable"),
        (
            "deep:events",
            "deep:concept <urn:flood> ; deep:geometry <urn:place> ; deep:peak ?m",
            "no event concept urn:flood",
        ),
    ],
)
def test_a_question_that_a_service_cannot_answer_is_a_bad_request(client, service, given, message):
    query = with_prefixes(f"SELECT * {{ SERVICE {service} {{ [] {given} }} }}")
    answer = client.get("/sparql", params={"query": query})
    assert answer.status_code == 400
    assert message in answer.text
