"""Concepts are data: those that come with the ontology, a user's own, and broken ones."""

from io import BytesIO

import numpy as np
import pytest
from pyoxigraph import NamedNode, RdfFormat

from cube_bridge.errors import EventConceptError, UnitError
from cube_bridge.events.concept import read_concept, variables_of
from cube_bridge.indexing.index import index_dataset
from kg.rows import select
from kg.validation.shacl import validate_store
from kg.vocabulary import install_ontology
from ontology.terms import DEEP, expand

PREFIXES = """
@prefix cf: <http://vocab.nerc.ac.uk/standard_name/> .
@prefix deep: <https://w3id.org/deepcube/ontology#> .
@prefix qudt: <http://qudt.org/schema/qudt/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix unit: <http://qudt.org/vocab/unit/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
MINE = NamedNode("urn:frost")


@pytest.fixture
def graph(store):
    install_ontology(store)
    return store


def define(graph, turtle):
    graph.load(BytesIO((PREFIXES + turtle).encode()), RdfFormat.TURTLE)
    return MINE


def test_every_concept_of_the_ontology_can_be_read(graph):
    concepts = [r["c"] for r in select(graph, "SELECT ?c { ?c a deep:EventConcept }")]
    assert len(concepts) >= 6
    for concept in concepts:
        read_concept(graph, concept)
    assert validate_store(graph).conforms


def test_a_heat_wave_is_ten_days_over_35_degrees(graph):
    concept = read_concept(graph, DEEP.HeatWave)
    assert concept.condition.window == np.timedelta64(10, "D")
    assert concept.condition.above == 35.0
    assert concept.condition_in(expand("unit:K")).above == pytest.approx(308.15)
    with pytest.raises(UnitError, match="cannot be converted"):
        concept.condition_in(expand("unit:M"))
    with pytest.raises(EventConceptError, match="has no known unit"):
        concept.condition_in(None)


def test_an_anomaly_converts_as_a_difference(graph):
    frost = define(
        graph,
        '<urn:frost> a deep:EventConcept ; rdfs:label "f" ; deep:measuredAs deep:Anomaly ; '
        "deep:ofProperty <http://vocab.nerc.ac.uk/standard_name/air_temperature/> ; "
        "deep:below -9.0 ; qudt:hasUnit unit:DEG_F .",
    )
    condition = read_concept(graph, frost).condition_in(expand("unit:DEG_C"))
    assert condition.below == pytest.approx(-5.0)


def test_a_users_concept_finds_the_variables_it_is_about(graph, iris, real_data):
    real_data("munich-land-surface-temperature")
    index_dataset(graph, iris, "munich-land-surface-temperature")
    frost = define(
        graph,
        '<urn:frost> a deep:EventConcept ; rdfs:label "frost" ; '
        "deep:ofProperty <http://vocab.nerc.ac.uk/standard_name/surface_temperature/> ; "
        "deep:below 0 ; qudt:hasUnit unit:DEG_C .",
    )
    ((variable, unit),) = variables_of(graph, frost)
    assert variable.value.endswith("lst-night-1km")
    assert unit == expand("unit:K")
    assert read_concept(graph, frost).condition_in(unit).below == pytest.approx(273.15)
    assert validate_store(graph).conforms


@pytest.mark.parametrize(
    ("turtle", "message"),
    [
        ("<urn:frost> a deep:EventConcept .", "no event concept"),
        ("<urn:frost> deep:ofProperty <urn:p> .", "neither deep:above nor deep:below"),
        ("<urn:frost> deep:ofProperty <urn:p> ; deep:above 1, 2 .", "said 2 times"),
        ('<urn:frost> deep:ofProperty <urn:p> ; deep:above "much" .', "cannot be read"),
        (
            '<urn:frost> deep:ofProperty <urn:p> ; deep:above 1 ; deep:movingWindow "P1M" .',
            "not a duration",
        ),
        (
            (
                "<urn:frost> deep:ofProperty <urn:p> ; deep:above 1 ; deep:minimumShare 0.5 ; "
                "deep:measuredAs deep:Anomaly ."
            ),
            "only goes with plain values",
        ),
    ],
)
def test_a_definition_that_cannot_be_evaluated_says_why(graph, turtle, message):
    define(graph, turtle)
    with pytest.raises(EventConceptError, match=message):
        read_concept(graph, MINE)


def test_validation_names_a_definition_without_a_bound(graph):
    define(graph, '<urn:frost> a deep:EventConcept ; rdfs:label "f" ; deep:ofProperty <urn:p> .')
    report = validate_store(graph)
    assert not report.conforms
    assert any("above or below" in str(v) for v in report.violations)
