"""Events in series: against a slow, obvious search, and at the bounds."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cube_bridge.events.detection import Condition, detect, measure, moving

DAY = np.timedelta64(1, "D")


def days(count, start="2020-01-01"):
    return np.datetime64(start, "ns") + np.arange(count) * DAY


def spans(times, values, condition):
    return [
        (int((e.begin - times[0]) / DAY), int((e.end - times[0]) / DAY))
        for e in detect(times, np.array(values, float), condition)
    ]


def test_an_event_lasts_from_its_first_moment_to_the_moment_after_its_last():
    assert spans(days(6), [0, 2, 2, 0, 2, 0], Condition(above=1.0)) == [(1, 3), (4, 5)]


def test_the_bound_itself_is_not_beyond_it():
    assert spans(days(3), [1, 1, 1], Condition(above=1.0)) == []
    assert spans(days(3), [1, 1, 1], Condition(below=1.0)) == []


def test_short_stretches_are_no_events_and_near_ones_are_one():
    values = [2, 0, 2, 2, np.nan, 2, 0, 0, 0, 2]
    condition = Condition(above=1.0, minimum_duration=3 * DAY, maximum_gap=DAY)
    assert spans(days(10), values, condition) == [(0, 6)]


def test_between_two_bounds():
    condition = Condition(above=1.0, below=3.0)
    assert spans(days(5), [0, 2, 4, 2, 5], condition) == [(1, 2), (3, 4)]


def test_only_in_its_months():
    times = days(60)
    found = spans(times, np.full(60, 2.0), Condition(above=1.0, months=frozenset({2})))
    assert found == [(31, 60)]


def test_a_heat_wave_begins_when_ten_days_were_hot_on_average():
    values = np.array([30.0] * 10 + [40.0] * 10 + [30.0] * 20)
    condition = Condition(above=35.0, window=10 * DAY)
    # The mean of ten days is over 35 once six of them have 40, until five are left.
    assert spans(days(40), values, condition) == [(15, 24)]
    (event,) = detect(days(40), values, condition)
    assert event.peak == 40.0
    assert event.peak_time == days(40)[19]


def test_a_window_that_is_mostly_missing_has_no_value():
    values = np.full(20, 40.0)
    values[5:15] = np.nan
    means = moving(days(20), values, DAY, Condition(above=35.0, window=10 * DAY))
    assert np.isnan(means[:9]).all(), "before ten days have passed"
    assert np.isfinite(means[9])
    assert np.isnan(means[10:19]).all(), "fewer than five of ten days"
    assert np.isfinite(means[19])


def test_an_anomaly_is_against_the_same_month_of_the_reference_period():
    times = np.arange("2000-01", "2004-01", dtype="datetime64[M]").astype("datetime64[ns]")
    values = np.tile(np.arange(12.0), 4) + np.repeat([0.0, 2.0, 4.0, 100.0], 12)
    reference = (np.datetime64("2000-01-01"), np.datetime64("2002-12-31"))
    found = measure(times, values, Condition(measure="anomaly", reference=reference))
    assert found[:36].tolist() == np.repeat([-2.0, 0.0, 2.0], 12).tolist()
    scaled = measure(times, values, Condition(measure="standardised", reference=reference))
    assert scaled[:12].tolist() == [-1.0] * 12
    shares = measure(times, values, Condition(measure="quantile", reference=reference))
    assert shares[36:].tolist() == [1.0] * 12


def test_a_ratio_is_to_the_median():
    found = measure(days(5), np.array([1.0, 2.0, 3.0, 4.0, np.nan]), Condition(measure="ratio"))
    assert found[:4].tolist() == [0.4, 0.8, 1.2, 1.6]
    assert np.isnan(found[4])


def test_one_value_or_none_has_no_events():
    assert not list(detect(days(1), np.array([9.0]), Condition(above=1.0)))
    assert not list(detect(days(0), np.array([]), Condition(above=1.0)))
    assert not list(detect(days(9), np.full(9, np.nan), Condition(above=1.0, measure="ratio")))


@given(
    st.lists(st.sampled_from([0.0, 2.0, np.nan]), max_size=30),
    st.integers(0, 4),
    st.integers(0, 3),
)
def test_stretches_are_those_of_an_obvious_search(values, shortest, gap):
    expected: list[list[int]] = []
    for day, value in enumerate(values):
        if value > 1.0:
            if expected and day - expected[-1][1] <= gap:
                expected[-1][1] = day + 1
            else:
                expected.append([day, day + 1])
    condition = Condition(above=1.0, minimum_duration=shortest * DAY, maximum_gap=gap * DAY)
    expected = [e for e in expected if e[1] - e[0] >= shortest]
    if len(values) < 2:
        expected = []
    assert spans(days(len(values)), values, condition) == [tuple(e) for e in expected]
