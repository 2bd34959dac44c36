import io

import pytest
from pyoxigraph import NamedNode, Quad, RdfFormat, parse

from kg.errors import ReasonerError
from kg.rdf.times import Cadence
from kg.reasoning.facts import variable_facts
from kg.reasoning.hermit import entailed_types, ontology_axioms
from kg.reasoning.inferred_types import INFERRED_GRAPH, infer_variable_types
from ontology.terms import DEEP, PREFIXES, RDFS, expand

HEADER = "".join(f"@prefix {p}: <{ns}> .\n" for p, ns in PREFIXES.items())


def facts(turtle):
    return [q.triple for q in parse((HEADER + turtle).encode(), format=RdfFormat.TURTLE)]


def test_a_subclass_and_an_equivalent_class_serve():
    types = entailed_types(ontology_axioms(), facts("<urn:a> a grib:167 . <urn:b> a grib:235035 ."))
    assert expand("cf:air_temperature") in types[NamedNode("urn:a")]
    radiation = expand("cf:surface_downwelling_shortwave_flux_in_air")
    assert radiation in types[NamedNode("urn:b")]
    assert radiation not in types[NamedNode("urn:a")]


@pytest.mark.parametrize(
    ("seconds", "daily"), [(3600, True), (86400, True), (86401, False), (1382400, False)]
)
def test_cadence_is_a_datatype_restriction(seconds, daily):
    types = entailed_types(ontology_axioms(), facts(f"<urn:v> deep:samplingSeconds {seconds} ."))
    assert (DEEP.SampledDailyOrFiner in types[NamedNode("urn:v")]) is daily


@pytest.mark.parametrize(("cadence", "monthly"), [("P1D", True), ("P1M", True), ("P3M", False)])
def test_a_calendar_month_is_monthly_and_a_quarter_is_not(cadence, monthly):
    seconds = Cadence.of(cadence).nominal_s
    types = entailed_types(ontology_axioms(), facts(f"<urn:v> deep:samplingSeconds {seconds} ."))
    assert (DEEP.SampledMonthlyOrFiner in types[NamedNode("urn:v")]) is monthly
    assert DEEP.SampledYearlyOrFiner in types[NamedNode("urn:v")]


def test_a_series_of_regions_is_told_from_one_of_stations():
    types = entailed_types(
        ontology_axioms(),
        facts(
            "<urn:v> deep:variableOf <urn:s> ; sosa:observedProperty <urn:p> . "
            "<urn:s> a deep:RegionSeriesTable . <urn:p> a deep:PalmerDroughtSeverityIndex ."
        ),
    )
    assert DEEP.FromRegionSeries in types[NamedNode("urn:v")]
    assert DEEP.FromSeriesTable not in types[NamedNode("urn:v")]
    assert DEEP.DroughtIndex in types[NamedNode("urn:p")]


def test_units_are_told_by_dimension():
    types = entailed_types(
        ontology_axioms(), facts("<urn:v> qudt:hasUnit unit:DEG_F . <urn:w> qudt:hasUnit unit:PA .")
    )
    assert DEEP.InTemperatureUnit in types[NamedNode("urn:v")]
    assert DEEP.InTemperatureUnit not in types[NamedNode("urn:w")]


def test_a_contradiction_is_an_error_that_says_so():
    with pytest.raises(ReasonerError, match="contradict"):
        entailed_types(ontology_axioms(), facts("<urn:v> a grib:167, grib:157 ."))


def test_inferred_types_are_written_once(store):
    store.load(
        io.BytesIO((HEADER + "<urn:v> a deep:Variable ; deep:samplingSeconds 60 .").encode()),
        RdfFormat.TURTLE,
    )
    for _ in range(2):
        inferred = infer_variable_types(store)
        assert DEEP.SampledDailyOrFiner in inferred[NamedNode("urn:v")]
        assert DEEP.Variable not in inferred[NamedNode("urn:v")]
    written = [q.object for q in store.quads(NamedNode("urn:v"), None, None, INFERRED_GRAPH)]
    assert sorted(map(str, written)) == sorted(map(str, inferred[NamedNode("urn:v")]))


def test_a_kind_of_source_that_a_store_adds_is_told_to_the_reasoner(store):
    turtle = (
        "<urn:v> a deep:Variable ; deep:variableOf <urn:s> . <urn:s> a <urn:Radar>, deep:Source ."
    )
    store.load(io.BytesIO((HEADER + turtle).encode()), RdfFormat.TURTLE)

    def kinds():
        return {t.object for t in variable_facts(store) if t.subject == NamedNode("urn:s")}

    assert not kinds()
    store.add([Quad(NamedNode("urn:Radar"), RDFS.subClassOf, DEEP.Source)])
    assert kinds() == {NamedNode("urn:Radar")}
