"""What the filters of a group ask of geometry literals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pyoxigraph import Literal, NamedNode

from kg.geosparql.literals import Geometry
from kg.geosparql.relations import RELATIONS, Relation
from kg.index.spatial_tests import RelationTest, Test, matrix_relation
from kg.planner.constraints import AnyOf, Constraint, Nearest, WithConstant
from kg.planner.distances import distance_test
from kg.sparql.constants import geometry_of
from kg.sparql.volatile import is_constant
from ontology.terms import DEEPF, PREFIXES, XSD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from kg.rdf.terms import Term
    from kg.sparql.constants import Constants
    from kg.sparql.scoping import Bound
    from kg.sparql.syntax import Syntax

_GEOF = PREFIXES["geof"]
_COMPARISONS = {"<": "<", "<=": "<=", ">": ">", ">=": ">="}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
#: Constants of one filter above which the boxes are not worth looking up one by one.
_MANY = 1_000

Side = str | Geometry


@dataclass(frozen=True, kw_only=True)
class _Read:
    """A test that a conjunct asks for."""

    test: Test | Nearest | AnyOf
    left: Side
    right: Side | None
    """None where the test has the constants itself."""
    is_exact: bool = True
    """The conjunct asks for nothing else."""

    def narrowing(self) -> _Read:
        """Return the same as what only narrows: the conjunct has to stay."""
        return replace(self, is_exact=False)


@dataclass(frozen=True, kw_only=True)
class _OfOne:
    """Tests with constants of which one must hold of a variable."""

    variable: str
    tests: tuple[WithConstant, ...]
    is_exact: bool
    """The expression that they were read from asks for nothing else."""


def constraints_of(
    syntax: Syntax, group: Node, bound: Bound, constants: Constants
) -> Iterator[Constraint]:
    """Yield what the filters of a group ask for.

    Args:
        syntax: The query.
        group: Whose filters are read.
        bound: What it binds by BIND and VALUES.
        constants: Evaluates what does not depend on the data.
    """
    reader = _Reader(syntax, bound, constants)
    for child in group.named_children:
        if child.type != "filter" or not child.named_children:
            continue
        whole = _unwrapped(child.named_children[0])
        for conjunct in _operands(whole, "&&"):
            for read in reader.read(conjunct):
                yield Constraint(
                    test=read.test,
                    left=read.left,
                    right=read.right,
                    text=" ".join(syntax.text(conjunct).split()),
                    conjunct=conjunct,
                    filter=child,
                    is_whole=conjunct.id == whole.id,
                    is_exact=read.is_exact,
                )


def _unwrapped(node: Node) -> Node:
    while node.type == "bracketted_expression" and len(node.named_children) == 1:
        node = node.named_children[0]
    return node


def _operands(node: Node, operator: str) -> Iterator[Node]:
    """Yield what a chain of one operator joins, in order."""
    stack = [node]
    while stack:
        node = _unwrapped(stack.pop())
        if node.type == "binary_expression" and _operator(node) == operator:
            stack += reversed(node.named_children)
        else:
            yield node


def _operator(node: Node) -> str:
    return node.children[1].type if len(node.children) == 3 else ""


class _Reader:
    """Reads single conjuncts."""

    def __init__(self, syntax: Syntax, bound: Bound, constants: Constants) -> None:
        self._syntax = syntax
        self._bound = bound
        self._constants = constants
        self._tables: dict[str, list[Geometry] | None] = {}

    def read(self, node: Node) -> list[_Read]:
        """Return what a conjunct asks for; nothing where it is no constraint."""
        node, is_written = self._written(_unwrapped(node))
        if node.type == "binary_expression" and _operator(node) == "||":
            found = self._any(node)
        else:
            found = list(self._single(node))
        if is_written:
            return found
        return [r.narrowing() for r in found if not isinstance(r.test, Nearest)]

    def _written(self, node: Node) -> tuple[Node, bool]:
        """Return the expression that BIND gave a variable, and whether it is the node itself."""
        expressions = self._bound.expressions
        name = "?" + self._syntax.text(node)[1:] if node.type == "var" else ""
        if name not in expressions:
            return node, True
        return _unwrapped(expressions[name]), False

    def _single(self, node: Node) -> Iterator[_Read]:
        if node.type == "function_call":
            yield from self._relation(node)
            yield from self._nearest(node)
        if node.type != "binary_expression":
            return
        left, right = (_unwrapped(n) for n in (node.children[0], node.children[-1]))
        operator = _operator(node)
        if operator == "=":
            yield from self._equals_true(left, right)
            yield from self._equals_true(right, left)
        if operator in _COMPARISONS:
            yield from self._distance(left, operator, right)
            yield from self._distance(right, _MIRRORED[operator], left)

    # -- one of several

    def _any(self, node: Node) -> list[_Read]:
        """Return the variables that each of the alternatives asks something of."""
        common: dict[str, _OfOne] | None = None
        for part in _operands(node, "||"):
            own = self._alternatives(part)
            if common is None:
                common = own
                continue
            common = {
                name: _OfOne(
                    variable=name,
                    tests=one.tests + own[name].tests,
                    is_exact=one.is_exact and own[name].is_exact,
                )
                for name, one in common.items()
                if name in own
            }
        return [
            _Read(
                test=AnyOf(alternatives=one.tests),
                left=one.variable,
                right=None,
                is_exact=one.is_exact,
            )
            for one in (common or {}).values()
            if len(one.tests) <= _MANY
        ]

    def _alternatives(self, node: Node) -> dict[str, _OfOne]:
        """Return, for each variable, tests of which one must hold where a disjunct does."""
        parts = list(_operands(node, "&&"))
        found: dict[str, _OfOne] = {}
        for part in parts:
            for read in self.read(part):
                if (one := _of_one(read)) is not None:
                    exact = one.is_exact and len(parts) == 1
                    found.setdefault(one.variable, replace(one, is_exact=exact))
        return found

    # -- the kinds of tests

    def _call(self, node: Node) -> tuple[str, list[Node]] | None:
        if node.type != "function_call" or len(node.named_children) != 2:
            return None
        name = self._syntax.iri(node.named_children[0])
        return None if name is None else (name, node.named_children[1].named_children)

    def _equals_true(self, call: Node, value: Node) -> Iterator[_Read]:
        if value.type == "boolean_literal" and self._syntax.text(value).lower() == "true":
            call, is_written = self._written(call)
            for read in self._relation(call):
                yield read if is_written else read.narrowing()

    def _relation(self, node: Node) -> Iterator[_Read]:
        call = self._call(node)
        if call is None or not call[0].startswith(_GEOF):
            return
        name, arguments = call[0].removeprefix(_GEOF), call[1]
        relation = self._named(name, arguments)
        if relation is not None and not relation.disjoint:
            yield from self._tested(RelationTest(relation=relation), arguments[:2])

    def _named(self, name: str, arguments: list[Node]) -> Relation | None:
        if name == "relate" and len(arguments) == 3:
            pattern = self._value(arguments[2])
            if not isinstance(pattern, Literal) or pattern.datatype != XSD.string:
                return None
            return matrix_relation(pattern.value)
        return RELATIONS.get(name) if len(arguments) == 2 else None

    def _distance(self, call_node: Node, operator: str, bound_node: Node) -> Iterator[_Read]:
        call_node, is_written = self._written(call_node)
        call = self._call(call_node)
        if call is None or operator not in ("<", "<="):
            return
        bound = self._value(bound_node)
        unit = self._value(call[1][2]) if len(call[1]) == 3 else None
        test = distance_test(call[0], unit, bound, strict=operator == "<")
        if test is None:
            return
        for read in self._tested(test, call[1][:2]):
            yield read if is_written else read.narrowing()

    def _nearest(self, node: Node) -> Iterator[_Read]:
        call = self._call(node)
        if call is None or call[0] != DEEPF.nearest.value or len(call[1]) != 3:
            return
        left, right = self._side(call[1][0]), self._side(call[1][1])
        count = self._value(call[1][2])
        if not isinstance(left, str) or not isinstance(right, Geometry):
            return
        if isinstance(count, Literal) and count.value.isdecimal():
            yield _Read(test=Nearest(count=int(count.value)), left=left, right=right)

    def _tested(self, test: Test, nodes: list[Node]) -> Iterator[_Read]:
        """Yield a test of two sides, and what VALUES for one of them makes of it."""
        if len(nodes) != 2:
            return
        one, two = self._side(nodes[0]), self._side(nodes[1])
        if one is None or two is None or not (isinstance(one, str) or isinstance(two, str)):
            return
        yield _Read(test=test, left=one, right=two)
        if isinstance(one, str) and isinstance(two, str):
            for name, other, row_first in ((one, two, True), (two, one, False)):
                geometries = self._table(other)
                if geometries is not None and len(geometries) <= _MANY:
                    tests = any_of(test, geometries, row_first=row_first)
                    yield _Read(test=tests, left=name, right=None, is_exact=False)

    def _side(self, node: Node) -> Side | None:
        node = _unwrapped(node)
        if node.type == "var":
            name = "?" + self._syntax.text(node)[1:]
            if name not in self._bound.constants:
                return name
        return geometry_of(self._value(node))

    def _table(self, name: str) -> list[Geometry] | None:
        """Return the geometries that VALUES give a variable; None where they give it none."""
        if name not in self._bound.tables:
            return None
        if name not in self._tables:
            self._tables[name] = self._constants.geometries(self._bound.tables[name], name)
        return self._tables[name]

    def _value(self, node: Node) -> Term | None:
        """Return the value of an expression without variables, or of what BIND made one."""
        node = _unwrapped(node)
        constant = self._syntax.constant(node)
        if isinstance(constant, NamedNode | Literal):
            return constant
        if node.type == "var":
            written = self._bound.constants.get("?" + self._syntax.text(node)[1:])
            return None if written is None else self._constants.value(written)
        text = self._syntax.text(node)
        if self._syntax.variables(node) or not is_constant(text):
            return None
        return self._constants.value(text)


def any_of(test: Test, geometries: list[Geometry], *, row_first: bool) -> AnyOf:
    """Return the test that one of some geometries passes a test."""
    return AnyOf(
        alternatives=tuple(
            WithConstant(test=test, constant=g, row_first=row_first) for g in geometries
        )
    )


def _of_one(read: _Read) -> _OfOne | None:
    """Return what is asked of one variable alone; None where it is more, or the nearest."""
    test, left, right = read.test, read.left, read.right
    if isinstance(test, AnyOf):
        tests = test.alternatives
        variable = left
    elif isinstance(test, Nearest):
        return None
    elif isinstance(left, str) and isinstance(right, Geometry):
        tests, variable = (WithConstant(test=test, constant=right, row_first=True),), left
    elif isinstance(right, str) and isinstance(left, Geometry):
        tests, variable = (WithConstant(test=test, constant=left, row_first=False),), right
    else:
        return None
    if not isinstance(variable, str):
        return None
    return _OfOne(variable=variable, tests=tests, is_exact=read.is_exact)
