"""Size and version of stored bytes, and how long to wait for them."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from cube_bridge.errors import SourceError

_TIMEOUT_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Stat:
    """What is known of an object without reading it."""

    size: int | None
    """Bytes; None where it is not said."""
    version: str
    """Changes when the bytes do: an entity tag, a checksum, or time and size."""


def bounds(start: int, stop: int | None, size: int) -> tuple[int, int]:
    """Return offset and count of a range within an object of a size."""
    first = max(size + start, 0) if start < 0 else min(start, size)
    last = size if stop is None else min(stop, size)
    return first, max(last - first, 0)


def timeout_s() -> float:
    """Return how long a server may leave us without an answer: DEEPCUBE_TIMEOUT_S, or 30 s.

    Raises:
        SourceError: The variable holds no positive number.
    """
    setting = os.environ.get("DEEPCUBE_TIMEOUT_S")
    if setting is None:
        return _TIMEOUT_S
    try:
        seconds = float(setting)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise SourceError(
            f"DEEPCUBE_TIMEOUT_S is {setting!r}; it needs a positive number of seconds"
        )
    return seconds
