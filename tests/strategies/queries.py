"""Queries of one pattern, or two, with spatial filters in all places where one can stand."""

from hypothesis import strategies as st

from tests.strategies.geometries import PROLOGUE, RELATIONS, UNITS, geometries

#: Asks for the merge of two graphs.
MERGED = "FROM ex:n1 FROM ex:n2"


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
