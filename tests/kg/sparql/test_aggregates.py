"""Spatial aggregates in queries and updates: DISTINCT, and members without a value."""

import pytest

from kg.embedded.store import EmbeddedStore
from kg.errors import QueryError
from kg.sparql.aggregates import with_aggregates
from kg.sparql.syntax import Sparql
from tests.kg.index.test_spatial_index import PROLOGUE

DATA = """INSERT DATA {
  ex:a ex:in ex:k ; geo:asWKT "POINT (0 0)"^^geo:wktLiteral .
  ex:b ex:in ex:k ; geo:asWKT "POINT (3 0)"^^geo:wktLiteral .
  ex:c ex:in ex:k ; geo:asWKT "POINT (3 0)"^^geo:wktLiteral .
  ex:d ex:in ex:k ; geo:asWKT "POINT (broken"^^geo:wktLiteral .
  ex:e ex:in ex:k .
}"""
EACH = "?s ex:in ex:k OPTIONAL { ?s geo:asWKT ?w }"


@pytest.fixture
def store():
    with EmbeddedStore() as opened:
        opened.update(PROLOGUE + DATA)
        yield opened


def values(store, query):
    return [[v and v.value for v in row] for row in store.query(PROLOGUE + query)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("geof:aggCentroid(?w)", "POINT (2 0)"),
        ("geof:aggCentroid(DISTINCT ?w)", "POINT (1.5 0)"),
        ("geof:aggCentroid( distinct # once\n geof:envelope(?w) )", "POINT (1.5 0)"),
        (
            "<http://www.opengis.net/def/function/geosparql/aggUnion>(DISTINCT ?w)",
            "MULTIPOINT ((0 0), (3 0))",
        ),
        ("geof:aggUnion(DISTINCT IF(?s = ex:a, ?w, 1/0))", "POINT (0 0)"),
        ("geof:aggUnion(DISTINCT ?nothing)", None),
    ],
)
def test_an_aggregate_takes_what_is_a_geometry(store, expression, expected):
    assert values(store, f"SELECT ({expression} AS ?x) {{ {EACH} }}") == [[expected]]


def test_aggregates_stand_wherever_a_query_may_have_one(store):
    query = (
        "SELECT ?k (STRLEN(STR(geof:aggUnion(DISTINCT ?w))) AS ?n) (COUNT(*) AS ?m) "
        "{ ?s ex:in ?k ; geo:asWKT ?w } GROUP BY ?k "
        "HAVING (geof:dimension(geof:aggUnion(DISTINCT ?w)) = 0) "
        "ORDER BY geof:aggCentroid(DISTINCT ?w)"
    )
    assert values(store, query) == [["http://example.org/k", "25", "4"]]
    assert "aggUnion" in str(store.explain(PROLOGUE + query))


def test_an_update_may_aggregate(store):
    store.update(
        PROLOGUE + "INSERT { ex:k geo:asWKT ?c } WHERE "
        "{ SELECT (geof:aggCentroid(DISTINCT ?w) AS ?c) { ?s ex:in ex:k ; geo:asWKT ?w } }"
    )
    assert values(store, "SELECT ?w { ex:k geo:asWKT ?w }") == [["POINT (1.5 0)"]]


def test_a_call_with_other_arguments_is_refused(store):
    for arguments in ("", "DISTINCT ?w, ?w"):
        with pytest.raises(QueryError):
            store.query(f"{PROLOGUE} SELECT (geof:aggUnion({arguments}) AS ?x) {{ {EACH} }}")


def test_texts_without_spatial_aggregates_stay_as_they_are():
    for text in (
        "SELECT (COUNT(*) AS ?aggregated) {}",
        "PREFIX e: <urn:> SELECT (e:agg(1) AS ?x) {}",
    ):
        sparql = Sparql(text=text)
        assert with_aggregates(sparql) is sparql
