"""A function that nobody knows leaves its expression unbound and the rest as it is."""

import pytest
from pyoxigraph import Literal, NamedNode, Quad

from kg.embedded.store import EmbeddedStore
from kg.errors import QueryError
from ontology.terms import GEO, PREFIXES

EX = "http://example.org/"
PROLOGUE = f"PREFIX : <{EX}> PREFIX geo: <{PREFIXES['geo']}> PREFIX geof: <{PREFIXES['geof']}>\n"
HERE = '"POLYGON((0 0, 9 0, 9 9, 0 9, 0 0))"^^geo:wktLiteral'


@pytest.fixture
def store():
    with EmbeddedStore() as store:
        for number in (1, 2):
            node = NamedNode(f"{EX}{number}")
            text = Literal(f"POINT({number} {number})", datatype=GEO.wktLiteral)
            store.add([Quad(node, GEO.asWKT, text)])
        yield store


def answers(store, sparql):
    return sorted(
        " ".join("-" if term is None else term.value.removeprefix(EX) for term in row)
        for row in store.query(PROLOGUE + sparql)
    )


@pytest.mark.parametrize(
    ("sparql", "expected"),
    [
        ("SELECT (:f(1) AS ?x) (1 + 1 AS ?y) {}", ["- 2"]),
        ("SELECT (:f(:g(1)) AS ?x) (geof:noSuch(1) AS ?y) {}", ["- -"]),
        ("SELECT ?s { ?s geo:asWKT ?w FILTER(:f(?w)) }", []),
        ("SELECT ?s { ?s geo:asWKT ?w FILTER(!:f(?w)) }", []),
        ("SELECT ?s { ?s geo:asWKT ?w FILTER(:f(?w) || ?s = :1) }", ["1"]),
        ("SELECT ?s { ?s geo:asWKT ?w FILTER(COALESCE(:f(?w), true)) }", ["1", "2"]),
        ("SELECT ?s { ?s geo:asWKT ?w } ORDER BY :f(?w)", ["1", "2"]),
        (f"SELECT ?s {{ ?s geo:asWKT ?w FILTER(geof:sfWithin(?w, {HERE}) && :f(?w)) }}", []),
        (f"SELECT ?s {{ ?s geo:asWKT ?w FILTER(geof:sfWithin(?w, :f({HERE}))) }}", []),
        ("SELECT ?s { ?s geo:asWKT ?w FILTER(geof:sfWithin(?w, :f())) }", []),
        (
            f"SELECT * {{ [] geo:asWKT ?w BIND(:f(?w) AS ?x) FILTER(geof:sfWithin(?w, {HERE})) }}",
            ["POINT(1 1) -", "POINT(2 2) -"],
        ),
    ],
)
def test_the_rest_of_a_query_is_answered(store, sparql, expected):
    assert answers(store, sparql) == expected


def test_the_rest_of_a_plan_is_explained(store):
    assert store.explain(PROLOGUE + "SELECT (:f(1) AS ?x) {}").sparql


def test_an_update_is_executed_once(store):
    store.update(
        PROLOGUE + "INSERT { :a :p ?x } WHERE { BIND(:f(1) AS ?x) } ;"
        "INSERT { :b :p [] } WHERE { BIND(:g(1) AS ?x) }"
    )
    assert answers(store, "SELECT ?s { ?s :p ?o }") == ["b"]


def test_a_malformed_query_is_refused_as_before(store):
    with pytest.raises(QueryError):
        store.query(PROLOGUE + "SELECT (:f(1) AS ?x) {")
