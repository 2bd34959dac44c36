"""What the results of a run refer to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from kg.rdf.iris import Iris, below
from kg.rdf.times import interval

if TYPE_CHECKING:
    from pyoxigraph import NamedNode

    from ml.samples import Places, Samples
    from ml.use_case import UseCase


@dataclass(frozen=True, kw_only=True)
class Made:
    """Whose results they are, and how their IRIs are made."""

    run: NamedNode
    case: UseCase[Any, Any, Any]
    iris: Iris
    simulated: bool
    """True where any input is simulated, and so all that follows from it."""
    place_keys: tuple[str, ...]
    """For each place the segment of IRIs below the run that stands for it."""

    def prediction(self, samples: Samples, position: int, output: int) -> NamedNode:
        """Return the IRI of a prediction: below the run, by place and time."""
        segments = ["prediction", self.place_keys[int(samples.place[position])]]
        span = span_of(samples, position)
        if span is not None:
            segments.append(self._time_key(*span))
        if len(self.case.outputs) > 1:
            segments.append(self.case.outputs[output].observed.value.rsplit("#", 1)[-1])
        return below(self.run, *segments)

    def _time_key(self, begin: datetime, end: datetime) -> str:
        prefix = self.iris.mint("time", "").value
        return interval(self.iris, begin, end).value.removeprefix(prefix).replace("/", "_")


def place_keys(places: Places) -> tuple[str, ...]:
    """Return a segment for each place: the last of its IRI, or more where that is ambiguous."""
    paths = [iri.value.split("//", 1)[-1].split("/") for iri in places.iri]
    for length in range(1, max(map(len, paths), default=1) + 1):
        keys = tuple("_".join(path[-length:]) for path in paths)
        if len(set(keys)) == len(set(places.iri)):
            return keys
    return tuple(str(number) for number in range(len(paths)))


def span_of(samples: Samples, position: int) -> tuple[datetime, datetime] | None:
    """Return the beginning and end of a sample; None where it has no time."""
    if np.isnat(samples.begin[position]):
        return None
    return as_datetime(samples.begin[position]), as_datetime(samples.end[position])


def as_datetime(moment: np.datetime64) -> datetime:
    """Return a moment in UTC."""
    return datetime.fromisoformat(str(moment.astype("datetime64[s]"))).replace(tzinfo=UTC)
