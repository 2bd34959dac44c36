"""One run that looks for links between variables. No graph in here."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.use_case import Discovered

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyoxigraph import NamedNode

    from ml.inputs.inputs import Inputs
    from ml.link import Link
    from ml.use_case import Discovery, Progress, Settings


def discover(
    case: Discovery[Any, Any], inputs: Inputs, settings: Settings, progress: Progress
) -> Discovered:
    """Return the links in the planned inputs, and how often each came back in resampled data.

    Args:
        case: The use case.
        inputs: What the plan chose.
        settings: What is asked; only the configuration counts.
        progress: Called as repetitions are done.

    Raises:
        RunError: The inputs do not suffice.
        SourceError: A source has gone or cannot be read.
    """
    return discover_in(case, case.read(inputs), settings, progress)


def discover_in(
    case: Discovery[Any, Any], data: Any, settings: Settings, progress: Progress
) -> Discovered:
    """Do what `discover` does on data that has been read."""
    config = case.config(**settings.config)
    found = case.discover(data, config)
    generator = np.random.default_rng(0)
    came: Counter[tuple[NamedNode, NamedNode, float | None]] = Counter()
    for done in range(case.repeats):
        came.update(_keys(case.discover(case.resample(data, generator), config)))
        progress("resampling", done + 1, case.repeats)
    links = tuple(
        link._replace(stability=came[_key(link)] / case.repeats if case.repeats else None)
        for link in found
    )
    known, ours = _keys(case.known(data)), _keys(links)
    right = len(known & ours)
    return Discovered(
        links=links,
        precision=right / len(ours) if known and ours else float("nan"),
        recall=right / len(known) if known else float("nan"),
    )


def _keys(links: Iterable[Link]) -> set[tuple[NamedNode, NamedNode, float | None]]:
    return {_key(link) for link in links}


def _key(link: Link) -> tuple[NamedNode, NamedNode, float | None]:
    """Return what makes two links the same: strength may differ, lag may not."""
    return link.cause, link.effect, link.lag_s
