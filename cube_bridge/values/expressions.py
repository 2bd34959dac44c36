"""Arithmetic on cells, written as text: read by a grammar of its own, never executed as code."""

from __future__ import annotations

import ast
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cube_bridge.errors import ExpressionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Operation = Callable[..., Any]

_LONGEST = 1000
_DEEPEST = 50
_LARGEST = 1e300
_BINARY: dict[type[ast.operator], Operation] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: np.divide,
    ast.Pow: np.power,
    ast.Mod: np.mod,
}
_UNARY: dict[type[ast.unaryop], Operation] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
_COMPARISONS: dict[type[ast.cmpop], Operation] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
#: Functions by name, with how many arguments each takes.
_FUNCTIONS: dict[str, tuple[Operation, int]] = {
    "abs": (np.abs, 1),
    "exp": (np.exp, 1),
    "log": (np.log, 1),
    "log10": (np.log10, 1),
    "sqrt": (np.sqrt, 1),
    "min": (np.minimum, 2),
    "max": (np.maximum, 2),
    "where": (np.where, 3),
}


@dataclass(frozen=True, kw_only=True)
class Expression:
    """The arithmetic of a cell operation, checked: it names variables, and nothing else runs."""

    text: str
    names: frozenset[str]
    """Of the variables in it."""
    tree: ast.expr

    def evaluate(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the result cell by cell: float64; NaN where a value is, or it has no result.

        Args:
            values: Arrays of one shape, by name.
        """
        arrays = {n: np.asarray(v, dtype=np.float64) for n, v in values.items()}
        shape = next(iter(arrays.values())).shape
        with np.errstate(all="ignore"):
            found = np.broadcast_to(np.asarray(_value(self.tree, arrays), np.float64), shape)
        # A comparison with NaN is false, not unknown; a cell without a value has no result.
        known = np.ones(shape, bool)
        for array in arrays.values():
            known &= np.isfinite(array)
        return np.where(known & np.isfinite(found), found, np.nan)


def parse_expression(text: str) -> Expression:
    """Return an expression of numbers, names, + - * / ** %, comparisons and functions.

    A comparison is 1 where it holds and 0 where not. The functions are abs, exp, log, log10,
    sqrt, min(a, b), max(a, b) and where(condition, a, b).

    Raises:
        ExpressionError: Says what is not understood.
    """
    if len(text) > _LONGEST:
        raise ExpressionError(f"an expression has at most {_LONGEST} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(f"{text!r} is no arithmetic expression: {error}") from error
    names: set[str] = set()
    _check(tree, text, names, 0)
    if not names:
        raise ExpressionError(f"{text!r} names no variable")
    return Expression(text=text, names=frozenset(names), tree=tree)


def _check(node: ast.expr, text: str, names: set[str], depth: int) -> None:
    if depth > _DEEPEST:
        raise ExpressionError(f"{text!r} is nested too deeply")
    for child in _children(node, text):
        _check(child, text, names, depth + 1)
    if isinstance(node, ast.Name):
        names.add(node.id)


def _children(node: ast.expr, text: str) -> list[ast.expr]:
    match node:
        case ast.BinOp(left, op, right) if type(op) in _BINARY:
            return [left, right]
        case ast.UnaryOp(op, operand) if type(op) in _UNARY:
            return [operand]
        case ast.Compare(left, [op], [right]) if type(op) in _COMPARISONS:
            return [left, right]
        case ast.Call(ast.Name(name), arguments, []) if name in _FUNCTIONS:
            if len(arguments) == _FUNCTIONS[name][1]:
                return list(arguments)
            raise ExpressionError(f"{name} takes {_FUNCTIONS[name][1]} arguments")
        case ast.Constant(int() | float() as value) if abs(value) < _LARGEST:
            if not isinstance(value, bool):
                return []
        case ast.Name():
            return []
    raise ExpressionError(
        f"{ast.unparse(node)!r} in {text!r} is not understood; there are numbers, names, "
        f"+ - * / ** %, comparisons and {', '.join(_FUNCTIONS)}"
    )


def _value(node: ast.expr, arrays: Mapping[str, np.ndarray]) -> Any:
    match node:
        case ast.BinOp(left, op, right):
            return _BINARY[type(op)](_value(left, arrays), _value(right, arrays))
        case ast.UnaryOp(op, operand):
            return _UNARY[type(op)](_value(operand, arrays))
        case ast.Compare(left, [op], [right]):
            held = _COMPARISONS[type(op)](_value(left, arrays), _value(right, arrays))
            return np.asarray(held, dtype=np.float64)
        case ast.Call(ast.Name(name), arguments):
            return _FUNCTIONS[name][0](*(_value(a, arrays) for a in arguments))
        case ast.Constant(value):
            # Of 64 bits: a power of whole numbers must not grow without bound.
            return np.float64(value)  # type: ignore[arg-type]
        case ast.Name(name):
            return arrays[name]
    raise TypeError(node)
