"""The terms of a service clause's requests, read as what they stand for."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cube_bridge.values.periods import period_of
from kg.rdf.times import date_time_literal
from ontology.terms import DEEP

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from pyoxigraph import Literal, NamedNode

    from cube_bridge.values.engine import Engine
    from cube_bridge.values.layers import Layer
    from cube_bridge.values.periods import Period
    from kg.rdf.terms import Term
    from kg.store import GraphStore

    Request = Mapping[NamedNode, Term]
    Row = tuple[int, Mapping[NamedNode, Term]]
    Bounds = Mapping[NamedNode, tuple[float, float]]


class RequestReader:
    """Reads the terms of requests; what many of them share is read once."""

    def __init__(self, engine: Engine, store: GraphStore) -> None:
        self._engine = engine
        self._store = store
        self._layers: dict[Term, Layer] = {}
        self._read: dict[tuple[Any, ...], Any] = {}

    def layer(self, request: Request) -> Layer:
        """Return what a request asks of: a variable, a slice of one, or an operation on cells."""
        term = request[DEEP.variable]
        if term not in self._layers:
            self._layers[term] = self._engine.layer(self._store, term)
        return self._layers[term]

    def period(
        self, request: Request, start: NamedNode = DEEP.start, end: NamedNode = DEEP.end
    ) -> Period:
        """Return the period between two terms of a request; an end that is not said is open."""
        key = (request.get(start), request.get(end))
        if key not in self._read:
            self._read[key] = period_of(*key)
        period: Period = self._read[key]
        return period

    def optional(
        self, request: Request, name: NamedNode, read: Callable[[Term], Any], default: Any
    ) -> Any:
        """Return a term of a request as something reads it; the default where it is not said."""
        return read(request[name]) if name in request else default


@lru_cache(maxsize=65536)
def time_literal(time: np.datetime64) -> Literal:
    """Return a time of a cube, in UTC, as xsd:dateTime; most are asked for again and again."""
    return date_time_literal(time.astype("datetime64[us]").item())
