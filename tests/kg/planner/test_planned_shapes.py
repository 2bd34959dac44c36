"""Which shapes of a query the index answers, and which are left alone because it must not."""

from collections import Counter

import pytest

from kg.embedded.store import EmbeddedStore
from kg.geosparql.aggregates import AGGREGATES
from kg.geosparql.functions import FUNCTIONS
from kg.planner.costs import Costs
from kg.planner.plan import plan_update
from kg.sparql.syntax import Sparql

PROLOGUE = """PREFIX ex: <http://example.org/>
PREFIX geo: <http://www.opengis.net/ont/geosparql#>
PREFIX geof: <http://www.opengis.net/def/function/geosparql/>
PREFIX uom: <http://www.opengis.net/def/uom/OGC/1.0/>
"""
BOX = '"POLYGON ((0 0, 2 0, 2 2, 0 2, 0 0))"^^geo:wktLiteral'
FAR = '"POLYGON ((9 0, 11 0, 11 2, 9 2, 9 0))"^^geo:wktLiteral'
HERE = '"POINT (1 1)"^^geo:wktLiteral'
UTM = (
    '"<http://www.opengis.net/def/crs/EPSG/0/32631> POLYGON ((160000 0, 400000 0, 400000 300000, '
    '160000 300000, 160000 0))"^^geo:wktLiteral'
)
ALL = "?f geo:hasGeometry/geo:asWKT ?w"
OTHERS = "?t geo:hasGeometry ?h . ?h geo:asWKT ?v"
WITHIN = f"FILTER(geof:sfWithin(?w, {BOX}))"
DISTANCE = f"geof:distance(?w, {HERE}, uom:metre)"
NEAR = "geof:distance(?w, ?v, uom:metre) < 1000"


@pytest.fixture(scope="module")
def store():
    with filled(EmbeddedStore()) as store:
        yield store


@pytest.fixture(scope="module")
def stores(store):
    """Return stores of the same data by how many values they ask for beforehand."""
    with filled(EmbeddedStore(costs=Costs(few_values=0))) as other:
        yield {0: other, Costs().few_values: store}


def filled(store):
    features = "".join(
        f"ex:f{i} a ex:C{i % 3} ; geo:hasGeometry ex:g{i} . ex:g{i} ex:size {i} ; "
        f'geo:asWKT "POINT ({i} 1)"^^geo:wktLiteral . '
        for i in range(12)
    )
    area = f"ex:area geo:hasGeometry ex:areag . ex:areag geo:asWKT {FAR} ."
    data = f"{features} {area} GRAPH ex:n1 {{ {features} }} GRAPH ex:n2 {{ {area} }}"
    store.update(f"{PROLOGUE} INSERT DATA {{ {data} }}")
    return store


def answers(result):
    return Counter(tuple(map(str, row)) for row in result)


def plainly(store, query):
    return store.opened.query(
        query, custom_functions=FUNCTIONS, custom_aggregate_functions=AGGREGATES
    )


#: With one value on one side.
CONSTANT = [
    f"ex:areag geo:asWKT ?a . {ALL} FILTER(geof:sfWithin(?w, ?a))",
    f"ex:area geo:hasGeometry/geo:asWKT ?a . {ALL} FILTER(geof:sfWithin(?w, ?a))",
]
PLANNED = [
    f"VALUES ?b {{ {BOX} }} {ALL} FILTER(geof:sfWithin(?w, ?b))",
    f"VALUES (?n ?b) {{ (1 {BOX}) (2 {FAR}) (3 'no') }} {ALL} FILTER(geof:sfIntersects(?b, ?w))",
    f"{{ BIND({BOX} AS ?b) }} {ALL} FILTER(geof:sfWithin(?w, ?b))",
    f"{ALL} FILTER(geof:sfWithin(?w, {BOX}) || geof:sfWithin(?w, {FAR}))",
    f"{ALL} FILTER((geof:sfWithin(?w, {BOX}) && ?f != ex:f1) || {DISTANCE} < 10)",
    f"{ALL} BIND({DISTANCE} AS ?d) FILTER(?d < 120000)",
    f"{ALL} BIND(geof:sfWithin(?w, {BOX}) AS ?in) FILTER(?in)",
    f"{{ {ALL} }} {WITHIN}",
    f"{{ {ALL} }} UNION {{ ?f geo:asWKT ?w }} {WITHIN}",
    f"?f a ex:C1 OPTIONAL {{ {ALL} }} {WITHIN}",
    f"{{ SELECT DISTINCT ?f ?w {{ {ALL} }} }} {WITHIN}",
    f"GRAPH ?x {{ {ALL} }} {WITHIN}",
    f"?f a ex:C1 . {ALL} OPTIONAL {{ {OTHERS} FILTER({NEAR}) }}",
    f"{ALL} FILTER EXISTS {{ {OTHERS} . ?t a ex:C1 FILTER({NEAR}) }}",
    f"{ALL} FILTER NOT EXISTS {{ {OTHERS} . ?t a ex:C1 FILTER({NEAR} && ?t != ?f) }}",
    f"{ALL} FILTER(geof:sfContains({UTM}, ?w))",
    f"GRAPH ?x {{ {ALL} . {OTHERS} FILTER({NEAR}) }}",
]


@pytest.mark.parametrize(
    ("where", "few_values"),
    [*((w, n) for w in PLANNED for n in (0, 64)), *((w, 64) for w in CONSTANT)],
)
def test_the_index_answers(stores, where, few_values):
    store = stores[few_values]
    query = f"{PROLOGUE} SELECT * {{ {where} }}"
    assert "as it stands" not in store.explain(query).steps[0]
    found = answers(store.query(query))
    assert found
    assert found == answers(plainly(store, query))


def test_the_property_form_with_a_constant_is_answered_by_the_index(store):
    query = f"{PROLOGUE} SELECT ?g {{ ?g geo:sfWithin ex:areag }}"
    assert "as it stands" not in store.explain(query).steps[0]
    found = {str(row["g"]) for row in store.query(query)}
    assert found == {f"<http://example.org/{name}>" for name in ("g10", "areag")}


@pytest.mark.parametrize(
    "where",
    [
        f"OPTIONAL {{ {ALL} }} OPTIONAL {{ ?f ex:copy ?w }} {WITHIN}",
        f"OPTIONAL {{ {ALL} }} OPTIONAL {{ ?f a ?k }} {WITHIN}",
        f"{{ SELECT ?f {{ {ALL} }} }} {WITHIN}",
        f"{{ SELECT ?w (COUNT(*) AS ?n) {{ {ALL} }} GROUP BY ?w }} {WITHIN}",
        f"VALUES ?b {{ {BOX} UNDEF }} {ALL} FILTER(geof:sfWithin(?w, ?b))",
        f"{ALL} BIND({DISTANCE} AS ?d) OPTIONAL {{ ?f ex:size ?d }} FILTER(?d < 9)",
        f"{ALL} FILTER(geof:sfWithin(?w, {BOX}) || ?f = ex:f5)",
        f"{ALL} MINUS {{ {OTHERS} FILTER({NEAR}) }}",
    ],
)
def test_what_the_index_could_change_is_left_alone(store, where):
    query = f"{PROLOGUE} SELECT * {{ {where} }}"
    assert "as it stands" in store.explain(query).steps[0]


def test_under_two_from_a_spatial_join_is_narrowed(store):
    query = f"{PROLOGUE} SELECT ?f ?t FROM ex:n1 FROM ex:n2 {{ {ALL} . {OTHERS} FILTER({NEAR}) }}"
    assert "pairs" in " ".join(store.explain(query).steps)
    assert answers(store.query(query)) == answers(plainly(store, query))


@pytest.mark.parametrize(
    ("update", "is_planned"),
    [
        (f"DELETE {{ ?f a ?k }} WHERE {{ ?f a ?k . {ALL} {WITHIN} }}", True),
        (f"WITH ex:n1 DELETE {{ ?f a ?k }} WHERE {{ ?f a ?k . {ALL} {WITHIN} }}", True),
        (f"INSERT {{ ?f a ?x }} USING ex:n1 WHERE {{ {ALL} . {OTHERS} FILTER({NEAR}) }}", True),
        (f"WITH ex:n1 DELETE {{ ?f a ?k }} WHERE {{ GRAPH ?k {{ {ALL} }} {WITHIN} }}", False),
        (f"INSERT DATA {{ ex:a ex:b 1 }} ; DELETE {{ ?f a 1 }} WHERE {{ {ALL} {WITHIN} }}", False),
    ],
)
def test_an_update_finds_by_the_index_what_it_found_without(store, update, is_planned):
    with EmbeddedStore() as mine, EmbeddedStore() as plain:
        for one in (mine, plain):
            one.add(store.quads())
        planned = plan_update(Sparql(text=PROLOGUE + update), mine._source(None, None))
        assert ("VALUES" in planned.sparql) == is_planned
        mine.update(PROLOGUE + update)
        plain.opened.update(PROLOGUE + update, custom_functions=FUNCTIONS)
        assert set(mine.quads()) == set(plain.quads())


def test_a_constant_without_a_place_in_the_system_of_a_row_still_finds_it():
    world = '"POLYGON ((-180 -90, 180 -90, 180 90, -180 90, -180 -90))"^^geo:wktLiteral'
    point = '"<http://www.opengis.net/def/crs/EPSG/0/27700> POINT (400000 300000)"^^geo:wktLiteral'
    query = f"{PROLOGUE} SELECT ?g {{ ?g geo:asWKT ?w FILTER(geof:sfContains({world}, ?w)) }}"
    with EmbeddedStore() as store:
        store.update(f"{PROLOGUE} INSERT DATA {{ ex:g geo:asWKT {point} }}")
        assert answers(store.query(query)) == answers(plainly(store, query))
        assert len(list(store.query(query))) == 1


def test_a_limit_looks_at_no_more_rows_than_it_needs():
    points = "".join(
        f'ex:g{i} geo:asWKT "POINT ({i % 80 / 8} {i // 80 / 8})"^^geo:wktLiteral . '
        for i in range(6_400)
    )
    box = '"POLYGON ((-1 -1, 11 -1, 11 11, -1 11, -1 -1))"^^geo:wktLiteral'
    query = f"{PROLOGUE} SELECT ?g {{ ?g geo:asWKT ?w FILTER(geof:sfWithin(?w, {box})) }} LIMIT 5"
    with EmbeddedStore() as store:
        store.update(f"{PROLOGUE} INSERT DATA {{ {points} }}")
        assert "rows 0 to 4096" in store.explain(query).steps[0]
        assert len(set(store.query(query))) == 5
