"""The graph store protocol beyond what the W3C's suite asks: tests/conformance runs that."""

import io
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx2 as httpx
import pytest
from pyoxigraph import DefaultGraph, NamedNode, RdfFormat, parse
from starlette.testclient import TestClient

from api.app import create_app
from kg.errors import RdfSyntaxError
from kg.remote.store import RemoteStore
from kg.results.formats import RDF_FORMATS

GSP = "/rdf-graph-store"
G = {"graph": "http://example.org/g"}
NODE = NamedNode(G["graph"])
TURTLE = {"Content-Type": "text/turtle"}
ONE = "<urn:a> <urn:b> 1 ."


@pytest.fixture
def client(store):
    return TestClient(create_app(store))


def texts(store, graph=NODE):
    return sorted(str(q.triple) for q in store.quads(None, None, None, graph))


@pytest.mark.parametrize("media_type", RDF_FORMATS)
def test_every_format_comes_back_as_it_went(client, store, media_type):
    client.put(GSP, params=G, content=ONE, headers=TURTLE)
    got = client.get(GSP, params=G, headers={"Accept": media_type})
    assert got.status_code == 200
    assert got.headers["content-type"].partition(";")[0] == media_type
    assert got.headers["vary"] == "Accept"
    sent = {"Content-Type": media_type}
    other = {"graph": "http://example.org/other"}
    assert client.put(GSP, params=other, content=got.content, headers=sent).status_code == 201
    assert texts(store, NamedNode(other["graph"])) == texts(store) != []


def test_put_replaces_post_adds_delete_removes(client, store):
    assert client.put(GSP, params=G, content=ONE, headers=TURTLE).status_code == 201
    assert client.put(GSP, params=G, content="<urn:a> <urn:b> 2", headers=TURTLE).status_code == 400
    assert texts(store) == ['<urn:a> <urn:b> "1"^^<http://www.w3.org/2001/XMLSchema#integer>']
    two = "<urn:a> <urn:b> 'two' ."
    assert client.put(GSP, params=G, content=two, headers=TURTLE).status_code == 204
    assert texts(store) == ['<urn:a> <urn:b> "two"']
    assert client.post(GSP, params=G, content=ONE, headers=TURTLE).status_code == 204
    assert len(texts(store)) == 2
    assert client.delete(GSP, params=G).status_code == 204
    for method in ("GET", "HEAD", "DELETE"):
        assert client.request(method, GSP, params=G).status_code == 404
    assert "SELECT DISTINCT ?g" in client.get(GSP, params=G).text


def test_the_default_graph_is_always_there(client, store):
    assert client.get(GSP + "?default").status_code == 200
    assert client.put(GSP + "?default", content=ONE, headers=TURTLE).status_code == 204
    assert len(texts(store, DefaultGraph())) == 1
    assert client.head(GSP + "?default").headers["content-type"] == "text/turtle; charset=utf-8"
    assert client.delete(GSP + "?default").status_code == 204
    assert len(store) == 0


def test_an_empty_graph_is_a_graph(client):
    for send, graph in ((client.put, "urn:x"), (client.post, "urn:y")):
        assert send(GSP, params={"graph": graph}, content="", headers=TURTLE).status_code == 201
        assert client.get(GSP, params={"graph": graph}).status_code == 200


def test_a_graph_can_be_named_by_its_address(client, store):
    path = GSP + "/caf%C3%A9/1"
    document = "<> <urn:b> <../x> ."
    assert client.put(path, content=document, headers=TURTLE).status_code == 201
    iri = "http://testserver" + path
    triple = f"<{iri}> <urn:b> <http://testserver{GSP}/x>"
    assert texts(store, NamedNode(iri)) == [triple]
    assert client.get(GSP, params={"graph": iri}).content == client.get(path).content


def test_a_document_is_relative_to_its_graph(client, store):
    client.put(GSP, params=G, content="<x> <urn:b> <> .", headers=TURTLE)
    client.post(GSP, params=G, content="<y> <urn:b> <> .", headers=TURTLE)
    assert texts(store) == [f"<http://example.org/{n}> <urn:b> <{G['graph']}>" for n in "xy"]


def test_a_new_graph_gets_an_address(client, store):
    answer = client.post(GSP, content=ONE, headers=TURTLE)
    assert answer.status_code == 201
    location = answer.headers["location"]
    assert location.startswith(f"http://testserver{GSP}/")
    assert client.get(location).status_code == 200
    assert len(texts(store, NamedNode(location))) == 1
    assert client.post(GSP, content=ONE, headers=TURTLE).headers["location"] != location


def test_blank_nodes_of_two_documents_are_not_the_same(client, store):
    for _ in range(2):
        client.post(GSP, params=G, content="_:x <urn:b> 1 .", headers=TURTLE)
    assert len(texts(store)) == 2


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "message"),
    [
        ("GET", GSP, {}, 400, "name a graph"),
        ("PUT", GSP + "/", {"content": ONE, "headers": TURTLE}, 400, "name a graph"),
        ("GET", GSP + "?graph=g", {}, 400, "absolute IRI, not 'g'"),
        ("GET", GSP + "?graph=urn:a&graph=urn:b", {}, 400, "exactly one"),
        ("GET", GSP + "?graph=urn:a&default", {}, 400, "graph and default"),
        ("GET", GSP + "/x?default", {}, 400, "default and the path"),
        ("GET", GSP + "?default", {"headers": {"Accept": "text/csv"}}, 406, "cannot send"),
        ("PUT", GSP + "?graph=urn:a", {"content": ONE}, 415, "missing"),
        ("PUT", GSP + "?graph=urn:a", {"json": {}}, 415, "application/json; send one of"),
        ("PUT", GSP + "?graph=urn:a", {"content": "<", "headers": TURTLE}, 400, "malformed Turtle"),
        (
            "PUT",
            GSP + "?graph=urn:a",
            {"content": ONE, "headers": {"Content-Type": "text/turtle; charset=latin1"}},
            400,
            "UTF-8, not latin1",
        ),
        (
            "POST",
            GSP + "?graph=urn:a",
            {"content": "x", "headers": {"Content-Type": "multipart/form-data; boundary=b"}},
            400,
            "no multipart/form-data",
        ),
        ("PATCH", GSP + "?default", {}, 405, "no PATCH"),
    ],
)
def test_what_cannot_be_done_is_told_clearly(client, store, method, path, options, status, message):
    answer = client.request(method, path, **options)
    assert answer.status_code == status, answer.text
    assert message in answer.text
    assert len(store) == 0
    assert not store.has_graph(NamedNode("urn:a"))


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_document_with_named_graphs_is_refused_whole(client, store, method):
    document = f"{ONE} <urn:g> {{ {ONE} }}"
    trig = {"Content-Type": "application/trig"}
    answer = client.request(method, GSP, params=G, content=document, headers=trig)
    assert answer.status_code == 400
    assert "<urn:g>" in answer.text
    assert len(store) == 0


def test_files_of_a_form_are_added_together(client, store):
    good = {"a": ("a.ttl", ONE), "b": ("b.nt", "<urn:a> <urn:b> _:x .", "application/n-triples")}
    assert client.post(GSP, params=G, files=good).status_code == 201
    assert len(texts(store)) == 2
    bad = {**good, "c": ("c.ttl", "<urn:c> <urn:d>", "text/turtle")}
    assert client.post(GSP, params={"graph": "urn:new"}, files=bad).status_code == 400
    assert not store.has_graph(NamedNode("urn:new"))
    unknown = {"a": ("a.pdf", "%PDF", "application/pdf")}
    assert client.post(GSP, params=G, files=unknown).status_code == 415


FORM = {"Content-Type": "multipart/form-data; boundary=b"}
PART = (
    '--b\r\nContent-Disposition: form-data; name="a"; filename="a.ttl"\r\n'
    f"Content-Type: text/turtle\r\n\r\n{ONE}\r\n"
)
FIELD = f'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n{ONE}\r\n'


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (PART, 400, "it has no end"),
        (PART[:-20], 400, "it has no end"),
        (PART + PART[:-20], 400, "it has no end"),
        ("--b--\r\n", 400, "it has no parts"),
        ("", 400, "it has no end"),
        (PART[:40] + "\r\n\r\n\r\n--b--\r\n", 400, "no multipart/form-data"),
        (FIELD + "--b--\r\n", 415, "'a' of the form is a field"),
    ],
    ids=["no end", "cut", "second cut", "no parts", "empty", "no name", "field"],
)
def test_a_form_that_is_not_whole_adds_nothing(client, store, body, status, message):
    answer = client.post(GSP, params=G, content=body, headers=FORM)
    assert answer.status_code == status
    assert message in answer.text
    assert len(store) == 0


def test_a_form_may_hold_many_files(client, store):
    body = "".join(PART.replace("urn:a", f"urn:a{i}") for i in range(1_200)) + "--b--\r\n"
    assert client.post(GSP, params=G, content=body, headers=FORM).status_code == 201
    assert len(store) == 1_200


def test_writes_are_protected_as_updates_are(client, store):
    client.put(GSP, params=G, content=ONE, headers=TURTLE)
    closed = TestClient(create_app(store, read_only=True))
    for method in ("PUT", "POST", "DELETE"):
        evil = {**TURTLE, "Origin": "http://evil.example"}
        assert client.request(method, GSP, params=G, headers=evil).status_code == 403
        assert closed.request(method, GSP, params=G, headers=TURTLE).status_code == 403
    assert closed.get(GSP, params=G).status_code == 200
    assert len(store) == 1


def test_a_reader_never_sees_half_of_a_put(empty_server):
    documents = ["".join(f"<urn:{x}> <urn:n> {i} .\n" for i in range(300)) for x in "ab"]
    with ThreadPoolExecutor() as pool:
        put = partial(httpx.put, f"{empty_server}{GSP}", params=G, headers=TURTLE)
        put(content=documents[0])
        puts = [pool.submit(put, content=documents[i % 2]) for i in range(8)]
        seen = []
        while not all(p.done() for p in puts):
            answer = httpx.get(
                f"{empty_server}{GSP}", params=G, headers={"Accept": "application/n-triples"}
            )
            seen.append((answer.status_code, answer.text.count("\n")))
    assert [p.result().status_code for p in puts] == [204] * 8
    assert set(seen) == {(200, 300)}


def test_a_real_server_and_a_remote_store_keep_the_protocol(empty_server):
    path = f"{empty_server}{GSP}/a%20b"
    assert httpx.put(path, content=ONE, headers=TURTLE).status_code == 201
    assert httpx.head(path).headers["content-length"] == str(len(httpx.get(path).content))
    remote = RemoteStore(empty_server)
    graph = NamedNode(path)
    assert remote.has_graph(graph)
    assert remote.has_graph(DefaultGraph())
    assert not remote.has_graph(NODE)
    two = io.BytesIO(b"<> <urn:p> 'a\\u0001\\\\u0041' , <<( <urn:s> <urn:p> 'b'@en )>> .")
    assert remote.replace_graph(NODE, two, RdfFormat.TURTLE, base_iri="urn:base") == 2
    with pytest.raises(RdfSyntaxError):
        remote.replace_graph(NODE, io.BytesIO(b"<"), RdfFormat.TURTLE)
    answer = httpx.get(
        f"{empty_server}{GSP}", params=G, headers={"Accept": "application/n-triples"}
    )
    two.seek(0)
    expected = parse(two, format=RdfFormat.TURTLE, base_iri="urn:base")
    got = parse(answer.content, format=RdfFormat.N_TRIPLES)
    assert {q.triple for q in got} == {q.triple for q in expected}
