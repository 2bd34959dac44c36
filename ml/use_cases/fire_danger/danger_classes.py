"""From probabilities to danger classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml.use_case import Classified
from ontology.terms import DEEP

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyoxigraph import NamedNode

#: The six EFFIS classes, in order.
CLASSES: tuple[NamedNode, ...] = (
    DEEP.DangerLow,
    DEEP.DangerModerate,
    DEEP.DangerHigh,
    DEEP.DangerVeryHigh,
    DEEP.DangerExtreme,
    DEEP.DangerVeryExtreme,
)
#: Percentiles of the training period at which a class begins (ontology/fire.ttl): EFFIS has
#: bounds for the FWI, none for a probability, so ours are those of its ranking product.
PERCENTILES = (0.0, 50.0, 75.0, 90.0, 95.0, 98.0)
#: Position in CLASSES from which on a day calls for an alert.
EXTREME = 4


def class_bounds(training_probability: np.ndarray) -> np.ndarray:
    """Return the lowest probability of each class, (6,), the first 0."""
    bounds = np.asarray(np.percentile(training_probability, PERCENTILES))
    bounds[0] = 0.0
    return bounds


def classify(probability: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Return the position in CLASSES of each probability, same shape."""
    return np.searchsorted(bounds, probability, side="right") - 1


def classified(value: np.ndarray, learnt: Callable[[], np.ndarray]) -> Classified:
    """Return the danger classes of probabilities.

    Args:
        value: (sample, 1).
        learnt: Returns the probabilities of the samples that were learnt from, (sample, 1).
    """
    bounds = class_bounds(learnt())
    return Classified(classes=classify(value[:, 0], bounds), lower_bounds=bounds)
