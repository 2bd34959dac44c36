"""The spatial aggregates: one geometry for a group of them.

The result has the form and the reference system of the group's first geometry, and of an
empty group it is an empty geometry in WKT. What is no geometry, or has no value, is passed
over; a group in which nothing else is has no aggregate (docs/decisions/0006).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyoxigraph import Literal, NamedNode

from kg.geosparql.arguments import geometry_in, geometry_of
from kg.geosparql.constructions import bounding_circle, concave_hull, envelope
from kg.geosparql.errors import InvalidArgumentError, InvalidGeometryError
from kg.geosparql.literals import serialise
from ontology.terms import GEO, GEOF

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyoxigraph import AggregateFunctionAccumulator as Aggregate
    from pyoxigraph import BlankNode, Triple
    from shapely.geometry.base import BaseGeometry

    from kg.geosparql.literals import Geometry


#: Stands in a group for what has no value, with which pyoxigraph would call no aggregate.
NO_VALUE = NamedNode("tag:deepcube,2026:no-value")


def distinct(name: NamedNode) -> NamedNode:
    """Return the name under which an aggregate takes each term once."""
    return NamedNode(f"{name.value}#distinct")


class _Gathered:
    """Keeps of each geometry what the result needs, and makes the result of all at the end."""

    def __init__(
        self,
        finish: Callable[[BaseGeometry], BaseGeometry],
        keep: Callable[[BaseGeometry], BaseGeometry] | None = None,
    ) -> None:
        self._finish = finish
        self._keep = keep
        self._first: Geometry | None = None
        self._shapes: list[BaseGeometry] = []
        self._passed_over = 0

    def accumulate(self, element: NamedNode | BlankNode | Literal | Triple) -> None:
        """Take one more geometry; what is none is passed over."""
        try:
            if self._first is None:
                self._first = geometry = geometry_of(element)
            else:
                geometry = geometry_in(element, self._first.srs)
            shape = geometry.shape
            self._shapes.append(self._keep(shape) if self._keep else shape)
        except (InvalidArgumentError, InvalidGeometryError):
            self._passed_over += 1

    def finish(self) -> Literal:
        """Return the result for all geometries taken."""
        if self._first is None and self._passed_over:
            raise InvalidArgumentError(f"{self._passed_over} values, none of them a geometry")
        if self._first is None:
            return Literal("GEOMETRYCOLLECTION EMPTY", datatype=GEO.wktLiteral)
        collection = shapely.GeometryCollection(self._shapes)
        with np.errstate(all="ignore"):  # as in kg.geosparql.functions
            shape = self._finish(collection)
        return serialise(self._first.with_shape(shape))


class _Once:
    """Takes each term once."""

    def __init__(self, aggregate: Aggregate) -> None:
        self._aggregate = aggregate
        self._taken: set[NamedNode | BlankNode | Literal | Triple] = set()

    def accumulate(self, element: NamedNode | BlankNode | Literal | Triple) -> None:
        """Take a term, where it is another one."""
        if element not in self._taken:
            self._taken.add(element)
            self._aggregate.accumulate(element)

    def finish(self) -> NamedNode | BlankNode | Literal | Triple | None:
        """Return the result for all terms taken."""
        return self._aggregate.finish()


def _bounding_box() -> Aggregate:
    return _Gathered(envelope, envelope)


def _bounding_circle() -> Aggregate:
    return _Gathered(bounding_circle, shapely.convex_hull)


def _centroid() -> Aggregate:
    return _Gathered(shapely.centroid)


def _concave_hull() -> Aggregate:
    return _Gathered(concave_hull)


def _convex_hull() -> Aggregate:
    return _Gathered(shapely.convex_hull, shapely.convex_hull)


def _union() -> Aggregate:
    return _Gathered(shapely.union_all)


def _once(make: Callable[[], Aggregate]) -> Aggregate:
    return _Once(make())


#: As pyoxigraph takes them; the published vocabulary spells the first in two ways.
AGGREGATES: dict[NamedNode, Callable[[], Aggregate]] = {
    GEOF.aggBoundingBox: _bounding_box,
    GEOF.aggboundingBox: _bounding_box,
    GEOF.aggBoundingCircle: _bounding_circle,
    GEOF.aggCentroid: _centroid,
    GEOF.aggConcaveHull: _concave_hull,
    GEOF.aggConvexHull: _convex_hull,
    GEOF.aggUnion: _union,
}

#: With those of `distinct`, as `kg.sparql.aggregates` calls them.
CALLED: dict[NamedNode, Callable[[], Aggregate]] = {
    **AGGREGATES,
    **{distinct(name): partial(_once, make) for name, make in AGGREGATES.items()},
}
