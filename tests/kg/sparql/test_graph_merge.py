"""FROM several graphs: a triple that two of them have is there once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import NamedNode

from kg.embedded.store import EmbeddedStore
from kg.sparql.graph_merge import as_merge
from kg.sparql.syntax import Sparql
from kg.store import Dataset
from tests.kg.planner.test_plans_change_no_answer import answer, plainly
from tests.strategies.geometries import PROLOGUE
from tests.strategies.queries import MERGED

GRAPHS = tuple(NamedNode(f"http://example.org/{n}") for n in ("n1", "n2"))
BOX = '"POLYGON ((0 0, 3 0, 3 3, 0 3, 0 0))"^^geo:wktLiteral'
TERMS = ("ex:a", "ex:b", "ex:c", "1", '"x"', '"POINT (1 1)"^^geo:wktLiteral')
PROPERTIES = ("ex:p", "ex:q", "ex:r", "a", "geo:asWKT")
QUERIES = [
    "SELECT ?s ?o {merged} {{ ?s ex:p ?o }}",
    "SELECT (COUNT(*) AS ?n) {merged} {{ ?s ex:p ?o . ?o ex:q ?z }}",
    "SELECT (COUNT(DISTINCT *) AS ?n) {merged} {{ ?s ex:p ?o . ?o ex:q [] }}",
    "SELECT * {merged} {{ ?s ex:p/ex:q ?o }}",
    "SELECT * {merged} {{ ?s ?p ?o . ?o ?p ?z }}",
    "SELECT ?s {merged} {{ ?s (ex:p|^ex:q)/(ex:r|ex:p) ?o, ?z }}",
    "SELECT * {merged} {{ ?s !(ex:p|^ex:q) ?o . ?s !ex:q ?z }}",
    "SELECT * {merged} {{ ?s !ex:p/ex:q ?o }}",
    "SELECT * {merged} {{ ?s !^ex:q ?o ; !a ?z }}",
    "SELECT * {merged} {{ ?s ex:p* ?o . ?s ex:q? ?z . ?s (ex:p|ex:q)+ ?y }}",
    "SELECT * {merged} {{ ?s a ?k ; ex:p _:x . _:x ex:q ?z OPTIONAL {{ ?s ex:r ?y }} }}",
    "SELECT * {merged} {{ ?s ex:p ?o MINUS {{ ?s ex:q ?z }} }}",
    "SELECT * {merged} {{ ?s ex:p ?o FILTER NOT EXISTS {{ ?s ex:q ?z }} }}",
    (
        "SELECT * {merged} {{ ?s ex:p ?o FILTER EXISTS {{ {{ SELECT ?s {{ ?s ex:q ?z }} "
        "GROUP BY ?s HAVING (COUNT(*) = 1) }} }} }}"
    ),
    "SELECT ?s (SUM(?o) AS ?n) (COUNT(?o) AS ?c) {merged} {{ ?s ex:p ?o }} GROUP BY ?s",
    "SELECT * {merged} {{ {{ ?s ex:p ?o }} UNION {{ ?s ex:q ?o }} }}",
    "SELECT * {merged} {{ ex:a ex:p ex:b . ex:a ?p ?o BIND(STR(?p) AS ?t) ?o ex:q ?z }}",
    "SELECT * {merged} {{ {{ SELECT ?s {{ ?s ex:p ?o }} LIMIT 99 }} ?s ex:q ?z }}",
    "SELECT ?s {merged} {{ ?s ex:p ?x . ?s geo:asWKT ?w FILTER(geof:sfWithin(?w, {box})) }}",
    "SELECT * {merged} {{ ?s geo:asWKT ?w FILTER(geof:sfIntersects(?w, ?v)) ?t geo:asWKT ?v }}",
    "CONSTRUCT {{ ?s ex:n ?o }} {merged} {{ ?s ex:p ?o }}",
    "ASK {merged} {{ ?s ex:p ?o . ?o ex:q ?s }}",
]


@st.composite
def graphs(draw):
    triple = st.tuples(
        st.sampled_from(TERMS[:3]), st.sampled_from(PROPERTIES), st.sampled_from(TERMS)
    )
    triples = st.lists(triple.map(" ".join), max_size=9)
    both, one, two = draw(triples), draw(triples), draw(triples)
    return " . ".join([*both, *one]), " . ".join([*both, *two])


@settings(max_examples=40, deadline=None)
@given(graphs())
def test_the_answer_is_that_of_one_graph_with_the_triples_of_both(data):
    with EmbeddedStore() as store:
        for graph, triples in zip(GRAPHS, data, strict=True):
            store.update(f"{PROLOGUE} INSERT DATA {{ GRAPH {graph} {{ {triples} }} }}")
        for query in QUERIES:
            text = PROLOGUE + query.format(merged=MERGED, box=BOX)
            expected = answer(plainly(store, text))
            if "CONSTRUCT" in text:  # a graph, which has a triple once however often it is made
                expected = set(expected)
                assert set(answer(store.query(text))) == expected
                continue
            assert answer(store.query(text)) == expected, store.explain(text).sparql
            bare = text.replace(MERGED, "")
            assert answer(store.query(bare, dataset=Dataset(default=GRAPHS))) == expected


@pytest.fixture
def store():
    with EmbeddedStore() as opened:
        for graph in GRAPHS:
            opened.update(
                f"{PROLOGUE} INSERT DATA {{ GRAPH {graph} {{ ex:a ex:p 1 ; ex:own {graph} }} }}"
            )
        yield opened


def count(store, query, **options):
    (row,) = store.query(PROLOGUE + query, **options)
    return int(row[0].value)


def test_a_graph_that_is_named_twice_counts_once(store):
    query = "SELECT (COUNT(*) AS ?n) {} {{ ?s ex:own ?o }}"
    assert count(store, query.format("FROM ex:n1 FROM ex:n1")) == 1
    assert count(store, query.format(""), dataset=Dataset(default=GRAPHS[:1] * 2)) == 1


def test_a_write_is_noticed_that_gives_two_graphs_a_triple_in_common(store):
    query = f"SELECT (COUNT(*) AS ?n) {MERGED} {{ ?s ex:q ?o }}"
    for number, graph in enumerate(GRAPHS):
        store.update(f"{PROLOGUE} INSERT DATA {{ GRAPH {graph} {{ ex:a ex:q ex:b }} }}")
        assert count(store, query) == 1, number
    store.update(f"{PROLOGUE} INSERT DATA {{ GRAPH ex:n1 {{ ex:a ex:q ex:c }} }}")
    assert count(store, query) == 2


def test_patterns_without_common_triples_stay_as_they_are_written(store):
    own = PROLOGUE + f"SELECT * {MERGED} {{ ?s ex:own ?o FILTER(isIRI(?o)) }}"
    assert store.explain(own).sparql == own
    both = own.replace("?s ex:own ?o", "?s ex:own ?o ; ex:p 1")
    assert store.explain(both).sparql.count("SELECT DISTINCT") == 1


def test_a_query_of_one_graph_asks_for_no_common_triples():
    def asked(*_):
        raise AssertionError

    for text in ("SELECT * { ?s ?p ?o }", "SELECT * FROM <urn:a> { ?s ?p ?o }"):
        sparql = Sparql(text=text)
        assert as_merge(sparql, None, asked) is sparql
        assert as_merge(sparql, Dataset(default=GRAPHS[:1]), asked) is sparql
