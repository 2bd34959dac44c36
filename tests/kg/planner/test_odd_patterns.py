"""Patterns that the planner must leave alone, or treat with care: answered as without it."""

from collections import Counter

import pytest
from pyoxigraph import RdfFormat

from kg.embedded import bulk
from kg.embedded.store import EmbeddedStore
from kg.planner.costs import Costs

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
def store(request):
    costs = Costs(few_candidates=request.param[0], many_selected=request.param[1])
    features = "".join(
        f'ex:f{i} geo:hasGeometry ex:g{i} ; ex:copy "POINT ({i % 3} 1)"^^geo:wktLiteral . '
        f'ex:g{i} geo:asWKT "POINT ({i % 4} 1)"^^geo:wktLiteral . '
        for i in range(12)
    )
    with EmbeddedStore(costs=costs) as store:
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


MIXED = '"foo", 7, ex:other, "POINT (2 2)"^^geo:wktLiteral'


@pytest.mark.parametrize(
    "write",
    [
        f"INSERT DATA {{ ex:g1 geo:asWKT {MIXED} }}",
        f"INSERT {{ ?g geo:asWKT {MIXED} }} WHERE {{ ex:f1 geo:hasGeometry ?g }}",
        f"INSERT DATA {{ ex:f1 geo:hasGeometry [ geo:asWKT {MIXED} ] }}",
        f"INSERT DATA {{ GRAPH ex:h {{ ex:g1 geo:asWKT {MIXED} }} }} ; ADD ex:h TO DEFAULT",
    ],
)
@pytest.mark.parametrize("asked_before", [True, False])
def test_what_is_no_geometry_does_not_pass_a_spatial_filter(store, write, asked_before):
    query = f"SELECT ?g ?w {{ ?g geo:asWKT ?w FILTER(geof:distance(?w, {HERE}, uom:metre) < 1e6) }}"
    if asked_before:
        list(store.query(PROLOGUE + query))
    store.update(PROLOGUE + write)
    for asked in (query, query.replace("geo:asWKT ?w", "geo:asWKT ?w . ?s geo:hasGeometry ?g")):
        plain = asked.replace("FILTER(", "FILTER(false || ")
        found = Counter(tuple(map(str, row)) for row in store.query(PROLOGUE + asked))
        assert found == Counter(tuple(map(str, row)) for row in store.query(PROLOGUE + plain))
        assert found


@pytest.mark.parametrize("how", ["kept", "rebuilt", "loaded"])
def test_what_is_no_geometry_is_remembered_with_the_index(tmp_path, monkeypatch, how):
    data = f"ex:g1 geo:asWKT {MIXED}, {HERE} ."
    query = f"SELECT ?w {{ ?g geo:asWKT ?w FILTER(geof:distance(?w, {HERE}, uom:metre) < 1e6) }}"
    folder = tmp_path / "store"
    with EmbeddedStore(folder) as store:
        if how == "loaded":
            monkeypatch.setattr(bulk, "LARGE", 1)
            path = tmp_path / "data.ttl"
            head = PROLOGUE.replace("PREFIX", "@prefix").replace(">\n", "> .\n")
            path.write_text(head + data)
            list(store.query(PROLOGUE + query))
            with path.open("rb") as source:
                store.load(source, RdfFormat.TURTLE)
        else:
            store.update(f"{PROLOGUE} INSERT DATA {{ {data} }}")
            list(store.query(PROLOGUE + query))
    if how == "rebuilt":
        folder.with_name("store.spatial").unlink()
    with EmbeddedStore(folder) as store:
        assert len(list(store.query(PROLOGUE + query))) == 2
