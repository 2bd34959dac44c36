import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pymannkendall import original_test
from scipy import stats

from cube_bridge.values import series_statistics
from cube_bridge.values.series_statistics import (
    Season,
    anomalies,
    mann_kendall,
    season_of,
    theil_sen,
    years,
)

SERIES = hnp.arrays(
    np.float64, st.integers(3, 40), elements=st.integers(-5, 5).map(float) | st.just(np.nan)
)


@given(SERIES)
def test_the_slope_is_that_of_scipy(y):
    x = np.cumsum(np.random.default_rng(0).uniform(0.5, 2, len(y)))
    known = np.isfinite(y)
    if known.sum() < 2:
        assert np.isnan(theil_sen(x, y))
    else:
        assert theil_sen(x, y) == pytest.approx(stats.theilslopes(y[known], x[known])[0], abs=1e-12)


@pytest.mark.parametrize("length", [300, 301])
@pytest.mark.parametrize("ties", [False, True], ids=["distinct", "tied"])
def test_the_slope_of_a_long_series_is_the_same_without_holding_all_pairs(
    monkeypatch, length, ties
):
    random = np.random.default_rng(length)
    x = np.arange(length) / 12
    y = random.integers(0, 3, length).astype(float) if ties else random.normal(size=length) + x
    whole = theil_sen(x, y)
    monkeypatch.setattr(series_statistics, "_HELD", 400)
    assert theil_sen(x, y) == whole


@given(SERIES)
def test_the_score_is_that_of_kendall(y):
    known = y[np.isfinite(y)]
    found = mann_kendall(y)
    if len(known) < 3:
        assert np.isnan(found)
        return
    n = len(known)
    score = sum(np.sign(known[j] - known[i]) for i in range(n) for j in range(i + 1, n))
    tied = sum(t * (t - 1) * (2 * t + 5) for t in np.unique(known, return_counts=True)[1])
    spread = (n * (n - 1) * (2 * n + 5) - tied) / 18
    z = 0 if score == 0 else (score - np.sign(score)) / np.sqrt(spread)
    assert found == pytest.approx(2 * stats.norm.sf(abs(z)), abs=1e-12)


@pytest.mark.parametrize("length", [3, 10, 199, 200, 201, 400])
@pytest.mark.parametrize("values", [2, 7, 10**9])
def test_the_significance_is_that_of_pymannkendall(length, values):
    y = np.random.default_rng(length).integers(0, values, length) + np.arange(length) * 0.01
    y = np.round(y) if values < 10 else y
    if len(set(y)) > 1:
        assert mann_kendall(y) == pytest.approx(original_test(y).p, abs=1e-12)


@given(SERIES)
def test_long_and_short_series_are_scored_alike(y):
    with pytest.MonkeyPatch.context() as patched:
        whole = mann_kendall(y)
        patched.setattr(series_statistics, "_FEW", 0)
        assert mann_kendall(y) == whole or np.isnan(whole)


def test_years_are_those_of_the_calendar_on_average():
    times = np.array(["2000-01-01", "2400-01-01"], "datetime64[us]")
    assert years(times) == pytest.approx([0, 400], rel=1e-12)


def test_an_anomaly_is_the_distance_from_the_mean_of_the_same_month():
    times = np.arange("2019-01", "2022-01", dtype="datetime64[M]").astype("datetime64[us]")
    values = np.random.default_rng(2).normal(size=(3, 36))
    values[0, 12] = np.nan
    reference = times < np.datetime64("2021-01")
    found = anomalies(values, times, reference, Season.MONTH)
    for zone in range(3):
        for month in range(12):
            usual = np.nanmean(values[zone, [month, month + 12]])
            assert found[zone, month + 24] == pytest.approx(values[zone, month + 24] - usual)
    assert np.isnan(found[0, 12])


def test_a_season_without_reference_has_no_anomaly():
    times = np.array(["2020-01-05", "2020-02-05"], "datetime64[us]")
    found = anomalies(np.ones(2), times, np.array([True, False]), Season.MONTH)
    assert found[0] == 0
    assert np.isnan(found[1])


def test_days_of_the_year_are_counted_in_leap_years_too():
    times = np.array(["2020-12-31", "2021-12-31", "2021-01-01T10:30"], "datetime64[us]")
    assert season_of(times, Season.DAY).tolist() == [365, 364, 0]
