"""The spatial aggregates: one geometry for a group of them.

The result has the form and the reference system of the group's first geometry, and of an
empty group it is an empty geometry in WKT. As with SUM and a text among numbers, the
aggregate of a group with a broken geometry is unbound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyoxigraph import Literal, NamedNode

from kg.geosparql.arguments import geometry_in, geometry_of
from kg.geosparql.constructions import bounding_circle, concave_hull, envelope
from kg.geosparql.literals import serialise
from ontology.terms import GEO, GEOF

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyoxigraph import AggregateFunctionAccumulator as Aggregate
    from pyoxigraph import BlankNode, Triple
    from shapely.geometry.base import BaseGeometry

    from kg.geosparql.literals import Geometry


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

    def accumulate(self, element: NamedNode | BlankNode | Literal | Triple) -> None:
        """Take one more geometry."""
        if self._first is None:
            self._first = geometry = geometry_of(element)
        else:
            geometry = geometry_in(element, self._first.srs)
        shape = geometry.shape
        self._shapes.append(self._keep(shape) if self._keep else shape)

    def finish(self) -> Literal:
        """Return the result for all geometries taken."""
        if self._first is None:
            return Literal("GEOMETRYCOLLECTION EMPTY", datatype=GEO.wktLiteral)
        collection = shapely.GeometryCollection(self._shapes)
        with np.errstate(all="ignore"):  # as in kg.geosparql.functions
            shape = self._finish(collection)
        return serialise(self._first.with_shape(shape))


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
