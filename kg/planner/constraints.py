"""Spatial constraints of a query: what a filter asks of a geometry literal, or of two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from tree_sitter import Node

    from kg.geosparql.literals import Geometry
    from kg.index.spatial_tests import Test
    from kg.store import Dataset


@dataclass(frozen=True, kw_only=True)
class Nearest:
    """The rows that are nearest to a constant, out of those that the basic pattern has."""

    count: int
    """How many there are to be, but for ties."""


@dataclass(frozen=True, kw_only=True)
class WithConstant:
    """A test of which one side is a constant."""

    test: Test
    constant: Geometry
    row_first: bool
    """The row of the index is the first argument and the constant the second."""


@dataclass(frozen=True, kw_only=True)
class AnyOf:
    """One of several tests with constants holds."""

    alternatives: tuple[WithConstant, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Among:
    """It is one of some rows of the index."""

    rows: np.ndarray
    """(n,) rows of the index."""


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """What one conjunct of a filter asks of a variable, or of two, that an index can answer."""

    test: Test | Nearest | AnyOf | Among
    left: str | Geometry
    """A variable, or a constant."""
    right: str | Geometry | None
    """None where the test has the constants itself."""
    text: str
    """As it was written."""
    conjunct: Node
    """The part of the filter that it was read from."""
    filter: Node
    """The FILTER that the conjunct is a part of."""
    is_whole: bool
    """The filter says nothing else."""
    is_exact: bool
    """The conjunct asks nothing else of its basic pattern, so that it may go; else it stays."""

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables, left before right."""
        return tuple(s for s in (self.left, self.right) if isinstance(s, str))


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Which graphs triple patterns are matched against."""

    graphs: tuple[bytes, ...] | None = (b"",)
    """As the index writes their names; None for every named graph."""
    name: str | None = None
    """What stands behind GRAPH: `<iri>`, `?name`, or None for the default graph."""


def default_scope(dataset: Dataset | None) -> Scope:
    """Return what triple patterns outside of GRAPH are matched against."""
    if dataset is None:
        return Scope()
    return Scope(graphs=tuple(str(g).encode() for g in dataset.default))
