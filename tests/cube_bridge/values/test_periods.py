import numpy as np
import pytest
from pyoxigraph import Literal, NamedNode

from cube_bridge.values.periods import Period, period_of, position_at, time_span_of
from kg.geosparql.errors import InvalidArgumentError
from ontology.terms import XSD

TIMES = np.arange("2020-01-01", "2020-03-01", 8, dtype="datetime64[D]").astype("datetime64[us]")


def date(text):
    return Literal(text, datatype=XSD.date)


def moment(text):
    return Literal(text, datatype=XSD.dateTime)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, slice(0, 8)),
        (date("2020-01-09"), None, slice(1, 8)),
        (None, date("2020-01-09"), slice(0, 2)),
        (date("2020-01-09"), date("2020-01-09"), slice(1, 2)),
        (moment("2020-01-09T00:00:00Z"), moment("2020-01-17T00:00:00Z"), slice(1, 3)),
        (moment("2020-01-09T00:00:01Z"), moment("2020-01-16T23:59:59Z"), slice(2, 2)),
        (moment("2020-01-09T01:00:00+01:00"), moment("2020-01-09T00:00:00"), slice(1, 2)),
        (Literal("2020-02", datatype=XSD.gYearMonth), None, slice(4, 8)),
        (None, Literal("2020-01", datatype=XSD.gYearMonth), slice(0, 4)),
        (Literal("2020", datatype=XSD.gYear), Literal("2020", datatype=XSD.gYear), slice(0, 8)),
        (date("2021-01-01"), None, slice(8, 8)),
    ],
)
def test_both_ends_belong_to_a_period(start, end, expected):
    assert period_of(start, end).positions(TIMES) == expected


def test_a_cube_without_time_is_there_always():
    assert period_of(date("2020-01-01"), None).positions(None) == slice(0, 1)


@pytest.mark.parametrize(
    "term",
    [
        *(
            Literal("2020-01-01"),
            Literal(2020),
            NamedNode("urn:x"),
            date("yesterday"),
            date("2020-02-31"),
        ),
        *(moment("2020-01-32T00:00:00Z"), Literal("12:00:00", datatype=NamedNode("urn:time"))),
    ],
)
def test_what_is_no_moment_is_refused(term):
    with pytest.raises(InvalidArgumentError, match="no moment"):
        time_span_of(term)


def test_a_period_that_ends_before_it_begins_is_refused():
    with pytest.raises(InvalidArgumentError, match="before it begins"):
        period_of(date("2020-02-01"), date("2020-01-01"))


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        (date("2020-01-09"), 1),
        (date("2020-01-12"), 1),
        (moment("2020-01-16T23:59:59Z"), 1),
        (moment("2020-01-17T00:00:00Z"), 2),
        (Literal("2020-02", datatype=XSD.gYearMonth), 4),
        (date("2019-12-31"), None),
        (date("2020-03-03"), 7),
        (date("2020-03-05"), None),
    ],
)
def test_a_value_holds_until_the_next(term, expected):
    assert position_at(TIMES, time_span_of(term)) == expected


def test_no_bound_is_no_bound():
    assert Period().positions(TIMES) == slice(0, 8)


def test_two_times_say_how_long_a_value_holds_and_one_does_not():
    two, one = TIMES[:2], TIMES[:1]
    assert position_at(two, time_span_of(moment("2020-01-16T23:59:59Z"))) == 1
    assert position_at(two, time_span_of(moment("2020-01-17T00:00:00Z"))) is None
    assert position_at(one, time_span_of(moment("2020-01-01T00:00:00Z"))) == 0
    assert position_at(one, time_span_of(moment("2020-01-01T00:00:01Z"))) is None
    assert position_at(TIMES[:0], time_span_of(date("2020-01-01"))) is None
