"""The parts that use cases share, without one of ours: splits, intervals, samples, explanations."""

import io

import numpy as np
import pytest
from pyoxigraph import NamedNode, RdfFormat

from kg.rdf.iris import Iris
from ml.card import find_card, packages, read_card
from ml.derivation import derivations
from ml.errors import ModelNotFoundError, PlanError, RunError
from ml.evaluation.baselines import climatology
from ml.evaluation.metrics import mean_absolute_error, r_squared, root_mean_square_error
from ml.evaluation.splits import before, by_place, rolling
from ml.explanation.permutation import permutation_attributions
from ml.planning.slots import slots
from ml.results.provenance import place_keys
from ml.samples import Places, Predicted, Prediction, Samples
from ml.training.arrays import load_arrays, save_arrays
from ml.uncertainty.quantity import quantity
from ontology.terms import DEEP, expand


def monthly(places=3, months=48, seed=0):
    """Return samples of each place in each month from 2000-01 on."""
    begin = np.datetime64("2000-01") + np.arange(months)
    target = np.random.default_rng(seed).normal(size=(places * months, 1))
    return Samples(
        place=np.repeat(np.arange(places), months),
        begin=np.tile(begin.astype("datetime64[s]"), places),
        end=np.tile((begin + 1).astype("datetime64[s]"), places),
        target=target,
    )


def places_of(count, prefix="http://example.org/place/"):
    return Places(
        iri=tuple(NamedNode(f"{prefix}{i}") for i in range(count)),
        label=tuple(f"place {i}" for i in range(count)),
        kind=DEEP.Region,
    )


def test_use_cases_are_found_by_their_folder_and_described_without_their_code():
    assert {"fire-danger", "drought"} <= set(packages())
    card = find_card("drought")
    assert card.iri.value == "https://w3id.org/deepcube/model/drought"
    assert b"InputSlot" in card.turtle
    with pytest.raises(ModelNotFoundError, match=r"there are: .*drought.*fire-danger"):
        find_card("rain-dance")


def test_a_malformed_description_is_told(tmp_path, monkeypatch):
    package = tmp_path / "tides_of_mine"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "model.ttl").write_text("@prefix deep: <urn:deep#> . deep:tides")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModelNotFoundError, match=r"model\.ttl of tides_of_mine is malformed"):
        read_card("tides_of_mine")


def test_a_slot_that_names_no_class_is_refused_by_name(store):
    described = b"""@prefix deep: <https://w3id.org/deepcube/ontology#> .
        <urn:tides> deep:hasSlot <urn:tides#level> .
        <urn:tides#level> deep:admits <urn:tides#Levle> ."""
    store.load(io.BytesIO(described), RdfFormat.TURTLE)
    with pytest.raises(PlanError, match="urn:tides#level names urn:tides#Levle"):
        slots(store, NamedNode("urn:tides"))


def test_derivations_are_found_and_say_what_they_do():
    found = derivations()
    deficit = found["vapour_pressure_deficit"]
    assert set(deficit.inputs) == {"temperature", "humidity"}
    assert deficit.output.unit == expand("unit:KiloPA")
    values = {name: np.array([[20.0, 30.0]]) for name in deficit.inputs}
    assert deficit.function(**values).shape == (1, 2)
    assert "great_circle" not in found  # a function, but of no observed quantity


def test_a_split_by_time_keeps_what_is_tested_out_of_what_is_learnt():
    samples, start = monthly(), np.datetime64("2002-01-01")
    (fold,) = before()(places_of(3), samples, start)
    assert fold.train.sum() == 3 * 24
    assert fold.test.sum() == 3 * 24
    assert samples.end[fold.train].max() <= samples.begin[fold.test].min()
    with pytest.raises(RunError, match="needs a moment"):
        list(before()(places_of(3), samples, None))


def test_a_rolling_split_learns_all_that_was_before_and_tests_each_sample_once():
    samples, start = monthly(), np.datetime64("2002-01-01")
    folds = list(rolling(months=7)(places_of(3), samples, start))
    assert len(folds) == 4
    assert len({fold.protocol for fold in folds}) == 1
    tested = np.sum([fold.test for fold in folds], axis=0)
    np.testing.assert_array_equal(tested, samples.begin >= start)
    for fold in folds:
        assert samples.end[fold.train].max() == samples.begin[fold.test].min()


def test_a_split_by_place_learns_from_other_places_only():
    samples = monthly(places=6)
    folds = list(by_place(3)(places_of(6), samples, None))
    assert len(folds) == 3
    for fold in folds:
        assert not set(samples.place[fold.train]) & set(samples.place[fold.test])


def test_samples_by_place_and_time_are_whole_or_refused():
    samples = monthly(places=2, months=4)
    shuffled = samples.at(np.array([3, 1, 0, 2, 7, 4, 6, 5]))
    np.testing.assert_array_equal(shuffled.grid(), [[2, 1, 3, 0], [5, 7, 6, 4]])
    with pytest.raises(RunError, match="some are missing"):
        samples.at(np.arange(7)).grid()


def test_intervals_of_quantities_cover_as_often_as_they_say_at_each_place():
    # Places differ tenfold in how far outcomes lie from predictions.
    generator = np.random.default_rng(0)
    scale = np.array([0.1, 1.0, 10.0])
    samples = monthly(months=1200)
    target = generator.normal(size=(3, 1200)) * scale[:, None]
    samples = Samples(
        place=samples.place, begin=samples.begin, end=samples.end, target=target.reshape(-1, 1)
    )
    method = quantity(held_back_months=600)
    held = method.hold_back(samples, samples.end <= np.datetime64("2050-01-01"))
    assert held.sum() == 3 * 600
    past, now = (
        Predicted(part, Prediction(value=np.zeros((len(part.place), 1))))
        for part in (samples.at(np.flatnonzero(held)), samples.at(np.flatnonzero(~held)))
    )
    bounds = method.bounds(past, now)
    assert method.coverage(bounds, now.samples) == pytest.approx(0.9, abs=0.03)
    for place in range(3):
        own = now.samples.place == place
        inside = (bounds.lower[own] <= now.samples.target[own]) & (
            now.samples.target[own] <= bounds.upper[own]
        )
        assert inside.mean() == pytest.approx(0.9, abs=0.05)


def test_intervals_that_cannot_be_calibrated_are_refused():
    samples = monthly(places=1, months=5)
    some = Predicted(samples, Prediction(value=np.zeros((5, 1))))
    with pytest.raises(RunError, match="need 10 outcomes"):
        quantity(held_back_months=5).bounds(some, some)


def test_scores_of_quantities():
    target = np.array([1.0, 2.0, 3.0])
    assert root_mean_square_error(target, target) == 0
    assert r_squared(target, target) == 1
    assert r_squared(np.full(3, 2.0), target) == 0
    assert mean_absolute_error(np.zeros(3), target) == 2
    with pytest.raises(RunError, match="all outcomes"):
        r_squared(target, np.ones(3))


def test_climatology_is_by_place_and_month_and_falls_back_on_what_is_known():
    month = np.array([1, 2, 1, 2, 3])
    target = np.array([[1.0, 5.0, 3.0, 7.0, 100.0], [2.0, 2.0, 2.0, 2.0, 2.0]])
    train = np.array([[True, True, True, True, False], [False] * 5])
    found = climatology(target, month, train)
    np.testing.assert_allclose(found[0], [2, 6, 2, 6, 4])
    np.testing.assert_allclose(found[1], [4, 4, 4, 4, 4])


def test_attributions_name_what_moves_a_prediction():
    features = np.random.default_rng(0).normal(size=(200, 3))
    found = permutation_attributions(
        lambda x: 3 * x[:, 0] + x[:, 1], features, {"much": [0], "little": [1], "nothing": [2]}
    )
    assert found.names == ("much", "little", "nothing")
    np.testing.assert_allclose(found.share.sum(axis=1), 1)
    mean = found.share.mean(axis=0)
    assert mean[0] > 0.65
    assert mean[2] == 0
    still = permutation_attributions(lambda x: np.zeros(len(x)), features, {"any": [0, 1, 2]})
    assert (still.share == 0).all()


def test_arrays_survive_a_file_and_are_refused_for_another_model(tmp_path):
    save_arrays({"a": np.arange(3)}, tmp_path / "w", "tides", "2001-01-01")
    arrays, seen_before = load_arrays(tmp_path / "w", "tides", ["a"])
    np.testing.assert_array_equal(arrays["a"], [0, 1, 2])
    assert seen_before == "2001-01-01"
    assert [p.name for p in tmp_path.iterdir()] == ["w"]
    with pytest.raises(RunError, match="weights of tides, not of waves"):
        load_arrays(tmp_path / "w", "waves", ["a"])
    (tmp_path / "junk").write_text("junk")
    with pytest.raises(RunError, match="no weights"):
        load_arrays(tmp_path / "junk", "tides", ["a"])


def test_places_are_told_apart_in_iris_of_predictions():
    iris = Iris()
    same_end = Places(
        iri=(iris.mint("a", "1"), iris.mint("b", "1")), label=("x", "y"), kind=DEEP.Region
    )
    assert place_keys(same_end) == ("a_1", "b_1")
    assert place_keys(places_of(2)) == ("0", "1")
