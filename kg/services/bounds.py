"""Lowest and highest values that the filters of a group leave to what a service finds.

They are hints: the filters stay in the query. So bounds may be wider than a filter, and
never narrower, in whichever of the numeric types the comparison is made.
"""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

import numpy as np
from pyoxigraph import Literal

from ontology.terms import XSD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyoxigraph import NamedNode
    from tree_sitter import Node

    from kg.services.calls import Call
    from kg.sparql.syntax import Syntax


Bounds = tuple[float, float]
"""The lowest and the highest number, both included."""

_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}
_NUMERIC = frozenset(
    {XSD.integer, XSD.decimal, XSD.double, XSD.float, XSD.int, XSD.long, XSD.short, XSD.byte}
    | {XSD.nonNegativeInteger, XSD.positiveInteger, XSD.nonPositiveInteger, XSD.negativeInteger}
    | {XSD.unsignedInt, XSD.unsignedLong, XSD.unsignedShort, XSD.unsignedByte}
)


def conjuncts_of(group: Node) -> Iterator[Node]:
    """Yield what the filters of a group join by &&, each on its own."""
    for child in group.named_children:
        if child.type == "filter" and child.named_children:
            yield from _conjuncts(child.named_children[0])


def _conjuncts(node: Node) -> Iterator[Node]:
    node = _unwrapped(node)
    if node.type == "binary_expression" and node.children[1].type == "&&":
        yield from _conjuncts(node.children[0])
        yield from _conjuncts(node.children[2])
    else:
        yield node


def _unwrapped(node: Node) -> Node:
    while node.type == "bracketted_expression" and len(node.named_children) == 1:
        node = node.named_children[0]
    return node


def bounds_of(syntax: Syntax, group: Node, call: Call) -> Mapping[NamedNode, Bounds]:
    """Return the lowest and highest values that the filters of a group leave to outputs."""
    # What a service leaves unbound an OPTIONAL may bind.
    optional = (c for c in group.named_children if c.type == "optional_graph_pattern")
    elsewhere = {v for node in optional for v in syntax.variables(node)}
    limits: dict[str, Bounds] = {}
    for conjunct in conjuncts_of(group):
        read = _comparison(syntax, conjunct)
        if read is None or read[0] in elsewhere:
            continue
        name, (low, high) = read
        lowest, highest = limits.get(name, (-math.inf, math.inf))
        limits[name] = (max(low, lowest), min(high, highest))
    return {p: limits[t] for p, t in call.outputs if t in limits and t in call.found}


def _comparison(syntax: Syntax, node: Node) -> tuple[str, Bounds] | None:
    if node.type != "binary_expression" or len(node.children) != 3:
        return None
    operator = node.children[1].type
    left, right = _unwrapped(node.children[0]), _unwrapped(node.children[2])
    if operator not in _MIRRORED:
        return None
    if right.type == "var":
        left, operator, right = right, _MIRRORED[operator], left
    value = syntax.constant(right)
    if left.type != "var" or not isinstance(value, Literal) or value.datatype not in _NUMERIC:
        return None
    around = _around(value.value)
    if around is None:
        return None
    low = -math.inf if operator in {"<", "<="} else around[0]
    high = math.inf if operator in {">", ">="} else around[1]
    return "?" + syntax.text(left)[1:], (low, high)


def _around(text: str) -> Bounds | None:
    """Return a number as an interval with all that compares as equal to it in some type."""
    number = float(text)
    if math.isnan(number):
        return None
    with np.errstate(over="ignore"):
        single = np.float32(number)
    if float(single) == number and _is_exactly(number, text):
        return number, number
    if np.isinf(single):
        return math.nextafter(number, -math.inf), math.nextafter(number, math.inf)
    return (
        float(np.nextafter(single, np.float32(-math.inf))),
        float(np.nextafter(single, np.float32(math.inf))),
    )


def _is_exactly(number: float, text: str) -> bool:
    try:
        return math.isinf(number) or Decimal(text) == Decimal(number)
    except InvalidOperation:
        return False
