from itertools import product

import pytest
from pyoxigraph import NamedNode, RdfFormat, Store

from kg.embedded.store import EmbeddedStore
from kg.geosparql.functions import FUNCTIONS
from kg.sparql.entailment import entail
from kg.sparql.relation_rewrite import RELATIONS, rewrite
from kg.sparql.schema import read_schema
from kg.sparql.syntax import Sparql
from ontology.terms import GEO, GEOF

EX = "http://example.org/"
PREFIXES = (
    f"PREFIX : <{EX}> PREFIX geo: <{GEO.namespace}> "
    "PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> "
)
SHAPES = {
    "square": "POLYGON((0 0, 4 0, 4 4, 0 4, 0 0))",
    "same": "POLYGON((0 0, 0 4, 4 4, 4 0, 0 0))",
    "inner": "POLYGON((1 1, 2 1, 2 2, 1 2, 1 1))",
    "corner": "POLYGON((0 0, 1 0, 1 1, 0 1, 0 0))",
    "beside": "POLYGON((4 0, 6 0, 6 4, 4 4, 4 0))",
    "across": "POLYGON((3 3, 5 3, 5 5, 3 5, 3 3))",
    "far": "POLYGON((8 8, 9 8, 9 9, 8 9, 8 8))",
    "line": "LINESTRING(-1 1, 5 1)",
    "point": "POINT(1.5 1.5)",
}


def store_of(turtle):
    store = Store()
    prefixes = PREFIXES.replace("PREFIX", "@prefix").replace("> ", "> . ")
    store.load((prefixes + turtle).encode(), format=RdfFormat.TRIG)
    return store


def feature(name, wkt, serialisation="geo:asWKT", kind="wktLiteral"):
    return (
        f":{name} geo:hasDefaultGeometry :{name}-g . "
        f":{name}-g {serialisation} '''{wkt}'''^^geo:{kind} .\n"
    )


@pytest.fixture(scope="module")
def shapes():
    return store_of("".join(feature(n, w) for n, w in SHAPES.items()))


def rewritten(text, *, serialisations=(GEO.asWKT,), base=None):
    return rewrite(Sparql(text=text, base=base), serialisations=lambda: serialisations).text


def answers(store, sparql, *, serialisations=(GEO.asWKT,), schema=None):
    text = rewrite(
        Sparql(text=PREFIXES + sparql), serialisations=lambda: serialisations, schema=schema
    )
    if schema is not None:
        text = entail(text, schema)
    result = store.query(text.text, custom_functions=FUNCTIONS)
    return sorted(
        " ".join(str(row[v]).strip("<>").replace(EX, "") for v in result.variables)
        for row in result
    )


def literals(store):
    """Return the literal that stands for each feature and geometry."""
    own = {q.subject: q.object for q in store.quads_for_pattern(None, GEO.asWKT, None)}
    through = store.quads_for_pattern(None, GEO.hasDefaultGeometry, None)
    return own | {q.subject: own[q.object] for q in through}


@pytest.mark.parametrize("relation", sorted(RELATIONS))
def test_each_rule_holds_between_features_and_geometries(shapes, relation):
    function = FUNCTIONS[NamedNode(GEOF.namespace + relation)]
    known = literals(shapes)
    expected = sorted(
        f"{a.value} {b.value}".replace(EX, "")
        for a, b in product(known, known)
        if function(known[a], known[b]).value == "true"
    )
    assert expected
    assert answers(shapes, f"SELECT ?a ?b {{ ?a geo:{relation} ?b }}") == expected
    # Each kind of pair is there: feature or geometry on either side.
    assert {("-g" in a, "-g" in b) for a, b in map(str.split, expected)} == set(
        product((True, False), repeat=2)
    )


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        (":inner geo:sfWithin ?x", "inner inner-g same same-g square square-g"),
        ("?x geo:sfOverlaps :square-g", "across across-g"),
        ("?x geo:sfTouches :square ; geo:hasDefaultGeometry ?g", "beside"),
        (":square ^geo:sfTouches ?x . ?x geo:asWKT ?w", "beside-g"),
        (":square geo:sfOverlaps/^geo:hasDefaultGeometry ?x", "across"),
        (
            ":across geo:sfOverlaps [ geo:sfEquals ?x ] . ?x geo:asWKT ?w",
            "same-g square-g beside-g",
        ),
        ("?x geo:asWKT ?w . ?x geo:sfCrosses ?x", ""),
        ("?x geo:asWKT ?w FILTER NOT EXISTS { ?x geo:sfIntersects :square }", "far-g"),
        ("?x geo:asWKT ?w MINUS { ?x geo:ehDisjoint :far }", "far-g"),
        ("{ ?x geo:rcc8ntpp :square } UNION { ?x geo:rcc8dc :same }", "far far-g inner inner-g"),
        ("{ SELECT ?x { ?x geo:sfTouches :square } } ?x geo:asWKT ?w", "beside-g"),
        ("VALUES ?x { :far :inner } :inner geo:sfWithin :square .", "far inner"),
        ("VALUES ?x { :far :inner } :square geo:sfWithin :inner .", ""),
        ("?x geo:asWKT ?w OPTIONAL { ?x geo:sfOverlaps :same } FILTER(?x = :point-g)", "point-g"),
        ("?x geo:asWKT ?w OPTIONAL { ?x geo:sfOverlaps ?y } FILTER(?y = :same-g)", "across-g"),
    ],
)
def test_relations_are_derived_wherever_they_stand(shapes, group, expected):
    assert answers(shapes, f"SELECT DISTINCT ?x {{ {group} }}") == sorted(expected.split())


@pytest.mark.parametrize("base", [None, "http://localhost/sparql"])
@pytest.mark.parametrize(
    ("namespace", "name"), [(GEO.namespace, "geo:"), (GEO.namespace[:-1], "geo:\\#")]
)
def test_a_base_changes_no_absolute_iri(base, namespace, name):
    sparql = f"PREFIX geo: <{namespace}> ASK {{ ?a {name}sfWithin ?b }}"
    assert "FILTER" in rewritten(sparql, base=base)


@pytest.mark.parametrize(
    ("written", "base"),
    [
        ("#sfWithin", GEO.namespace[:-1]),
        ("geosparql#sfWithin", GEO.namespace),
        ("../ont/geosparql#sfWithin", GEO.namespace),
        ("//www.opengis.net/ont/geosparql#sfWithin", GEO.namespace),
    ],
)
def test_a_relative_iri_is_resolved(written, base):
    sparql = f"ASK {{ ?a <{written}> ?b }}"
    assert "FILTER" in rewritten(sparql, base=base)


def test_only_a_property_asks_for_how_geometries_are_written():
    def asked():
        raise AssertionError

    for where in (
        f"?a geo:asWKT ?w FILTER({GEOF.sfWithin}(?w, ?v))",
        '?a rdfs:label "sfWithin"',
        "geo:sfWithin rdfs:label ?x",
    ):
        sparql = Sparql(text=f"{PREFIXES} SELECT * {{ {where} }}")
        assert rewrite(sparql, serialisations=asked) is sparql


@pytest.mark.parametrize("sparql", ["SELECT * { ?a geo:asWKT ?w }", "ASK { ?a ?sfWithin ?b }"])
def test_a_query_without_relations_is_the_same_text(sparql):
    text = PREFIXES + sparql
    assert rewritten(text) is text


@pytest.mark.parametrize(
    "sparql",
    [
        "SELECT * { ?a geo:sfWithin",
        "SELECT * { ?a geo:sfWithin ?b LATERAL { ?b geo:asWKT ?w } }",
        "SELECT * { ?a geo:sfWithin+ ?b }",
        'SELECT * { ?a geo:sfWithin "POINT(1 1)"^^geo:wktLiteral }',
        "SELECT * { SERVICE :there { ?a geo:sfWithin ?b } }",
        "INSERT DATA { :a geo:sfWithin :b }",
    ],
)
def test_what_is_not_understood_stays_as_written(sparql):
    assert rewritten(PREFIXES + sparql) == PREFIXES + sparql


def test_without_geometries_only_what_is_stated_is_asked():
    text = PREFIXES + "SELECT * { ?a geo:sfWithin ?b }"
    assert rewritten(text, serialisations=()) is text


def test_what_is_stated_is_kept_and_what_is_also_derived_comes_once(shapes):
    stated = ":moon geo:sfWithin :sky . :inner geo:sfWithin :square . :inner geo:sfWithin :far ."
    store = store_of("".join(feature(n, w) for n, w in SHAPES.items()) + stated)
    assert answers(store, "SELECT ?b { :moon geo:sfWithin ?b }") == ["sky"]
    assert answers(store, "SELECT ?b { :inner geo:sfWithin ?b }") == sorted(
        [*answers(shapes, "SELECT ?b { :inner geo:sfWithin ?b }"), "far"]
    )


def test_several_texts_of_one_geometry_give_one_answer():
    gml = (
        '<gml:Point xmlns:gml="http://www.opengis.net/gml" '
        'srsName="http://www.opengis.net/def/crs/OGC/1.3/CRS84"><gml:pos>1 2</gml:pos></gml:Point>'
    )
    store = store_of(
        feature("both", "POINT(1 2)")
        + feature("both", gml, "geo:asGML", "gmlLiteral")
        + feature("gml", gml, "geo:asGML", "gmlLiteral")
    )
    query = "SELECT ?a { ?a geo:sfEquals :both }"
    assert answers(store, query) == ["both", "both-g"]
    assert answers(store, query, serialisations=[GEO.asWKT, GEO.asGML]) == [
        "both",
        "both-g",
        "gml",
        "gml-g",
    ]


@pytest.mark.parametrize(
    ("sparql", "names"),
    [
        ("SELECT * { ?a geo:sfWithin ?b }", ["a", "b"]),
        ("SELECT * { ?a geo:sfWithin [ geo:sfTouches ?c ] }", ["a", "c"]),
        ("SELECT * { ?a geo:sfWithin/geo:sfTouches ?c }", ["a", "c"]),
        ("SELECT * { GRAPH ?g { :a geo:sfWithin ?b } }", ["b", "g"]),
    ],
)
def test_select_star_gets_no_further_variables(sparql, names):
    text = rewritten(PREFIXES + sparql)
    result = Store().query(text, custom_functions=FUNCTIONS)
    assert [v.value for v in result.variables] == names


def test_a_graph_relates_what_it_holds():
    store = store_of(
        "".join(
            f"GRAPH :{graph} {{ {''.join(feature(n, SHAPES[n]) for n in names)} }}"
            for graph, names in {"one": ["inner", "square"], "two": ["inner", "far"]}.items()
        )
    )
    query = (
        "SELECT ?g ?a ?b { GRAPH ?g { ?a geo:rcc8ntpp ?b . ?a geo:asWKT ?w . ?b geo:asWKT ?v } }"
    )
    assert answers(store, query) == ["one inner-g square-g"]
    query = "SELECT * { GRAPH :two { ?a geo:sfDisjoint :far } }"
    assert answers(store, query) == ["inner", "inner-g"]


def test_every_branch_shows_the_planner_literals_and_what_is_around():
    text = rewritten(
        PREFIXES + 'SELECT * { ?a rdfs:label "a" ; geo:sfWithin ?b . :c :unrelated :d }'
    )
    inner = text[text.index("SELECT DISTINCT") :]
    assert inner.count(str(GEOF.sfWithin)) == 4
    assert inner.count('"a"') == 5
    assert "unrelated" not in inner


ANNOTATED = (
    "".join(feature(n, w) for n, w in SHAPES.items())
    + """
:exact rdfs:subPropertyOf geo:hasDefaultGeometry .
geo:sfWithin rdfs:subPropertyOf :inside .
:room rdfs:subPropertyOf geo:sfWithin .
:house :exact :house-g . :house-g geo:asWKT "POINT(1.2 1.2)"^^geo:wktLiteral .
:desk :room :office . :shed :inside :garden .
"""
)


def test_with_inference_default_geometries_and_relations_are_entailed_too():
    store = store_of(ANNOTATED)
    schema = read_schema(store.query)
    plain = answers(store, "SELECT ?a { ?a geo:rcc8ntpp|geo:sfWithin :inner }")
    assert plain == []  # a path of alternatives is not rewritten
    query = "SELECT ?a { ?a geo:sfWithin :inner }"
    assert answers(store, query) == ["house-g", "inner", "inner-g", "point", "point-g"]
    assert answers(store, query, schema=schema) == [
        "house",
        "house-g",
        "inner",
        "inner-g",
        "point",
        "point-g",
    ]
    assert answers(store, "SELECT ?a { ?a geo:sfWithin :office }", schema=schema) == ["desk"]
    # A super-property of a relation holds wherever the relation does.
    above = "SELECT * { ?a :inside ?b }"
    everywhere = answers(store, above, schema=schema)
    assert {"desk office", "shed garden", "house inner", "point-g square"} <= set(everywhere)
    assert everywhere == sorted(
        [*answers(store, "SELECT * { ?a geo:sfWithin ?b }", schema=schema), "shed garden"]
    )
    assert answers(store, above) == ["shed garden"]


def test_with_inference_types_of_related_things_are_tested():
    store = store_of(ANNOTATED)
    schema = read_schema(store.query)
    query = "SELECT ?a { ?a a geo:Feature ; geo:sfWithin :inner }"
    assert answers(store, query, schema=schema) == ["house", "inner", "point"]
    asked = Sparql(text=PREFIXES + query)
    derived = rewrite(asked, serialisations=lambda: [GEO.asWKT], schema=schema)
    assert "FILTER EXISTS" in entail(derived, schema).text


def test_with_inference_a_store_derives_the_super_properties_of_relations():
    with EmbeddedStore() as store:
        store.update(f"{PREFIXES} INSERT DATA {{ {ANNOTATED} }}")
        found = store.query(f"{PREFIXES} SELECT ?a {{ ?a :inside :inner }}", infer=True)
        names = {row["a"].value.replace(EX, "") for row in found}
        assert names == {"house", "house-g", "inner", "inner-g", "point", "point-g"}
