"""A plan may only narrow: with it and without it a query has the same answer.

Random data, random queries, random updates between them; the reference is the store itself
with the GeoSPARQL functions and no index.
"""

import contextlib
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyoxigraph import QueryBoolean, QueryTriples

from kg.embedded import EmbeddedStore
from kg.geosparql.functions import AGGREGATES, FUNCTIONS
from kg.planner import correlation, evaluation, plan
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
    return f"{feature} a {kind} ; ex:near ex:f{draw(st.integers(0, 12))} . {said}"


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
            ]
        )
    )
    bound = "?s ?w"
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
            "from": f"SELECT ?s FROM ex:n1 FROM ex:n2 {{ {inside} }}",
            "ask": f"ASK {{ {inside} }}",
            "group": f"SELECT ?k (COUNT(?s) AS ?n) {{ {inside} ?s a ?k }} GROUP BY ?k",
            "split": f"SELECT ?s {{ {one} ?s a ?k . {pattern} OPTIONAL {{ ?s ex:near ?n }} }}",
            "limit": f"SELECT (COUNT(*) AS ?n) {{ SELECT ?s {{ {inside} }} LIMIT 3 }}",
        }[place]
    )


def renamed(pattern):
    """Return a pattern with variables of its own."""
    for name in ("?s", "?g", "?w", "?o", "?link", "?v"):
        pattern = pattern.replace(name, name + "2")
    return pattern


@st.composite
def conditions(draw, left="?w", right=None):
    """What a filter says, without the word."""
    return draw(filters(left, right)).removeprefix("FILTER")


@st.composite
def tables(draw):
    """VALUES for ?b: geometries, repeated ones, what is none, and UNDEF."""
    terms = st.one_of(
        geometries(), geometries(), st.sampled_from(['"foo"', '"foo"@en', "ex:f1", "UNDEF"])
    )
    rows = draw(st.lists(terms, max_size=4))
    if draw(st.booleans()):
        return f"VALUES (?n ?b) {{ {' '.join(f'({i % 2} {r})' for i, r in enumerate(rows))} }}"
    return f"VALUES ?b {{ {' '.join(rows)} }}"


def placed(pattern, table, condition):
    """Return the ways in which VALUES, a pattern and a filter stand beside one another."""
    return [
        f"{table} {pattern} FILTER{condition}",
        f"{pattern} FILTER{condition} {table}",
        f"{pattern} OPTIONAL {{ ?s a ?k }} {table} FILTER{condition}",
        f"{{ {table} }} {{ {pattern} }} FILTER{condition}",
        f"{table} OPTIONAL {{ {pattern} FILTER{condition} }}",
        f"{table} ?s a ?k FILTER EXISTS {{ {pattern} FILTER{condition} }}",
        f"{table} {{ {pattern} FILTER{condition} }}",
        f"{{ {table} }} UNION {{ ?s ex:shape ?b }} {pattern} FILTER{condition}",
    ]


def nested(pattern, condition):
    """Return the ways in which a filter stands outside of the group of its pattern."""
    where = f"FILTER{condition}"
    return [
        f"{{ {pattern} }} {where}",
        f"{where} {{ {{ {pattern} }} ?s a ?k }}",
        f"{{ {pattern} }} UNION {{ ?s ex:shape ?w }} {where}",
        f"?s a ?k OPTIONAL {{ {pattern} }} {where}",
        f"OPTIONAL {{ {pattern} }} OPTIONAL {{ ?s ex:shape ?w }} {where}",
        f"OPTIONAL {{ {pattern} }} ?s ex:shape ?w {where}",
        f"{{ ?s a ?k OPTIONAL {{ {pattern} }} }} ?s ex:near ?z {where}",
        f"{{ ?s a ?k OPTIONAL {{ {pattern} }} }} {{ ?z geo:asWKT ?w }} {where}",
        f"OPTIONAL {{ {pattern} }} OPTIONAL {{ ?g ex:shape ?z }} {where}",
        f"?s a ?k OPTIONAL {{ {pattern} }} FILTER(!BOUND(?w) || {condition})",
        f"{{ SELECT ?s ?w {{ {pattern} }} }} {where}",
        f"{{ SELECT DISTINCT ?w {{ {pattern} }} }} {where}",
        f"{{ SELECT * {{ {pattern} }} ORDER BY ?s }} {where}",
        f"{{ SELECT ?s {{ {pattern} }} }} ?s ex:shape ?w {where}",
        f"{{ SELECT (MIN(?s) AS ?m) ?w {{ {pattern} }} GROUP BY ?w }} {where}",
        f"GRAPH ?x {{ {pattern} }} {where}",
        f"{{ GRAPH ex:n1 {{ {pattern} }} }} UNION {{ {pattern} }} {where}",
        f"?s ex:shape ?w MINUS {{ {pattern} }} {where}",
        f"?s a ?k FILTER EXISTS {{ {{ {pattern} }} {where} }}",
        f"{{ {pattern} }} {{ ?o ex:shape ?w }} {where}",
    ]


def bound(pattern, expression, more):
    """Return the ways in which BIND stands before a filter."""
    return [
        f"{pattern} BIND({expression} AS ?d) FILTER(?d {more})",
        f"BIND({expression} AS ?d) {pattern} FILTER(?d {more})",
        f"{pattern} BIND({expression} AS ?d) ?s ex:near ?d FILTER(?d {more})",
        f"{pattern} BIND({expression} AS ?d) OPTIONAL {{ ?s ex:size ?d }} FILTER(?d {more})",
        f"{{ {pattern} BIND({expression} AS ?d) }} FILTER(?d {more})",
        f"{pattern} OPTIONAL {{ BIND({expression} AS ?d) }} FILTER(?d {more})",
    ]


def correlated(pattern, other, condition):
    """Return the ways in which a filter relates what is inside to what is outside."""
    return [
        f"{pattern} OPTIONAL {{ {other} FILTER{condition} }}",
        f"{pattern} OPTIONAL {{ ?s ex:near ?s2 . {other} FILTER{condition} }}",
        f"{pattern} OPTIONAL {{ {other} FILTER({condition} && ?s != ?s2) }}",
        f"{pattern} OPTIONAL {{ {{ {other} }} FILTER{condition} }}",
        f"OPTIONAL {{ {pattern} }} OPTIONAL {{ {other} FILTER{condition} }}",
        f"{pattern} OPTIONAL {{ {other} OPTIONAL {{ ?s2 a ?k FILTER{condition} }} }}",
        f"{pattern} OPTIONAL {{ {other} FILTER{condition} }} OPTIONAL {{ ?s2 a ?k }}",
        f"{pattern} FILTER EXISTS {{ {other} FILTER{condition} }}",
        f"{pattern} FILTER NOT EXISTS {{ {other} FILTER{condition} }}",
        f"{pattern} FILTER NOT EXISTS {{ {other} FILTER({condition} && ?s != ?s2) }}",
        f"{pattern} FILTER EXISTS {{ ?s ex:near ?s2 . {other} FILTER{condition} }}",
        f"{pattern} FILTER(EXISTS {{ {other} FILTER{condition} }} || ?s = ex:f1)",
        f"{pattern} FILTER NOT EXISTS {{ {{ {other} }} FILTER{condition} }}",
        f"?s a ?k OPTIONAL {{ {pattern} }} FILTER NOT EXISTS {{ {other} FILTER{condition} }}",
        f"{pattern} MINUS {{ {other} FILTER{condition} }}",
    ]


#: What has few geometries: constants among them.
ANCHORS = [
    "ex:g1 geo:asWKT ?w2 .",
    "ex:f1 geo:hasGeometry/geo:asWKT ?w2 .",
    "ex:f1 ex:shape ?w2 .",
    "GRAPH ?x { ex:g2 geo:asWKT ?w2 }",
    "{ ex:f2 (geo:hasGeometry|geo:hasDefaultGeometry)/geo:asWKT ?w2 }",
]


@st.composite
def wheres(draw):
    """The inside of a WHERE, in one of the shapes that are planned beyond the plain ones."""
    pattern = draw(st.sampled_from(PATTERNS + PATTERNS[:2] * 4))
    other = renamed(draw(st.sampled_from(PATTERNS + PATTERNS[:2] * 4)))
    constant = draw(geometries())
    one, two = draw(conditions()), draw(conditions())
    both = draw(conditions("?w", "?w2"))
    bound_at = draw(st.sampled_from(["0", "1", "150", "400.5", "'NaN'^^xsd:double", "'9'"]))
    distance = f"geof:distance(?w, {constant}, unit:KiloM)"
    kind = draw(
        st.sampled_from(["values", "nested", "or", "bind", "anchor", "correlated", "graph"])
    )
    if kind == "values":
        table = draw(tables())
        ways = placed(pattern, table, draw(conditions("?w", "?b")))
        ways += placed(pattern, f"BIND({constant} AS ?b)", draw(conditions("?w", "?b")))
    elif kind == "nested":
        ways = nested(pattern, one)
    elif kind == "or":
        ways = [
            f"{pattern} FILTER({one} || {two})",
            f"{pattern} FILTER({one} || {two} || {distance} < {bound_at})",
            f"{pattern} FILTER({one} || ?s = ex:f3)",
            f"{pattern} FILTER(({one} && ?s != ex:f3) || ({two} && {one}))",
            f"{pattern} FILTER(({one} || {two}) && ?s != ex:f3)",
            f"{pattern} FILTER({one} || ({two} = true))",
            f"{pattern} {other} FILTER(({both} && {one}) || ({both} && {two}))",
            f"{{ {pattern} }} FILTER({one} || {two})",
        ]
    elif kind == "bind":
        ways = bound(pattern, distance, f"< {bound_at}") + bound(pattern, one, "= true")
        ways += [f"{pattern} BIND({one} AS ?d) FILTER(?d)"]
        ways += [f"{pattern} BIND({bound_at} AS ?d) FILTER({distance} < ?d)"]
    elif kind == "anchor":
        anchor = draw(st.sampled_from(ANCHORS))
        ways = [f"{anchor} {pattern} FILTER{both}", *correlated(anchor, pattern, both)]
    elif kind == "correlated":
        ways = correlated(pattern, other, both)
    else:
        ways = [
            f"GRAPH ?x {{ {pattern} {other} FILTER{both} }}",
            f"GRAPH ?x {{ {pattern} {other} FILTER{both} FILTER{one} }}",
            f"GRAPH ?x {{ {pattern} OPTIONAL {{ {other} FILTER{both} }} }}",
            f"GRAPH ?x {{ {pattern} FILTER NOT EXISTS {{ {other} FILTER{both} }} }}",
            f"GRAPH ?x {{ {pattern} }} GRAPH ?y {{ {other} }} FILTER{both}",
            f"{pattern} GRAPH ?x {{ {other} }} FILTER{both}",
            f"GRAPH ?x {{ {pattern} }} FILTER({one} || {two})",
        ]
    return draw(st.sampled_from(ways))


@st.composite
def shapes(draw):
    """A query in one of the shapes that are planned beyond the plain ones."""
    where = draw(wheres())
    head = draw(
        st.sampled_from(
            [
                *("SELECT *", "SELECT *", "SELECT ?s", "SELECT ?s ?w ?d ?b", "SELECT DISTINCT ?s"),
                *("SELECT (COUNT(*) AS ?count)", "SELECT ?s ?s2", "ASK"),
                *("SELECT ?s FROM ex:n1 FROM ex:n2", "SELECT * FROM ex:n1 FROM NAMED ex:n2"),
            ]
        )
    )
    tail = draw(st.sampled_from(["", "", "VALUES ?s { ex:f1 ex:f1 ex:f2 }", "ORDER BY ?d ?s ?w"]))
    return f"{PROLOGUE}{UNITS}{head} {{ {where} }} {tail if head != 'ASK' else ''}"


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


def plainly(store, query):
    """Return the answer without index and plan."""
    return store.opened.query(
        query, custom_functions=FUNCTIONS, custom_aggregate_functions=AGGREGATES
    )


def check(store, query):
    expected = answer(plainly(store, query))
    assert answer(store.query(query, rewrite=False)) == expected, store.explain(
        query, rewrite=False
    )


@contextlib.contextmanager
def thresholds(few, many):
    """Let small data take the ways of large data."""
    before = evaluation.FEW, evaluation.LOOKUP_COST, plan.MANY, correlation.FEW_VALUES
    evaluation.FEW, plan.MANY = few, many
    evaluation.LOOKUP_COST = 2.5 if few else 0.01
    correlation.FEW_VALUES = 64 if few else 0
    try:
        yield
    finally:
        evaluation.FEW, evaluation.LOOKUP_COST, plan.MANY, correlation.FEW_VALUES = before


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    documents(),
    st.lists(st.one_of(queries(), shapes(), shapes(), updates()), min_size=2, max_size=8),
    st.sampled_from([0, 200]),
    st.sampled_from([0, 2000]),
)
def test_a_planned_query_answers_as_the_store_does_without_an_index(data, script, few, many):
    with EmbeddedStore() as store, thresholds(few, many):
        store.update(PROLOGUE + f"INSERT DATA {{ {data} }}")
        for step in script:
            if any(word in step for word in ("SELECT", "ASK")):
                check(store, step)
            else:
                store.update(step)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    documents(),
    wheres(),
    st.sampled_from(["", "", "WITH ex:n1", "USING ex:n1", "USING ex:n1 USING NAMED ex:n2"]),
    st.sampled_from([0, 200]),
)
def test_a_planned_update_writes_what_it_does_without_a_plan(data, where, graphs, few):
    first, using = (graphs, "") if graphs.startswith("WITH") else ("", graphs)
    update = (
        f"{PROLOGUE}{UNITS}{first} DELETE {{ ?s ex:near ?o }} INSERT {{ ?s ex:saw ?w, ?d, ?b }} "
        f"{using} WHERE {{ {where} }} ; INSERT DATA {{ ex:f0 ex:done 1 }}"
    )
    with EmbeddedStore() as store, EmbeddedStore() as plain, thresholds(few, 0):
        store.update(PROLOGUE + f"INSERT DATA {{ {data} }}")
        plain.opened.extend(store.quads())
        store.update(update)
        plain.opened.update(
            update, custom_functions=FUNCTIONS, custom_aggregate_functions=AGGREGATES
        )
        assert set(store.quads()) == set(plain.quads())


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
