"""Constraints between a basic pattern and what another basic pattern binds outside of it.

`<urn:a> geo:asWKT ?a . ... OPTIONAL { ?f geo:asWKT ?w FILTER(geof:sfWithin(?w, ?a)) }`: where
?a has few values, they are asked for beforehand and the basic pattern is narrowed to what
passes with one of them. The filter stays.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kg.index.spatial_tests import DistanceTest, RelationTest
from kg.planner.components import components_of, in_scope
from kg.planner.filters import any_of
from kg.sparql.constants import geometries_of

if TYPE_CHECKING:
    from kg.planner.basic_pattern import Reaching
    from kg.planner.constraints import Constraint
    from kg.planner.source import Asking
    from kg.sparql.syntax import Syntax


def few_values(asking: Asking, syntax: Syntax, reaching: Reaching) -> Constraint | None:
    """Return what a constraint asks of a basic pattern, if its other variable has few values.

    Args:
        asking: The store, which is asked for the values.
        syntax: The query.
        reaching: The constraint.

    Returns:
        None where there are more values, or they are not independent of the basic pattern.
    """
    constraint = reaching.constraint
    if not isinstance(constraint.test, RelationTest | DistanceTest):
        return None
    components = components_of(reaching.binder, syntax)
    component = next(c for c in components if reaching.other in c.variables)
    if reaching.own in component.variables:
        return None  # what is known of the one is known of the other
    most = asking.costs.few_values
    body = in_scope(component.text, component.scope)
    query = asking.select(["DISTINCT", reaching.other], body)
    values = [row[0] for row in asking.solutions(f"{query} LIMIT {most + 1}")]
    if len(values) > most:
        return None
    test = any_of(constraint.test, geometries_of(values), row_first=constraint.left == reaching.own)
    return replace(constraint, test=test, left=reaching.own, right=None, is_exact=False)
