"""Queries in the shapes that are planned beyond one pattern and its filter."""

from hypothesis import strategies as st

from tests.strategies.geometries import PROLOGUE, UNITS, geometries
from tests.strategies.queries import PATTERNS, filters, renamed


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
