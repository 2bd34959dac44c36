"""What an update may change of what the spatial index holds: worked out before it runs.

After the update the index reads again what was touched, from the store. So it does not
matter that this is more than what changed; it must never be less.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, QuerySolutions, Store

from kg.geometry_statements import LINKS, Statement, statement_of
from kg.geosparql.literals import GEOMETRY_DATATYPES
from kg.planner.syntax import parse
from kg.quad_blocks import has_blank_node

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pyoxigraph import Quad
    from tree_sitter import Node

    from kg.planner.syntax import Syntax, TriplePattern
    from kg.property_tables import PropertyTables
    from kg.solutions import Term
    from kg.store import GraphName, QueryResult

#: Nodes above which everything is read again: as fast, and simpler.
_MANY = 20_000
_DATA = ("insert_data", "delete_data")
#: Functions that give another value when the update is executed.
_VOLATILE = re.compile(r"(?i)\b(RAND|NOW|UUID|STRUUID|BNODE)\s*\(")


class Ask(Protocol):
    """Evaluates a query, over other default graphs where they are given."""

    def __call__(self, query: str, graphs: list[GraphName] | None, /) -> QueryResult: ...  # noqa: D102


@dataclass(kw_only=True)
class Touched:
    """Nodes, literals and graphs of which the index has to be read again."""

    subjects: set[NamedNode | BlankNode] = field(default_factory=set)
    literals: set[Literal] = field(default_factory=set)
    """Geometry literals that new blank nodes have."""
    graphs: set[GraphName] = field(default_factory=set)
    geometries: set[NamedNode | BlankNode] = field(default_factory=set)
    """Geometry nodes that new blank nodes are linked to."""
    predicates: set[str] = field(default_factory=set)
    """Properties under which a geometry literal was said."""
    everything: bool = False
    properties: frozenset[str] | None = None
    """Of all statements that it may change; None for any."""
    data: list[tuple[bool, list[Quad]]] | None = None
    """What is added (True) or removed, in order, where that is all that happens."""

    def follow(self, tables: PropertyTables) -> None:
        """Let tables of properties follow what happened."""
        if self.data is None:
            tables.forget(self.properties)
            return
        for is_added, quads in self.data:
            # The store has given a blank node another label.
            blank = [q for q in quads if has_blank_node(q)]
            tables.forget({q.predicate.value for q in blank})
            if is_added:
                tables.add_quads(quads)
            else:
                tables.remove(quads)

    @property
    def is_nothing(self) -> bool:
        """Return whether the index stays as it is."""
        found = (self.subjects, self.literals, self.geometries, self.graphs)
        return not (any(found) or self.everything)

    def take(self, quads: Iterable[Quad], spatial: Collection[str]) -> None:
        """Add what quads of a DATA block touch; any object counts under a spatial property."""
        for quad in quads:
            item = statement_of(quad)
            if item is None and quad.predicate.value not in spatial:
                continue
            if isinstance(item, Statement):
                self.predicates.add(item.predicate)
            # The store gives a blank node another label: what it points at leads to it.
            if isinstance(quad.subject, BlankNode):
                self.point_at(quad.object)
            else:
                self.name(quad.subject)

    def name(self, term: object) -> None:
        """Add a subject."""
        if isinstance(term, NamedNode | BlankNode):
            self.subjects.add(term)

    def point_at(self, term: object) -> None:
        """Add what leads to a new blank node."""
        if isinstance(term, Literal):
            self.literals.add(term)
        elif isinstance(term, NamedNode):
            self.geometries.add(term)


class _UnknownError(Exception):
    """It cannot be said before the update runs."""


def touched_by(
    update: str,
    covered: Collection[str],
    ask: Ask,
    *,
    base_iri: str | None = None,
) -> Touched:
    """Return what an update may change.

    Args:
        update: Any SPARQL update.
        covered: The properties whose literals are in the index.
        ask: Evaluates a query as the update's own pattern will be evaluated.
        base_iri: What relative IRIs are relative to.
    """
    syntax = parse(update, base_iri=base_iri)
    if syntax is None:
        return Touched(everything=True)
    reader = _Reader(syntax, frozenset(covered) | frozenset(LINKS), ask)
    operations = [n for n in syntax.root.named_children if n.type != "prologue"]
    properties = _properties(syntax, operations)
    try:
        for number, operation in enumerate(operations):
            reader.read(operation, is_first=number == 0)
    except (_UnknownError, SyntaxError, ValueError, OSError, RuntimeError):
        return Touched(everything=True, properties=properties)
    found = reader.touched
    if len(found.subjects) + len(found.literals) > _MANY:
        return Touched(everything=True, properties=properties)
    found.properties = properties
    found.data = reader.data if all(o.type in _DATA for o in operations) else None
    return found


def _properties(syntax: Syntax, operations: list[Node]) -> frozenset[str] | None:
    """Return the properties of what the operations write; None for any."""
    if any(o.type not in {*_DATA, "modify", "delete_where", "create"} for o in operations):
        return None
    written = [n for o in operations for n in syntax.walk("quads", within=o)]
    return syntax.properties(*written)


class _Reader:
    """Reads the operations of one update."""

    def __init__(
        self,
        syntax: Syntax,
        spatial: frozenset[str],
        ask: Ask,
    ) -> None:
        self.touched = Touched()
        self.data: list[tuple[bool, list[Quad]]] = []
        """What DATA blocks add or remove."""
        self._syntax = syntax
        self._spatial = spatial
        self._ask = ask
        self._prologue = "".join(
            syntax.text(n) + "\n" for n in syntax.walk("base_declaration", "prefix_declaration")
        )

    def read(self, operation: Node, *, is_first: bool) -> None:
        """Add what one operation may change."""
        kind = operation.type
        if kind in _DATA:
            self._data(operation)
        elif kind in ("modify", "delete_where"):
            self._modify(operation, is_first=is_first)
        elif kind in ("clear", "drop", "copy", "move", "add", "load"):
            self._graphs(operation)
        elif kind != "create":
            raise _UnknownError

    def _data(self, operation: Node) -> None:
        quads = next(self._syntax.walk("quads", within=operation))
        scratch = Store()
        scratch.update(
            f"{self._prologue} INSERT DATA {self._syntax.text(quads)}", base_iri=self._syntax.base
        )
        quads_said = list(scratch)
        self.data.append((operation.type == "insert_data", quads_said))
        self.touched.take(quads_said, self._spatial)

    def _modify(self, operation: Node, *, is_first: bool) -> None:
        patterns = []
        for template in self._syntax.walk("triples_template", within=operation):
            found = self._syntax.patterns(template)
            if found is None:
                raise _UnknownError
            patterns += [p for p in found if self._is_spatial(p)]
        if not patterns:
            return
        if not is_first:
            # What an earlier operation writes decides what this one finds.
            raise _UnknownError
        if _VOLATILE.search(self._where(operation)):
            raise _UnknownError
        self._bindings(operation, patterns)

    def _is_spatial(self, pattern: TriplePattern) -> bool:
        if pattern.predicate.startswith("?"):
            return True
        datatypes = tuple(f"^^<{d}>" for d in GEOMETRY_DATATYPES)
        return pattern.predicate[1:-1] in self._spatial or pattern.object.endswith(datatypes)

    def _bindings(self, operation: Node, patterns: list[TriplePattern]) -> None:
        roles: dict[str, set[str]] = {}
        for pattern in patterns:
            if pattern.subject.startswith(self._syntax.fresh):
                roles.setdefault(pattern.object, set()).add("object")
            else:
                roles.setdefault(pattern.subject, set()).add("subject")
            roles.setdefault(pattern.predicate, set()).add("predicate")
        for name, played in roles.items():
            if not name.startswith("?") and played != {"predicate"}:
                self._note(_term(name), played)
        variables = {
            n: r for n, r in roles.items() if n[0] == "?" and not n.startswith(self._syntax.fresh)
        }
        if variables:
            self._solutions(operation, variables)

    def _note(self, term: object, played: set[str]) -> None:
        if "subject" in played:
            self.touched.name(term)
        if "object" in played:
            self.touched.point_at(term)
        if "predicate" in played and isinstance(term, NamedNode):
            self.touched.predicates.add(term.value)

    def _solutions(self, operation: Node, variables: dict[str, set[str]]) -> None:
        where = self._where(operation)
        graphs, clauses = self._dataset(operation)
        result = self._ask(
            f"{self._prologue} SELECT DISTINCT {' '.join(variables)} {clauses} "
            f"WHERE {where} LIMIT {_MANY + 1}",
            graphs,
        )
        if not isinstance(result, QuerySolutions):
            raise _UnknownError
        solutions = list(result)
        if len(solutions) > _MANY:
            raise _UnknownError
        for solution in solutions:
            for variable, played in variables.items():
                self._note(solution[variable[1:]], played)

    def _where(self, operation: Node) -> str:
        if operation.type == "delete_where":
            return self._syntax.text(next(self._syntax.walk("quads", within=operation)))
        group = next(n for n in operation.named_children if n.type == "group_graph_pattern")
        return self._syntax.text(group)

    def _dataset(self, operation: Node) -> tuple[list[GraphName] | None, str]:
        using = [n for n in operation.named_children if n.type == "using_clause"]
        clauses = " ".join("FROM" + self._syntax.text(n)[len("USING") :] for n in using)
        if using or not self._syntax.text(operation).upper().startswith("WITH"):
            return None, clauses
        iri = self._syntax.iri(operation.named_children[0])
        return (None if iri is None else [NamedNode(iri)]), ""

    def _graphs(self, operation: Node) -> None:
        refs = list(
            self._syntax.walk("graph_ref_all", "graph_ref", "graph_or_default", within=operation)
        )
        if operation.type == "load" and not refs:
            self.touched.graphs.add(DefaultGraph())
        for ref in refs:
            words = self._syntax.text(ref).upper()
            node = next(self._syntax.walk("iri_reference", "prefixed_name", within=ref), None)
            iri = None if node is None else self._syntax.iri(node)
            if iri is not None:
                self.touched.graphs.add(NamedNode(iri))
            elif words == "DEFAULT":
                self.touched.graphs.add(DefaultGraph())
            else:
                raise _UnknownError


def _term(text: str) -> Term | None:
    """Return a constant of a template."""
    if text.startswith("<"):
        return NamedNode(text[1:-1])
    result = Store().query(f"SELECT ({text} AS ?x) {{}}")
    return next(result)["x"] if isinstance(result, QuerySolutions) else None
