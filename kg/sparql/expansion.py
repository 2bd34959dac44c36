"""What is written into a query before it is planned: aggregates, query rewrite, entailment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyoxigraph import NamedNode

from kg.sparql.aggregates import with_aggregates
from kg.sparql.entailment import entail
from kg.sparql.nesting import refuse_deep_nesting
from kg.sparql.relation_rewrite import rewrite

if TYPE_CHECKING:
    from collections.abc import Callable

    from kg.index.spatial_index import SpatialIndex
    from kg.sparql.schema import Schema
    from kg.sparql.syntax import Sparql


def expanded(
    sparql: Sparql, *, schema: Schema | None, index: Callable[[], SpatialIndex] | None
) -> Sparql:
    """Return a query with query rewrite and entailment written into it.

    Rewriting comes first: the properties that it asks for are then entailed too.

    Args:
        sparql: The query.
        schema: What is entailed from; None for no entailment.
        index: Returns the index, which knows by what properties geometries have literals; called
            only where there is something to rewrite. None for no rewriting.

    Raises:
        QueryError: The query is nested too deeply.
    """
    refuse_deep_nesting(sparql.text)
    sparql = with_aggregates(sparql)
    if index is not None:

        def serialisations() -> list[NamedNode]:
            return [NamedNode(p) for p in index().predicates_in_use()]

        sparql = rewrite(sparql, serialisations=serialisations, schema=schema)
    return sparql if schema is None else entail(sparql, schema)
