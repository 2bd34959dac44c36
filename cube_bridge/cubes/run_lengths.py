"""Whole numbers as one short text: equal ones that follow each other are counted."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from cube_bridge.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable


#: Texts that are remembered as arrays: one for each variable that is asked for again and again.
REMEMBERED = 256
_RUN = re.compile(r"(-?\d+)(?:\*(\d+))?")


def runs_of(values: Iterable[int]) -> list[str]:
    """Return a text for each run of equal numbers: `30*12` for twelve times 30, `5` for one 5."""
    runs = [(value, sum(1 for _ in same)) for value, same in groupby(values)]
    return [f"{value}*{count}" if count > 1 else str(value) for value, count in runs]


def values_of_runs(runs: list[str], text: str) -> np.ndarray:
    """Return the numbers that `runs_of` wrote: (n,) int64.

    Args:
        runs: One text a run.
        text: Where they come from, for the message.

    Raises:
        SourceError: One is no run.
    """
    found = [_RUN.fullmatch(run) for run in runs]
    pairs = [(int(m[1]), int(m[2] or 1)) for m in found if m is not None]
    if len(pairs) < len(runs):
        raise SourceError(f"not a list of runs: {text[:60]!r}; index the cube anew")
    values = np.array([value for value, _ in pairs], dtype=np.int64)
    return np.repeat(values, [count for _, count in pairs])
