"""What is read from a store by property: the same as quad by quad."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, Store, Triple

from kg.embedded import reader as store_reader
from kg.embedded.reader import geometry_properties, items, said_by
from kg.index.statements import statement_of
from ontology.terms import GEO

NODES = st.sampled_from([NamedNode("urn:a"), NamedNode("urn:é"), BlankNode("b"), BlankNode("c1")])
DATATYPES = st.sampled_from([GEO.wktLiteral, GEO.gmlLiteral, NamedNode("urn:d")])
LITERALS = st.one_of(
    st.builds(Literal, st.text(st.characters(codec="utf-8")), datatype=DATATYPES),
    st.builds(Literal, st.sampled_from(['a "^^<b>', "1"]), language=st.just("en")),
    st.builds(Literal, st.integers()),
)
TRIPLES = st.builds(Triple, NODES, st.just(GEO.asWKT), LITERALS)
QUADS = st.builds(
    Quad,
    NODES,
    st.sampled_from([GEO.asWKT, GEO.hasGeometry]),
    st.one_of(NODES, LITERALS, TRIPLES),
    st.one_of(NODES, st.just(DefaultGraph())),
)


@given(st.lists(QUADS), st.sampled_from([1, 100, 10_000]))
def test_a_property_is_read_as_its_quads_are(quads, block):
    store = Store()
    store.extend(quads)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(store_reader, "BLOCK", block)
        for predicate in (GEO.asWKT, GEO.hasGeometry):
            document = said_by(store, predicate.value)
            found = [item for _, part in items(document, predicate.value) for item in part]
            read = map(statement_of, store.quads_for_pattern(None, predicate, None, None))
            assert Counter(found) == Counter(i for i in read if i is not None)


def test_properties_of_ones_own_are_known_by_their_literals():
    store = Store()
    point = Literal("POINT (1 1)", datatype=GEO.wktLiteral)
    for name, target in (("shape", point), ("name", Literal("x")), ("near", NamedNode("urn:b"))):
        store.add(Quad(NamedNode("urn:a"), NamedNode(f"urn:{name}"), target, NamedNode("urn:g")))
    store.add(Quad(NamedNode("urn:a"), GEO.asWKT, point))
    assert geometry_properties(store) == ["urn:shape"]
