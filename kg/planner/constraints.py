"""Spatial constraints in a query: which filters there are, and on which triple patterns.

A run is what one group says in triple patterns (and VALUES) without anything but filters in
between: a basic graph pattern in the words of SPARQL. A filter of the same group whose
variables a run binds to geometry literals may be answered before the run is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyoxigraph import Literal, NamedNode

from kg.geosparql.errors import InvalidGeometryError
from kg.geosparql.literals import GEOMETRY_DATATYPES, Geometry, parse
from kg.geosparql.relations import RELATIONS, Relation
from kg.planner.distances import distance_test
from kg.planner.matching import RelationTest, Test, matrix_relation
from kg.store import Dataset
from ontology.terms import DEEPF, PREFIXES, XSD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tree_sitter import Node

    from kg.planner.syntax import Syntax, TriplePattern
    from kg.solutions import Term

_GEOF = PREFIXES["geof"]
_COMPARISONS = {"<": "<", "<=": "<=", ">": ">", ">=": ">="}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_TWO = 2
_THREE = 3


@dataclass(frozen=True, kw_only=True)
class Nearest:
    """The rows that are nearest to a constant, out of those that the run has."""

    count: int


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """One conjunct of a filter that an index can answer."""

    test: Test | Nearest
    left: str | Geometry
    """A variable, or a constant."""
    right: str | Geometry
    text: str
    """As it was written."""
    conjunct: Node
    filter: Node
    is_whole: bool
    """The filter says nothing else."""

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables, left before right."""
        return tuple(s for s in (self.left, self.right) if isinstance(s, str))


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Which graphs triple patterns are matched against."""

    graphs: tuple[bytes, ...] | None = (b"",)
    """As the index writes their names; None for every named graph."""
    name: str | None = None
    """What stands behind GRAPH: `<iri>`, `?name`, or None for the default graph."""


@dataclass(kw_only=True)
class Run:
    """A basic graph pattern, with the constraints on it."""

    group: Node
    blocks: list[Node]
    patterns: list[TriplePattern]
    tables: list[Node] = field(default_factory=list)
    """VALUES in between."""
    scope: Scope
    per_solution: bool
    """It is evaluated anew for each solution outside, as in EXISTS."""
    constraints: list[Constraint] = field(default_factory=list)

    @property
    def spans(self) -> list[Node]:
        """What a new text for the run replaces."""
        return [*self.blocks, *self.tables]

    def lonely_tables(self, syntax: Syntax) -> list[Node]:
        """Return the VALUES that share no variable with the patterns."""
        known = {v for p in self.patterns for v in p.variables}
        return [n for n in self.tables if not syntax.variables(n) & known]

    def repeats(self, variable: str) -> bool:
        """Return whether several patterns speak of a literal, which then joins them."""
        return sum(variable in p.variables for p in self.patterns) > 1


def find_runs(syntax: Syntax, default: Scope, evaluate: Callable[[str], Term | None]) -> list[Run]:
    """Return the runs of a query that have constraints."""
    groups = syntax.walk("group_graph_pattern")
    return [r for g in groups for r in runs_of(syntax, g, default, evaluate) if r.constraints]


def runs_of(
    syntax: Syntax, group: Node, default: Scope, evaluate: Callable[[str], Term | None]
) -> list[Run]:
    """Return the runs of one group, those without constraints too; none inside of SERVICE."""
    context = _context(syntax, group, default)
    if context is None:
        return []
    scope, per_solution = context
    runs = list(_runs(syntax, group, scope, per_solution=per_solution))
    constants = _bound_constants(syntax, group)
    for constraint in _constraints(syntax, group, constants, evaluate):
        for run in runs:
            objects = {p.object for p in run.patterns if not p.is_path}
            if all(v in objects for v in constraint.variables):
                run.constraints.append(constraint)
                break
    return runs


def _context(syntax: Syntax, group: Node, default: Scope) -> tuple[Scope, bool] | None:
    """Return the graphs a group is about, and whether it is evaluated per solution."""
    scope, per_solution = None, False
    node = group.parent
    while node is not None:
        if node.type == "service_graph_pattern":
            return None
        if node.type in ("exists_func", "not_exists_func"):
            per_solution = True
        if node.type == "graph_graph_pattern" and scope is None:
            name = syntax.term(node.named_children[0])
            if name is None:
                return None
            named = None if name.startswith("?") else (name.encode(),)
            scope = Scope(graphs=named, name=name)
        node = node.parent
    return scope or default, per_solution


def _runs(syntax: Syntax, group: Node, scope: Scope, *, per_solution: bool) -> Iterator[Run]:
    run: Run | None = None
    for child in group.named_children:
        if child.type == "filter":
            continue
        patterns = syntax.patterns(child) if child.type == "triples_block" else None
        if patterns is None and child.type != "inline_data":
            if run is not None and run.blocks:
                yield run
            run = None
            continue
        if run is None:
            run = Run(group=group, blocks=[], patterns=[], scope=scope, per_solution=per_solution)
        if patterns is None:
            run.tables.append(child)
        else:
            run.blocks.append(child)
            run.patterns += patterns
    if run is not None and run.blocks:
        yield run


def _bound_constants(syntax: Syntax, group: Node) -> dict[str, str]:
    """Return the expressions without variables that BIND gives to variables in a group."""
    found: dict[str, str] = {}
    for child in group.named_children:
        if child.type == "bind" and len(child.named_children) == _TWO:
            expression, variable = child.named_children
            if not syntax.variables(expression) and not _is_volatile(syntax, expression):
                found["?" + syntax.text(variable)[1:]] = syntax.text(expression)
    return found


def _is_volatile(syntax: Syntax, expression: Node) -> bool:
    """Return whether an expression may differ between two evaluations, or looks at the graph."""
    text = syntax.text(expression).upper()
    volatile = ("RAND", "NOW", "UUID", "BNODE", "EXISTS")
    return any(word in text for word in volatile)


def _constraints(
    syntax: Syntax,
    group: Node,
    constants: dict[str, str],
    evaluate: Callable[[str], Term | None],
) -> Iterator[Constraint]:
    for child in group.named_children:
        if child.type != "filter" or not child.named_children:
            continue
        whole = _unwrapped(child.named_children[0])
        for conjunct in _conjuncts(whole):
            reader = _Reader(syntax, constants, evaluate)
            read = reader.read(conjunct)
            if read is not None:
                test, left, right = read
                if isinstance(left, str) or isinstance(right, str):
                    yield Constraint(
                        test=test,
                        left=left,
                        right=right,
                        text=" ".join(syntax.text(conjunct).split()),
                        conjunct=conjunct,
                        filter=child,
                        is_whole=conjunct.id == whole.id,
                    )


def _unwrapped(node: Node) -> Node:
    while node.type == "bracketted_expression" and len(node.named_children) == 1:
        node = node.named_children[0]
    return node


def _conjuncts(node: Node) -> Iterator[Node]:
    node = _unwrapped(node)
    if node.type == "binary_expression" and _operator(node) == "&&":
        for side in node.named_children:
            yield from _conjuncts(side)
    else:
        yield node


def _operator(node: Node) -> str:
    return node.children[1].type if len(node.children) == _THREE else ""


class _Reader:
    """Reads one conjunct."""

    def __init__(
        self,
        syntax: Syntax,
        constants: dict[str, str],
        evaluate: Callable[[str], Term | None],
    ) -> None:
        self._syntax = syntax
        self._constants = constants
        self._evaluate = evaluate

    def read(self, node: Node) -> tuple[Test | Nearest, str | Geometry, str | Geometry] | None:
        """Return the test and its two sides; None for a conjunct that is no constraint."""
        if node.type == "function_call":
            return self._relation(node) or self._nearest(node)
        if node.type != "binary_expression":
            return None
        left, right = (_unwrapped(n) for n in (node.children[0], node.children[-1]))
        operator = _operator(node)
        if operator == "=":
            return self._equals_true(left, right) or self._equals_true(right, left)
        if operator in _COMPARISONS:
            return self._distance(left, operator, right) or self._distance(
                right, _MIRRORED[operator], left
            )
        return None

    def _call(self, node: Node) -> tuple[str, list[Node]] | None:
        if node.type != "function_call" or len(node.named_children) != _TWO:
            return None
        name = self._syntax.iri(node.named_children[0])
        return None if name is None else (name, node.named_children[1].named_children)

    def _equals_true(
        self, call: Node, value: Node
    ) -> tuple[Test | Nearest, str | Geometry, str | Geometry] | None:
        is_true = value.type == "boolean_literal" and self._syntax.text(value).lower() == "true"
        return self._relation(call) if is_true else None

    def _relation(self, node: Node) -> tuple[Test, str | Geometry, str | Geometry] | None:
        call = self._call(node)
        if call is None or not call[0].startswith(_GEOF):
            return None
        name, arguments = call[0].removeprefix(_GEOF), call[1]
        relation = self._named(name, arguments)
        if relation is None or relation.disjoint:
            return None
        sides = self._sides(arguments[:2])
        return None if sides is None else (RelationTest(relation=relation), *sides)

    def _named(self, name: str, arguments: list[Node]) -> Relation | None:
        if name == "relate" and len(arguments) == _THREE:
            pattern = self._value(arguments[2])
            if not isinstance(pattern, Literal) or pattern.datatype != XSD.string:
                return None
            return matrix_relation(pattern.value)
        return RELATIONS.get(name) if len(arguments) == _TWO else None

    def _distance(
        self, call_node: Node, operator: str, bound_node: Node
    ) -> tuple[Test, str | Geometry, str | Geometry] | None:
        call = self._call(call_node)
        if call is None or operator not in ("<", "<="):
            return None
        bound = self._value(bound_node)
        unit = self._value(call[1][2]) if len(call[1]) == _THREE else None
        test = distance_test(call[0], unit, bound, strict=operator == "<")
        sides = None if test is None else self._sides(call[1][:2])
        return None if test is None or sides is None else (test, *sides)

    def _nearest(self, node: Node) -> tuple[Nearest, str | Geometry, str | Geometry] | None:
        call = self._call(node)
        if call is None or call[0] != DEEPF.nearest.value or len(call[1]) != _THREE:
            return None
        sides = self._sides(call[1][:2])
        count = self._value(call[1][2])
        if sides is None or not isinstance(sides[0], str) or isinstance(sides[1], str):
            return None
        if not isinstance(count, Literal) or not count.value.isdecimal():
            return None
        return Nearest(count=int(count.value)), *sides

    def _sides(self, nodes: list[Node]) -> tuple[str | Geometry, str | Geometry] | None:
        if len(nodes) != _TWO:
            return None
        one, two = self._side(nodes[0]), self._side(nodes[1])
        return None if one is None or two is None else (one, two)

    def _side(self, node: Node) -> str | Geometry | None:
        node = _unwrapped(node)
        if node.type == "var":
            name = "?" + self._syntax.text(node)[1:]
            if name not in self._constants:
                return name
            value = self._evaluate(self._constants[name])
        else:
            value = self._value(node)
        if not isinstance(value, Literal) or value.datatype.value not in GEOMETRY_DATATYPES:
            return None
        try:
            return parse(value.value, value.datatype.value)
        except InvalidGeometryError:
            return None

    def _value(self, node: Node) -> Term | None:
        """Return the value of an expression without variables."""
        constant = self._syntax.constant(node)
        if isinstance(constant, NamedNode | Literal):
            return constant
        if self._syntax.variables(node) or _is_volatile(self._syntax, node):
            return None
        return self._evaluate(self._syntax.text(node))


def dataset_of(syntax: Syntax) -> Dataset | None:
    """Return what FROM and FROM NAMED say; None where the query has neither."""
    if next(syntax.walk("dataset_clause"), None) is None:
        return None

    def graphs(kind: str) -> tuple[NamedNode, ...]:
        names = [syntax.iri(n.named_children[-1]) for n in syntax.walk(kind)]
        return tuple(NamedNode(n) for n in dict.fromkeys(names) if n is not None)

    return Dataset(default=graphs("default_graph_clause"), named=graphs("named_graph_clause"))


def default_scope(dataset: Dataset | None) -> Scope:
    """Return what triple patterns outside of GRAPH are matched against."""
    if dataset is None:
        return Scope()
    return Scope(graphs=tuple(str(g).encode() for g in dataset.default))
