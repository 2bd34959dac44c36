"""A SERVICE is a join with all that the service could say, wherever it stands.

Random data, random queries; in the reference all that the service could say lies in the store,
and the body of the clause is a triple pattern like any other.
"""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, QueryBoolean, Store

from kg.embedded.store import EmbeddedStore
from kg.errors import QueryError
from ontology.terms import DEEP
from tests.kg.multiples import OF, START, Extension, multiples

EX = "http://example.org/"
PROLOGUE = f"PREFIX deep: <{DEEP.namespace}> PREFIX ex: <{EX}>\n"
GRAPHS = [DefaultGraph(), NamedNode(f"{EX}g"), NamedNode(f"{EX}h")]
NONE = Literal("none")


def everything():
    """Yield all that the service could say, in every graph."""
    for number in range(60):
        for start in (None, 1, 2, 3):
            for place, found in enumerate(multiples(number, 1 if start is None else start)):
                row = NamedNode(f"urn:row:{number}:{start}:{place}")
                said = {OF: Literal(number), START: NONE if start is None else Literal(start)}
                for predicate, value in (said | found).items():
                    for graph in GRAPHS:
                        yield Quad(row, predicate, value, graph)


ROWS = list(everything())
SUBJECTS = ["ex:a", "ex:b", "ex:c", "_:d"]
triples = st.lists(
    st.tuples(
        st.sampled_from(SUBJECTS),
        st.sampled_from(["ex:n", "ex:n", "ex:m", "ex:start"]),
        st.integers(1, 3),
        st.sampled_from(["default", "ex:g", "ex:h"]),
    ),
    max_size=12,
)


@st.composite
def clauses(draw, given="?n", found="?p"):
    """A clause that is given a variable or a constant."""
    factor = draw(st.sampled_from(["", " ; deep:factor ?f", " ; deep:factor 2"]))
    product = draw(st.sampled_from([found, found, found, "6", given]))
    number = draw(st.sampled_from([given, given, given, "2"]))
    body = f"deep:of {number} ; deep:product {product}{factor}"
    written = draw(st.sampled_from(["[] {}", "[ {} ]"])).format(body)
    return f"SERVICE deep:multiples {{ {written} }}"


FILTERS = ["?p > 2", "?p >= 2.5 && 6.1 > ?p", "?n = 2", "?p = 4 || ?n = 3", "?f < 3", "?p != ?n"]


SIMPLE = {
    "triple": ["?x ex:m ?p .", "?x ex:start ?s .", "?y ex:n ?p ."],
    "filter": [f"FILTER({f})" for f in FILTERS],
    "values": ["VALUES ?p { 2 3 4 6 }"],
}
AROUND = {
    "optional": ["OPTIONAL {{ {0} }}"],
    "minus": ["MINUS {{ {0} }}"],
    "exists": ["FILTER EXISTS {{ {0} }}", "FILTER NOT EXISTS {{ {0} }}"],
    "group": ["{{ {0} }}"],
    "union": ["{{ {0} }} UNION {{ {1} }}"],
    "graph": ["GRAPH ex:g {{ ?x ex:n ?n . {0} }}", "GRAPH ?g {{ ?x ex:n ?n . {0} }}"],
    "select": [
        "{{ SELECT ?n ?p {{ ?x ex:n ?n . {0} }} }}",
        "{{ SELECT DISTINCT ?n {{ ?x ex:n ?n . {0} }} }}",
        "{{ SELECT ?n (SUM(?p) AS {2}) {{ ?x ex:n ?n . {0} }} GROUP BY ?n }}",
    ],
}


@st.composite
def parts(draw, depth=0):
    """One part of a group."""
    kinds = ["clause", *SIMPLE, *(["bind", *AROUND] if depth < 2 else [])]
    kind = draw(st.sampled_from(kinds))
    if kind == "clause":
        return draw(clauses())
    if kind in SIMPLE:
        return draw(st.sampled_from(SIMPLE[kind]))
    name = f"?k{depth}{draw(st.integers(0, 999))}"
    if kind == "bind":
        # A clause that is given what is unbound finds nothing, other than a pattern.
        clause = draw(clauses(given=name, found=f"{name}p"))
        return f"?x ex:n ?n . BIND(?n + 1 AS {name}) {clause}"
    inside = draw(groups(depth=depth + 1)), draw(groups(depth=depth + 1))
    return draw(st.sampled_from(AROUND[kind])).format(*inside, name)


@st.composite
def groups(draw, depth=0):
    found = draw(st.lists(parts(depth), min_size=1, max_size=3))
    if draw(st.booleans()):
        found.insert(0, "?x ex:n ?n .")
    return " ".join(found)


@st.composite
def queries(draw):
    body = f"?x ex:n ?n . {draw(groups())}"
    form = draw(st.sampled_from(["SELECT *", "SELECT *", "SELECT DISTINCT ?n ?p", "ASK", "from"]))
    if form == "ASK":
        return f"ASK {{ {body} }}"
    if form == "from":
        return f"SELECT * FROM ex:g FROM NAMED ex:h {{ {body} }}"
    end = draw(st.sampled_from(["", "", " VALUES ?n { 1 2 }", " ORDER BY ?p LIMIT 1000"]))
    return f"{form} {{ {body} }}{end}"


def answer(result):
    if isinstance(result, QueryBoolean):
        return bool(result)
    names = [v.value for v in result.variables]
    order = sorted(range(len(names)), key=lambda i: names[i])
    return sorted(names), Counter(tuple(str(row[i]) for i in order) for row in result)


def filled(data):
    own, reference = EmbeddedStore(extensions=[Extension()]), Store()
    for subject, predicate, value, graph in data:
        triple = f"{subject} {predicate} {value}"
        quad = triple if graph == "default" else f"GRAPH {graph} {{ {triple} }}"
        own.update(f"{PROLOGUE} INSERT DATA {{ {quad} }}")
    reference.extend(own.quads())
    reference.extend(ROWS)
    return own, reference


def as_pattern(sparql):
    """Return a query in which the bodies of the clauses are patterns, in groups of their own."""
    plain = re.sub(r"SERVICE deep:multiples \{ (.*?) \}(?= |$)", r"{ \1 }", sparql)
    return re.sub(r"(deep:of (?:\S+)) ;", rf"\1 ; deep:start {NONE} ;", plain)


@given(data=triples, query=queries())
def test_the_answer_is_that_of_a_join(data, query):
    own, reference = filled(data)
    try:
        expected = answer(reference.query(PROLOGUE + as_pattern(query)))
    except SyntaxError:  # the same variable is bound twice
        with pytest.raises(QueryError):
            own.query(PROLOGUE + query)
        return
    assert answer(own.query(PROLOGUE + query)) == expected
