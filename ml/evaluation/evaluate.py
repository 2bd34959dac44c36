"""The evaluation of a run: model and baselines on the same splits, in the same run."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ml.errors import RunError
from ml.use_case import Score

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml.samples import Places, Samples
    from ml.use_case import Fold, Progress, UseCase


class Own(NamedTuple):
    """What the run itself predicted, so that its own split costs no further fit."""

    learnt: np.ndarray
    """(sample,) bool."""
    chosen: np.ndarray
    """(sample,) bool, those predicted."""
    values: dict[str, np.ndarray]
    """(predicted sample, output) by what tables add to the name of the model: nothing for its
    own predictions, more for corrected ones."""


def evaluate(
    case: UseCase[Any, Any, Any],
    data: Any,
    places: Places,
    samples: Samples,
    config: Any,
    own: Own,
    predict_from: np.datetime64 | None,
    progress: Progress,
) -> Iterator[Score]:
    """Yield the scores of the model, its variants and the baselines on all splits.

    Args:
        case: The use case.
        data: Its data.
        places: The places of the data.
        samples: All samples of the data.
        config: Configuration of the run. Where it has a `seed`, a later fold of a protocol is
            fitted with the seed that many higher.
        own: What the run predicted.
        predict_from: From which moment on it predicts.
        progress: Called as fits proceed.
    """
    judge = _Judge(case, data, samples, config, own, progress)
    for split in case.evaluation.splits(config):
        found = list(split(places, samples, predict_from))
        for protocol, folds in groupby(found, key=lambda fold: fold.protocol):
            yield from judge.scores(protocol, list(folds))


class _Judge:
    """Fits and scores on the folds of one protocol after the other."""

    def __init__(
        self,
        case: UseCase[Any, Any, Any],
        data: Any,
        samples: Samples,
        config: Any,
        own: Own,
        progress: Progress,
    ) -> None:
        self._case = case
        self._data = data
        self._samples = samples
        self._config = config
        self._own = own
        self._progress = progress

    def scores(self, protocol: str, folds: list[Fold]) -> Iterator[Score]:
        """Yield the scores of all methods, pooled over the folds."""
        known = self._samples.known
        tested = np.zeros(len(known), dtype=bool)
        values: dict[str, np.ndarray] = {}
        for number, fold in enumerate(folds):
            test = fold.test & known
            for name, value in self._fold(protocol, fold, test, number, len(folds)):
                every = values.setdefault(name, np.full(self._samples.target.shape, np.nan))
                every[test] = value
            tested |= test
        if not tested.any():
            raise RunError(f"no outcome is known of what is tested ({protocol})")
        for name, value in values.items():
            for output in range(value.shape[1]):
                yield from self._score(protocol, name, value[tested], tested, output)

    def _score(
        self, protocol: str, name: str, value: np.ndarray, tested: np.ndarray, output: int
    ) -> Iterator[Score]:
        target = self._samples.target[tested, output]
        for metric in self._case.evaluation.metrics:
            yield Score(
                method=name,
                is_baseline=name in self._case.evaluation.baselines,
                protocol=protocol,
                metric=metric.iri,
                value=metric.function(value[:, output], target),
                output=output,
            )

    def _fold(
        self, protocol: str, fold: Fold, test: np.ndarray, number: int, count: int
    ) -> Iterator[tuple[str, np.ndarray]]:
        """Yield what each method predicts of the tested samples, (tested sample, output)."""
        evaluation = self._case.evaluation
        train = fold.train & self._samples.known
        for name, baseline in evaluation.baselines.items():
            yield name, baseline(self._data, train, test)
        name = evaluation.name(self._config)
        # Masks cover what is known only: the run itself may have predicted the future as well.
        is_own = np.array_equal(train, self._own.learnt) and not (test & ~self._own.chosen).any()
        if count == 1 and is_own:
            for variant in evaluation.variants(self._config):
                stage = "training the other variant"
                yield evaluation.name(variant), self._fitted(variant, train, test, stage)
            within = test[self._own.chosen]
            for added, value in self._own.values.items():
                yield name + added, value[within]
            return
        # The fits of folds are no copies of each other in what they draw.
        config = _reseeded(self._config, number + 1 if count > 1 else 0)
        yield name, self._fitted(config, train, test, None)
        self._progress(f"{protocol.partition(':')[0]} cross-validation", number + 1, count)

    def _fitted(
        self, config: Any, train: np.ndarray, test: np.ndarray, stage: str | None
    ) -> np.ndarray:
        def steps(done: int, total: int) -> None:
            if stage is not None:
                self._progress(stage, done, total)

        fitted = self._case.fit(self._data, train, config, steps)
        return self._case.predict(fitted, self._data, np.flatnonzero(test)).value


def _reseeded(config: Any, number: int) -> Any:
    has_seed = is_dataclass(config) and any(f.name == "seed" for f in fields(config))
    if number == 0 or not has_seed or isinstance(config, type):
        return config
    return replace(config, seed=config.seed + number)
