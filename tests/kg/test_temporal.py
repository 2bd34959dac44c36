from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.iris import Iris, slug
from kg.temporal import duration_seconds, duration_text, interval, interval_quads, timestamp


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
