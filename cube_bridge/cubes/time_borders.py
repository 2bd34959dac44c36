"""Where the times of chunks begin and end, as text and back."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from cube_bridge.cubes.run_lengths import (
    REMEMBERED,
    runs_of,
    values_of_runs,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


def times_text(moments: Iterable[datetime]) -> str:
    """Return moments as one text: the first in seconds since 1970, then the steps, run by run."""
    seconds = [round(m.timestamp()) for m in moments]
    steps = [b - a for a, b in pairwise(seconds)]
    return " ".join([str(seconds[0]), *runs_of(steps)])


@lru_cache(maxsize=REMEMBERED)
def times_of_text(text: str) -> np.ndarray:
    """Return the moments that `times_text` wrote: (n,) int64 seconds since 1970.

    Raises:
        SourceError: The text is none.
    """
    first, *runs = text.split(" ")
    steps = values_of_runs(runs, text)
    return np.cumsum(np.concatenate([[int(first)], steps]), dtype=np.int64)


def seconds_of(moment: datetime) -> float:
    """Return a moment as seconds since 1970; a naive one is taken as UTC."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
