from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.rdf.iris import Iris, slug
from kg.rdf.times import (
    Cadence,
    duration_seconds,
    duration_text,
    interval,
    interval_quads,
    timestamp,
)


def test_moments_are_written_in_utc():
    east = timezone(timedelta(hours=2))
    assert timestamp(datetime(2020, 1, 1, 1, tzinfo=east)) == "2019-12-31T23:00:00Z"


def test_a_day_is_named_by_its_date(iris):
    day = datetime(2020, 2, 3, tzinfo=UTC)
    assert interval(iris, day, day + timedelta(days=1)).value.endswith("/time/2020-02-03")


def test_an_interval_does_not_end_before_it_begins(iris):
    day = datetime(2020, 2, 3, tzinfo=UTC)
    with pytest.raises(ValueError, match="before"):
        list(interval_quads(iris, day, day - timedelta(days=1)))


@given(st.integers(1, 10**7))
def test_durations_survive_the_way_into_text_and_back(seconds):
    assert duration_seconds(duration_text(seconds)) == seconds


@pytest.mark.parametrize("text", ["P1M", "1 day", "P", "PT"])
def test_a_duration_without_fixed_length_is_refused(text):
    with pytest.raises(ValueError, match="duration"):
        duration_seconds(text)


def test_iris_encode_what_a_path_cannot_hold():
    assert Iris(base="https://example.org/").mint("a b", "ü/?").value == (
        "https://example.org/a%20b/%C3%BC%2F%3F"
    )
    with pytest.raises(ValueError, match="ends in"):
        Iris(base="https://example.org")


def test_a_slug_is_ascii_and_never_empty():
    assert slug("Ünïted Räïn (mm)") == "united-rain-mm"
    assert slug("东京") == "unnamed"


CADENCES = ["PT1H", "P1D", "P8D", "P1M", "P3M", "P1Y"]


def test_cadences_have_an_order_and_keep_their_text():
    cadences = [Cadence.of(text) for text in CADENCES]
    assert sorted([*cadences[3:], *cadences[:3]]) == cadences
    assert [c.text for c in cadences] == CADENCES
    assert Cadence.of("P12M") == Cadence.of("P1Y")
    assert Cadence.of("P2W") == Cadence.of("P14D")


@pytest.mark.parametrize("text", CADENCES)
def test_what_a_cadence_averages_as_a_number_reads_back_as_the_same_cadence(text):
    assert Cadence.of_seconds(Cadence.of(text).nominal_s) == Cadence.of(text)


@pytest.mark.parametrize("text", ["P1M2D", "P", "PT", "P0M", "P0D", "monthly", "P1MT1H", ""])
def test_what_is_no_cadence_is_refused(text):
    with pytest.raises(ValueError, match="cadence"):
        Cadence.of(text)


@given(st.datetimes(datetime(1800, 1, 1), datetime(2200, 1, 1)), st.integers(0, 2000))  # noqa: DTZ001
def test_months_later_is_so_many_months_away(moment, steps):
    month = Cadence.of("P1M")
    begin = month.begin_of(moment)
    assert month.steps(begin, month.after(begin, steps)) == steps
    assert month.begin_of(month.after(begin, steps)) == month.after(begin, steps)


def test_a_month_after_the_31st_is_the_end_of_the_next():
    assert Cadence.of("P1M").after(datetime(2024, 1, 31, tzinfo=UTC)).day == 29


def test_a_row_is_about_its_calendar_year_month_or_day():
    moment = datetime(1995, 7, 14, 13, tzinfo=UTC)
    begins = [Cadence.of(text).begin_of(moment) for text in ("P1Y", "P1M", "P1D", "PT1H")]
    assert [(b.month, b.day, b.hour) for b in begins] == [
        (1, 1, 0),
        (7, 1, 0),
        (7, 14, 0),
        (7, 14, 13),
    ]


@pytest.mark.parametrize(
    ("begin", "cadence", "name"),
    [
        ((2001, 1, 1), "P1M", "2001-01"),
        ((1995, 1, 1), "P1Y", "1995"),
        ((2000, 2, 29), "P1D", "2000-02-29"),
    ],
)
def test_an_interval_of_the_calendar_is_named_as_people_name_it(iris, begin, cadence, name):
    first = datetime(*begin, tzinfo=UTC)
    last = Cadence.of(cadence).after(first)
    assert interval(iris, first, last).value.endswith(f"/time/{name}")
    labels = [
        q.object.value for q in interval_quads(iris, first, last) if "label" in q.predicate.value
    ]
    assert labels == [name]


def test_a_year_from_october_has_no_name_of_its_own(iris):
    begin, end = datetime(1995, 10, 1, tzinfo=UTC), datetime(1996, 10, 1, tzinfo=UTC)
    assert "T00:00:00Z" in interval(iris, begin, end).value
