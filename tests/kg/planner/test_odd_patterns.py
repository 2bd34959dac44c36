"""Patterns that the planner must leave alone, or treat with care: answered as without it."""

from collections import Counter

import pytest

from kg.embedded import EmbeddedStore
from kg.planner import evaluation, plan

PROLOGUE = """PREFIX ex: <http://example.org/>
PREFIX geo: <http://www.opengis.net/ont/geosparql#>
PREFIX geof: <http://www.opengis.net/def/function/geosparql/>
PREFIX uom: <http://www.opengis.net/def/uom/OGC/1.0/>
"""
BOX = '"POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0))"^^geo:wktLiteral'
HERE = '"POINT (1 1)"^^geo:wktLiteral'
PATTERN = "?s geo:hasGeometry ?g . ?g geo:asWKT ?w"
WITHIN = f"FILTER(geof:sfWithin(?w, {BOX}))"
INSIDE = f"{PATTERN} {WITHIN}"
PAIRS = f"{INSIDE} ?t geo:hasGeometry/geo:asWKT ?v FILTER(geof:sfIntersects(?w, ?v))"


@pytest.fixture(params=[(0, 0), (200, 2000)])
def store(request, monkeypatch):
    monkeypatch.setattr(evaluation, "FEW", request.param[0])
    monkeypatch.setattr(plan, "MANY", request.param[1])
    features = "".join(
        f'ex:f{i} geo:hasGeometry ex:g{i} ; ex:copy "POINT ({i % 3} 1)"^^geo:wktLiteral . '
        f'ex:g{i} geo:asWKT "POINT ({i % 4} 1)"^^geo:wktLiteral . '
        for i in range(12)
    )
    with EmbeddedStore() as store:
        store.update(f"{PROLOGUE} INSERT DATA {{ {features} ex:f1 ex:rare 1 . }}")
        yield store


@pytest.mark.parametrize(
    ("query", "count"),
    [
        (f"SELECT ?s {{ {INSIDE} }} VALUES ?s {{ ex:f1 ex:f1 ex:none }}", 2),
        (f"SELECT ?g {{ {INSIDE} }} VALUES ?s {{ ex:f1 ex:f2 }}", 2),
        (f"SELECT ?s ?t {{ {PAIRS} }} VALUES ?s {{ ex:f1 }}", 3),
        (f"SELECT ?t {{ {PAIRS} }} VALUES ?s {{ ex:f1 }}", 3),
        (f"SELECT ?s ?x {{ VALUES ?x {{ 1 2 }} {INSIDE} }}", 18),
        (f"SELECT * {{ VALUES ?x {{ 1 2 }} {INSIDE} }}", 18),
        (f"SELECT ?s {{ VALUES ?x {{}} {INSIDE} }}", 0),
        (f"SELECT ?s ?t ?x {{ VALUES ?x {{ 1 2 }} {PAIRS} }}", 54),
        (f"SELECT ?a ?b {{ ?a geo:asWKT ?w . ?b geo:asWKT ?w {WITHIN} }}", 27),
        (f"SELECT ?s {{ {PATTERN} . ?s ex:copy ?w FILTER(geof:sfWithin(?w, {BOX})) }}", None),
        (f"SELECT ?g {{ ?g geo:asWKT ?w, ?w {WITHIN} }}", 9),
        (
            """SELECT ?a ?b { ?a geo:hasGeometry/geo:asWKT ?w . ?b geo:hasGeometry/geo:asWKT ?w .
               ?a ex:rare 1 FILTER(geof:sfEquals(?w, ?w)) }""",
            3,
        ),
        (f"SELECT ?s {{ {PATTERN} FILTER(geof:distance(?w, {HERE}, uom:metre) < '10') }}", 0),
        (f'SELECT ?s {{ {PATTERN} FILTER(geof:distance(?w, {HERE}, uom:metre) < "9"^^ex:x) }}', 0),
        (f"SELECT ?s {{ {PATTERN} FILTER(geof:distance(?w, {HERE}, uom:metre) < 10) }}", 3),
        (f'SELECT ?s {{ {PATTERN} FILTER(geof:relate(?w, {BOX}, "T********"@en)) }}', 0),
    ],
)
def test_the_answer_is_that_without_a_plan(store, query, count):
    found = Counter(tuple(map(str, row)) for row in store.query(PROLOGUE + query))
    plain = query.replace("FILTER(", "FILTER(false || ")
    expected = Counter(tuple(map(str, row)) for row in store.query(PROLOGUE + plain))
    assert found == expected
    assert count is None or found.total() == count
