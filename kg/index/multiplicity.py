"""How many literals geometry nodes have: what decides which patterns may go.

A query that asks for features by their literals can be answered by the nodes alone if each
node has one literal, and its filter can be left out if no node has a literal that fails it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from kg.index.spatial_index import SpatialIndex


#: Nodes whose rows are looked up one by one; of more, all rows are gone through.
_FEW = 5_000


@dataclass(frozen=True, kw_only=True)
class Multiplicity:
    """Whether the geometry nodes of candidates have one literal each, and only candidates."""

    is_exact: bool
    """Every object of a candidate's node is a candidate, so that the filter may go."""
    is_single: bool
    """Every candidate's node has one literal, so that the pattern may go."""

    @classmethod
    def of(
        cls,
        index: SpatialIndex,
        predicate: str,
        graphs: tuple[bytes, ...] | None,
        rows: np.ndarray,
    ) -> Multiplicity:
        """Count the literals of the nodes of candidates.

        Args:
            index: The index.
            predicate: The IRI of the property by which the nodes have their literals.
            graphs: In which graphs, as the index writes their names; None for all named ones.
            rows: (n,) the candidates, all of them rows of that property and those graphs.
        """
        mask = index.select(predicate=predicate, graphs=graphs)
        subjects = index.rows["subject"]
        nodes, counts = np.unique(subjects[rows], return_counts=True)
        if len(nodes) < _FEW:
            total = np.count_nonzero(mask[index.rows_of(nodes, None)])
        else:
            marks = np.zeros(len(index.terms), bool)
            marks[nodes] = True
            total = np.count_nonzero(mask & marks[subjects])
        # Candidates are rows of the mask, so that equal sums mean equal counts.
        exact = bool(total == len(rows)) and predicate not in index.mixed
        broken = {s.subject for s in index.broken}
        if broken:
            exact = exact and not broken & set(index.terms.texts(nodes))
        return cls(is_exact=exact, is_single=exact and bool((counts == 1).all()))
