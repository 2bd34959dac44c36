"""Which nodes, literals and graphs an update may change, so that the index reads them again.

The constants of an update are read from its text before it runs. The values of its variables
are noted while it runs (`kg.planner.noting`), or asked for before, where the store is on another
server. After the update the index reads all of these again from the store. So it does no harm
if more is named here than what changes; it must never be less.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeGuard

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, QuerySolutions, Store

from kg.geosparql.literals import GEOMETRY_DATATYPES
from kg.index.statements import LINKS
from kg.rdf.quad_blocks import has_blank_node
from kg.sparql.patterns import properties_in, triple_patterns
from kg.sparql.syntax import parse
from kg.sparql.unevaluated import term_of
from kg.sparql.volatile import is_volatile

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from pyoxigraph import Quad
    from tree_sitter import Node

    from kg.index.property_tables import PropertyTables
    from kg.rdf.terms import GraphName, Term
    from kg.results.solutions import QueryResult
    from kg.sparql.patterns import TriplePattern
    from kg.sparql.syntax import Syntax

#: Nodes that are read again one by one at least; above it, as many as a quarter of the index.
MANY = 20_000
_DATA = ("insert_data", "delete_data")


class Ask(Protocol):
    """Evaluates a query, over other default graphs where they are given."""

    def __call__(self, query: str, graphs: list[GraphName] | None, /) -> QueryResult: ...  # noqa: D102


@dataclass(frozen=True)
class NewNode:
    """A blank node that the store labels when it is written."""

    name: str
    """Tells it from others that are written with it."""


@dataclass(kw_only=True)
class Touched:
    """Nodes, literals and graphs of which the index has to be read again."""

    subjects: set[NamedNode | BlankNode] = field(default_factory=set)
    """Nodes that the store knew before, of which a statement may have changed."""
    literals: set[Literal] = field(default_factory=set)
    """Geometry literals that new blank nodes have."""
    graphs: set[GraphName] = field(default_factory=set)
    """Graphs of which any statement may have changed."""
    geometries: set[NamedNode | BlankNode] = field(default_factory=set)
    """Geometry nodes that new blank nodes are linked to."""
    blank_links: set[str] = field(default_factory=set)
    """Properties by which new blank nodes are linked to new blank nodes without a literal."""
    mixed: set[str] = field(default_factory=set)
    """Properties by which a new blank node has what is no geometry."""
    predicates: set[str] = field(default_factory=set)
    """Properties under which a geometry literal was said."""
    named_graphs: bool = False
    """Whether every named graph is touched."""
    loaded: set[GraphName] = field(default_factory=set)
    """Graphs into which a document of any properties was loaded."""
    everything: bool = False
    """Whether any statement of any graph may have changed."""
    properties: frozenset[str] | None = None
    """Of all statements that it may change; None for any."""
    data: list[tuple[bool, list[Quad]]] | None = None
    """What is added (True) or removed, in order, where that is all that happens."""

    def follow(self, tables: PropertyTables) -> None:
        """Change tables of properties as the store was changed, or forget those that may differ."""
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
        found = (self.subjects, self.literals, self.geometries, self.graphs, self.blank_links)
        more = (self.mixed, self.loaded, self.named_graphs, self.everything)
        return not (any(found) or any(more))

    @property
    def count(self) -> int:
        """How many nodes have to be read again, one by one."""
        return len(self.subjects) + len(self.literals) + len(self.geometries)

    def add_quads(self, quads: Iterable[Quad], spatial: Collection[str]) -> None:
        """Add what quads of a DATA block touch; any object counts under a spatial property."""
        self.add_statements(
            [
                (_as_new(q.subject), q.predicate, _as_new(q.object))
                for q in quads
                if q.predicate.value in spatial or _is_geometry(q.object)
            ],
            spatial,
        )

    def add_statements(
        self, statements: Sequence[tuple[object, object, object]], spatial: Collection[str]
    ) -> None:
        """Add what statements touch that are written together.

        Args:
            statements: Subject, predicate and object; a new blank node is a `NewNode`.
            spatial: Properties whose every statement matters to the index.
        """
        with_geometry = {s for s, _, o in statements if _is_geometry(o)}
        for subject, predicate, target in statements:
            if not isinstance(predicate, NamedNode):
                continue
            if _is_geometry(target):
                self.predicates.add(predicate.value)
            elif predicate.value not in spatial:
                continue
            if isinstance(subject, NamedNode | BlankNode):
                self.subjects.add(subject)
            elif isinstance(subject, NewNode):
                self._add_of_new(predicate.value, target, has_literal=target in with_geometry)

    def _add_of_new(self, predicate: str, target: object, *, has_literal: bool) -> None:
        """Add what leads to a new blank node: its literal, or what it is linked to."""
        if _is_geometry(target):
            self.literals.add(target)
        elif predicate not in LINKS or isinstance(target, Literal):
            self.mixed.add(predicate)
        elif isinstance(target, NamedNode | BlankNode):
            self.geometries.add(target)
        elif not has_literal:
            self.blank_links.add(predicate)


def _is_geometry(term: object) -> TypeGuard[Literal]:
    return isinstance(term, Literal) and term.datatype.value in GEOMETRY_DATATYPES


def _as_new(term: object) -> object:
    return NewNode(str(term)) if isinstance(term, BlankNode) else term


class Template:
    """The triples that an operation writes for each solution, of which the index may have some."""

    def __init__(
        self, patterns: Sequence[TriplePattern], *, fresh: str, spatial: Collection[str]
    ) -> None:
        self._spatial = spatial
        self._places: dict[str, int] = {}
        self._triples = [
            (
                self._slot(p.subject, fresh),
                self._slot(p.predicate, fresh),
                self._slot(p.object, fresh),
            )
            for p in patterns
        ]

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that say what is written."""
        return tuple(self._places)

    def _slot(self, text: str, fresh: str) -> object:
        """Return a constant, or the place of a variable's value."""
        if text.startswith(fresh):
            return NewNode(text)
        if text.startswith("?"):
            return self._places.setdefault(text, len(self._places))
        return term_of(text)

    def write(self, values: Sequence[Term | None], touched: Touched) -> None:
        """Add what one solution touches.

        Args:
            values: The values of `variables`; None where one is unbound.
            touched: Takes what is touched.
        """
        filled = [
            tuple(values[slot] if isinstance(slot, int) else slot for slot in triple)
            for triple in self._triples
        ]
        touched.add_statements(
            [(s, p, o) for s, p, o in filled if None not in (s, p, o)], self._spatial
        )


class UnknownError(Exception):
    """It cannot be said what an update touches."""


class UpdateReader:
    """Reads what the text of one update says that it will touch."""

    def __init__(
        self,
        syntax: Syntax,
        spatial: frozenset[str],
        bindings: Callable[[Node, list[TriplePattern]], None],
    ) -> None:
        """Name the update.

        Args:
            syntax: Its tree.
            spatial: Properties whose every statement matters to the index.
            bindings: Takes an operation and those of the triples that it writes that may matter
                and have variables, and sees to it that what they are bound to is added.
        """
        self.touched = Touched()
        self._said: list[tuple[bool, list[Quad]]] = []
        """What DATA blocks add or remove."""
        self.prologue = syntax.prologue
        self._syntax = syntax
        self._spatial = spatial
        self._bindings = bindings

    def read(self) -> Touched:
        """Return what is touched, as far as the bindings are known."""
        operations = [n for n in self._syntax.root.named_children if n.type != "prologue"]
        operations = [n for n in operations if n.type != "comment"]
        self.touched.properties = _properties(self._syntax, operations)
        try:
            for operation in operations:
                self._operation(operation)
        except (UnknownError, SyntaxError, ValueError, OSError, RuntimeError):
            self.touched.everything = True
        if all(o.type in _DATA for o in operations):
            self.touched.data = self._said
        return self.touched

    def _operation(self, operation: Node) -> None:
        """Add what one operation may change."""
        kind = operation.type
        if kind in _DATA:
            self._data(operation)
        elif kind in ("modify", "delete_where"):
            patterns = self._written(operation)
            if patterns:
                self._bindings(operation, patterns)
        elif kind in ("clear", "drop", "copy", "move", "add", "load"):
            self._graphs(operation)
        elif kind != "create":
            raise UnknownError

    def _data(self, operation: Node) -> None:
        quads = next(self._syntax.walk("quads", within=operation))
        scratch = Store()
        scratch.update(
            f"{self.prologue} INSERT DATA {self._syntax.text(quads)}", base_iri=self._syntax.base
        )
        quads_said = list(scratch)
        self._said.append((operation.type == "insert_data", quads_said))
        self.touched.add_quads(quads_said, self._spatial)

    def _written(self, operation: Node) -> list[TriplePattern]:
        """Return what an operation writes that may matter to the index."""
        patterns = []
        for template in self._syntax.walk("triples_template", within=operation):
            found = triple_patterns(self._syntax, template)
            if found is None:
                raise UnknownError
            inserted = _is_inserted(template)
            patterns += [
                p
                for p in found
                if is_spatial(p, self._spatial) or (inserted and p.object.startswith("?"))
            ]
        return patterns

    def _graphs(self, operation: Node) -> None:
        refs = list(
            self._syntax.walk("graph_ref_all", "graph_ref", "graph_or_default", within=operation)
        )
        loaded = operation.type == "load"
        if loaded and not refs:
            self._graph(DefaultGraph(), loaded=True)
        for ref in refs:
            words = self._syntax.text(ref).upper()
            node = next(self._syntax.walk("iri_reference", "prefixed_name", within=ref), None)
            iri = None if node is None else self._syntax.iri(node)
            if iri is not None:
                self._graph(NamedNode(iri), loaded=loaded)
            elif words in ("DEFAULT", "ALL", "NAMED"):
                self.touched.named_graphs |= words != "DEFAULT"
                if words != "NAMED":
                    self._graph(DefaultGraph(), loaded=False)
            else:
                raise UnknownError

    def _graph(self, graph: GraphName, *, loaded: bool) -> None:
        self.touched.graphs.add(graph)
        if loaded:
            self.touched.loaded.add(graph)


def is_spatial(pattern: TriplePattern, spatial: Collection[str]) -> bool:
    """Return whether every triple of a pattern matters to the index."""
    if pattern.predicate.startswith("?"):
        return True
    datatypes = tuple(f"^^<{d}>" for d in GEOMETRY_DATATYPES)
    return pattern.predicate[1:-1] in spatial or pattern.object.endswith(datatypes)


def where_of(operation: Node) -> Node:
    """Return the group that an operation matches."""
    kind = "quads" if operation.type == "delete_where" else "group_graph_pattern"
    return next(n for n in operation.named_children if n.type == kind)


def _is_inserted(node: Node | None) -> bool:
    while node is not None and node.type not in ("insert_clause", "delete_clause"):
        node = node.parent
    return node is not None and node.type == "insert_clause"


def _properties(syntax: Syntax, operations: list[Node]) -> frozenset[str] | None:
    """Return the properties of what the operations write; None for any."""
    if any(o.type not in {*_DATA, "modify", "delete_where", "create"} for o in operations):
        return None
    written = [n for o in operations for n in syntax.walk("quads", within=o)]
    return properties_in(syntax, *written)


def touched_by(
    update: str, covered: Collection[str], ask: Ask, *, base_iri: str | None = None
) -> Touched:
    """Return what an update may change, by asking for what its first operation binds.

    What a later operation binds depends on what an earlier one writes, and cannot be asked.

    Args:
        update: Any SPARQL update.
        covered: The properties whose literals are in the index.
        ask: Evaluates a query as the update's own pattern will be evaluated.
        base_iri: What relative IRIs are relative to.
    """
    syntax = parse(update, base_iri=base_iri)
    if syntax is None:
        return Touched(everything=True)
    spatial = frozenset(covered) | frozenset(LINKS)
    first = next((n for n in syntax.root.named_children if n.type != "prologue"), None)

    def bindings(operation: Node, patterns: list[TriplePattern]) -> None:
        known = [p for p in patterns if is_spatial(p, spatial)]
        template = Template(known, fresh=syntax.fresh, spatial=spatial)
        if not template.variables:
            template.write((), reader.touched)
            return
        where = syntax.text(where_of(operation))
        if operation != first or is_volatile(where):
            raise UnknownError
        graphs, clauses = _dataset(syntax, operation)
        result = ask(
            f"{reader.prologue} SELECT DISTINCT {' '.join(template.variables)} {clauses} "
            f"WHERE {where} LIMIT {MANY + 1}",
            graphs,
        )
        if not isinstance(result, QuerySolutions):
            raise UnknownError
        solutions = list(result)
        if len(solutions) > MANY:
            raise UnknownError
        for solution in solutions:
            template.write(tuple(solution), reader.touched)

    reader = UpdateReader(syntax, spatial, bindings)
    return reader.read()


def _dataset(syntax: Syntax, operation: Node) -> tuple[list[GraphName] | None, str]:
    """Return what an operation's own query is evaluated over: graphs, or FROM clauses."""
    using = [n for n in operation.named_children if n.type == "using_clause"]
    clauses = " ".join("FROM" + syntax.text(n)[len("USING") :] for n in using)
    if using or not syntax.text(operation).upper().startswith("WITH"):
        return None, clauses
    iri = syntax.iri(operation.named_children[0])
    return (None if iri is None else [NamedNode(iri)]), ""
