"""Services and functions of extensions on a server that knows none: the answers are our own."""

import pytest

from kg.embedded.store import EmbeddedStore
from kg.errors import EvaluationError
from kg.remote.store import RemoteStore
from tests.kg.multiples import CLAUSE, DATA, PROLOGUE, Extension, answers
from tests.kg.remote_servers import oxigraph

pytestmark = pytest.mark.server


@pytest.fixture
def store():
    with EmbeddedStore(extensions=[Extension()]) as store:
        store.update(f"{PROLOGUE} INSERT DATA {{ {DATA} }}")
        yield store


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with oxigraph(tmp_path_factory.mktemp("oxigraph")) as url:
        remote = RemoteStore(url, extensions=[Extension()])
        remote.update(f"{PROLOGUE} INSERT DATA {{ {DATA} }}")
        yield url


REMOTE = {
    "sent": f"SELECT ?x ?p {{ ?x ex:n ?n . {CLAUSE} }}",
    "aggregate": f"SELECT ?x (SUM(?p) AS ?s) {{ ?x ex:n ?n . {CLAUSE} }} GROUP BY ?x",
    "by number": f"SELECT ?x ?p {{ ?x ex:label ?l OPTIONAL {{ ?x ex:n ?n }} {CLAUSE} }}",
    "optional": f"SELECT ?x ?p {{ ?x ex:n ?n OPTIONAL {{ {CLAUSE} FILTER(?p = 4) }} }}",
    "nothing else": "SELECT ?p { SERVICE deep:multiples { [] deep:of 4 ; deep:product ?p } }",
    "function": f"SELECT ?x (deepf:double(?p) AS ?d) {{ ?x ex:n ?n . {CLAUSE} }}",
    "look-up": "SELECT ?x (deepf:count(?x) AS ?c) { ?x ex:n ?n }",
    "spatial": f"SELECT ?x ?p {{ ?x ex:n ?n ; ex:shape ?w . {CLAUSE} FILTER(geof:sfWithin(?w, "
    '"POLYGON((0 0,4 0,4 4,0 4,0 0))"^^geo:wktLiteral)) }',
    "chain": f"SELECT ?q {{ ?x ex:n ?n . {CLAUSE} SERVICE deep:multiples {{ [] deep:of ?p ; "
    "deep:product ?q }} }}".replace("}}", "}"),
}


@pytest.mark.parametrize("name", REMOTE)
def test_a_remote_store_answers_as_our_own(server, store, name):
    remote = RemoteStore(server, extensions=[Extension()])
    expected = answers(store, REMOTE[name])
    assert expected
    assert answers(remote, REMOTE[name]) == expected, remote.explain(PROLOGUE + REMOTE[name])


def test_what_a_server_would_not_take_is_joined_here(server, store):
    numbers = " ".join(str(i) for i in range(600))
    query = f"SELECT ?n ?p {{ VALUES ?n {{ {numbers} }} {CLAUSE} OPTIONAL {{ ?x ex:n ?p }} }}"
    remote = RemoteStore(server, extensions=[Extension()])
    assert answers(remote, query) == answers(store, query)
    assert "evaluated here:" in remote.explain(PROLOGUE + query).steps


def test_an_update_of_a_remote_store_carries_what_was_found(server):
    remote = RemoteStore(server, extensions=[Extension()])
    where = f"WHERE {{ ?x ex:n ?n . {CLAUSE} }}"
    remote.update(f"{PROLOGUE} INSERT {{ GRAPH ex:out {{ ?x ex:p ?p }} }} {where}")
    assert len(answers(remote, "SELECT ?p { GRAPH ex:out { ?x ex:p ?p } }")) == 8
    partly = f"WHERE {{ ?x ex:label ?l OPTIONAL {{ ?x ex:n ?n }} {CLAUSE} }}"
    with pytest.raises(EvaluationError, match="cannot be written into an update"):
        remote.update(f"{PROLOGUE} INSERT {{ ?x ex:p ?p }} {partly}")
