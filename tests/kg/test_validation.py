import pytest
from pyoxigraph import Literal, NamedNode, Quad

from cube_bridge.indexing.index import index_file
from kg.description import describe, located_wkt
from kg.errors import ResourceNotFoundError, ValidationFailedError
from kg.query import double
from kg.validation import target_classes, validate_quads, validate_store
from kg.vocabulary import ONTOLOGY_GRAPH, install_document, install_ontology
from ontology.terms import DEEP, GEO, RDF, SOSA

X = NamedNode("http://example.org/x")


def test_a_geometry_without_wkt_is_refused():
    with pytest.raises(ValidationFailedError, match="asWKT"):
        validate_quads([Quad(X, RDF.type, GEO.Geometry)])


def test_a_danger_over_one_is_refused():
    quads = [Quad(X, RDF.type, DEEP.FireDangerPrediction), Quad(X, SOSA.hasSimpleResult, double(2))]
    with pytest.raises(ValidationFailedError, match="probability"):
        validate_quads(quads)


def test_every_shape_has_a_target():
    assert DEEP.FireDangerPrediction in target_classes()
    assert DEEP.Chunk in target_classes()


def test_an_indexed_store_conforms(store, iris, weather_csv, series_mapping):
    index_file(store, iris, weather_csv, series_mapping)
    report = validate_store(store)
    assert report.conforms, report.violations[:3]
    assert report.checked > 10


def test_a_damaged_store_is_reported(store, iris, weather_csv, series_mapping):
    source = index_file(store, iris, weather_csv, series_mapping).source
    store.update(
        "PREFIX geo: <http://www.opengis.net/ont/geosparql#> "
        "DELETE { ?g ?p ?o } WHERE { ?station a <https://w3id.org/deepcube/ontology#Station> ;"
        " geo:hasDefaultGeometry ?g . ?g ?p ?o }"
    )
    store.remove(list(store.quads(source, NamedNode("http://purl.org/dc/terms/license"))))
    messages = [str(v) for v in validate_store(store).violations]
    assert any("licence" in m for m in messages)
    assert any("not there" in m for m in messages)


def test_the_ontology_is_installed_once_and_replaced_by_a_newer_one(store):
    install_ontology(store)
    before = set(store.quads())
    install_ontology(store)
    assert set(store.quads()) == before
    graph = NamedNode("http://example.org/doc")
    install_document(store, graph, [b"<urn:a> <urn:p> 'old', [ <urn:q> 1 ] ."])
    install_document(store, graph, [b"<urn:a> <urn:p> 'new' ."])
    values = {q.object.value for q in store.quads(NamedNode("urn:a"))}
    assert values == {"new"}
    assert any(store.quads(graph=ONTOLOGY_GRAPH))


def test_a_description_follows_blank_nodes_and_knows_its_place(store):
    install_ontology(store)
    iri = DEEP.SampledDailyOrFiner.value
    assert any("withRestrictions" in str(t) for t in describe(store, iri).outgoing)
    with pytest.raises(ResourceNotFoundError, match="nothing is known"):
        describe(store, "http://example.org/unknown")
    store.add([Quad(X, GEO.asWKT, Literal("POINT(1 2)", datatype=GEO.wktLiteral))])
    assert located_wkt(store, X.value) == "POINT(1 2)"
