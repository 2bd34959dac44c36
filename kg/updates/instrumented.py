"""An update with calls planted in it, by which the store tells what its patterns bind.

Each operation that may write what the spatial index holds gets a call of a function of ours
behind its pattern: what it is called with is exactly what the operation writes, after what
earlier operations wrote, and with the blank nodes and random values that it made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyoxigraph import Literal, NamedNode

from kg.geosparql.literals import GEOMETRY_DATATYPES
from kg.index.statements import LINKS
from kg.sparql.syntax import Edit
from kg.updates.reader import Template, UpdateReader, is_spatial, where_of
from kg.updates.touched import MANY, Touched

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from tree_sitter import Node

    from kg.rdf.terms import Term
    from kg.sparql.patterns import TriplePattern
    from kg.sparql.syntax import Sparql, Syntax


#: The function that is called with bindings; no one else's can be of this name.
_CALLED = "tag:deepcube,2026:bindings"
_UNBOUND = NamedNode("tag:deepcube,2026:unbound")
_DATATYPES = ", ".join(f"<{d}>" for d in sorted(GEOMETRY_DATATYPES))
_DONE = Literal(value=True)


@dataclass(frozen=True, kw_only=True)
class InstrumentedUpdate:
    """An update, and what it is found to touch."""

    sparql: Sparql
    """What is to be executed instead of it."""
    functions: Mapping[NamedNode, Callable[..., Term | None]]
    """What must be known to the store beside the functions that the update itself calls."""
    touched: Touched
    """Complete when the update has run."""


def instrument(update: Sparql, covered: Collection[str], *, many: int = MANY) -> InstrumentedUpdate:
    """Return an update that does the same, and tells what it touches while it runs.

    Args:
        update: Any SPARQL update.
        covered: The properties whose literals are in the index.
        many: Nodes above which they are no longer told apart.
    """
    syntax = update.syntax
    if syntax is None:
        return InstrumentedUpdate(sparql=update, functions={}, touched=Touched(everything=True))
    spatial = frozenset(covered) | frozenset(LINKS)
    edits: list[Edit] = []
    functions: dict[NamedNode, Callable[..., Term | None]] = {}

    def bindings(operation: Node, patterns: list[TriplePattern]) -> None:
        template = Template(patterns, fresh=syntax.fresh, spatial=spatial)
        if not template.variables:
            template.write((), reader.touched)
            return
        name = f"{_CALLED}-{len(functions)}"
        functions[NamedNode(name)] = _recorder(template, reader.touched, many)
        edits.append(_calling(syntax, operation, _call(name, template, patterns, spatial)))

    reader = UpdateReader(syntax, spatial, bindings)
    touched = reader.read()
    if touched.count > many:
        touched.everything = True
    if touched.everything:
        return InstrumentedUpdate(sparql=update, functions={}, touched=touched)
    return InstrumentedUpdate(sparql=update.edited(edits), functions=functions, touched=touched)


def _recorder(template: Template, touched: Touched, many: int) -> Callable[..., Term | None]:
    """Return the function that is called with each solution, and adds it to what is touched."""

    def record(*values: Term) -> Term | None:
        if not touched.everything:
            template.write([None if v == _UNBOUND else v for v in values], touched)
            touched.everything = touched.count > many
        return _DONE

    return record


def _call(
    name: str, template: Template, patterns: list[TriplePattern], spatial: Collection[str]
) -> str:
    """Return the call; where only a geometry would matter, behind a test for one."""
    values = ", ".join(f"COALESCE({v}, {_UNBOUND})" for v in template.variables)
    call = f"<{name}>({values})"
    if any(is_spatial(p, spatial) for p in patterns):
        return call
    tests = [f"DATATYPE({v}) IN ({_DATATYPES})" for v in sorted({p.object for p in patterns})]
    return f"IF({' || '.join(tests)}, {call}, false)"


def _calling(syntax: Syntax, operation: Node, call: str) -> Edit:
    where = where_of(operation)
    text = syntax.text(where)
    group = f"{{ {text} BIND({call} AS {syntax.fresh}recorded) }}"
    if operation.type == "delete_where":
        start = operation.start_byte
        return Edit(start=start, end=operation.end_byte, text=f"DELETE {text} WHERE {group}")
    return Edit(start=where.start_byte, end=where.end_byte, text=group)
