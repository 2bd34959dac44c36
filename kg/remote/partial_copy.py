"""The part of a remote data set that a query can see, fetched by plain SPARQL 1.1.

Each basic graph pattern is asked of the server for its solutions, and what it matched is kept
as quads: on them the query itself has the same answer as on everything, because each of
its triple patterns finds all that a solution needs and nothing that is not there. Fewer are
asked for where that is sure to change nothing: a pattern next to others only matters for the
terms that these have, and a spatial filter only for the candidates of the index.

Blank nodes cannot be named in a request: where a candidate is one, all blank nodes are fetched.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, Triple

from kg.errors import RemoteStoreError
from kg.planner.basic_patterns import BasicPatterns
from kg.planner.components import Component, components_of, in_scope
from kg.planner.constraints import Scope
from kg.planner.counting import count_up_to
from kg.planner.source import Asking
from kg.remote.candidates import Candidates
from kg.remote.path_copy import alternatives, properties_along
from kg.sparql.patterns import TriplePattern, triple_patterns
from kg.sparql.unevaluated import term_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tree_sitter import Node

    from kg.planner.basic_pattern import BasicPattern
    from kg.rdf.terms import Term
    from kg.remote.candidates import TermsOf
    from kg.remote.source import RemoteSource
    from kg.sparql.constants import Constants
    from kg.sparql.syntax import Syntax

    #: The terms that a variable may have, as SPARQL; a variable that is not here may have any.
    Known = Mapping[str, frozenset[str]]


_JOINED = ("group_or_union_graph_pattern", "graph_graph_pattern", "group_graph_pattern")
_AFTER = ("optional_graph_pattern", "minus_graph_pattern")


class PartialCopy:
    """The quads that one query can see."""

    def __init__(
        self,
        syntax: Syntax,
        source: RemoteSource,
        scope: Scope,
        constants: Constants,
        steps: list[str],
    ) -> None:
        self.quads: set[Quad] = set()
        self.graphs: set[NamedNode] = set()
        """Named graphs that are there, where the query can see one without triples."""
        self._syntax = syntax
        self._source = source
        self._scope = scope
        self._basics = BasicPatterns(syntax, scope, constants)
        self._steps = steps
        self._asking = Asking(source=source, prologue=source.prologue, steps=steps)
        self._fetched: set[tuple[str | None, str]] = set()
        self._spare = f"{syntax.fresh}one"

    def fetch(self) -> None:
        """Ask the server for what the query can see."""
        self._descend(self._syntax.root, {})
        if any(self._has_no_basic(n) for n in self._syntax.walk("graph_graph_pattern")):
            for body in ("GRAPH ?g { }", "GRAPH ?g { ?s ?p ?o }"):
                rows = self._source.rows(["?g"], f"{{ SELECT DISTINCT ?g {{ {body} }} }}")
                self.graphs |= {g for (g,) in rows if isinstance(g, NamedNode)}

    def _has_no_basic(self, pattern: Node) -> bool:
        group = next(n for n in pattern.named_children if n.type == "group_graph_pattern")
        if any(n.type == "triples_block" for n in group.named_children):
            return next(self._syntax.walk("path_mod", within=group), None) is not None
        return True

    # -- the groups of the query

    def _descend(self, node: Node, known: Known) -> None:
        if node.type == "group_graph_pattern":
            self._group(node, known)
        elif node.type != "service_graph_pattern":
            inside = {} if node.type == "sub_select" else known
            for child in node.named_children:
                self._descend(child, inside)

    def _group(self, group: Node, inherited: Known) -> None:
        basics = self._basics.of(group)
        found: list[tuple[int, Known]] = []
        joined = inherited
        for basic in sorted(basics, key=lambda r: not r.constraints):
            own = self._basic(basic, joined)
            joined = _both(joined, own)
            found.append((min(n.start_byte for n in basic.spans), own))
        for block in group.named_children:
            if block.type == "triples_block" and triple_patterns(self._syntax, block) is None:
                self._everything(self._scope)
                self._everything(Scope(graphs=None, name=f"{self._syntax.fresh}g"))
        for child in group.named_children:
            if child.type in _JOINED:
                self._descend(child, joined)
            elif child.type in _AFTER:
                # What has no match on the right stays: only what is bound on the left counts.
                before = [own for start, own in found if start < child.start_byte]
                self._descend(child, _both({}, *before))
            elif child.type == "filter":
                self._descend(child, _both({}, *(own for _, own in found)))
            else:
                self._descend(child, {})

    # -- one basic pattern

    def _basic(self, basic: BasicPattern, known: Known) -> Known:
        """Fetch what a basic pattern matches; return what its variables are."""
        plain: list[TriplePattern] = []
        conditions: list[str] = []
        for number, pattern in enumerate(basic.patterns):
            if not pattern.is_path:
                plain.append(pattern)
                continue
            variable = f"{self._syntax.fresh}v{basic.group.start_byte}_{number}"
            choice = alternatives(self._syntax, pattern)
            if choice is None:
                self._path(basic, pattern)
                continue
            plain.append(
                TriplePattern(subject=pattern.subject, predicate=variable, object=pattern.object)
            )
            conditions.append(f"FILTER({variable} IN ({', '.join(choice)}))")
        asked = Candidates(basic, self._syntax, self._asking, known)
        components = [
            replace(
                c,
                filters=tuple(
                    f for f in conditions if any(v in f.split(" IN ")[0] for v in c.variables)
                ),
            )
            for c in components_of(replace(basic, patterns=tuple(plain)), self._syntax)
        ]
        result: dict[str, frozenset[str]] = {}
        for component in asked.ordered(components):
            own = self._component(component, asked)
            asked.have(component, own)
            result |= own
        return result

    def _component(self, component: Component, asked: Candidates) -> dict[str, frozenset[str]]:
        names = sorted(component.variables)
        scope = component.scope
        if scope.name is not None and scope.name.startswith("?") and scope.name not in names:
            names.append(scope.name)
        asks = replace(component, filters=(*component.filters, *asked.filters(component)))
        chosen = asked.fewest(component)
        rows = self._rows(asks, names, chosen)
        before = len(self.quads)
        self._keep(component, names, rows)
        self._steps.append(
            f"{' '.join(names) or 'constants'}: {len(rows)} solutions fetched, "
            f"{len(self.quads) - before} new triples"
            + (f", {len(chosen.terms)} candidates for {chosen.variable}" if chosen else "")
        )
        return {n: v for i, n in enumerate(names) if (v := _nodes(r[i] for r in rows)) is not None}

    def _rows(
        self, component: Component, names: list[str], chosen: TermsOf | None
    ) -> list[tuple[Term | None, ...]]:
        source, scope = self._source, component.scope
        body = component.text
        if not names:
            names, body = [self._spare], f"VALUES {self._spare} {{ 1 }} {body}"
        whole = in_scope(body, scope)
        if chosen is None or self._is_shorter(whole, len(chosen.terms)):
            return source.rows(names, whole)
        variable, values = chosen.variable, chosen.terms
        named = sorted(v for v in values if not v.startswith("_:"))
        rows = list(
            source.rows_among(
                names, (variable, named), lambda table: in_scope(f"{table} {body}", scope)
            )
        )
        if len(named) < len(values):
            blank = in_scope(f"{body} FILTER(isBlank({variable}))", scope)
            rows += source.rows(names, blank)
        return rows

    def _is_shorter(self, body: str, candidates: int) -> bool:
        """Return whether there is less of all than there would be to look up."""
        costs = self._source.costs
        if candidates <= costs.few_candidates:
            return False
        limit = int(candidates * costs.lookup) + 1
        return count_up_to(self._asking, body, limit) < limit

    def _keep(
        self, component: Component, names: list[str], rows: list[tuple[Term | None, ...]]
    ) -> None:
        """Keep what the patterns matched."""
        if not rows:
            return
        places = {n: i for i, n in enumerate(names)}

        def part(text: str) -> tuple[int, Term | None]:
            return (places[text], None) if text in places else (-1, term_of(text))

        scope = component.scope.name
        graph = (-1, DefaultGraph()) if scope is None else part(scope)
        for pattern in component.patterns:
            parts = [part(pattern.subject), part(pattern.predicate), part(pattern.object), graph]
            (s, subject), (p, predicate), (o, target), (g, name) = parts
            for row in rows:
                quad = _quad(
                    subject if s < 0 else row[s],
                    predicate if p < 0 else row[p],
                    target if o < 0 else row[o],
                    name if g < 0 else row[g],
                )
                if quad is not None:
                    self.quads.add(quad)

    # -- property paths

    def _path(self, basic: BasicPattern, pattern: TriplePattern) -> None:
        """Fetch every triple that a path may go along; the server is not asked to follow it."""
        node = pattern.path
        leaves = None if node is None else properties_along(self._syntax, node)
        ends = {pattern.subject, pattern.object}
        plain = {t for p in basic.patterns if not p.is_path for t in (p.subject, p.object)}
        free = all(e.startswith("?") and e not in plain for e in ends)
        if leaves is None or (free and set(pattern.predicate) & {"*", "?"}):
            self._everything(basic.scope)
            return
        for leaf in leaves:
            self._all_of(leaf, basic.scope)

    def _everything(self, scope: Scope) -> None:
        self._all_of(f"{self._syntax.fresh}p", scope)

    def _all_of(self, predicate: str, scope: Scope) -> None:
        pattern = TriplePattern(
            subject=f"{self._syntax.fresh}s", predicate=predicate, object=f"{self._syntax.fresh}o"
        )
        key = (scope.name, predicate)
        if key in self._fetched:
            return
        self._fetched.add(key)
        names = sorted(pattern.variables)
        if scope.name is not None and scope.name.startswith("?"):
            names.append(scope.name)
        component = Component(patterns=(pattern,), scope=scope)
        rows = self._source.rows(names, in_scope(component.text, scope))
        self._keep(component, names, rows)
        self._steps.append(f"every {pattern} {len(rows)} fetched")


def everything(source: RemoteSource, steps: list[str]) -> set[Quad]:
    """Return the whole data set of one answer, in which a blank node has one label.

    Raises:
        RemoteStoreError: The server cuts the answer.
    """
    rows = source.uncut_rows(
        ["?s", "?p", "?o", "?g"], "{ ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } }"
    )
    if rows is None:
        raise RemoteStoreError(
            "the server cuts long answers, so that the data set cannot be read; raise its "
            "limit on rows"
        )
    quads = {
        quad
        for s, p, o, g in rows
        if (quad := _quad(s, p, o, DefaultGraph() if g is None else g)) is not None
    }
    steps.append(f"everything fetched: {len(quads)} triples")
    return quads


def _both(first: Known, *others: Known) -> Known:
    """Return what variables may be where all of these hold."""
    found = dict(first)
    for other in others:
        for name, values in other.items():
            found[name] = found[name] & values if name in found else values
    return found


def _nodes(column: Iterator[Term | None]) -> frozenset[str] | None:
    """Return a column's distinct terms; None where one is a literal, whose form may differ."""
    found: set[Term] = set()
    for term in column:
        if not isinstance(term, NamedNode | BlankNode):
            return None
        found.add(term)
    return frozenset(str(t) for t in found)


def _quad(s: object, p: object, o: object, g: object) -> Quad | None:
    if (
        isinstance(s, NamedNode | BlankNode | Triple)
        and isinstance(p, NamedNode)
        and isinstance(o, NamedNode | BlankNode | Literal | Triple)
        and isinstance(g, NamedNode | BlankNode | DefaultGraph)
    ):
        return Quad(s, p, o, g)
    return None
