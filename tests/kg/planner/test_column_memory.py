"""What the planner remembers of the store's part of a query, and for how long."""

import pytest
from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, Store

from kg.embedded.store import EmbeddedStore
from kg.planner.costs import Costs
from kg.sparql.patterns import properties_in, triple_patterns
from kg.sparql.syntax import parse
from kg.updates.reader import touched_by

PREFIXES = """PREFIX ex: <http://example.org/>
PREFIX geo: <http://www.opengis.net/ont/geosparql#>
PREFIX geof: <http://www.opengis.net/def/function/geosparql/>
"""
INSIDE = f"""{PREFIXES} SELECT ?s {{ ?s geo:hasGeometry ?g ; ex:kind "red" . ?g geo:asWKT ?w
  FILTER(geof:sfWithin(?w, "POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0))"^^geo:wktLiteral)) }}"""
FEATURES = 300


@pytest.fixture
def store():
    features = "".join(
        f'ex:f{i} ex:kind "red" ; geo:hasGeometry ex:g{i} . '
        f'ex:g{i} geo:asWKT "POINT ({i % 20} 1)"^^geo:wktLiteral . '
        for i in range(FEATURES)
    )
    with EmbeddedStore(costs=Costs(many_selected=0, few_candidates=0)) as store:
        store.update(f"{PREFIXES} INSERT DATA {{ {features} }}")
        yield store


def _count(store):
    return len(list(store.query(INSIDE)))


def _remembers(store):
    return "joined from tables" in " ".join(store.explain(INSIDE).steps)


def _feature(name, kind="red"):
    return (
        f'ex:{name} ex:kind "{kind}" ; geo:hasGeometry ex:g_{name} . '
        f'ex:g_{name} geo:asWKT "POINT (1 1)"^^geo:wktLiteral .'
    )


@pytest.mark.parametrize(
    "write",
    [
        'INSERT DATA { ex:f1 ex:note "seen" }',
        "DELETE WHERE { ?s ex:note ?o }",
        'INSERT DATA { ex:n geo:hasGeometry [ geo:asWKT "POINT (1 1)"^^geo:wktLiteral ] }',
    ],
)
def test_a_write_about_something_else_leaves_it_true(store, write):
    before = _count(store)
    store.update(PREFIXES + write)
    assert _remembers(store)
    assert _count(store) == before


def test_added_quads_about_something_else_leave_it_true(store):
    _count(store)
    store.add([Quad(NamedNode("http://example.org/f1"), NamedNode("urn:p"), Literal("x"))])
    assert _remembers(store)


@pytest.mark.parametrize(
    ("write", "more"),
    [
        (f"INSERT DATA {{ {_feature('new')} }}", 1),
        ('DELETE DATA { ex:f1 ex:kind "red" }', -1),
        ('DELETE { ?s ex:kind "red" } WHERE { ?s geo:hasGeometry ex:g2 }', -1),
        ("DELETE { ex:f3 ?p ?o } WHERE { ex:f3 ?p ?o }", -1),
        (f"INSERT DATA {{ {_feature('n1')} }} ; INSERT DATA {{ {_feature('n2')} }}", 2),
    ],
)
def test_a_write_about_what_it_says_is_seen(store, write, more):
    before = _count(store)
    store.update(PREFIXES + write)
    assert _count(store) == before + more


def test_a_feature_that_gets_its_geometry_later_is_found(store):
    store.update(f'{PREFIXES} INSERT DATA {{ ex:late ex:kind "red" }}')
    before = _count(store)
    store.update(
        f"{PREFIXES} INSERT DATA {{ ex:late geo:hasGeometry ex:gl . "
        'ex:gl geo:asWKT "POINT (1 1)"^^geo:wktLiteral }'
    )
    assert _count(store) == before + 1


def test_removed_quads_are_not_remembered(store):
    before = _count(store)
    kind = NamedNode("http://example.org/kind")
    store.remove([Quad(NamedNode("http://example.org/f1"), kind, Literal("red"))])
    assert _count(store) == before - 1


def test_what_is_loaded_is_seen(store, tmp_path):
    before = _count(store)
    path = tmp_path / "more.ttl"
    path.write_text(
        PREFIXES.replace("PREFIX", "@prefix").replace(">\n", "> .\n") + _feature("loaded")
    )
    with path.open("rb") as source:
        store.load(source, RdfFormat.TURTLE)
    assert _count(store) == before + 1


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("?x ex:p [ a ex:T ] ; ^ex:q ?o FILTER NOT EXISTS { ?x ex:e ?k }", {"p", "type", "q", "e"}),
        ("?x ex:r+ (1 2)", {"r", "first", "rest"}),
        ("?x (ex:r|^ex:s)/a ?y", {"r", "s", "type"}),
        ("?x # why\n a ex:T", {"type"}),
        ("?x ex:r* ?y", None),
        ("?x ex:r? ?y", None),
        ("?x !ex:r ?y", None),
        ("?x ?p ?y", None),
    ],
)
def test_the_properties_that_a_query_asks_for(where, expected):
    syntax = parse(f"{PREFIXES} SELECT * {{ {where} }}")
    found = properties_in(syntax, syntax.root)
    assert (found and {p.replace("#", "/").rpartition("/")[2] for p in found}) == expected


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        ("INSERT DATA { ex:x ex:p 1 ; a ex:T . GRAPH ex:g { ex:x ex:q 2 } }", {"p", "type", "q"}),
        ("DELETE { ?s ex:p ?o } INSERT { ?s ex:q ?o } WHERE { ?s ex:z ?o }", {"p", "q"}),
        ("CREATE GRAPH ex:g ; DELETE WHERE { ?s a ex:T }", {"type"}),
        ("DELETE WHERE { ?s ?p ?o }", None),
        ("INSERT DATA { ex:x ex:p 1 } ; CLEAR DEFAULT", None),
    ],
)
def test_the_properties_that_an_update_changes(update, expected):
    found = touched_by(PREFIXES + update, (), lambda query, _: Store().query(query))
    names = found.properties and {p.replace("#", "/").rpartition("/")[2] for p in found.properties}
    assert names == expected


def test_a_prefix_may_be_called_a():
    syntax = parse("PREFIX a: <http://a/> SELECT * { ?x a a:T ; a:p \"a:b\", 'a:c' # a:d\n }")
    (block,) = syntax.walk("triples_block")
    assert [str(p) for p in triple_patterns(syntax, block)] == [
        "?x <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://a/T> .",
        '?x <http://a/p> "a:b" .',
        "?x <http://a/p> 'a:c' .",
    ]
