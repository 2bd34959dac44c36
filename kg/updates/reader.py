"""Which nodes, literals and graphs an update may change, so that the index reads them again.

The constants of an update are read from its text before it runs. The values of its variables
are told by the store while it runs (`kg.updates.instrumented`), or asked for before, where the
store is on another server. After the update the index reads all of these again from the store.
So it does no harm if more is named here than what changes; it must never be less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pyoxigraph import DefaultGraph, NamedNode, QuerySolutions, Store

from kg.geosparql.literals import GEOMETRY_DATATYPES
from kg.index.statements import LINKS
from kg.sparql.patterns import properties_in, triple_patterns
from kg.sparql.syntax import parse
from kg.sparql.unevaluated import term_of
from kg.sparql.volatile import is_volatile
from kg.updates.touched import MANY, NewNode, Touched

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from pyoxigraph import Quad
    from tree_sitter import Node

    from kg.rdf.terms import GraphName, Term
    from kg.results.solutions import QueryResult
    from kg.sparql.patterns import TriplePattern
    from kg.sparql.syntax import Syntax

_DATA = ("insert_data", "delete_data")


class EvaluateQuery(Protocol):
    """Evaluates a query, over other default graphs where they are given."""

    def __call__(self, query: str, graphs: list[GraphName] | None, /) -> QueryResult: ...  # noqa: D102


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
        self._data_changes: list[tuple[bool, list[Quad]]] = []
        """What each DATA block adds (True) or removes, in order."""
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
            self.touched.data = self._data_changes
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
        written = list(scratch)
        self._data_changes.append((operation.type == "insert_data", written))
        self.touched.add_quads(written, self._spatial)

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
    update: str, covered: Collection[str], evaluate: EvaluateQuery, *, base_iri: str | None = None
) -> Touched:
    """Return what an update may change, by asking for what its first operation binds.

    What a later operation binds depends on what an earlier one writes, and cannot be asked.

    Args:
        update: Any SPARQL update.
        covered: The properties whose literals are in the index.
        evaluate: Evaluates a query as the update's own pattern will be evaluated.
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
        result = evaluate(
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
