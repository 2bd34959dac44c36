"""Ridge regression on the levels of the weeks before; weeks, gauges that the graph knows."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pyoxigraph import NamedNode
from sklearn.linear_model import Ridge

from kg.rdf.times import day_bounds
from ml.card import read_card
from ml.evaluation.metrics import QUANTITY_METRICS
from ml.evaluation.splits import before, by_place
from ml.explanation.permutation import permutation_attributions
from ml.samples import Places, Prediction, Samples
from ml.training.arrays import load_arrays, save_arrays
from ml.uncertainty.quantity import quantity
from ml.use_case import Alert, Evaluation, Output, UseCase
from ontology.terms import DEEP, expand

LAGS = 3
WEEK = np.timedelta64(7, "D")


@dataclass(frozen=True, kw_only=True)
class Config:
    """What was chosen by hand."""

    penalty: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Levels:
    """Weekly levels of gauges."""

    iri: tuple[NamedNode, ...]
    label: tuple[str, ...]
    weeks: np.ndarray
    """(week,) datetime64[s]"""
    level: np.ndarray
    """(gauge, week) metres"""
    rests_on: tuple[NamedNode, ...]

    @property
    def features(self) -> np.ndarray:
        """(sample, lag) levels of the weeks before, the latest first."""
        weeks = self.level.shape[1]
        lagged = [self.level[:, LAGS - 1 - lag : weeks - 1 - lag] for lag in range(LAGS)]
        return np.stack(lagged, axis=-1).reshape(-1, LAGS)


def read(inputs):
    found = inputs.series("level")
    return Levels(
        iri=tuple(NamedNode(str(i)) for i in found["iri"].to_numpy()),
        label=tuple(map(str, found["label"].to_numpy())),
        weeks=found["time"].to_numpy().astype("datetime64[s]"),
        level=found["level"].to_numpy().astype(np.float64),
        rests_on=inputs.parts("level"),
    )


def places(data):
    return Places(iri=data.iri, label=data.label, kind=DEEP.Station, are_in_graph=True)


def samples(data):
    weeks = data.weeks[LAGS:]
    gauges = len(data.iri)
    return Samples(
        place=np.repeat(np.arange(gauges), len(weeks)),
        begin=np.tile(weeks, gauges),
        end=np.tile(weeks + WEEK, gauges),
        target=data.level[:, LAGS:].reshape(-1, 1),
        rests_on=lambda i: (data.rests_on[i // len(weeks)],),
    )


def fit(data, rows, config, progress):
    found = Ridge(alpha=config.penalty).fit(data.features[rows], samples(data).target[rows, 0])
    progress(1, 1)
    return found


def predict(fitted, data, positions):
    return Prediction(value=fitted.predict(data.features[positions])[:, None])


def save(fitted, path: Path, trained_before):
    arrays = {"coefficients": fitted.coef_, "intercept": np.array(fitted.intercept_)}
    save_arrays(arrays, path, "river-levels", trained_before)


def load(path: Path):
    arrays, trained_before = load_arrays(path, "river-levels", ("coefficients", "intercept"))
    fitted = Ridge()
    fitted.coef_, fitted.intercept_ = arrays["coefficients"], float(arrays["intercept"])
    return fitted, trained_before


def explain(fitted, data, positions):
    groups = {"last week": [0], "weeks before": list(range(1, LAGS))}
    return permutation_attributions(fitted.predict, data.features[positions], groups, draws=5)


def alerts(places, predicted, simulated):
    value = predicted.prediction.value[:, 0]
    highest = int(value.argmax())
    begin, end = (
        day_bounds(m[highest].astype("datetime64[D]").item())[0]
        for m in (predicted.samples.begin, predicted.samples.end)
    )
    yield Alert(
        place=int(predicted.samples.place[highest]),
        begin=begin,
        end=end,
        headline=f"river up to {value[highest]:.1f} m",
        category="Met",
        event="High water",
        severity="Moderate",
        certainty="Possible",
        why=(highest,),
    )


def last_level(data, train, test):
    return data.features[test, :1]


USE_CASE = UseCase(
    card=read_card(__package__),
    config=Config,
    outputs=(
        Output(
            label="river level",
            observed=NamedNode("https://example.org/river#LevelOfGauge"),
            prediction_class=NamedNode("https://example.org/river#Prediction"),
            task="quantity",
            unit=expand("unit:M"),
        ),
    ),
    read=read,
    places=places,
    samples=samples,
    fit=fit,
    predict=predict,
    save=save,
    load=load,
    evaluation=Evaluation(
        splits=lambda _: (before(), by_place(2, unit="gauge")),
        baselines={"last level": last_level},
        metrics=QUANTITY_METRICS,
        name=lambda _: "ridge",
    ),
    intervals=quantity(held_back_months=6),
    explain=explain,
    alerts=alerts,
)
