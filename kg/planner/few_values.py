"""Constraints between a basic pattern and what another basic pattern binds outside of it.

`<urn:a> geo:asWKT ?a . ... OPTIONAL { ?f geo:asWKT ?w FILTER(geof:sfWithin(?w, ?a)) }`: where
?a has few values, they are asked for beforehand and the basic pattern is narrowed to what
passes with one of them. The filter stays.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pyoxigraph import QuerySolutions

from kg.planner.components import components_of, in_scope
from kg.planner.constants import geometries_of
from kg.planner.filters import any_of
from kg.planner.spatial_tests import DistanceTest, RelationTest

if TYPE_CHECKING:
    from kg.planner.components import Source
    from kg.planner.constraints import Constraint, Reaching
    from kg.planner.syntax import Syntax

#: Values of the other side that are worth looking up one by one.
FEW_VALUES = 64


def few_values(
    source: Source, prologue: str, syntax: Syntax, reaching: Reaching
) -> Constraint | None:
    """Return what a constraint asks of a basic pattern, if its other variable has few values.

    Args:
        source: The store, which is asked for the values.
        prologue: Of the query.
        syntax: The query.
        reaching: The constraint.
    """
    constraint = reaching.constraint
    if not isinstance(constraint.test, RelationTest | DistanceTest):
        return None
    components = components_of(reaching.binder, syntax)
    component = next(c for c in components if reaching.other in c.variables)
    if reaching.own in component.variables:
        return None  # what is known of the one is known of the other
    body = in_scope(component.text, component.scope)
    result = source.evaluate(
        f"{prologue} SELECT DISTINCT {reaching.other} {{ {body} }} LIMIT {FEW_VALUES + 1}"
    )
    if not isinstance(result, QuerySolutions):
        return None
    values = [row[0] for row in result]
    if len(values) > FEW_VALUES:
        return None
    test = any_of(constraint.test, geometries_of(values), row_first=constraint.left == reaching.own)
    return replace(constraint, test=test, left=reaching.own, right=None, is_exact=False)
