"""From probabilities to danger classes, and from classes to alerts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ontology.terms import DEEP

if TYPE_CHECKING:
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


@dataclass(frozen=True, kw_only=True)
class Spell:
    """Days in a row on which a cell is in extreme danger."""

    cell: int
    first: int
    """Position of the first day."""
    last: int
    """Position of the last day, which belongs to the spell."""
    peak: int
    """Position of the day with the highest probability."""
    very_extreme: bool
    """True where some day is in the highest class."""


def class_bounds(training_probability: np.ndarray) -> np.ndarray:
    """Return the lowest probability of each class, (6,), the first 0."""
    bounds = np.asarray(np.percentile(training_probability, PERCENTILES))
    bounds[0] = 0.0
    return bounds


def classify(probability: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Return the position in CLASSES of each probability, same shape."""
    return np.searchsorted(bounds, probability, side="right") - 1


def extreme_spells(probability: np.ndarray, classes: np.ndarray) -> list[Spell]:
    """Return the spells of extreme danger of all cells, in the order of cells and days.

    Args:
        probability: (cell, day).
        classes: (cell, day) positions in CLASSES.
    """
    spells = []
    for cell, extreme in enumerate(classes >= EXTREME):
        edges = np.diff(np.concatenate([[0], extreme.astype(int), [0]]))
        for first, end in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
            days = slice(int(first), int(end))
            spells.append(
                Spell(
                    cell=cell,
                    first=int(first),
                    last=int(end) - 1,
                    peak=int(first + probability[cell, days].argmax()),
                    very_extreme=bool((classes[cell, days] > EXTREME).any()),
                )
            )
    return spells
