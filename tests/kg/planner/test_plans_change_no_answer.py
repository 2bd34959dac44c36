"""A plan may only narrow: with it and without it a query has the same answer.

Random data, random queries, random updates between them; the reference is the store itself
with the GeoSPARQL functions and no index.
"""

import re
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyoxigraph import NamedNode, Quad, QueryBoolean, QueryTriples, Store

from kg.embedded import EmbeddedStore
from kg.geosparql.functions import AGGREGATES, FUNCTIONS
from kg.planner.costs import Costs
from ontology.terms import PREFIXES

PROLOGUE = "".join(f"PREFIX {p}: <{PREFIXES[p]}>\n" for p in ("geo", "geof", "deepf", "xsd")) + (
    "PREFIX ex: <http://example.org/>\n"
)
UNITS = "PREFIX unit: <http://qudt.org/vocab/unit/>\n"
CRS = {
    "": "",
    "crs84": "<http://www.opengis.net/def/crs/OGC/1.3/CRS84> ",
    "lat": "<http://www.opengis.net/def/crs/EPSG/0/4326> ",
    "utm": "<http://www.opengis.net/def/crs/EPSG/0/32631> ",
}
RELATIONS = [
    *("sfIntersects", "sfWithin", "sfContains", "sfTouches", "sfEquals", "sfOverlaps"),
    *("sfCrosses", "sfDisjoint", "ehCoveredBy", "ehMeet", "rcc8ntpp", "rcc8eq", "rcc8po"),
]


def quoted(text: str, datatype: str = "geo:wktLiteral") -> str:
    return f'"{text}"^^{datatype}'


@st.composite
def geometries(draw):
    """A WKT literal on a small grid, so that touching, equal and nested ones are common."""
    x, y = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    w, h = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    kind = draw(st.sampled_from(["point", "point", "box", "box", "line", "multi", "odd"]))
    crs = draw(st.sampled_from(["", "", "", "crs84", "lat", "utm"]))
    if kind == "odd":
        odd = ["POINT EMPTY", "", "POLYGON ((0 0, 1 1", "LINESTRING EMPTY"]
        return quoted(draw(st.sampled_from(odd)))

    def at(a, b):
        if crs == "utm":  # close to the same place
            return f"{166_021 + a * 111_000} {b * 110_600}"
        return f"{b} {a}" if crs == "lat" else f"{a} {b}"

    ring = ", ".join(at(*p) for p in [(x, y), (x + w, y), (x + w, y + h), (x, y + h), (x, y)])
    text = {
        "point": f"POINT ({at(x, y)})",
        "box": f"POLYGON (({ring}))",
        "line": f"LINESTRING ({at(x, y)}, {at(x + w, y + h)})",
        "multi": f"MULTIPOINT (({at(x, y)}), ({at(x + w, y)}))",
    }[kind]
    return quoted(CRS[crs] + text)


#: What a store may write in another way than it was said, or cannot name.
THEMATIC = [
    *("ex:size 1", "ex:size 01", 'ex:size "1"^^xsd:byte', "ex:size 1.0", 'ex:size "x"^^xsd:int'),
    *('ex:label "a"', 'ex:label "a"@EN', 'ex:label "a\\nb\\t\\"c"', 'ex:label "a"^^xsd:string'),
    *("ex:near [ ex:size 1 ]", "ex:near _:b", "ex:near ex:f1, ex:f2, ex:f3", "ex:part ex:g1"),
]


@st.composite
def feature_triples(draw):
    """The triples of one feature, in one of the ways that people model geometry."""
    n = draw(st.integers(0, 12))
    feature = f"ex:f{n}"
    kind = draw(st.sampled_from(["ex:A", "ex:B"]))
    literal = draw(geometries())
    link = draw(st.sampled_from(["geo:hasGeometry", "geo:hasDefaultGeometry"]))
    models = ["node", "node", "blank", "own", "two", "two", "other", "shared", "mixed", "copy"]
    model = draw(st.sampled_from(models))
    said = {
        "node": f"{feature} {link} ex:g{n} . ex:g{n} geo:asWKT {literal} .",
        "blank": f"{feature} {link} [ geo:asWKT {literal} ] .",
        "own": f"{feature} geo:asWKT {literal} .",
        "two": f"{feature} {link} ex:g{n} . ex:g{n} geo:asWKT {literal}, {draw(geometries())} .",
        "other": f"{feature} ex:place ex:g{n} . ex:g{n} ex:shape {literal} .",
        "mixed": f'{feature} {link} ex:g{n} . ex:g{n} geo:asWKT {literal}, "foo"@en, ex:o{n} .',
        "copy": f"{feature} {link} ex:g{n} ; ex:shape {literal} . ex:g{n} geo:asWKT {literal} .",
        "shared": f"{feature} {link} ex:g0 . ex:g0 geo:asWKT {literal} .",
    }[model]
    more = draw(st.sampled_from(["", "", *(f"; {p}" for p in THEMATIC)]))
    return f"{feature} a {kind} ; ex:near ex:f{draw(st.integers(0, 12))} {more} . {said}"


@st.composite
def documents(draw):
    """TriG-like data: triples of the default graph and of two named ones."""
    parts = draw(
        st.lists(
            st.tuples(st.sampled_from(["", "", "ex:n1", "ex:n2"]), feature_triples()),
            min_size=1,
            max_size=14,
        )
    )
    return " ".join(f"GRAPH {g} {{ {t} }}" if g else t for g, t in parts)


@st.composite
def filters(draw, left="?w", right=None):
    """A filter on one literal, or on two."""
    constant = draw(geometries())
    other = right or constant
    a, b = draw(st.sampled_from([(left, other), (other, left)]))
    shape = draw(st.sampled_from(["relation"] * 4 + ["distance", "metric", "relate", "and"]))
    name = draw(st.sampled_from(RELATIONS))
    bound = draw(st.sampled_from([0, 1, 150_000, 400_000]))
    if shape == "relation":
        return f"FILTER(geof:{name}({a}, {b}))"
    if shape == "distance" and draw(st.integers(0, 9)) == 0:
        wrong = draw(st.sampled_from(["'9'", '"9"^^ex:number', "true"]))
        return f"FILTER(geof:distance({a}, {b}, unit:KiloM) < {wrong})"
    if shape == "distance":
        return f"FILTER(geof:distance({a}, {b}, unit:KiloM) < {bound / 1000})"
    if shape == "metric":
        return f"FILTER({bound} >= geof:metricDistance({a}, {b}))"
    if shape == "relate":
        matrix = draw(st.sampled_from(["T*****FF*", "FF*FF****", "T********"]))
        return f'FILTER(geof:relate({a}, {b}, "{matrix}"))'
    return f"FILTER(geof:{name}({a}, {b}) && ?s != ex:f3)"


PATTERNS = [
    "?s geo:hasGeometry ?g . ?g geo:asWKT ?w .",
    "?s geo:hasGeometry/geo:asWKT ?w .",
    "?s geo:hasDefaultGeometry [ geo:asWKT ?w ] .",
    "?s geo:asWKT ?w .",
    "?s a ex:A ; geo:hasGeometry ?g . ?g geo:asWKT ?w .",
    "?s ex:place ?g . ?g ex:shape ?w .",
    "?s geo:hasGeometry ?g . ?g geo:asWKT ?w . ?s ex:near ?o .",
    "?s ?link ?g . ?g geo:asWKT ?w .",
    "?s geo:hasGeometry ?g . ?g geo:asWKT ?w . ?s ex:near ?o . ?o ex:size 1 .",
    '?s ex:label "a"@en . ?s geo:hasGeometry ?g . ?g geo:asWKT ?w .',
    "?s geo:hasGeometry ?g . ?g geo:asWKT ?w . ?s ex:near ?s .",
    "?s geo:hasGeometry ?g . ?g geo:asWKT ?w . ?o ex:near ?s ; ex:label ?v .",
    "?s geo:hasGeometry ?g . ?g geo:asWKT ?w . ?s ex:part ?g ; ex:size ?v .",
    "?s geo:hasGeometry ?g . ?g geo:asWKT ?w . ex:f1 ex:near ?s .",
    "VALUES ?v { 1 2 } ?s geo:hasGeometry ?g . ?g geo:asWKT ?w .",
    "?s geo:hasGeometry ?g ; ex:shape ?w . ?g geo:asWKT ?w .",
    "?s geo:hasGeometry ?g . ?g geo:asWKT ?w . ?o geo:asWKT ?w .",
    "VALUES ?s { ex:f1 ex:f2 ex:f3 } ?s geo:hasGeometry ?g . ?g geo:asWKT ?w .",
]


@st.composite
def queries(draw):
    """A query with spatial filters in one of many places."""
    pattern = draw(st.sampled_from(PATTERNS + PATTERNS[:2] * 4))
    one = draw(filters())
    inside = f"{pattern} {one}"
    both = f"{pattern} {renamed(pattern)} {draw(filters('?w', '?w2'))}"
    place = draw(
        st.sampled_from(
            [
                "plain",
                "plain",
                "join",
                "join",
                "things",
                "optional",
                "union",
                "minus",
                "exists",
                "not exists",
                "sub",
                "graph",
                "named graph",
                "bind",
                "star",
                "count",
                "join count",
                "distinct",
                "from",
                "ask",
                "group",
                "join and",
                "split",
                "limit",
                "first",
                "first",
            ]
        )
    )
    bound = "?s ?w"
    spoken = {n for n in ("?s", "?o", "?v", "?g") if n in pattern}
    values = draw(
        st.sampled_from(["", "", "VALUES ?s { ex:f1 ex:f1 ex:f2 ex:f3 }", "VALUES ?w {}"])
    )
    return (
        PROLOGUE
        + UNITS
        + {
            "plain": f"SELECT ?s {{ {inside} }} {values}",
            "star": f"SELECT * {{ {inside} }}",
            "join": f"SELECT ?s2 {{ {both} }} {values}",
            "things": f"SELECT {' '.join(sorted(spoken))} {{ {inside} }}",
            "join and": f"SELECT ?s ?w2 {{ {both} {one} ?s ex:near ?z . }}",
            "optional": f"SELECT * {{ ?s a ex:A . OPTIONAL {{ {inside} }} }}",
            "union": f"SELECT {bound} {{ {{ {inside} }} UNION {{ ?s a ex:B }} }}",
            "minus": f"SELECT ?s {{ ?s a ?k . MINUS {{ {inside} }} }}",
            "exists": f"SELECT ?s {{ ?s a ?k . FILTER EXISTS {{ {inside} }} }}",
            "not exists": f"SELECT ?s {{ ?s a ?k . FILTER NOT EXISTS {{ {inside} }} }}",
            "sub": f"SELECT * {{ {{ SELECT ?s (COUNT(*) AS ?n) {{ {inside} }} GROUP BY ?s }} }}",
            "graph": f"SELECT ?s ?x {{ GRAPH ?x {{ {inside} }} }}",
            "named graph": f"SELECT ?s {{ GRAPH ex:n1 {{ {inside} }} }}",
            "bind": f"SELECT ?s {{ {pattern} BIND({draw(geometries())} AS ?c) "
            f"FILTER(geof:sfIntersects(?w, ?c)) }}",
            "count": f"SELECT (COUNT(*) AS ?n) {{ {inside} }}",
            "join count": f"SELECT (COUNT(*) AS ?n) {{ {both} }}",
            "distinct": f"SELECT DISTINCT ?s {{ {inside} }}",
            "from": f"SELECT ?s {MERGED} {{ {inside} }}",
            "ask": f"ASK {{ {inside} }}",
            "group": f"SELECT ?k (COUNT(?s) AS ?n) {{ {inside} ?s a ?k }} GROUP BY ?k",
            "split": f"SELECT ?s {{ {one} ?s a ?k . {pattern} OPTIONAL {{ ?s ex:near ?n }} }}",
            "first": f"SELECT {draw(st.sampled_from(['?s', '?s ?w', '*']))} {{ {inside} }} "
            f"LIMIT {draw(st.integers(0, 6))}",
            "limit": f"SELECT (COUNT(*) AS ?n) {{ SELECT ?s {{ {inside} }} LIMIT 3 }}",
        }[place]
    )


def renamed(pattern):
    """Return a pattern with variables of its own."""
    for name in ("?s", "?g", "?w", "?o", "?link", "?v"):
        pattern = pattern.replace(name, name + "2")
    return pattern


@st.composite
def updates(draw):
    """An update of one of the kinds there are."""
    data = draw(documents())
    feature = f"ex:f{draw(st.integers(0, 12))}"
    node = f"ex:g{draw(st.integers(0, 12))}"
    literal = draw(geometries())
    graph = draw(st.sampled_from(["ex:n1", "ex:n2"]))
    return PROLOGUE + draw(
        st.sampled_from(
            [
                f"INSERT DATA {{ {data} }}",
                f"INSERT DATA {{ {feature} geo:hasGeometry {node} . {node} geo:asWKT {literal} }}",
                f"DELETE WHERE {{ {node} geo:asWKT ?w }}",
                f'INSERT DATA {{ {node} geo:asWKT "foo", {literal} }}',
                (
                    f"DELETE {{ ?g geo:asWKT ?w }} WHERE {{ ?g geo:asWKT ?w "
                    f"FILTER(geof:sfIntersects(?w, {draw(geometries())})) }}"
                ),
                (
                    "INSERT { ?n geo:asWKT ?c . ?s geo:hasGeometry ?n } WHERE { ?s a ex:A . "
                    "?s geo:asWKT ?w BIND(geof:envelope(?w) AS ?c) BIND(BNODE() AS ?n) }"
                ),
                f"DELETE WHERE {{ {feature} ?p ?o }}",
                f"DELETE DATA {{ {feature} ex:size 01 ; ex:label 'a'@en ; ex:near ex:f1 }}",
                (
                    f"INSERT DATA {{ {feature} ex:size 1 ; a ex:A }} ; DELETE DATA {{ {feature} "
                    f"a ex:A }} ; INSERT DATA {{ {feature} ex:near {node} }}"
                ),
                f"DELETE WHERE {{ {feature} ex:near ?o }}",
                "INSERT { ?s ex:near ?o } WHERE { ?o ex:near ?s }",
                (
                    f"DELETE {{ {node} geo:asWKT ?w }} INSERT {{ {node} geo:asWKT {literal} }} "
                    f"WHERE {{ {node} geo:asWKT ?w }}"
                ),
                f"INSERT {{ ?s geo:hasGeometry [ geo:asWKT {literal} ] }} WHERE {{ ?s a ex:A }}",
                (
                    "DELETE { ?s geo:hasGeometry ?g } INSERT { ?s geo:hasDefaultGeometry ?g } "
                    "WHERE { ?s geo:hasGeometry ?g }"
                ),
                "DELETE WHERE { ?s geo:hasGeometry ?g . ?g geo:asWKT ?w }",
                "INSERT { ?s ex:shape ?w } WHERE { ?s geo:asWKT ?w }",
                f"WITH {graph} DELETE {{ ?g geo:asWKT ?w }} WHERE {{ ?g geo:asWKT ?w }}",
                f"CLEAR SILENT GRAPH {graph}",
                "CLEAR DEFAULT",
                "DROP NAMED",
                f"COPY SILENT {graph} TO DEFAULT",
                "MOVE SILENT ex:n1 TO ex:n2",
                "ADD DEFAULT TO ex:n1",
                f"DELETE DATA {{ {feature} geo:hasGeometry {node} }} ; INSERT DATA {{ {data} }}",
                (
                    "DELETE { ?g geo:asWKT ?w } WHERE { ?g geo:asWKT ?w } ; "
                    "INSERT { ?g geo:asWKT ?w } WHERE { ?g ex:shape ?w }"
                ),
            ]
        )
    )


def answer(result):
    """Return a result so that equal ones are equal; blank nodes keep their labels."""
    if isinstance(result, QueryBoolean):
        return bool(result)
    if isinstance(result, QueryTriples):
        return Counter(str(t) for t in result)
    names = [v.value for v in result.variables]
    return names, Counter(tuple(str(v) for v in row) for row in result)


MERGED = "FROM ex:n1 FROM ex:n2"


def plainly(store, query):
    """Return the answer without index and plan; pyoxigraph has no merge of graphs."""
    opened = store.opened
    if MERGED in query:
        both = (NamedNode("http://example.org/n1"), NamedNode("http://example.org/n2"))
        quads = [q for g in both for q in opened.quads_for_pattern(None, None, None, g)]
        opened = Store()
        opened.extend(Quad(*q.triple) for q in quads)
        query = query.replace(MERGED, "")
    return opened.query(query, custom_functions=FUNCTIONS, custom_aggregate_functions=AGGREGATES)


def check(store, query):
    """Compare a query's answer with that of the store; with LIMIT it is some of all solutions."""
    limit = re.search(r"LIMIT (\d+)$", query)
    if limit is not None:
        whole = query.removesuffix(limit[0])
        names, every = answer(plainly(store, whole))
        found_names, found = answer(store.query(query, rewrite=False))
        assert found_names == names
        assert found <= every
        assert found.total() == min(int(limit[1]), every.total()), store.explain(query)
        return
    expected = answer(plainly(store, query))
    assert answer(store.query(query, rewrite=False)) == expected, store.explain(
        query, rewrite=False
    )


def costs(few, many):
    """Return thresholds by which small data take the ways of large data."""
    if few:
        return Costs(
            many_selected=many, few_candidates=few, many_read=few, first_slice=2, slice_share=1
        )
    return Costs(many_selected=many, few_candidates=0, many_read=0, lookup=0.01, few_values=0)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    documents(),
    st.lists(st.one_of(queries(), queries(), updates()), min_size=2, max_size=8),
    st.sampled_from([0, 200]),
    st.sampled_from([0, 2000]),
)
def test_a_planned_query_answers_as_the_store_does_without_an_index(data, script, few, many):
    with EmbeddedStore(costs=costs(few, many)) as store:
        store.update(PROLOGUE + f"INSERT DATA {{ {data} }}")
        for step in script:
            if any(word in step for word in ("SELECT", "ASK")):
                check(store, step)
            else:
                store.update(step)


def test_many_literals_are_found_with_their_features():
    data = " ".join(
        f"ex:f{n} a ex:A ; geo:hasGeometry ex:g{n} . ex:g{n} ex:n {n % 7} . "
        f'ex:g{n} geo:asWKT "POINT ({n % 50} {n // 50})"^^geo:wktLiteral .'
        for n in range(2_500)
    )
    everywhere = '"POLYGON ((-1 -1, 51 -1, 51 51, -1 51, -1 -1))"^^geo:wktLiteral'
    with EmbeddedStore() as store:
        store.update(PROLOGUE + f"INSERT DATA {{ {data} }}")
        for chosen, more in (
            *(("?s ?w", ""), ("*", ""), ("?g ?w", ""), ("?w", "")),
            *(("*", "?s a ex:A ."), ("?s", "?s a ex:A . ?g ex:n ?n ."), ("?s ?n", "?g ex:n ?n .")),
        ):
            check(
                store,
                f"{PROLOGUE} SELECT {chosen} {{ ?s geo:hasGeometry ?g . {more} "
                f"?g geo:asWKT ?w FILTER(geof:sfWithin(?w, {everywhere})) }}",
            )
