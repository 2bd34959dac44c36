"""What pages show: spans of time as people write them, scores of any metric, colours."""

import io
import math
from datetime import UTC, datetime

import pytest
from pyoxigraph import NamedNode, RdfFormat

from kg.views.colours import scale_of
from kg.views.evaluations import evaluations, metrics_of
from kg.views.moments import Moment, moment_of
from kg.views.predictions import alerts, legend, moments, most_severe_moment, predictions
from kg.vocabulary import install_ontology
from ontology.terms import DEEP

RUN = NamedNode("urn:run")
PREFIXES = """
@prefix deep: <https://w3id.org/deepcube/ontology#> .
@prefix dqv: <http://www.w3.org/ns/dqv#> .
@prefix prov: <http://www.w3.org/ns/prov#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix sosa: <http://www.w3.org/ns/sosa/> .
@prefix time: <http://www.w3.org/2006/time#> .
"""


@pytest.mark.parametrize(
    ("begin", "end", "label", "phrase"),
    [
        ("2015-10-04", "2015-10-05", "2015-10-04", "on 2015-10-04"),
        ("2015-10-01", "2015-11-01", "2015-10", "in October 2015"),
        ("2015-12-01", "2016-01-01", "2015-12", "in December 2015"),
        ("2016-02-01", "2016-03-01", "2016-02", "in February 2016"),
        ("2015-01-01", "2016-01-01", "2015", "in 2015"),
        ("2015-10-04", "2015-10-12", "2015-10-04 to 2015-10-12", "from 2015-10-04 to 2015-10-12"),
        ("2015-10-02", "2015-11-02", "2015-10-02 to 2015-11-02", "from 2015-10-02 to 2015-11-02"),
    ],
)
def test_a_span_is_written_as_people_do(begin, end, label, phrase):
    moment = moment_of(f"{begin}T00:00:00Z", f"{end}T00:00:00Z")
    assert moment.label == label
    assert moment.phrase == phrase


def test_hours_are_written_with_their_day():
    moment = moment_of("2015-10-04T06:00:00+02:00", "2015-10-04T05:00:00Z")
    assert moment.label == "2015-10-04 04:00 to 2015-10-04 05:00"
    assert moment == Moment(
        begin=datetime(2015, 10, 4, 4, tzinfo=UTC), end=datetime(2015, 10, 4, 5, tzinfo=UTC)
    )


def load(store, turtle):
    store.load(io.BytesIO((PREFIXES + turtle).encode()), RdfFormat.TURTLE)


def evaluation(name, *, baseline, **scores):
    measured = " ".join(
        f"""<urn:{name}> dqv:hasQualityMeasurement <urn:{name}-{metric}> .
        <urn:{name}-{metric}> dqv:isMeasurementOf <{metric_iri(metric)}> ; dqv:value {value}e0 ."""
        for metric, value in scores.items()
    )
    return f"""<urn:{name}> a deep:Evaluation ; prov:wasGeneratedBy <urn:run> ;
        deep:protocol "rolling" ; deep:evaluatedMethod "{name}" ;
        deep:isBaseline {str(baseline).lower()} . {measured}"""


def metric_iri(name):
    return f"{DEEP.namespace}{name}" if name.isupper() else f"urn:{name}"


def test_scores_of_any_metric_are_shown_the_worst_first(store):
    install_ontology(store)
    load(store, evaluation("model", baseline=False, MAE=1.0, bias=0.1))
    load(store, evaluation("last-value", baseline=True, MAE=1.5, bias=0.2))
    load(store, evaluation("climatology", baseline=True, MAE=2.5, bias=0.3))
    rows = evaluations(store, RUN)
    assert [r.method for r in rows] == ["climatology", "last-value", "model"]
    assert metrics_of(rows) == ("MAE",)
    assert [s.label for s in rows[0].scores] == ["MAE", "urn:bias"]
    assert rows[0].scores[0].higher_is_better is False
    assert rows[0].scores[1].higher_is_better is None
    # A store says of a metric of its own which way is better.
    load(store, '<urn:bias> deep:higherIsBetter false ; rdfs:label "bias" .')
    assert metrics_of(evaluations(store, RUN)) == ("MAE", "bias")


def test_a_run_without_predictions_has_no_moments(store):
    assert moments(store, RUN) == []
    assert most_severe_moment(store, RUN) is None
    assert predictions(store, RUN, None) == []
    assert alerts(store, RUN, None) == []


def test_a_drought_opens_where_its_index_is_lowest(store):
    install_ontology(store)
    stamp = "<http://www.w3.org/2001/XMLSchema#dateTimeStamp>"
    for month, values in (("05", (1.0, -2.0)), ("06", (-3.0, 0.5))):
        begin, end = f"2020-{month}-01T00:00:00Z", f"2020-0{int(month) + 1}-01T00:00:00Z"
        load(
            store,
            f"""<urn:t{month}> time:hasBeginning <urn:b{month}> ; time:hasEnd <urn:e{month}> .
            <urn:b{month}> time:inXSDDateTimeStamp "{begin}"^^{stamp} .
            <urn:e{month}> time:inXSDDateTimeStamp "{end}"^^{stamp} .""",
        )
        for place, value in enumerate(values):
            load(
                store,
                f"""<urn:p{month}{place}> prov:wasGeneratedBy <urn:run> ;
                sosa:hasSimpleResult {value:e} ; sosa:hasFeatureOfInterest <urn:place{place}> ;
                sosa:observedProperty <urn:index> ; sosa:phenomenonTime <urn:t{month}> .""",
            )
    assert most_severe_moment(store, RUN).label == "2020-05"
    load(store, "<urn:index> deep:lowIsSevere true .")
    found = most_severe_moment(store, RUN)
    assert found.label == "2020-06"
    assert [row.value for row in predictions(store, RUN, found)] == [-3.0, 0.5]


def test_a_legend_is_in_the_order_of_its_scheme(store):
    install_ontology(store)
    entries = legend(store, DEEP.FireDangerClasses)
    assert [e.label for e in entries][:3] == ["low", "moderate", "high"]
    assert all(e.colour.startswith("#") for e in entries)


def test_alerts_are_ordered_by_severity(store):
    for i, severity in enumerate(["Minor", "Extreme", "Severe", "Moderate"]):
        load(
            store,
            f"""<urn:a{i}> a deep:Alert ; prov:wasGeneratedBy <urn:run> ;
            deep:capHeadline "{severity}" ; deep:capSeverity "{severity}" ;
            deep:capOnset "2020-05-01T00:00:00Z"^^<http://www.w3.org/2001/XMLSchema#dateTime> ;
            deep:capExpires "2020-06-01T00:00:00Z"^^<http://www.w3.org/2001/XMLSchema#dateTime> ;
            deep:alertArea <urn:area> .""",
        )
    found = alerts(store, RUN, None)
    assert [a.headline for a in found] == ["Extreme", "Severe", "Moderate", "Minor"]
    before = moment_of("2020-04-01T00:00:00Z", "2020-05-01T00:00:00Z")
    assert alerts(store, RUN, before) == []
    during = moment_of("2020-05-31T00:00:00Z", "2020-06-01T00:00:00Z")
    assert len(alerts(store, RUN, during, limit=2)) == 2


def test_a_scale_spans_its_values_from_light_to_dark():
    scale = scale_of([3.0, -4.0, math.nan, 10.0])
    steps = scale.steps()
    assert (steps[0][0], steps[-1][1]) == (-4.0, 10.0)
    assert all(scale.colour((low + high) / 2) == colour for low, high, colour in steps)
    assert scale.colour(10.0) == steps[-1][2]
    assert scale.colour(math.nan) not in {colour for _, _, colour in steps}
    assert len(scale_of([5.0, 5.0]).steps()) == len(scale_of([]).steps()) == 1
