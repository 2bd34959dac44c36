"""SHACL shapes compiled to checks of Python: an early yes that costs microseconds a node.

A check that says yes is right: pyshacl would find nothing. One that says no only means that
pyshacl has to look, which then words what is wrong. So what a check does not know (a rare
constraint, an odd literal) it answers with no.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

import rdflib
from pyoxigraph import Literal, NamedNode
from rdflib.collection import Collection
from rdflib.namespace import SH

from ontology.terms import RDF, RDFS, XSD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pyoxigraph import Quad

    from kg.rdf.terms import Term

    Said = dict[NamedNode, list[Term]]
    """What is said of one node."""
    Check = Callable[[Said], bool]
    ValueCheck = Callable[[Term], bool]

_INTEGER = re.compile(r"[+-]?\d{1,18}")
_DOUBLE = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,2})?")
#: What a shape may say that constrains nothing.
_SILENT = {SH.path, SH.message, SH.targetClass, SH.name, SH.description, rdflib.RDF.type}
_NONE: list[Term] = []
# A term of a vocabulary is made anew each time that it is named, which costs more than a check.
_TYPE, _SUBCLASS_OF = RDF.type, RDFS.subClassOf
_INTEGER_TYPE, _DOUBLE_TYPE = XSD.integer, XSD.double
_MOMENT_TYPES = frozenset({XSD.dateTime, XSD.dateTimeStamp})


class _UnknownError(Exception):
    """A shape says something for which there is no check."""


class ShapeChecks:
    """The checks of a graph of shapes."""

    def __init__(self, shapes: rdflib.Graph) -> None:
        self._shapes = shapes
        self._by_class: dict[NamedNode, list[Check]] = {}
        self._by_types: dict[tuple[Term, ...], tuple[Check, ...]] = {}
        for shape in shapes.subjects(SH.targetClass, unique=True):
            check = self._node_check(shape)
            for kind in shapes.objects(shape, SH.targetClass):
                self._by_class.setdefault(NamedNode(str(kind)), []).append(check)

    def accept(self, quads: Iterable[Quad]) -> bool:
        """Return whether quads surely conform to all shapes."""
        nodes: dict[Term, Said] = {}
        for quad in quads:
            said = nodes.setdefault(quad.subject, {})
            said.setdefault(quad.predicate, []).append(quad.object)
        for said in nodes.values():
            if _SUBCLASS_OF in said:
                # It may make other nodes members of a class that a shape targets.
                return False
            if not all(check(said) for check in self._checks_of(tuple(said.get(_TYPE, _NONE)))):
                return False
        return True

    def _checks_of(self, kinds: tuple[Term, ...]) -> tuple[Check, ...]:
        """Return the checks of a node of some types; those that two types share once."""
        known = self._by_types.get(kinds)
        if known is None:
            named = [kind for kind in kinds if isinstance(kind, NamedNode)]
            every = [check for kind in named for check in self._by_class.get(kind, ())]
            # The types that occur together are few, whatever the data.
            known = self._by_types[kinds] = tuple(dict.fromkeys(every))
        return known

    def _node_check(self, shape: rdflib.term.Node) -> Check:
        """Return the check of a node shape; one that says no where something is unknown."""
        try:
            checks = self._parts(shape)
        except _UnknownError:
            return lambda _: False
        return lambda said: all(check(said) for check in checks)

    def _parts(self, shape: rdflib.term.Node) -> list[Check]:
        checks: list[Check] = []
        for predicate, value in self._shapes.predicate_objects(shape):
            if predicate == SH.property:
                checks.append(self._property_check(value))
            elif predicate == SH.node:
                checks += self._parts(value)
            elif predicate == SH["or"]:
                checks.append(self._any_part(value))
            elif predicate not in _SILENT:
                raise _UnknownError(str(predicate))
        return checks

    def _any_part(self, members: rdflib.term.Node) -> Check:
        """Return the check that one of a list of shapes of the node itself holds."""
        ways = [
            [self._property_check(m)] if (m, SH.path, None) in self._shapes else self._parts(m)
            for m in Collection(self._shapes, members)
        ]
        return lambda said: any(all(check(said) for check in way) for way in ways)

    def _property_check(self, shape: rdflib.term.Node) -> Check:
        path = self._shapes.value(shape, SH.path)
        if not isinstance(path, rdflib.URIRef):
            raise _UnknownError(str(path))
        name = NamedNode(str(path))
        least, most = 0, None
        value_checks: list[ValueCheck] = []
        node_checks: list[Check] = []
        for predicate, value in self._shapes.predicate_objects(shape):
            if predicate == SH.minCount:
                least = int(str(value))
            elif predicate == SH.maxCount:
                most = int(str(value))
            elif predicate in (SH.lessThan, SH.lessThanOrEquals):
                node_checks.append(_order(name, NamedNode(str(value)), predicate == SH.lessThan))
            elif predicate not in _SILENT:
                value_checks.append(self._value_check(predicate, value))
        if least > 1:
            raise _UnknownError("two values that pyshacl may take for one")

        def check(said: Said) -> bool:
            values = said.get(name, _NONE)
            count = len(values) if len(values) < 2 else len(set(values))
            if count < least or (most is not None and count > most):
                return False
            return all(c(v) for v in values for c in value_checks) and all(
                c(said) for c in node_checks
            )

        return check

    def _value_check(self, predicate: rdflib.term.Node, value: rdflib.term.Node) -> ValueCheck:
        make = _VALUE_CHECKS.get(predicate)
        if make is not None:
            return make(value)
        if predicate == SH["in"]:
            members = {_term(m) for m in Collection(self._shapes, value)}
            return lambda term: term in members
        if predicate == SH["or"]:
            return self._any_of(value)
        raise _UnknownError(str(predicate))

    def _any_of(self, members: rdflib.term.Node) -> ValueCheck:
        ways: list[list[ValueCheck]] = [
            [self._value_check(p, o) for p, o in self._shapes.predicate_objects(member)]
            for member in Collection(self._shapes, members)
        ]
        return lambda term: any(all(check(term) for check in way) for way in ways)


def _term(node: rdflib.term.Node) -> Term:
    if isinstance(node, rdflib.URIRef):
        return NamedNode(str(node))
    if isinstance(node, rdflib.Literal) and node.datatype is None and node.language is None:
        return Literal(str(node))
    raise _UnknownError(str(node))


def _node_kind(said: rdflib.term.Node) -> ValueCheck:
    if said != SH.IRI:
        raise _UnknownError(str(said))
    return lambda term: isinstance(term, NamedNode)


def _at_least(said: rdflib.term.Node) -> ValueCheck:
    low = float(str(said))
    return lambda term: (number := _number(term)) is not None and number >= low


def _at_most(said: rdflib.term.Node) -> ValueCheck:
    high = float(str(said))
    return lambda term: (number := _number(term)) is not None and number <= high


def _min_length(said: rdflib.term.Node) -> ValueCheck:
    least = int(str(said))
    return lambda term: isinstance(term, Literal) and len(term.value) >= least


def _pattern(said: rdflib.term.Node) -> ValueCheck:
    pattern = re.compile(str(said))
    return lambda term: isinstance(term, Literal) and bool(pattern.search(term.value))


def _datatype(said: rdflib.term.Node) -> ValueCheck:
    kind = NamedNode(str(said))

    form = _LEXICAL_FORMS.get(kind)
    if form is None:
        # Others have no lexical form that rdflib would find fault with.
        is_known = kind == XSD.string or not kind.value.startswith(XSD.namespace)
        return lambda term: is_known and isinstance(term, Literal) and term.datatype == kind
    return lambda term: isinstance(term, Literal) and term.datatype == kind and form(term)


_LEXICAL_FORMS: dict[NamedNode, Callable[[Literal], bool]] = {
    _INTEGER_TYPE: lambda term: bool(_INTEGER.fullmatch(term.value)),
    _DOUBLE_TYPE: lambda term: bool(_DOUBLE.fullmatch(term.value)),
    **dict.fromkeys(_MOMENT_TYPES, lambda term: _moment(term) is not None),
}
_VALUE_CHECKS: dict[rdflib.term.Node, Callable[[rdflib.term.Node], ValueCheck]] = {
    SH.datatype: _datatype,
    SH.maxInclusive: _at_most,
    SH.minInclusive: _at_least,
    SH.minLength: _min_length,
    SH.nodeKind: _node_kind,
    SH.pattern: _pattern,
}


def _order(path: NamedNode, other: NamedNode, is_strict: bool) -> Check:
    def check(said: Said) -> bool:
        for a in said.get(path, _NONE):
            for b in said.get(other, _NONE):
                x, y = _comparable(a), _comparable(b)
                if x is None or y is None or type(x) is not type(y):
                    return False
                if not (x < y or (x == y and not is_strict)):  # type: ignore[operator]
                    return False
        return True

    return check


def _comparable(term: Term) -> float | datetime | None:
    number = _number(term)
    return _moment(term) if number is None else number


def _number(term: Term) -> float | None:
    if isinstance(term, Literal):
        if term.datatype == _DOUBLE_TYPE and _DOUBLE.fullmatch(term.value):
            return float(term.value)
        if term.datatype == _INTEGER_TYPE and _INTEGER.fullmatch(term.value):
            return float(term.value)
    return None


def _moment(term: Term) -> datetime | None:
    if not isinstance(term, Literal) or term.datatype not in _MOMENT_TYPES:
        return None
    try:
        moment = datetime.fromisoformat(term.value)
    except ValueError:
        return None
    is_plain = len(term.value) >= len("2020-01-01T00:00:00Z") and term.value[10] == "T"
    return moment if is_plain and moment.tzinfo is not None else None
