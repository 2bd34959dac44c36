"""What is learnt from and what is tested: splits of samples by time, and by place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.model_selection import GroupKFold

from ml.errors import RunError
from ml.use_case import Fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml.samples import Places, Samples
    from ml.use_case import Split


def before() -> Split:
    """Return the split at the moment from which on a run predicts: it costs no further fit."""

    def split(_: Places, samples: Samples, predict_from: np.datetime64 | None) -> Iterator[Fold]:
        start = _start(predict_from)
        day = np.datetime_as_string(start, unit="D")
        yield Fold(
            f"temporal: trained before {day}, tested from then on",
            samples.end <= start,
            samples.begin >= start,
        )

    return split


def rolling(*, months: int) -> Split:
    """Return the split of a model that is fitted anew every so many months, on all before.

    Args:
        months: Calendar months that one fit predicts.
    """

    def split(_: Places, samples: Samples, predict_from: np.datetime64 | None) -> Iterator[Fold]:
        start = _start(predict_from)
        begin, last = start, samples.begin[samples.known].max()
        day = np.datetime_as_string(start, unit="D")
        protocol = f"rolling: fitted anew every {months} months from {day} on, pooled"
        while begin <= last:
            end = (begin.astype("datetime64[M]") + months).astype("datetime64[s]")
            tested = (samples.begin >= begin) & (samples.begin < end)
            yield Fold(protocol, samples.end <= begin, tested)
            begin = end

    return split


def by_place(folds: int, *, unit: str = "place") -> Split:
    """Return the split of places into folds: a place is tested by what learnt from the others.

    Args:
        folds: How many.
        unit: What the places are, for people.
    """

    def split(_: Places, samples: Samples, __: np.datetime64 | None) -> Iterator[Fold]:
        for _train, rows in GroupKFold(folds).split(samples.place, groups=samples.place):
            test = np.zeros(len(samples.place), dtype=bool)
            test[rows] = True
            yield Fold(f"spatial: {folds} folds grouped by {unit}, pooled", ~test, test)

    return split


def _start(predict_from: np.datetime64 | None) -> np.datetime64:
    if predict_from is None:
        raise RunError("a split by time needs a moment from which on the run predicts")
    start: np.datetime64 = predict_from.astype("datetime64[s]")
    return start
