"""Over HTTP every request has a base; it must not matter to absolute IRIs that end with #."""

import pytest

from kg.embedded.store import EmbeddedStore
from ontology.terms import PREFIXES

PROLOGUE = f"PREFIX : <http://example.org/#> PREFIX geo: <{PREFIXES['geo']}>\n"
INSERT = """INSERT DATA {
    :a geo:hasDefaultGeometry :ag . :ag geo:asWKT "POINT(1 1)"^^geo:wktLiteral .
    :square geo:hasDefaultGeometry :sg .
    :sg geo:asWKT "POLYGON((0 0, 9 0, 9 9, 0 9, 0 0))"^^geo:wktLiteral }"""


@pytest.mark.parametrize("base", [None, "http://localhost:8000/sparql"])
@pytest.mark.parametrize(
    ("sparql", "infer", "count"),
    [
        ("SELECT ?x { ?x geo:sfWithin :square }", False, 4),
        ("SELECT ?x { ?x a geo:Feature }", True, 2),
    ],
)
def test_a_base_changes_no_answer(base, sparql, infer, count):
    with EmbeddedStore() as store:
        # Asked before the write, so that the index has to follow it.
        assert not list(store.query(PROLOGUE + sparql, base_iri=base, infer=infer))
        store.update(PROLOGUE + INSERT, base_iri=base)
        assert len(list(store.query(PROLOGUE + sparql, base_iri=base, infer=infer))) == count
