from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
import torch
from pyoxigraph import NamedNode, Quad

from kg.rdf.iris import Iris
from kg.rdf.terms import double
from kg.validation.shacl import shapes_with
from ml.card import find_card
from ml.errors import RunError
from ml.runs.execute import execute_on, load_weights
from ml.training.device import choose_device
from ml.use_case import Settings
from ml.use_cases.fire_danger.cell_days import CellDays
from ml.use_cases.fire_danger.config import Config
from ml.use_cases.fire_danger.features import make_batch
from ml.use_cases.fire_danger.inputs import FireData
from ml.use_cases.fire_danger.network import FireDangerNet
from ml.use_cases.fire_danger.season import FOLLOW_SEASON
from ml.use_cases.fire_danger.training import predict, save, train
from ml.use_cases.fire_danger.use_case import NOWCAST, USE_CASE
from ontology.terms import DEEP, RDF, SOSA

A_PREDICTION = NamedNode("http://example.org/prediction")
TINY = Config(hidden=16, members=2, steps=60, rows=512, dropout=0.0, learning_rate=2e-2)


def synthetic(cells=6, days=200, seed=0):
    """Return cell-days on which a dry day means fire."""
    generator = np.random.default_rng(seed)
    humidity = generator.uniform(10, 90, (cells, days))
    weather = np.stack(
        [
            generator.uniform(100, 300, (cells, days)),
            generator.uniform(10, 35, (cells, days)),
            humidity,
            generator.uniform(0, 10, (cells, days)),
        ],
        axis=-1,
    )
    return CellDays(
        longitude=130 + 2.0 * np.arange(cells),
        latitude=np.full(cells, -20.0),
        days=pd.date_range("2020-01-01", periods=days),
        weather=weather.astype(np.float32),
        fires=(humidity < 30).astype(np.float32) * 3,
    )


@pytest.mark.parametrize("nowcast", [True, False])
def test_nothing_of_a_later_day_is_seen(nowcast):
    data, day = synthetic(days=60), 40
    net = FireDangerNet(replace(TINY, nowcast=nowcast)).eval()
    fires, weather = data.fires.copy(), data.weather.copy()
    fires[:, day:] = 50 - fires[:, day:]  # what burns on the day itself is the target
    first_unseen = day + 1 if nowcast else day
    weather[:, first_unseen:] += 5
    changed = replace(data, fires=fires, weather=weather)
    cpu = torch.device("cpu")
    with torch.no_grad():
        a, b = (net.features(make_batch(d, cpu)) for d in (data, changed))
    torch.testing.assert_close(a[:, : day + 1], b[:, : day + 1])
    assert not torch.allclose(a[:, day + 1 :], b[:, day + 1 :])


def test_a_tiny_model_learns_that_dry_days_burn():
    data = synthetic()
    rows = np.ones(data.fires.shape, dtype=bool)
    rows[:, 150:] = False
    probability = predict(train(data, rows, replace(TINY, steps=150)), data)
    unseen = (probability[:, 150:] > 0.5) == data.burning[:, 150:]
    assert unseen.mean() > 0.93


def test_training_is_repeatable_and_the_split_is_kept():
    data = synthetic(days=90)
    rows = np.ones(data.fires.shape, dtype=bool)
    rows[3] = False
    cpu = torch.device("cpu")
    a = predict(train(data, rows, TINY, device=cpu), data, device=cpu)
    b = predict(train(data, rows, TINY, device=cpu), data, device=cpu)
    np.testing.assert_array_equal(a, b)
    with pytest.raises(RunError, match="nothing to learn"):
        train(data, np.zeros_like(rows), TINY)


def test_weights_survive_a_file(tmp_path):
    data = synthetic(days=60)
    net = train(data, np.ones(data.fires.shape, dtype=bool), TINY)
    day = np.datetime64("2020-03-01")
    save(net, tmp_path / "w", "2020-03-01T00:00:00")
    loaded = load_weights(USE_CASE, tmp_path / "w", day)
    np.testing.assert_array_equal(predict(loaded, data), predict(net, data))
    assert [p.name for p in tmp_path.iterdir()] == ["w"]
    with pytest.raises(RunError, match="among those to predict"):
        load_weights(USE_CASE, tmp_path / "w", np.datetime64("2020-02-01"))
    (tmp_path / "junk").write_text("junk")
    with pytest.raises(RunError, match="no weights"):
        load_weights(USE_CASE, tmp_path / "junk", day)


def execute(data, day, config=TINY, *, evaluate=False, stages=None):
    settings = Settings(predict_from=np.datetime64(day), evaluate=evaluate, config=asdict(config))
    seen = [] if stages is None else stages
    wrapped = FireData(cells=data, iris=Iris())
    return execute_on(USE_CASE, wrapped, settings, progress=lambda stage, *_: seen.append(stage))


def test_a_run_predicts_the_days_asked_for_with_bounds_around_them():
    data = synthetic(days=240)
    stages = []
    result = execute(
        data, "2020-07-01", replace(TINY, spatial_folds=2), evaluate=True, stages=stages
    )
    samples, prediction = result.predicted
    assert samples.begin.min() == np.datetime64("2020-07-01")
    assert prediction.value.shape == (6 * 58, 1)
    assert (result.bounds.lower <= prediction.value).all()
    assert (prediction.value <= result.bounds.upper).all()
    methods = {(s.protocol.partition(":")[0], s.method) for s in result.scores}
    assert len(methods) == 7 + 5
    ours = {
        s.method: s.value
        for s in result.scores
        if s.protocol.startswith("temp") and s.metric == DEEP.AUC
    }
    assert ours[NOWCAST] > 0.9
    assert ours[NOWCAST + FOLLOW_SEASON.name] > 0.9
    assert "spatial cross-validation" in stages


def test_predicting_trains_one_network_and_the_held_back_one(tmp_path):
    data, stages = synthetic(days=240), []
    result = execute(data, "2020-07-01", stages=stages)
    assert set(stages) == {"calibrating", "training"}
    assert result.scores == ()
    save(result.fitted, tmp_path / "w", "2020-07-01")
    stages.clear()
    settings = Settings(
        predict_from=np.datetime64("2020-07-01"), config=asdict(TINY), weights=tmp_path / "w"
    )
    again = execute_on(
        USE_CASE,
        FireData(cells=data, iris=Iris()),
        settings,
        progress=lambda stage, *_: stages.append(stage),
    )
    assert set(stages) == {"calibrating"}
    np.testing.assert_array_equal(
        again.predicted.prediction.value, result.predicted.prediction.value
    )


def test_a_run_says_which_days_it_needs():
    data = synthetic(days=150)
    for day in ("2020-02-01", "2021-01-01"):
        with pytest.raises(RunError, match="need 120 days"):
            execute(data, day)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_gpu_and_cpu_agree():
    data = synthetic()
    rows = np.ones(data.fires.shape, dtype=bool)
    assert choose_device().type == "cuda"
    net = train(data, rows, TINY)
    gpu, cpu = (predict(net, data, device=torch.device(d)) for d in ("cuda", "cpu"))
    np.testing.assert_allclose(gpu, cpu, atol=2e-3)


def test_a_danger_over_one_is_refused():
    quads = [
        Quad(A_PREDICTION, RDF.type, DEEP.FireDangerPrediction),
        Quad(A_PREDICTION, SOSA.hasSimpleResult, double(2)),
    ]
    found = shapes_with(find_card("fire-danger").shapes).violations(quads)
    assert any("probability" in violation.message for violation in found)
