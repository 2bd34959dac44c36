"""Which terms the parts of a basic pattern can have, before a server is asked for their solutions.

They come from the spatial index, by the constraints of the basic pattern, and from the parts of the
query that were asked before. It does not matter that they are more than the answer has.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from kg.index.pair_matching import pairs_matching
from kg.index.spatial_tests import DistanceTest, RelationTest
from kg.planner.candidate_rows import candidate_rows
from kg.planner.components import anchor_of, in_scope, keys_of
from kg.planner.constraints import Nearest
from kg.planner.counting import count_up_to
from kg.planner.nearest import nearest_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tree_sitter import Node

    from kg.planner.basic_pattern import BasicPattern
    from kg.planner.components import Anchor, Component
    from kg.planner.constraints import Constraint
    from kg.planner.source import Asking
    from kg.sparql.syntax import Syntax


#: What a filter may not have that the server is sent: it has no GeoSPARQL.
_OURS = ("function_call", "exists_func", "not_exists_func")


@dataclass(frozen=True, kw_only=True)
class TermsOf:
    """All terms that a variable can be, and perhaps more."""

    variable: str
    terms: frozenset[str]
    """As SPARQL writes them; blank nodes by the labels that the index knows."""


class Candidates:
    """The candidates for the parts of one basic pattern."""

    def __init__(
        self,
        basic: BasicPattern,
        syntax: Syntax,
        asking: Asking,
        known: Mapping[str, frozenset[str]],
    ) -> None:
        """Take the basic pattern.

        Args:
            basic: The basic pattern.
            syntax: The query that it is of.
            asking: The server.
            known: The terms that variables can have, by the parts that were asked before.
        """
        self._basic = basic
        self._syntax = syntax
        self._asking = asking
        self._known = known
        self._rows: dict[str, np.ndarray] = {}
        """For each variable that was asked for: its rows of the index."""

    def filters(self, component: Component) -> list[str]:
        """Return the filters beside a component that the server can evaluate."""
        return [self._syntax.text(n) for n in self._filters(component) if self._is_plain(n)]

    def ordered(self, components: list[Component]) -> list[Component]:
        """Return the components in the order in which they are best asked for."""
        if not any(len(c.variables) > 1 for c in self._basic.constraints) or len(components) < 2:
            return components
        return sorted(components, key=self._size)

    def have(self, component: Component, found: Mapping[str, frozenset[str]]) -> None:
        """Note what a component's variables are."""
        index = self._asking.index
        for constraint in self._basic.constraints:
            for variable in constraint.variables:
                anchor = anchor_of(component, variable, index)
                if anchor is None or anchor.key not in found:
                    continue
                keys = index.terms.find([t.encode() for t in found[anchor.key]])
                link = None if anchor.link is None else anchor.link.predicate_iri
                rows = index.rows_of(index.distinct(keys[keys >= 0]), link)
                rows = rows[self._mask(anchor)[rows]]
                self._rows[variable] = np.unique(rows).astype(np.int32)

    def fewest(self, component: Component) -> TermsOf | None:
        """Return a variable of a component and all terms that it can be; None for any."""
        constraints = [
            c for c in self._basic.constraints if set(c.variables) & set(component.variables)
        ]
        nearest = next((c for c in constraints if isinstance(c.test, Nearest)), None)
        if nearest is not None:
            # Among which it is the nearest is for the component alone to say.
            return self._nearest(component, nearest, constraints)
        found = {n: v for n, v in self._known.items() if n in component.variables}
        for one in self._spatial(component, constraints):
            known = found.get(one.variable)
            found[one.variable] = one.terms if known is None else known & one.terms
        fewest = (TermsOf(variable=n, terms=v) for n, v in found.items())
        return min(fewest, key=lambda f: len(f.terms), default=None)

    def _filters(self, component: Component) -> Iterator[Node]:
        for node in self._basic.group.named_children:
            variables = self._syntax.variables(node) if node.type == "filter" else frozenset()
            if variables and variables <= component.variables:
                yield node

    def _is_plain(self, node: Node) -> bool:
        return next(self._syntax.walk(*_OURS, within=node), None) is None

    def _size(self, component: Component) -> int:
        """Return about how many solutions a component has."""
        chosen = self.fewest(component)
        body = in_scope(component.text, component.scope)
        most = self._asking.costs.counted
        limit = most if chosen is None else min(most, len(chosen.terms) + 1)
        return count_up_to(self._asking, body, limit)

    def _mask(self, anchor: Anchor) -> np.ndarray:
        graphs = anchor.component.scope.graphs
        return self._asking.index.select(predicate=anchor.predicate, graphs=graphs)

    def _spatial(self, component: Component, constraints: list[Constraint]) -> Iterator[TermsOf]:
        for variable in dict.fromkeys(v for c in constraints for v in c.variables):
            anchor = anchor_of(component, variable, self._asking.index)
            own = [c for c in constraints if variable in c.variables]
            if anchor is None:
                continue
            rows = self._candidates(anchor, own)
            if rows is not None:
                yield self._keys(anchor, rows)

    def _candidates(self, anchor: Anchor, own: list[Constraint]) -> np.ndarray | None:
        """Return the rows that an anchor may be; None where nothing is known of it."""
        index = self._asking.index
        constant = [c for c in own if len(c.variables) == 1]
        rows = candidate_rows(self._asking, anchor, constant) if constant else None
        for constraint in own:
            if len(constraint.variables) < 2:
                continue
            left, right, test = *constraint.variables, constraint.test
            other = right if left == anchor.variable else left
            if other not in self._rows or not isinstance(test, RelationTest | DistanceTest):
                continue
            if rows is None:
                rows = np.flatnonzero(self._mask(anchor)).astype(np.int32)
            theirs = self._rows[other]
            if left == anchor.variable:
                rows = np.unique(pairs_matching(index, rows, theirs, test)[0])
            else:
                rows = np.unique(pairs_matching(index, theirs, rows, test)[1])
            self._asking.note(f"{constraint.text}: {len(rows)} rows match {len(theirs)}")
        return rows

    def _keys(self, anchor: Anchor, rows: np.ndarray) -> TermsOf:
        """Return what the key of an anchor can be where it is in some rows."""
        index = self._asking.index
        keys = np.unique(keys_of(index, anchor, rows).keys)
        terms = frozenset(t.decode() for t in index.terms.texts(keys))
        return TermsOf(variable=anchor.key, terms=terms)

    def _nearest(
        self, component: Component, nearest: Constraint, constraints: list[Constraint]
    ) -> TermsOf | None:
        anchor = anchor_of(component, nearest.variables[0], self._asking.index)
        chosen = [c for c in constraints if c.variables == nearest.variables and c.is_exact]
        answered = {c.filter.id for c in chosen}
        others = [n for n in self._filters(component) if n.id not in answered]
        if anchor is None or not all(self._is_plain(n) for n in others):
            return None
        rows = candidate_rows(self._asking, anchor, chosen)
        filters = (*component.filters, *(self._syntax.text(n) for n in others))
        filtered = replace(anchor, component=replace(component, filters=filters))
        rows = nearest_rows(self._asking, filtered, rows, nearest)
        return self._keys(anchor, rows)
