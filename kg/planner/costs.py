"""What the ways to an answer cost, and where the planner changes from one to another."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Costs:
    """The thresholds of the planner, which change how an answer is found and never the answer.

    A store holds one for all of its queries. A test gives a store another one, so that a
    handful of triples takes the ways of millions.
    """

    lookup: float = 2.5
    """What a lookup from one candidate costs, in rows of a scan; measured: 25 and 10 us."""
    few_candidates: int = 200
    """Candidates up to which they are looked up without counting the other side."""
    least_share: int = 4
    """The rest is only looked at first if it has less than one solution for so many rows."""
    many_rows: int = 5_000
    """Rows above which the store is asked first which of them it has something to say of."""
    many_read: int = 5_000
    """Solutions from which the properties that they need are read whole, and kept."""
    counted: int = 20_000
    """How far solutions of the store's part are counted."""
    many_selected: int = 2_000
    """Rows from which a plain selection is put together from columns."""
    few_values: int = 64
    """Values of a variable that are asked for beforehand, to be looked up one by one."""
    first_slice: int = 4_096
    """Rows that a query with LIMIT looks at first: few enough to do without a tree."""
    slice_growth: int = 8
    """How much larger each further slice is."""
    slice_share: int = 20
    """Rows that meet a box, for one that is wanted, below which all are looked at anyway."""
    most_pairs: int = 200_000
    """Pairs of geometry nodes above which they are no help as VALUES."""
    few_boxes: int = 50
    """Rows of one side, for one of the other, from which boxes are searched one by one."""
    first_count: int = 1_000
    """How far the sides of a join are counted at first."""
    count_growth: int = 8
    """How much farther each time, until the smallest is known."""
    join_share: int = 20
    """Pairs that a row is taken to have, times what a lookup costs more than a scan."""
