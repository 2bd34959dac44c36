"""What an update touches: graphs, properties and geometries, or anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeGuard

from pyoxigraph import BlankNode, Literal, NamedNode

from kg.geosparql.literals import GEOMETRY_DATATYPES
from kg.index.statements import LINKS
from kg.rdf.quad_blocks import has_blank_node

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pyoxigraph import Quad

    from kg.index.property_tables import PropertyTables
    from kg.rdf.terms import GraphName


#: Nodes that are read again one by one at least; above it, as many as a quarter of the index.
MANY = 20_000


@dataclass(frozen=True)
class NewNode:
    """A blank node that the store labels when it is written."""

    name: str
    """Tells it from others that are written with it."""


@dataclass(kw_only=True)
class Touched:
    """Nodes, literals and graphs of which the index has to read again what the store says."""

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
    """Properties of statements with geometry literals, which the index may not cover yet."""
    named_graphs: bool = False
    """Whether every named graph is touched."""
    loaded: set[GraphName] = field(default_factory=set)
    """Graphs into which a document of any properties was loaded."""
    everything: bool = False
    """Whether any statement of any graph may have changed."""
    properties: frozenset[str] | None = None
    """The properties of all statements that the update may change; None for any property."""
    data: list[tuple[bool, list[Quad]]] | None = None
    """What DATA blocks add (True) or remove, in order; None where more than that happens."""

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
