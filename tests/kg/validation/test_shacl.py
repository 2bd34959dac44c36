import pytest
from pyoxigraph import Literal, NamedNode, Quad

from cube_bridge.indexing.index import index_file
from kg.errors import ResourceNotFoundError, ValidationFailedError
from kg.rdf.terms import double
from kg.validation.shacl import shapes_with, validate_quads, validate_store
from kg.views.locations import located_wkt
from kg.views.resources import describe
from kg.vocabulary import (
    ONTOLOGY_GRAPH,
    install_document,
    install_ontology,
    install_use_case,
)
from ontology.terms import DEEP, GEO, PROV, RDF, RDFS, SOSA

X = NamedNode("http://example.org/x")


def test_a_geometry_without_wkt_is_refused():
    with pytest.raises(ValidationFailedError, match="asWKT"):
        validate_quads([Quad(X, RDF.type, GEO.Geometry)])


CARD_SHAPES = b"""
@prefix deep: <https://w3id.org/deepcube/ontology#> .
@prefix ex: <http://example.org/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix sosa: <http://www.w3.org/ns/sosa/> .
ex:Depth rdfs:subClassOf deep:Prediction .
ex:DepthShape a sh:NodeShape ; sh:targetClass ex:Depth ;
    sh:property [ sh:path sosa:hasSimpleResult ; sh:minInclusive 0.0e0 ;
        sh:message "a depth is not negative" ] .
"""
DEPTH = NamedNode("http://example.org/Depth")


def prediction(*, kind=DEEP.Prediction, value=2.0, without=(), **more):
    said = {
        RDF.type: kind,
        SOSA.hasFeatureOfInterest: NamedNode("http://example.org/district"),
        SOSA.observedProperty: NamedNode("http://example.org/depth"),
        SOSA.usedProcedure: NamedNode("http://example.org/model"),
        SOSA.hasSimpleResult: double(value),
        PROV.wasGeneratedBy: NamedNode("http://example.org/run"),
        PROV.wasDerivedFrom: NamedNode("http://example.org/series"),
        **{getattr(DEEP, name): term for name, term in more.items()},
    }
    return [Quad(X, p, o) for p, o in said.items() if p not in without]


def test_a_prediction_of_no_known_use_case_passes_the_gate():
    validate_quads(prediction())
    validate_quads(
        prediction(lowerBound=double(1), upperBound=double(3), nominalCoverage=double(0.9))
    )


@pytest.mark.parametrize(
    ("without", "message"),
    [
        (PROV.wasGeneratedBy, "names its run"),
        (PROV.wasDerivedFrom, "names its inputs"),
        (SOSA.usedProcedure, "names its model"),
        (SOSA.hasFeatureOfInterest, "one place"),
        (SOSA.observedProperty, "what is predicted"),
        (SOSA.hasSimpleResult, "hasSimpleResult"),
    ],
    ids=lambda v: v.value.rpartition("#")[2].rpartition("/")[2] if hasattr(v, "value") else "",
)
def test_a_prediction_of_any_use_case_that_lacks_what_all_share_is_refused(without, message):
    with pytest.raises(ValidationFailedError, match=message):
        validate_quads(prediction(without=[without]))


@pytest.mark.parametrize(
    "bounds",
    [
        {"lowerBound": 2.5, "upperBound": 3, "nominalCoverage": 0.9},
        {"lowerBound": 1, "upperBound": 1.5, "nominalCoverage": 0.9},
        {"lowerBound": 1, "upperBound": 3, "nominalCoverage": 1.5},
        {"lowerBound": 1, "nominalCoverage": 0.9},
        {"lowerBound": 1, "upperBound": 3},
    ],
    ids=["low above", "high below", "coverage", "no upper bound", "no coverage"],
)
def test_an_interval_holds_its_value_and_says_how_often_it_should(bounds):
    with pytest.raises(ValidationFailedError):
        validate_quads(prediction(**{n: double(v) for n, v in bounds.items()}))


def test_a_use_case_brings_shapes_of_its_own_beside_the_general_one():
    validate_quads(prediction(kind=DEPTH, value=-1.0, without=[PROV.wasGeneratedBy]))
    with pytest.raises(ValidationFailedError, match="not negative"):
        validate_quads(prediction(kind=DEPTH, value=-1.0), shapes=CARD_SHAPES)
    # What its document puts below our classes is looked at like ours.
    with pytest.raises(ValidationFailedError, match="names its run"):
        validate_quads(prediction(kind=DEPTH, without=[PROV.wasGeneratedBy]), shapes=CARD_SHAPES)
    validate_quads(prediction(kind=DEPTH), shapes=CARD_SHAPES)
    with pytest.raises(ValidationFailedError, match="no Turtle"):
        validate_quads([], shapes=b"ex:a ex:b")


def test_shapes_that_are_installed_with_a_use_case_serve_for_the_store(store):
    model = NamedNode("http://example.org/model")
    said = b"<http://example.org/model> a <https://w3id.org/deepcube/ontology#Model> ."
    store.add(prediction(kind=DEPTH, value=-1.0))

    def messages():
        return {v.message for v in validate_store(store).violations if v.path}

    assert not messages()
    install_use_case(store, model, said, CARD_SHAPES)
    before = set(store.quads())
    install_use_case(store, model, said, CARD_SHAPES)
    assert set(store.quads()) == before
    assert messages() == {"a depth is not negative"}
    install_use_case(store, model, said)
    assert not messages()


def test_a_class_that_a_store_puts_below_ours_is_validated(store):
    store.add([*prediction(kind=DEPTH, without=[PROV.wasGeneratedBy])])
    store.add([Quad(DEPTH, RDFS.subClassOf, DEEP.Prediction)])
    messages = [v.message for v in validate_store(store).violations]
    assert "a prediction names its run" in messages


def test_a_property_that_a_store_says_must_resolve_is_followed(store):
    link = NamedNode("http://example.org/drawnFrom")
    store.add([Quad(X, link, NamedNode("http://example.org/nothing"))])
    assert validate_store(store).conforms
    store.add([Quad(link, DEEP.mustResolve, Literal(value=True))])
    (violation,) = validate_store(store).violations
    assert "not there" in violation.message


def test_an_alert_of_any_use_case_names_its_run_and_its_predictions():
    with pytest.raises(ValidationFailedError, match="names its run"):
        validate_quads([Quad(X, RDF.type, DEEP.Alert)])


def test_every_shape_has_a_target():
    assert DEEP.FireDangerPrediction in shapes_with().target_classes
    assert DEEP.Chunk in shapes_with().target_classes


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


def test_a_property_that_a_store_puts_below_located_by_leads_to_the_map(store):
    iri, link, place = (NamedNode(f"http://example.org/{n}") for n in ("item", "drawnFrom", "p"))
    shape = NamedNode("http://example.org/p/shape")
    store.add(
        [
            Quad(iri, link, place),
            Quad(place, GEO.hasDefaultGeometry, shape),
            Quad(shape, GEO.asWKT, Literal("POINT(3 4)", datatype=GEO.wktLiteral)),
        ]
    )
    assert located_wkt(store, iri.value) is None
    store.add([Quad(link, RDFS.subPropertyOf, DEEP.locatedBy)])
    assert located_wkt(store, iri.value) == "POINT(3 4)"
