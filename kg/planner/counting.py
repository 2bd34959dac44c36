"""How many solutions a part of a query has, counted no further than it matters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyoxigraph import Literal

from kg.planner.fetched import Counted

if TYPE_CHECKING:
    from kg.planner.source import Asking


def count_up_to(asking: Asking, body: str, limit: int) -> int:
    """Return how many solutions a group's inside has, at most a limit.

    Args:
        asking: The store.
        body: The inside, as it is asked outside of the query.
        limit: Where counting stops; 0 asks nothing.
    """
    if limit <= 0:
        return 0
    whole = asking.select(["(COUNT(*) AS ?n)"], body)
    known = asking.source.remembered(whole)
    if isinstance(known, Counted) and (known.found < known.limit or known.limit >= limit):
        return min(known.found, limit)
    count = asking.select(["(COUNT(*) AS ?n)"], f"SELECT * {{ {body} }} LIMIT {limit}")
    value = next(asking.solutions(count))["n"]
    found = int(value.value) if isinstance(value, Literal) else 0
    asking.source.remember(whole, Counted(found=found, limit=limit))
    return found
