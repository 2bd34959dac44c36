"""One run of a use case: fit, predict with intervals, evaluate. No graph in here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.errors import RunError
from ml.evaluation.evaluate import Own, evaluate
from ml.samples import Predicted
from ml.use_case import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from ml.inputs.inputs import Inputs
    from ml.samples import Bounds, Places, Prediction, Samples
    from ml.use_case import Progress, Settings, UseCase


def execute(
    case: UseCase[Any, Any, Any],
    inputs: Inputs,
    settings: Settings,
    progress: Progress | None = None,
) -> Outcome[Any]:
    """Read the planned inputs, fit on what was before, predict what is asked for.

    One fit makes the predictions, or none where weights are given; one more, which had not seen
    the last stretch, is made where the use case has intervals. Only an evaluation fits more.

    Args:
        case: The use case.
        inputs: What the plan chose.
        settings: What is asked.
        progress: Called as the stages proceed.

    Raises:
        RunError: The inputs do not suffice, or the weights are others than they should be.
        SourceError: A source has gone or cannot be read.
    """
    data = case.read(inputs)
    return execute_on(case, data, settings, simulated=inputs.simulated, progress=progress)


def execute_on(
    case: UseCase[Any, Any, Any],
    data: Any,
    settings: Settings,
    *,
    simulated: bool = False,
    progress: Progress | None = None,
) -> Outcome[Any]:
    """Do what `execute` does on data that has been read.

    Args:
        case: The use case.
        data: Its data.
        settings: What is asked.
        simulated: Whether the data is invented; alerts say so.
        progress: Called as the stages proceed.

    Raises:
        RunError: See `execute`.
    """
    return _Run(case, data, settings, progress or (lambda *_: None)).outcome(simulated=simulated)


def training_samples(samples: Samples, before: np.datetime64 | None) -> np.ndarray:
    """Return which samples may be learnt from, (sample,) bool: those that are over and known."""
    past = np.ones(len(samples.place), bool) if before is None else samples.end <= before
    return np.asarray(past & samples.known)


def load_weights(
    case: UseCase[Any, Any, Any], path: Path, predict_from: np.datetime64 | None
) -> Any:
    """Return what `UseCase.save` wrote, to predict from a moment on.

    Raises:
        RunError: The file holds no such thing, or one that has seen what is to be predicted.
    """
    fitted, seen_before = case.load(path)
    if predict_from is not None and seen_before and np.datetime64(seen_before) > predict_from:
        raise RunError(
            f"{path} was trained on days up to {seen_before[:10]}, which are among those to "
            f"predict from {np.datetime_as_string(predict_from, unit='D')} on; train it on "
            "earlier ones"
        )
    return fitted


class _Run:
    """The parts that the stages of a run share."""

    def __init__(
        self, case: UseCase[Any, Any, Any], data: Any, settings: Settings, progress: Progress
    ) -> None:
        self._case = case
        self._data = data
        self._settings = settings
        self._progress = progress
        self._config = case.config(**settings.config)
        start = settings.predict_from
        self._from = None if start is None else start.astype("datetime64[s]")
        case.check(data, self._from)
        self._places: Places = case.places(data)
        self._samples: Samples = case.samples(data)
        self._learnt = training_samples(self._samples, self._from)
        self._chosen = self._chosen_samples()

    def outcome(self, *, simulated: bool) -> Outcome[Any]:
        """Return what the run finds."""
        case = self._case
        past = self._held_back()
        fitted = self._fitted()
        now = self._predicted(fitted, self._chosen)
        own = {"": now.prediction.value}
        if case.follow_up is not None and past is not None:
            before, after = case.follow_up.function(past, now)
            past, now = Predicted(past.samples, before), Predicted(now.samples, after)
            own[case.follow_up.name] = after.value
        bounds = case.intervals.bounds(past, now) if case.intervals and past else None
        prediction, class_bounds = self._classified(fitted, now.prediction)
        now = Predicted(now.samples, self._explained(fitted, prediction))
        scores = self._scores(own) if self._settings.evaluate else ()
        return Outcome(
            places=self._places,
            predicted=now,
            bounds=bounds,
            coverage=self._coverage(bounds, now.samples),
            class_bounds=class_bounds,
            scores=tuple(scores),
            alerts=tuple(case.alerts(self._places, now, simulated)) if case.alerts else (),
            fitted=fitted,
            device=case.device(),
        )

    def _chosen_samples(self) -> np.ndarray:
        """Return which samples are predicted, (sample,) bool.

        Without a moment to predict from: those without an outcome, or all, if all have one.
        """
        if self._from is not None:
            chosen = self._samples.begin >= self._from
        else:
            chosen = ~self._samples.known
            if not chosen.any():
                chosen = np.ones_like(chosen)
        if not chosen.any():
            raise RunError(f"the inputs hold nothing to predict from {self._from} on")
        if not self._learnt.any() and self._settings.weights is None:
            raise RunError(f"the inputs hold nothing to learn from before {self._from}")
        return np.asarray(chosen)

    def _fit(self, rows: np.ndarray, stage: str) -> Any:
        return self._case.fit(
            self._data, rows, self._config, lambda done, total: self._progress(stage, done, total)
        )

    def _fitted(self) -> Any:
        weights = self._settings.weights
        if weights is not None:
            return load_weights(self._case, weights, self._from)
        return self._fit(self._learnt, "training")

    def _predicted(self, fitted: Any, rows: np.ndarray) -> Predicted:
        positions = np.flatnonzero(rows)
        prediction = self._case.predict(fitted, self._data, positions)
        expected = (len(positions), len(self._case.outputs))
        if np.shape(prediction.value) != expected:
            raise RunError(
                f"`predict` of {self._case.card.identifier} gave values of shape "
                f"{np.shape(prediction.value)} where (sample, output) is {expected}"
            )
        return Predicted(self._samples.at(positions), prediction)

    def _held_back(self) -> Predicted | None:
        """Return honest predictions of the last stretch, by a fit that had not seen it."""
        if self._case.intervals is None:
            return None
        held = self._case.intervals.hold_back(self._samples, self._learnt)
        return self._predicted(self._fit(self._learnt & ~held, "calibrating"), held)

    def _classified(
        self, fitted: Any, prediction: Prediction
    ) -> tuple[Prediction, np.ndarray | None]:
        if self._case.classify is None:
            return prediction, None
        found = self._case.classify(
            prediction.value, lambda: self._predicted(fitted, self._learnt).prediction.value
        )
        return replace(prediction, classes=found.classes), found.lower_bounds

    def _explained(self, fitted: Any, prediction: Prediction) -> Prediction:
        if self._case.explain is None:
            return prediction
        positions = np.flatnonzero(self._chosen)
        return replace(prediction, attributions=self._case.explain(fitted, self._data, positions))

    def _coverage(self, bounds: Bounds | None, samples: Samples) -> float:
        if bounds is None or self._case.intervals is None:
            return float("nan")
        return self._case.intervals.coverage(bounds, samples)

    def _scores(self, own: dict[str, np.ndarray]) -> Any:
        return evaluate(
            self._case,
            self._data,
            self._places,
            self._samples,
            self._config,
            Own(learnt=self._learnt, chosen=self._chosen, values=own),
            self._from,
            self._progress,
        )
