"""Plain queries have the same answers without the planner, and leave folder and index alone."""

import pytest
from pyoxigraph import QueryResultsFormat, RdfFormat

from kg.embedded.kept_index import kept_file
from kg.embedded.plain_reader import PlainReader, is_plain
from kg.embedded.store import EmbeddedStore
from kg.errors import QueryError, StoreError, StoreLockedError, StoreNotFoundError
from kg.rdf.prefixes import with_prefixes
from kg.results.formats import is_graph, serialise_result

DATA = """
INSERT DATA {
  <urn:a> a <urn:Place> ; rdfs:label "Ä & <b>"@de ; <urn:height> 12 ; geo:hasGeometry <urn:g> .
  <urn:b> a <urn:Place> ; rdfs:label "B" ; <urn:height> 7.5 ; <urn:near> _:x .
  <urn:g> geo:asWKT "POINT(1 2)"^^geo:wktLiteral .
  GRAPH <urn:other> { <urn:c> a <urn:Place> ; <urn:height> 3 }
}
"""
PLAIN = [
    "SELECT * { ?s a ?o } ORDER BY ?s LIMIT 5",
    "SELECT ?s ?l { ?s a <urn:Place> OPTIONAL { ?s rdfs:label ?l } } ORDER BY ?s",
    "SELECT (SUM(?h) AS ?all) { { ?s <urn:height> ?h } UNION { GRAPH ?g { ?s <urn:height> ?h } } }",
    "SELECT ?s (<urn:no-function>(?s) AS ?v) { ?s a <urn:Place> } ORDER BY ?s",
    "SELECT * { ?s <urn:near> ?x FILTER(isBlank(?x)) BIND(1 AS ?one) } ORDER BY ?nothing",
    "ASK { ?s <urn:height> 12 }",
    "CONSTRUCT { ?s <urn:is> ?l } WHERE { ?s rdfs:label ?l }",
    "DESCRIBE <urn:b>",
]
NOT_PLAIN = [
    "SELECT ?s { ?s geo:hasGeometry/geo:asWKT ?w }",
    "SELECT ?s { ?s geo:sfWithin <urn:a> }",
    "SELECT (geof:area(?w) AS ?a) { ?s <urn:wkt> ?w }",
    "SELECT (geof:aggUnion(DISTINCT ?w) AS ?u) { ?s <urn:wkt> ?w }",
    "SELECT (deepf:mean(?v, ?w) AS ?a) { ?v <urn:in> ?w }",
    "SELECT ?a { SERVICE deep:zones { [] deep:zone ?a } }",
    "SELECT ?s FROM <urn:other> FROM <urn:third> { ?s a <urn:Place> }",
    r"SELECT (<http://www.opengis\u002Enet/def/function/geosparql/area>(?w) AS ?a) { ?s ?p ?w }",
    "BASE <https://w3id.org/deepcube/ontology> SELECT (<function#mean>(?v) AS ?a) { ?v ?p ?w }",
]


@pytest.fixture
def folder(tmp_path):
    with EmbeddedStore(tmp_path / "store") as store:
        store.update(with_prefixes(DATA))
    return tmp_path / "store"


def said(result):
    form = RdfFormat.N_TRIPLES if is_graph(result) else QueryResultsFormat.JSON
    body = serialise_result(result, form)
    return sorted(body.split(b"\n")) if is_graph(result) else body


@pytest.mark.parametrize("sparql", PLAIN)
def test_a_plain_query_has_the_answer_of_the_whole_store(folder, sparql):
    sparql = with_prefixes(sparql)
    assert is_plain(sparql)
    with PlainReader(folder) as reader:
        found = said(reader.query(sparql))
    with EmbeddedStore(folder, read_only=True) as store:
        assert found == said(store.query(sparql))


@pytest.mark.parametrize("sparql", NOT_PLAIN)
def test_what_is_evaluated_by_us_is_not_plain(sparql):
    assert not is_plain(with_prefixes(sparql))


def test_a_kept_index_is_believed_after_a_plain_query(folder):
    before = kept_file(folder).stat()
    for _ in range(2):
        with PlainReader(folder) as reader:
            assert reader.query("ASK { <urn:a> a <urn:Place> }")
    with EmbeddedStore(folder) as store:
        assert store.spatial_index.version == 0  # read, and not made again
        assert len(store.spatial_index) == 1
    assert kept_file(folder).stat().st_mtime_ns == before.st_mtime_ns


def test_an_index_that_is_not_believed_stays_so(folder):
    kept_file(folder).with_name("store.spatial.json").write_text("{}")
    with PlainReader(folder) as reader:
        assert reader.query("ASK { <urn:a> a <urn:Place> }")
    with EmbeddedStore(folder) as store:
        assert store.spatial_index.version > 0


def test_what_cannot_be_read_is_refused_as_by_the_store(folder, tmp_path):
    with pytest.raises(StoreNotFoundError, match="no store at"):
        PlainReader(tmp_path / "none")
    with (
        PlainReader(folder) as reader,
        pytest.raises(QueryError, match="malformed SPARQL query: error at 1:19"),
    ):
        reader.query("SELECT ?s { ?s a }")
    with pytest.raises(StoreError, match="is closed"):
        reader.query("ASK { }")
    with EmbeddedStore(folder), pytest.raises(StoreLockedError, match="open in another process"):
        PlainReader(folder)
    assert not (tmp_path / "none").exists()
