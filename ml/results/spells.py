"""Spells: times in a row at which a place is in a class that calls for an alert."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Spell:
    """Steps of time in a row at which a place is in a class from some class on."""

    place: int
    first: int
    """Position of the first step."""
    last: int
    """Position of the last step, which belongs to the spell."""
    peak: int
    """Position of the step with the highest value."""
    highest: int
    """The highest class of any step."""


def spells(value: np.ndarray, classes: np.ndarray, *, from_class: int) -> list[Spell]:
    """Return the spells of all places, in the order of places and times.

    Args:
        value: (place, time); the peak of a spell is where it is highest.
        classes: (place, time) int, the position of the class of each value.
        from_class: The lowest class that belongs to a spell.
    """
    found = []
    for place, calls in enumerate(classes >= from_class):
        edges = np.diff(np.concatenate([[0], calls.astype(int), [0]]))
        for first, end in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
            steps = slice(int(first), int(end))
            found.append(
                Spell(
                    place=place,
                    first=int(first),
                    last=int(end) - 1,
                    peak=int(first + value[place, steps].argmax()),
                    highest=int(classes[place, steps].max()),
                )
            )
    return found
