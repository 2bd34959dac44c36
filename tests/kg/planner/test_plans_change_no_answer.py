"""A plan may only narrow: with it and without it a query has the same answer.

Random data, random queries, random updates between them; the reference is the store itself
with the GeoSPARQL functions and no index.
"""

import re
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import NamedNode, Quad, QueryBoolean, QueryTriples, Store

from kg.embedded.store import EmbeddedStore
from kg.geosparql.aggregates import AGGREGATES
from kg.geosparql.functions import FUNCTIONS
from kg.planner.costs import Costs
from tests.strategies.documents import documents
from tests.strategies.geometries import PROLOGUE
from tests.strategies.queries import MERGED, queries
from tests.strategies.updates import updates


def answer(result):
    """Return a result so that equal ones are equal; blank nodes keep their labels."""
    if isinstance(result, QueryBoolean):
        return bool(result)
    if isinstance(result, QueryTriples):
        return Counter(str(t) for t in result)
    names = [v.value for v in result.variables]
    return names, Counter(tuple(str(v) for v in row) for row in result)


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
