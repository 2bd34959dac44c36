"""What stands for a variable in a query: its IRI, or a literal made from it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pyoxigraph import Literal, NamedNode

from cube_bridge.values.expressions import Expression, parse_expression
from kg.geosparql.arguments import number_of, text_of
from kg.geosparql.errors import InvalidArgumentError
from ontology.terms import DEEP, XSD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cube_bridge.values.additional_dimensions import Coordinate
    from kg.rdf.terms import Term


_TIMES = {XSD.dateTime, XSD.dateTimeStamp, XSD.date, XSD.gYearMonth, XSD.gYear}


@dataclass(frozen=True, kw_only=True)
class Slice:
    """A variable of the graph, at places along its additional dimensions."""

    variable: NamedNode
    places: Mapping[str, Coordinate] = field(default_factory=dict)
    """By dimension; empty for a variable as it is."""

    def literal(self) -> Literal:
        """Return the literal of deep:Slice."""
        return Literal(json.dumps(_content_of(self), sort_keys=True), datatype=DEEP.Slice)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """Arithmetic on variables, or on slices of some."""

    expression: Expression
    operands: Mapping[str, Slice]
    """By their name in the expression; none beside."""

    def literal(self) -> Literal:
        """Return the literal of deep:CellOperation."""
        content = {
            "expression": self.expression.text,
            "variables": {
                n: _content_of(s) if s.places else s.variable.value
                for n, s in self.operands.items()
            },
        }
        return Literal(json.dumps(content, sort_keys=True), datatype=DEEP.CellOperation)


def variable_of(term: Term) -> Slice | Operation:
    """Return what a term stands for.

    Raises:
        InvalidArgumentError: It is no IRI, and no literal of deep:Slice or deep:CellOperation.
    """
    if isinstance(term, NamedNode):
        return Slice(variable=term)
    if isinstance(term, Literal) and term.datatype == DEEP.Slice:
        return _slice_of_text(term.value)
    if isinstance(term, Literal) and term.datatype == DEEP.CellOperation:
        return _operation_of_text(term.value)
    raise InvalidArgumentError(f"{term} is no variable, no slice and no cell operation")


def node_of(term: Term) -> NamedNode | None:
    """Return the variable of the graph that a term is, or is a slice of; None for others."""
    try:
        found = variable_of(term)
    except InvalidArgumentError:
        return None
    return found.variable if isinstance(found, Slice) else None


def slice_of(variable: Term, *where: Term | None) -> Slice:
    """Return a variable, or what is left of a slice, at places: a dimension, a place, and so on.

    Raises:
        InvalidArgumentError: A term is not what it should be.
    """
    whole = variable_of(variable)
    if not isinstance(whole, Slice):
        raise InvalidArgumentError(
            "a cell operation cannot be sliced; slice the variables that it is made of"
        )
    if not where or len(where) % 2:
        raise InvalidArgumentError(
            "the arguments are a variable, and of one or more dimensions the name and the place"
        )
    places = dict(whole.places)
    for name, place in zip(where[::2], where[1::2], strict=True):
        dimension = text_of(name)
        if dimension in places:
            raise InvalidArgumentError(f"where along {dimension!r} is said twice")
        places[dimension] = _place_of(place)
    return Slice(variable=whole.variable, places=places)


def operation_of(expression: str, variables: Mapping[str, Term]) -> Operation:
    """Return a variable that is computed from others.

    Raises:
        ExpressionError: The expression is not understood.
        InvalidArgumentError: It names something that is not given, or that is no variable.
    """
    parsed = parse_expression(expression)
    if not parsed.names <= set(variables):
        raise InvalidArgumentError(
            f"{expression!r} names {', '.join(sorted(parsed.names - set(variables)))}; "
            f"given are {', '.join(variables)}"
        )
    operands: dict[str, Slice] = {}
    for name, term in variables.items():
        operand = variable_of(term)
        if not isinstance(operand, Slice):
            raise InvalidArgumentError(
                "a cell operation is made of variables and slices, not of another one; write "
                "one expression"
            )
        if name in parsed.names:
            operands[name] = operand
    return Operation(expression=parsed, operands=operands)


def _place_of(term: Term | None) -> Coordinate:
    if isinstance(term, Literal):
        if term.datatype == XSD.string or term.datatype in _TIMES:
            return term.value
        number = number_of(term)
        return int(number) if number.is_integer() else number
    raise InvalidArgumentError(f"{term} is no number, text or time along a dimension")


def _content_of(of: Slice) -> dict[str, Any]:
    return {"variable": of.variable.value, "at": dict(of.places)}


def _read_slice(content: Any) -> Slice:
    if isinstance(content, str):
        return Slice(variable=NamedNode(content))
    places = {str(dimension): _checked(place) for dimension, place in content["at"].items()}
    return Slice(variable=NamedNode(str(content["variable"])), places=places)


def _checked(place: Any) -> Coordinate:
    if isinstance(place, (int, float, str)) and not isinstance(place, bool):
        return place
    raise TypeError(f"{place!r} is neither a number nor a text")


@lru_cache(maxsize=1024)
def _slice_of_text(text: str) -> Slice:
    try:
        return _read_slice(dict(json.loads(text)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidArgumentError(f"{text!r} is no slice: {error}") from error


@lru_cache(maxsize=256)
def _operation_of_text(text: str) -> Operation:
    try:
        content = json.loads(text)
        expression = parse_expression(str(content["expression"]))
        operands = {str(n): _read_slice(v) for n, v in content["variables"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidArgumentError(f"{text!r} is no cell operation: {error}") from error
    if not operands or expression.names != set(operands):
        raise InvalidArgumentError(f"{text!r} does not give the variables that it names")
    return Operation(expression=expression, operands=operands)
