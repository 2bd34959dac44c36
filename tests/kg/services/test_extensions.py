"""Functions and services that other packages bring to SPARQL."""

import math
import sys
from collections import Counter

import pytest
from pyoxigraph import BlankNode, Literal, NamedNode, Quad, QueryResultsFormat
from starlette.testclient import TestClient

from api.app import create_app
from kg.embedded.store import EmbeddedStore
from kg.errors import EvaluationError, QueryError
from kg.extensions import GROUP, installed_extensions
from kg.services import tables as service_tables
from ontology.terms import DEEP, DEEPF
from tests.kg.multiples import (
    CLAUSE,
    DATA,
    EX,
    OF,
    PRODUCT,
    PROLOGUE,
    START,
    Extension,
    answers,
    deep,
    plain,
)


@pytest.fixture
def extension():
    return Extension()


@pytest.fixture
def store(extension):
    with EmbeddedStore(extensions=[extension]) as store:
        store.update(f"{PROLOGUE} INSERT DATA {{ {DATA} }}")
        yield store


# -- services


def test_all_distinct_requests_of_a_clause_come_in_one_call(store, extension):
    found = answers(store, f"SELECT ?x ?p {{ ?x ex:n ?n . {CLAUSE} }}")
    assert found == ["a 2", "a 4", "a 6", "b 3", "b 6", "c 2", "c 4", "c 6"]
    ((requests, wanted, bounds),) = extension.multiples.calls
    assert sorted(int(r[OF].value) for r in requests) == [2, 3]
    assert (wanted, bounds) == (frozenset({PRODUCT}), {})


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT ?x ?p {{ {CLAUSE} . ?x ex:n ?n }}",
        f"SELECT ?x ?p {{ {CLAUSE} ?x ex:n ?n }}",
        f"SELECT ?x ?p {{ {{ {CLAUSE} }} ?x ex:n ?n }}",
        (
            "SELECT ?x ?p { ?x ex:n ?n . "
            "SERVICE deep:multiples { _:row deep:of ?n . # of\n _:row deep:product ?p . } }"
        ),
        "SELECT ?x ?p { ?x ex:n ?n . SERVICE deep:multiples { [ deep:of ?n ; deep:product ?p ] } }",
        (
            f"SELECT ?x ?p {{ ?x ex:n ?n . SERVICE <{DEEP.namespace}multiples> "
            "{ ?row deep:of ?n ; deep:product ?p } }"
        ),
    ],
)
def test_a_clause_may_be_written_anywhere_in_its_group(store, query):
    expected = ["a 2", "a 4", "a 6", "b 3", "b 6", "c 2", "c 4", "c 6"]
    assert answers(store, query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            (
                "SELECT ?f ?p { SERVICE deep:multiples { [] deep:of 4 ; deep:factor ?f ; "
                "deep:product ?p } }"
            ),
            ["1 4", "2 8", "3 12"],
        ),
        (
            "SELECT ?x { ?x ex:n ?n . SERVICE deep:multiples { [] deep:of ?n ; deep:product 06 } }",
            ["a", "b", "c"],
        ),
        (
            "SELECT ?x { ?x ex:n ?n SERVICE deep:multiples { [] deep:of ?n ; deep:product 4.0 } }",
            [],
        ),
        (
            (
                "SELECT ?n ?f { ?x ex:n ?n . SERVICE deep:multiples "
                "{ [] deep:of ?n ; deep:factor ?f ; deep:product ?n } }"
            ),
            ["2 1", "2 1", "3 1"],
        ),
        (
            (
                "SELECT ?p ?q { VALUES ?n { 3 } SERVICE deep:multiples { [] deep:of ?p ; "
                "deep:product ?q } SERVICE deep:multiples { [] deep:of ?n ; deep:product ?p } }"
            ),
            ["3 3", "3 6", "6 12", "6 18", "6 6"],
        ),
        (f"SELECT ?p {{ {CLAUSE} }} VALUES ?n {{ 2 }}", ["2", "4", "6"]),
        (
            (
                f"SELECT ?x (SUM(?p) AS ?sum) {{ ?x ex:n ?n . {CLAUSE} }} GROUP BY ?x "
                "HAVING(SUM(?p) > 9) ORDER BY ?x"
            ),
            ["a 12", "c 12"],
        ),
        (
            f"SELECT ?x ?y {{ ?x ex:n ?n . {CLAUSE} ?y ex:n ?p }}",
            ["a a", "a c", "b b", "c a", "c c"],
        ),
        (f"SELECT ?x ?p {{ ?x ex:n ?n MINUS {{ {CLAUSE} FILTER(?p > 4) }} }}", []),
        (f"SELECT ?x {{ ?x ex:n ?n FILTER NOT EXISTS {{ {CLAUSE} FILTER(?p = 4) }} }}", ["b"]),
        (
            f"SELECT ?x ?e {{ ?x ex:n ?n BIND(EXISTS {{ {CLAUSE} FILTER(?p = 4) }} AS ?e) }}",
            ["a true", "b false", "c true"],
        ),
        (
            f"SELECT ?x ?p {{ ?x ex:n ?n OPTIONAL {{ {CLAUSE} FILTER(?p = 4) }} }}",
            ["a 4", "b -", "c 4"],
        ),
        (f"SELECT * {{ ex:b ex:n ?n . {CLAUSE} }}", ["3 3", "3 6"]),
        (f"ASK {{ ?x ex:n ?n . {CLAUSE} FILTER(?p = 5) }}", False),
    ],
)
def test_a_clause_is_joined_as_a_pattern_is(store, query, expected):
    if isinstance(expected, bool):
        assert bool(store.query(PROLOGUE + query)) is expected
    else:
        assert answers(store, query) == expected


def test_a_solution_that_leaves_a_needed_input_unbound_has_no_match(store, extension):
    labelled = "?x ex:label ?l OPTIONAL { ?x ex:n ?n }"
    assert answers(store, f"SELECT ?x ?p {{ {labelled} {CLAUSE} }}") == ["a 2", "a 4", "a 6"]
    assert [len(requests) for requests, _, _ in extension.multiples.calls] == [1]
    optional = f"SELECT ?x ?p {{ {labelled} OPTIONAL {{ {CLAUSE} }} }}"
    assert answers(store, optional) == ["a 2", "a 4", "a 6", "d -"]


def test_an_optional_input_is_left_out_where_it_is_unbound(store, extension):
    start = "OPTIONAL { ?x ex:start ?s }"
    clause = "SERVICE deep:multiples { [] deep:of ?n ; deep:start ?s ; deep:product ?p }"
    found = answers(store, f"SELECT ?x ?p {{ ?x ex:n ?n {start} {clause} }}")
    assert found == ["a 2", "a 4", "a 6", "b 3", "b 6", "c 10", "c 12", "c 14"]
    ((requests, _, _),) = extension.multiples.calls
    assert Counter(START in r for r in requests) == {True: 1, False: 2}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("?p > 2", (2, math.inf)),
        ("2 < ?p && (?p <= 5)", (2, 5)),
        ("?p = 4", (4, 4)),
        ('?p >= "-1"^^<http://www.w3.org/2001/XMLSchema#double>', (-1, math.inf)),
        ("?p > 2 || ?n = 2", None),
        ("!(?p > 2)", None),
        ("?p > ?n", None),
        ('?p > "x"', None),
    ],
)
def test_filters_bound_what_a_service_need_not_find(store, extension, condition, expected):
    query = f"SELECT ?p {{ ?x ex:n ?n . {CLAUSE} FILTER({condition}) }}"
    bounded = answers(store, query)
    ((_, _, bounds),) = extension.multiples.calls
    assert bounds.get(PRODUCT) == expected
    outside = f"SELECT ?p {{ {{ ?x ex:n ?n . {CLAUSE} }} FILTER({condition}) }}"
    assert bounded == answers(store, outside)


def test_a_bound_that_no_float_has_lets_the_floats_beside_it_pass(store, extension):
    answers(store, f"SELECT ?p {{ ?x ex:n ?n . {CLAUSE} FILTER(?p >= 0.7 && ?p <= 0.7) }}")
    low, high = extension.multiples.calls[0][2][PRODUCT]
    assert 0.69999 < low < 0.7 < high < 0.70001


def test_a_bound_is_not_given_where_an_optional_may_bind_the_output(store, extension):
    answers(
        store, f"SELECT ?p {{ ?x ex:n ?n . {CLAUSE} OPTIONAL {{ ?x ex:m ?p }} FILTER(?p > 2) }}"
    )
    assert extension.multiples.calls[0][2] == {}


def test_only_what_passes_the_other_filters_is_asked(store, extension):
    box = '"POLYGON((0 0,4 0,4 4,0 4,0 0))"^^geo:wktLiteral'
    query = f"SELECT ?x {{ ?x ex:n ?n ; ex:shape ?w . {CLAUSE} FILTER(geof:sfWithin(?w, {box})) }}"
    assert answers(store, query) == ["a"] * 3
    assert [r[OF].value for r in extension.multiples.calls[0][0]] == ["2"]
    answers(store, f"SELECT ?x {{ ?x ex:n ?n . {CLAUSE} FILTER(?n = 3) }}")
    assert [r[OF].value for r in extension.multiples.calls[1][0]] == ["3"]


def test_blank_nodes_are_given_and_found(store):
    node = BlankNode("thing")
    store.add([
        Quad(node, NamedNode(f"{EX}n"), Literal(2)),
        Quad(node, NamedNode(f"{EX}label"), Literal("blank")),
        Quad(NamedNode(f"{EX}a"), NamedNode(f"{EX}label"), node),
    ])  # fmt: skip
    labels = "SERVICE deep:labels { [] deep:of ?x ; deep:node ?l }"
    assert answers(store, f"SELECT ?l {{ ?x ex:n 2 . {labels} FILTER(isBlank(?x)) }}") == ["blank"]
    found = f"SELECT ?m {{ ?x ex:n 2 . {labels} ?l ex:label ?m }}"
    assert answers(store, found) == ["blank"]
    nodes = "SERVICE deep:multiples { [] deep:of 2 ; deep:node ?b }"
    assert answers(store, f"SELECT (COUNT(DISTINCT ?b) AS ?c) {{ {nodes} }}") == ["3"]


def test_a_hundred_thousand_rows_are_joined(store):
    class Many:
        iri = deep("many")
        inputs = {OF: True}  # noqa: RUF012 -- a plain example of a service
        outputs = frozenset({PRODUCT})

        def evaluate(self, _store, requests, _wanted, _bounds):
            for place in range(len(requests)):
                for number in range(100):
                    yield place, {PRODUCT: Literal(number / 7)}

    class Only:
        def services(self):
            return [Many()]

        def functions(self, _store):
            return {}

    with EmbeddedStore(extensions=[Only()]) as large:
        large.add(
            Quad(NamedNode(f"{EX}{i}"), NamedNode(f"{EX}{p}"), Literal(i))
            for i in range(1000)
            for p in ("n", "m")
        )
        clause = "SERVICE deep:many { [] deep:of ?n ; deep:product ?p }"
        query = (
            f"{PROLOGUE} SELECT ?x ?p {{ ?x ex:n ?n . {clause} OPTIONAL {{ ?x ex:m ?m }} "
            "FILTER(?p >= 0) }"
        )
        assert sum(1 for _ in large.query(query)) == 100_000


@pytest.mark.parametrize(
    ("clause", "complaint"),
    [
        ("deep:nothing { [] deep:of ?n }", "no SERVICE deep:nothing; known services: deep:failing"),
        ("deep:multiples { [] deep:of ?n ; deep:colour ?c }", "deep:colour is no part of it"),
        ("deep:multiples { [] deep:product ?c }", "deep:of is missing"),
        ("deep:multiples { [] deep:of ?n, 3 }", "deep:of is given twice"),
        ("deep:multiples { [] deep:of [] }", "given a blank node"),
        ("deep:multiples { [] deep:of/deep:of ?n }", "several subjects|plain predicate"),
        ("deep:multiples { [] ?q ?n }", "no plain predicate"),
        ("deep:multiples { ex:a deep:of ?n }", "a constant one"),
        ("deep:multiples { [] deep:of ?n . [] deep:product ?p }", "several subjects"),
        ("deep:multiples { [] deep:of ?n FILTER(?n > 1) }", "more than triple patterns"),
        ("deep:multiples { [] deep:of ?unheard }", r"given \?unheard, which nothing"),
    ],
)
def test_a_clause_that_its_service_does_not_take_is_refused(store, clause, complaint):
    with pytest.raises(QueryError, match=complaint):
        store.query(f"{PROLOGUE} SELECT * {{ ?x ex:n ?n . SERVICE {clause} }}")


def test_a_clause_in_an_expression_of_select_is_refused(store):
    with pytest.raises(QueryError, match="move it into the pattern"):
        store.query(f"{PROLOGUE} SELECT (EXISTS {{ {CLAUSE} }} AS ?e) {{ ?x ex:n ?n }}")


def test_a_clause_in_a_text_beyond_sparql_1_1_is_refused(store):
    with pytest.raises(QueryError, match=r"has to be SPARQL 1\.1"):
        store.query(f"{PROLOGUE} SELECT * {{ ?x ex:n ?n LATERAL {{ {CLAUSE} }} }}")


def test_more_rows_than_fit_are_refused_and_not_cut(store, monkeypatch):
    query = f"{PROLOGUE} SELECT ?p {{ ?x ex:n ?n . {CLAUSE} }}"
    monkeypatch.setattr(service_tables, "MOST_ROWS", 5)
    assert len(list(store.query(query))) == 8  # of five rows of two requests
    monkeypatch.setattr(service_tables, "MOST_ROWS", 4)
    with pytest.raises(QueryError, match="deep:multiples finds more than 4 rows"):
        store.query(query)


def test_a_failure_of_a_service_is_told_or_passed_over(store):
    failing = "deep:failing { [] deep:product ?p }"
    with pytest.raises(EvaluationError, match="deep:failing failed: the cube is gone"):
        store.query(f"{PROLOGUE} SELECT ?x {{ ?x ex:n 3 SERVICE {failing} }}")
    silent = f"SELECT ?x ?p {{ ?x ex:n 3 SERVICE SILENT {failing} }}"
    assert answers(store, silent) == ["b -"]
    nobody = "SELECT ?x ?p { ?x ex:n 3 SERVICE SILENT deep:nothing { [] deep:product ?p } }"
    assert answers(store, nobody) == ["b -"]


def test_a_service_that_is_not_ours_is_left_to_the_store(store):
    query = f"{PROLOGUE} SELECT * {{ ?x ex:n ?n SERVICE <http://127.0.0.1:9/s> {{ ?x ?p ?o }} }}"
    assert "SERVICE <http://127.0.0.1:9/s>" in store.explain(query).sparql
    with pytest.raises((RuntimeError, OSError)):
        list(store.query(query))
    silent = query.replace("SERVICE", "SERVICE SILENT").replace("?n SER", f"?n . {CLAUSE} SER")
    assert len(list(store.query(silent))) == 8


def test_the_plan_says_what_a_service_was_asked(store):
    plan = store.explain(f"{PROLOGUE} SELECT * {{ ?x ex:n ?n . {CLAUSE} FILTER(?p > 3) }}")
    step = "SERVICE deep:multiples: 2 requests for deep:product, deep:product in [3, inf]: 4 rows"
    assert step in plan.steps
    assert "VALUES (?n" in plan.sparql


def test_graphs_are_formed_from_what_a_service_finds(store):
    where = f"{{ ex:b ex:n ?n . {CLAUSE} }}"
    triples = store.query(f"{PROLOGUE} CONSTRUCT {{ ex:b ex:p ?p }} WHERE {where}")
    assert sorted(t.object.value for t in triples) == ["3", "6"]
    described = store.query(f"{PROLOGUE} DESCRIBE ?x {{ ?x ex:n ?n . {CLAUSE} FILTER(?p = 3) }}")
    assert {plain(t.subject) for t in described} == {"b"}


def test_services_see_the_data_set_of_the_request(store, extension):
    store.update(f"{PROLOGUE} INSERT DATA {{ GRAPH ex:g {{ ex:x ex:n 9 }} }}")
    query = f"SELECT ?p FROM ex:g {{ ?x ex:n ?n . {CLAUSE} }}"
    assert answers(store, query) == ["18", "9"]
    inside = f"SELECT ?g ?p {{ GRAPH ?g {{ ?x ex:n ?n . {CLAUSE} }} }}"
    assert answers(store, inside) == ["g 18", "g 9"]


def test_inference_and_rewriting_bind_the_inputs(store, extension):
    store.update(
        f"{PROLOGUE} INSERT DATA {{ ex:m rdfs:subPropertyOf ex:n . ex:z ex:m 8 ; "
        'geo:hasDefaultGeometry ex:zg . ex:zg geo:asWKT "POINT(1 1)"^^geo:wktLiteral . '
        'ex:box geo:hasDefaultGeometry ex:bg . ex:bg geo:asWKT "POLYGON((0 0,2 0,2 2,0 2,0 0))"'
        "^^geo:wktLiteral }"
    )
    query = f"SELECT ?p {{ ?x ex:n ?n ; geo:sfWithin ex:box . {CLAUSE} }}"
    assert answers(store, query, infer=True) == ["16", "2", "24", "4", "6", "8"]
    assert answers(store, query) == ["2", "4", "6"]


def test_an_update_writes_what_a_service_finds(store):
    store.update(f"{PROLOGUE} INSERT {{ ?x ex:p ?p }} WHERE {{ ?x ex:n ?n . {CLAUSE} }}")
    assert len(answers(store, "SELECT ?p { ?x ex:p ?p }")) == 8
    store.update(
        f"{PROLOGUE} WITH ex:g DELETE {{ ?x ex:n ?n }} INSERT {{ ?x ex:p ?p }} "
        f"WHERE {{ ?x ex:n ?n . {CLAUSE} }}"
    )
    assert answers(store, "SELECT ?p { GRAPH ex:g { ?x ex:p ?p } }") == []
    store.update(f"{PROLOGUE} INSERT DATA {{ GRAPH ex:g {{ ex:x ex:n 9 }} }}")
    for clause, graph in (("WITH ex:g", ""), ("", "USING ex:g")):
        store.update(
            f"{PROLOGUE} {clause} INSERT {{ GRAPH ex:h {{ ?x ex:p ?p }} }} {graph} "
            f"WHERE {{ ?x ex:n ?n . {CLAUSE} }}"
        )
        assert answers(store, "SELECT ?p { GRAPH ex:h { ?x ex:p ?p } }") == ["18", "9"]
        store.update(f"{PROLOGUE} DROP GRAPH ex:h")


def test_an_update_makes_the_index_follow_what_a_service_finds(store):
    shape = 'STRDT(CONCAT("POINT(", STR(?p), " 0)"), geo:wktLiteral)'
    store.update(
        f"{PROLOGUE} INSERT {{ ?x ex:shape ?w }} WHERE {{ ex:b ex:n ?n . ?x ex:n ?n . {CLAUSE} "
        f"BIND({shape} AS ?w) }}"
    )
    query = (
        "SELECT ?w { ?x ex:shape ?w FILTER(geof:sfIntersects(?w, "
        '"LINESTRING(0 0, 9 0)"^^geo:wktLiteral)) }'
    )
    assert answers(store, query) == ["POINT(3 0)", "POINT(6 0)"]


def test_a_service_in_a_later_operation_of_an_update_is_refused(store):
    update = f"INSERT {{ ?x ex:p ?p }} WHERE {{ ?x ex:n ?n . {CLAUSE} }}"
    with pytest.raises(QueryError, match="send that one apart"):
        store.update(f"{PROLOGUE} INSERT DATA {{ ex:e ex:n 4 }} ; {update}")


def test_services_are_asked_over_http(store):
    client = TestClient(create_app(store))
    query = f"{PROLOGUE} SELECT ?p {{ ex:b ex:n ?n . {CLAUSE} }}"
    rows = client.get("/sparql", params={"query": query}).json()["results"]["bindings"]
    assert sorted(row["p"]["value"] for row in rows) == ["3", "6"]
    plan = client.get("/sparql", params={"query": query, "explain": "true"})
    assert "SERVICE deep:multiples: 1 requests" in plan.text
    wrong = client.get("/sparql", params={"query": query.replace("deep:of", "deep:if")})
    assert (wrong.status_code, "deep:if is no part" in wrong.text) == (400, True)
    failing = f"{PROLOGUE} SELECT * {{ SERVICE deep:failing {{ [] deep:product ?p }} }}"
    failed = client.get("/sparql", params={"query": failing})
    assert (failed.status_code, "the cube is gone" in failed.text) == (500, True)
    update = f"{PROLOGUE} INSERT {{ ?x ex:p ?p }} WHERE {{ ?x ex:n ?n . {CLAUSE} }}"
    assert client.post("/update", data={"update": update}).status_code == 204
    assert len(answers(store, "SELECT ?p { ?x ex:p ?p }")) == 8


# -- functions


def test_functions_are_called_wherever_an_expression_stands(store):
    query = (
        "SELECT ?x ?d (deepf:double(?d) AS ?e) { ?x ex:n ?n BIND(deepf:double(?n) AS ?d) "
        "FILTER(deepf:double(?n) > 4) } ORDER BY deepf:double(?n)"
    )
    assert answers(store, query) == ["b 6 12"]
    having = "SELECT ?x { ?x ex:n ?n } GROUP BY ?x HAVING(deepf:double(MAX(?n)) = 4)"
    assert answers(store, having) == ["a", "c"]


def test_a_function_that_raises_leaves_its_expression_unbound(store):
    assert answers(store, "SELECT ?l ?d { ?x ex:label ?l BIND(deepf:double(?l) AS ?d) }") == [
        "a -", "d -",
    ]  # fmt: skip


@pytest.mark.parametrize("on_disk", [False, True])
def test_a_function_may_read_the_store_while_a_query_or_update_runs(tmp_path, on_disk):
    with EmbeddedStore(tmp_path / "s" if on_disk else None, extensions=[Extension()]) as store:
        store.update(f"{PROLOGUE} INSERT DATA {{ {DATA} }}")
        query = f"{PROLOGUE} SELECT ?x (deepf:count(?x) AS ?c) {{ ?x ex:n ?n }}"
        assert sorted(plain(r["c"]) for r in store.query(query)) == ["2", "2", "3"]
        body = store.query(query).serialize(format=QueryResultsFormat.TSV)
        assert body.count(b"\n") == 4
        store.update(
            f"{PROLOGUE} INSERT {{ ?x ex:size ?c }} WHERE {{ ?x ex:n ?n "
            "BIND(deepf:count(?x) AS ?c) }"
        )
        assert answers(store, "SELECT ?c { ?x ex:size ?c }") == ["2", "2", "3"]


def test_functions_and_services_meet(store):
    query = (
        "SELECT ?p { ex:b ex:n ?n BIND(deepf:double(?n) AS ?d) "
        "SERVICE deep:multiples { [] deep:of ?d ; deep:product ?p } FILTER(deepf:double(?p) > 12) }"
    )
    assert answers(store, query) == ["12", "18"]
    assert answers(store, query.replace("?p {", "* {", 1)) == ["6 3 12", "6 3 18"]


# -- where extensions come from


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Install a package that names an extension, and return a function that changes the name."""

    def install(value):
        folder = tmp_path / "multiples_package-1.dist-info"
        folder.mkdir(exist_ok=True)
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: multiples-package\n")
        (folder / "entry_points.txt").write_text(f"[{GROUP}]\nmultiples = {value}\n")
        installed_extensions.cache_clear()

    (tmp_path / "multiples_package.py").write_text(
        "from tests.kg.multiples import Extension\nEXTENSION = Extension()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield install
    installed_extensions.cache_clear()
    sys.modules.pop("multiples_package", None)


def test_an_installed_extension_is_loaded_when_a_query_needs_it(package):
    package("multiples_package:EXTENSION")
    with EmbeddedStore() as store:
        store.update(f"{PROLOGUE} INSERT DATA {{ {DATA} }}")
        answers(store, "SELECT (ex:unheard(1) AS ?y) { ?x ex:n ?n }")
        assert "multiples_package" not in sys.modules
        assert answers(store, "SELECT (deepf:double(3) AS ?x) {}") == ["6"]
        assert "multiples_package" in sys.modules
        assert answers(store, f"SELECT ?p {{ ex:b ex:n ?n . {CLAUSE} }}") == ["3", "6"]


def test_an_extension_that_cannot_be_loaded_is_named(package):
    package("multiples_package:NOBODY")
    with (
        EmbeddedStore() as store,
        pytest.raises(EvaluationError, match=r"'multiples' \(multiples_package:NOBODY\)"),
    ):
        store.query(f"{PROLOGUE} SELECT (deepf:double(3) AS ?x) {{}}")


def test_an_unknown_function_of_ours_is_not_loaded_for(store):
    assert answers(store, f"SELECT (<{DEEPF.namespace}unheard>(1) AS ?x) {{}}") == ["-"]


def test_every_variable_is_named_where_functions_are_called(store):
    query = "SELECT * { ?x geo:sfWithin ?y FILTER(geof:dimension(?w) = 0 && deepf:double(1) = 2) }"
    assert answers(store, query) == []
