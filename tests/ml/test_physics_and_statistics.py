import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from ml.derivations.fuel_moisture import equilibrium_moisture
from ml.derivations.vapour_pressure_deficit import vapour_pressure_deficit
from ml.errors import RunError
from ml.evaluation.metrics import scores
from ml.results.spells import spells
from ml.uncertainty.blocks import BLOCK_DAYS, adaptive_intervals, coverage
from ml.uncertainty.recalibration import recalibrate
from ml.use_cases.fire_danger.baselines import climatology, persistence
from ml.use_cases.fire_danger.cell_days import WEATHER, cell_days, distances_km
from ml.use_cases.fire_danger.danger_classes import CLASSES, EXTREME, class_bounds, classify


def test_equilibrium_moisture_at_known_points():
    # Simard 1968, by hand: 20 degC is 68 F.
    found = equilibrium_moisture(np.array([20.0, 20.0, 20.0]), np.array([5.0, 30.0, 80.0]))
    expected = [
        0.03229 + 0.281073 * 5 - 0.000578 * 5 * 68,
        2.22749 + 0.160107 * 30 - 0.014784 * 68,
        21.0606 + 0.005565 * 6400 - 0.00035 * 80 * 68 - 0.483199 * 80,
    ]
    np.testing.assert_allclose(found, expected)


@given(st.floats(-20, 45), st.floats(1, 98))
def test_damper_air_means_damper_fuel_and_a_smaller_deficit(temperature, humidity):
    t = np.array([temperature, temperature])
    h = np.array([humidity, humidity + 1.5])
    moisture, deficit = equilibrium_moisture(t, h), vapour_pressure_deficit(t, h)
    assert (moisture >= 0).all()
    assert deficit[1] <= deficit[0]
    assert (deficit >= 0).all()


def test_saturated_air_has_no_deficit():
    assert vapour_pressure_deficit(np.array([25.0]), np.array([100.0]))[0] == 0
    assert vapour_pressure_deficit(np.array([25.0]), np.array([0.0]))[0] == pytest.approx(
        3.168, abs=0.001
    )


def weather(days=5, gap=False):
    values = np.ones((2, days), dtype="float32")
    if gap:
        values[0, 1] = np.nan
    return xr.Dataset(
        dict.fromkeys(WEATHER, (("station", "time"), values)),
        coords={
            "longitude": ("station", [10.0, 11.0]),
            "latitude": ("station", [50.0, 50.0]),
            "time": pd.date_range("2020-01-01", periods=days),
        },
    )


def detections(*rows):
    columns = ["time", "longitude", "latitude", "confidence"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["time"] = pd.to_datetime(frame["time"], utc=True)
    return frame


def test_fires_are_counted_by_cell_and_day():
    data = cell_days(
        weather(),
        detections(
            ("2020-01-01T00:00", 10.0, 50.0, 90),
            ("2020-01-01T23:59", 10.5, 50.75, 50),  # on the edge of the first cell, in both
            ("2020-01-02T12:00", 9.2, 50.0, 90),  # outside by 0.05 degrees
            ("2020-01-03T12:00", 10.0, 50.0, 49),  # not sure enough
            ("2020-02-01T12:00", 10.0, 50.0, 90),  # after the end
        ),
    )
    np.testing.assert_array_equal(data.fires, [[2, 0, 0, 0, 0], [1, 0, 0, 0, 0]])
    assert data.burning.sum() == 2


def test_gaps_in_the_weather_are_refused():
    with pytest.raises(RunError, match="missing"):
        cell_days(weather(gap=True), detections(("2020-01-01", 10.0, 50.0, 90)))
    with pytest.raises(RunError, match="each day"):
        cell_days(weather().isel(time=[0, 2]), detections(("2020-01-01", 10.0, 50.0, 90)))


def test_distances_are_great_circles():
    data = cell_days(weather(), detections(("2020-01-01", 10.0, 50.0, 90)))
    assert distances_km(data)[0, 1] == pytest.approx(71.5, abs=0.2)
    assert distances_km(data)[0, 0] == 0


def test_baselines_know_only_the_training_split_and_the_past():
    data = cell_days(
        weather(days=20), detections(*[(f"2020-01-{d:02}", 9.4, 50.0, 90) for d in (1, 2, 15)])
    )
    rows = np.zeros(data.fires.shape, dtype=bool)
    rows[0, :10] = True
    found = climatology(data, rows)
    assert found[0, 0] == pytest.approx((2 + 10 * 0.2) / 20)
    assert found[1, 0] == pytest.approx(0.2)  # a cell that was not seen gets the month's rate
    past = persistence(data)
    assert past[0, 0] == 0
    assert past[0, 2] == 1
    assert past[0, 15] == pytest.approx(1 / 7)


def test_scores_of_a_perfect_and_a_useless_guess():
    y = np.array([0, 0, 1, 1, 0])
    assert scores(y.astype(float), y).auc == 1
    useless = scores(np.full(5, 0.4), y)
    assert (useless.auc, useless.auprc, useless.base_rate) == (0.5, 0.4, 0.4)
    with pytest.raises(RunError, match="all outcomes"):
        scores(np.zeros(3), np.zeros(3))


def season(generator, days, bias=0.0):
    p = generator.beta(1, 3, size=(200, 1)) * np.ones((200, days))
    return p, generator.random((200, days)) < np.clip(p + bias, 0, 1)


def test_intervals_cover_as_often_as_they_say():
    generator = np.random.default_rng(0)
    measured = []
    for _ in range(5):
        calibration, test = season(generator, 60), season(generator, 120)
        intervals = adaptive_intervals(
            *test, calibration_probability=calibration[0], calibration_happened=calibration[1]
        )
        assert (intervals.lower <= test[0]).all()
        assert (intervals.upper >= test[0]).all()
        measured.append(coverage(intervals, test[1]))
    assert np.mean(measured) == pytest.approx(0.9, abs=0.02)


def test_intervals_follow_a_season_that_changes():
    generator = np.random.default_rng(1)
    calibration, test = season(generator, 60), season(generator, 300, bias=0.15)
    intervals = adaptive_intervals(
        *test, calibration_probability=calibration[0], calibration_happened=calibration[1]
    )

    def measured(days):
        part = type(intervals)(
            lower=intervals.lower[:, days], upper=intervals.upper[:, days], nominal_coverage=0.9
        )
        return coverage(part, test[1][:, days])

    assert measured(slice(0, 30)) < 0.75
    assert measured(slice(150, 300)) == pytest.approx(0.9, abs=0.03)


def test_intervals_and_recalibration_do_not_look_ahead():
    generator = np.random.default_rng(2)
    calibration, (p, y) = season(generator, 60), season(generator, 90)
    changed = y.copy()
    changed[:, 45:] = ~changed[:, 45:]
    kwargs = {
        "calibration_probability": calibration[0],
        "calibration_happened": calibration[1],
    }
    a, b = adaptive_intervals(p, y, **kwargs), adaptive_intervals(p, changed, **kwargs)
    block = BLOCK_DAYS * (45 // BLOCK_DAYS + 1)  # until the block that holds day 45 has ended
    np.testing.assert_array_equal(a.lower[:, :block], b.lower[:, :block])
    assert (a.lower[:, block:] != b.lower[:, block:]).any()
    one, two = recalibrate(p, y, first=30), recalibrate(p, changed, first=30)
    np.testing.assert_array_equal(one[:, :50], two[:, :50])
    assert (one[:, 60:] != two[:, 60:]).any()


def test_recalibration_removes_a_bias_and_keeps_the_order():
    generator = np.random.default_rng(3)
    p, _ = season(generator, 200)
    y = generator.random(p.shape) < p / 2
    found = recalibrate(p, y, first=60)[:, 60:]
    assert abs(found.mean() - y[:, 60:].mean()) < 0.01
    order = np.argsort(p[:, 100])
    assert (np.diff(found[order, 40]) >= 0).all()
    assert (recalibrate(p, np.zeros_like(y), first=60) == p).all()


def test_classes_begin_at_their_bounds():
    bounds = class_bounds(np.arange(101) / 100)
    np.testing.assert_allclose(bounds, [0, 0.5, 0.75, 0.9, 0.95, 0.98])
    assert list(classify(np.array([0, 0.4999, 0.5, 0.95, 1.0]), bounds)) == [0, 0, 1, 4, 5]
    assert len(CLASSES) == 6


def test_spells_are_days_in_a_row():
    classes = np.array([[4, 5, 0, 4, 0], [0, 0, 0, 0, 4]])
    probability = classes / 10
    found = spells(probability, classes, from_class=EXTREME)
    assert [(s.place, s.first, s.last, s.peak, s.highest > EXTREME) for s in found] == [
        (0, 0, 1, 1, True),
        (0, 3, 3, 3, False),
        (1, 4, 4, 4, False),
    ]
