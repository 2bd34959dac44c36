"""What a use case predicts about: samples (a place at a time), and what is said of them.

Everything generic (splits, intervals, metrics, results) sees samples only. A sample is one place
at one time, whatever the place is: a cell, a district, an image, a point of a radar series.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ml.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyoxigraph import NamedNode
    from shapely.geometry.base import BaseGeometry


@dataclass(frozen=True, kw_only=True)
class Places:
    """What predictions are about; every tuple has an entry for each place."""

    iri: tuple[NamedNode, ...]
    label: tuple[str, ...]
    kind: NamedNode
    """Class of the places, such as deep:Cell."""
    geometry: tuple[BaseGeometry | None, ...] | None = None
    """In CRS84; None for a place without one, or where none of them has one."""
    are_in_graph: bool = False
    """True where the graph describes them already, so that nothing is written of them."""
    short_label: tuple[str, ...] = ()
    """How a place is called within the label of a prediction; none: as its label."""


def _rests_on_nothing(sample: int) -> tuple[NamedNode, ...]:  # noqa: ARG001
    """Return no input: what data that comes from no graph rests on."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Places at times, with what was observed of them."""

    place: np.ndarray
    """(sample,) int, position in the places."""
    begin: np.ndarray
    """(sample,) datetime64[s], UTC; NaT where there is no time."""
    end: np.ndarray
    """(sample,) datetime64[s], the moment after; NaT where there is no time."""
    target: np.ndarray
    """(sample, output) float64, a class as its position; NaN where it is not known."""
    rests_on: Callable[[int], tuple[NamedNode, ...]] = field(default=_rests_on_nothing)
    """The inputs of one sample by its position: series, images, variables."""

    @property
    def known(self) -> np.ndarray:
        """(sample,) bool: True where every output was observed."""
        return np.asarray(~np.isnan(self.target).any(axis=1))

    def at(self, positions: np.ndarray) -> Samples:
        """Return some of the samples.

        Args:
            positions: (n,) int, in any order.
        """
        return Samples(
            place=self.place[positions],
            begin=self.begin[positions],
            end=self.end[positions],
            target=self.target[positions],
            rests_on=lambda i: self.rests_on(int(positions[i])),
        )

    def grid(self) -> np.ndarray:
        """Return the positions of the samples by place and time, (place, time) int.

        Raises:
            RunError: The places do not all have samples at the same times.
        """
        order = np.lexsort((self.begin, self.place))
        places, times = np.unique(self.place).size, np.unique(self.begin).size
        grid = order.reshape(places, times) if order.size == places * times else None
        if grid is None or not (self.begin[grid] == self.begin[grid[:1]]).all():
            raise RunError("this needs a sample of each place at each time, and some are missing")
        return grid


class Attributions(NamedTuple):
    """What predictions owe to each input."""

    names: tuple[str, ...]
    share: np.ndarray
    """(sample, name) 0 to 1, adding to 1 over the names; all 0 where no input matters."""


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What a fitted model says of some samples."""

    value: np.ndarray
    """(sample, output) float64; of a class its position."""
    classes: np.ndarray | None = None
    """(sample,) int, position in the classes of the first output; None where there are none."""
    moment: np.ndarray | None = None
    """(sample,) datetime64[s], UTC: when a change happened; NaT for none."""
    attributions: Attributions | None = None


class Predicted(NamedTuple):
    """Samples with what was predicted of them; the samples have their outcomes where known."""

    samples: Samples
    prediction: Prediction


class Bounds(NamedTuple):
    """An interval for each prediction."""

    lower: np.ndarray
    """(sample, output)."""
    upper: np.ndarray
    """(sample, output), not below `lower`."""
