"""The planning of one query, or of the pattern of one operation of an update.

Each basic pattern goes through the same steps: spatial joins, pairs with what is bound
elsewhere, candidates for each component. A step takes what is planned so far and returns more
of it; at the end the new texts are edits of the query.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from kg.planner.basic_pattern import BasicPattern, Reaching
from kg.planner.basic_patterns import BasicPatterns
from kg.planner.candidate_rows import CandidateRows
from kg.planner.candidate_texts import CandidateTexts, Narrowing
from kg.planner.components import Component, anchor_of, components_of
from kg.planner.constraints import Among, Nearest
from kg.planner.few_values import few_values
from kg.planner.joins import is_joinable, join_components, join_of, joins_of
from kg.planner.nearest import nearest_rows
from kg.planner.pairs import Pairing
from kg.planner.tables import texts_of
from kg.planner.variable_use import VariableUse
from kg.planner.whole_queries import WholeQuery
from kg.sparql.constants import Constants
from kg.sparql.scoping import is_demanded
from kg.sparql.syntax import Edit
from kg.sparql.values_blocks import values_block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy as np
    from pyoxigraph import NamedNode
    from tree_sitter import Node

    from kg.planner.components import Anchor
    from kg.planner.constraints import Constraint, Scope
    from kg.planner.pairs import Across
    from kg.planner.source import Asking
    from kg.rdf.terms import Term
    from kg.results.solutions import Solutions
    from kg.sparql.syntax import Syntax


@dataclass(frozen=True, kw_only=True)
class PlannedPattern:
    """What becomes of one basic pattern."""

    basic: BasicPattern
    texts: tuple[str, ...]
    """What takes its place, so far."""
    left: tuple[Component, ...]
    """The parts of it that have no text yet."""
    answered: tuple[Constraint, ...] = ()
    """The constraints that may go from their filters."""
    functions: Mapping[NamedNode, Callable[..., Term | None]] = field(default_factory=dict)
    """What the texts call."""
    is_changed: bool = False
    """Whether anything is written in another way than it was."""

    def with_text(
        self,
        text: str,
        components: tuple[Component, ...],
        answered: tuple[Constraint, ...] = (),
        functions: Mapping[NamedNode, Callable[..., Term | None]] | None = None,
    ) -> PlannedPattern:
        """Return the same with a new text in the place of some parts."""
        return replace(
            self,
            texts=(*self.texts, text),
            left=tuple(c for c in self.left if c not in components),
            answered=(*self.answered, *answered),
            functions={**self.functions, **(functions or {})},
            is_changed=True,
        )

    def as_written(self, component: Component) -> PlannedPattern:
        """Return the same with a part as it is written in the query."""
        left = tuple(c for c in self.left if c != component)
        return replace(self, texts=(*self.texts, component.text), left=left)


@dataclass(frozen=True, kw_only=True)
class PlannedQuery:
    """What becomes of a query."""

    patterns: tuple[PlannedPattern, ...] = ()
    solutions: Solutions | None = None
    """The answer, where nothing is left to the store."""

    @property
    def functions(self) -> dict[NamedNode, Callable[..., Term | None]]:
        """What the new texts call."""
        return {n: f for p in self.patterns for n, f in p.functions.items()}

    @property
    def answered(self) -> frozenset[int]:
        """The conjuncts of filters that are answered, by the numbers of their nodes."""
        return frozenset(c.conjunct.id for p in self.patterns for c in p.answered)


@dataclass(frozen=True, kw_only=True)
class _Paired:
    """Basic patterns and what pairs make of some of them."""

    basics: tuple[BasicPattern, ...]
    """Among them those that pairs speak of, which have to be written out for that."""
    across: Mapping[int, Across] = field(default_factory=dict)
    """By the key of the basic pattern that they narrow."""

    @property
    def exposed(self) -> frozenset[str]:
        """The variables that their pattern must bind, because pairs speak of them."""
        return frozenset(a.exposed for a in self.across.values())


@dataclass(frozen=True, kw_only=True)
class _Chosen:
    """The variable of a component whose constraints leave the fewest rows."""

    anchor: Anchor
    constraints: tuple[Constraint, ...]
    rows: np.ndarray
    """(n,) the rows that satisfy them."""

    @property
    def is_nearest(self) -> bool:
        return any(isinstance(c.test, Nearest) for c in self.constraints)


class Planner:
    """Plans one query."""

    def __init__(self, syntax: Syntax, asking: Asking, scope: Scope, query: Node) -> None:
        """Take the query.

        Args:
            syntax: The text.
            asking: The store, in the data set of the query.
            scope: What patterns outside of GRAPH are matched against.
            query: The query, or operation of an update, in the text.
        """
        self._syntax = syntax
        self._asking = asking
        self._scope = scope
        self._query = query
        self._uses = VariableUse(syntax, query)
        self._rows = CandidateRows(asking)
        self._pairing = Pairing(asking, syntax)
        self._texts = CandidateTexts(asking, syntax.fresh)
        self._whole = WholeQuery(asking, syntax, query, self._uses, self._rows)

    def planned(self) -> PlannedQuery:
        """Return what becomes of the query."""
        constants = Constants(self._asking.prologue, self._syntax.base)
        found = BasicPatterns(self._syntax, self._scope, constants).constrained(self._query)
        basics = tuple(self._resolved(b) for b in found if not self._uses.hidden_star(b))
        # Of another server every question costs a round trip.
        paired = self._paired(basics) if self._asking.is_local else _Paired(basics=basics)
        patterns = []
        for basic in paired.basics:
            is_exposed = bool(basic.variables & paired.exposed)
            if not (basic.constraints or basic.key in paired.across or is_exposed):
                continue
            solutions = self._whole.answer(basic)
            if solutions is not None:
                return PlannedQuery(solutions=solutions)
            # Of another server the solutions are fetched, and the query is evaluated here.
            if self._asking.is_local:
                patterns.append(self._pattern(basic, paired))
        return PlannedQuery(patterns=tuple(patterns))

    # -- which basic patterns

    def _has_anchor(self, basic: BasicPattern, variable: str) -> bool:
        whole = Component(patterns=basic.patterns, scope=basic.scope)
        return anchor_of(whole, variable, self._asking.index) is not None

    def _resolved(self, basic: BasicPattern) -> BasicPattern:
        """Keep the constraints that the index answers, those too whose other side is known."""
        reaching = [r for r in basic.reaching if self._has_anchor(basic, r.own)]
        constraints = []
        for constraint in basic.constraints:
            own = [v for v in constraint.variables if self._has_anchor(basic, v)]
            if len(own) == len(constraint.variables):
                constraints.append(constraint)
            elif own:
                other = next(v for v in constraint.variables if v not in own)
                half = Reaching(
                    constraint=constraint, own=own[0], other=other, binder=basic, is_own=False
                )
                reaching.append(half)
        left = []
        for one in reaching if self._asking.is_local else ():
            known = few_values(self._asking, self._syntax, one)
            if known is not None:
                constraints.append(known)
            elif one.binder.key != basic.key:
                left.append(one)
        return replace(basic, constraints=tuple(constraints), reaching=tuple(left))

    def _paired(self, basics: tuple[BasicPattern, ...]) -> _Paired:
        """Return basic patterns with pairs of what they have and what is bound outside of them."""
        current = {b.key: b for b in basics}
        across: dict[int, Across] = {}
        for key in [b.key for b in basics]:
            basic = current[key]
            if self._is_per_solution(basic) or _has_nearest(basic):
                continue
            for reaching in basic.reaching:
                binder = current.get(reaching.binder.key, reaching.binder)
                if self._uses.hidden_star(binder) or binder.key in across:
                    continue
                found = self._pairing.across(basic, replace(reaching, binder=binder))
                if found is None:
                    continue
                across[key] = found
                is_narrowed = is_demanded(basic.group)
                current[binder.key] = _narrowed(binder, reaching, found) if is_narrowed else binder
                break
        return _Paired(basics=tuple(current.values()), across=across)

    def _is_per_solution(self, basic: BasicPattern) -> bool:
        """Return whether solutions outside of an EXISTS bind variables of a basic pattern."""
        return basic.per_solution and not self._uses.is_apart(basic)

    # -- one basic pattern

    def _pattern(self, basic: BasicPattern, paired: _Paired) -> PlannedPattern:
        """Return what becomes of a basic pattern, step by step."""
        planned = PlannedPattern(
            basic=basic,
            texts=tuple(self._syntax.text(n) for n in basic.lonely_tables(self._syntax)),
            left=tuple(components_of(basic, self._syntax)),
        )
        planned = self._joined(planned, paired.exposed)
        across = paired.across.get(basic.key)
        if across is not None:
            planned = planned.with_text(across.text, across.components)
        variables = frozenset().union(*(c.variables for c in planned.left))
        for component in planned.left:
            planned = self._narrowed(planned, component, paired.exposed)
        return replace(planned, is_changed=planned.is_changed or bool(paired.exposed & variables))

    def _joined(self, planned: PlannedPattern, exposed: frozenset[str]) -> PlannedPattern:
        """Evaluate the spatial join of a basic pattern, or narrow it by pairs."""
        basic = planned.basic
        joins = joins_of(basic, planned.left)
        if not joins:
            return planned
        if is_joinable(basic, self._syntax):
            return planned if basic.per_solution else self._with_join(planned, joins, exposed)
        if self._is_per_solution(basic):
            return planned
        pairs = self._pairing.within(basic, joins[0])
        return planned if pairs is None else planned.with_text(pairs.text, pairs.components)

    def _with_join(
        self, planned: PlannedPattern, joins: list[Constraint], exposed: frozenset[str]
    ) -> PlannedPattern:
        """Write VALUES for the components that spatial joins hold together."""
        join = join_of(planned.basic, planned.left, joins)
        needed = self._uses.needed_outside(planned.basic, join.answered, exposed)
        names = sorted(needed & join.variables)
        table = join_components(self._asking, join, set(names))
        if table is None:
            return planned
        columns = [texts_of(table.columns[n], self._asking.index.terms) for n in names]
        if any(t.startswith(b"_:") for column in columns for t in column):
            self._asking.note("blank nodes cannot be named: the join is left to the store")
            return planned
        text = values_block(names, columns, len(table), f"{self._syntax.fresh}n")
        return planned.with_text(text, join.components, join.answered)

    def _narrowed(
        self, planned: PlannedPattern, component: Component, exposed: frozenset[str]
    ) -> PlannedPattern:
        """Write the candidates of a component into its text."""
        basic = planned.basic
        own = [
            c
            for c in basic.constraints
            if len(c.variables) == 1 and c.variables[0] in component.variables
        ]
        if any(isinstance(c.test, Nearest) for c in own):
            # Among which it is the nearest is for the filters of its own pattern to say.
            own = [c for c in own if c.is_exact]
        chosen = self._chosen(basic, component, own)
        if chosen is None:
            return planned.as_written(component)
        asked = Narrowing(
            anchor=chosen.anchor,
            constraints=chosen.constraints,
            rows=chosen.rows,
            per_solution=self._is_per_solution(basic),
        )
        written = self._texts.narrowed(
            asked, lambda answered: self._uses.needed_outside(basic, answered, exposed)
        )
        return planned.with_text(written.text, (component,), written.answered, written.functions)

    def _chosen(
        self, basic: BasicPattern, component: Component, own: list[Constraint]
    ) -> _Chosen | None:
        """Return the variable whose constraints leave the fewest rows; one with nearest first."""
        found = []
        for variable in dict.fromkeys(c.variables[0] for c in own):
            anchor = anchor_of(component, variable, self._asking.index)
            if anchor is None:
                continue
            constraints = [c for c in own if c.variables[0] == variable]
            rows = self._rows.of(anchor, constraints)
            for constraint in constraints:
                if isinstance(constraint.test, Nearest):
                    filtered = self._with_filters(basic, anchor, constraints)
                    rows = nearest_rows(self._asking, filtered, rows, constraint)
            found.append(_Chosen(anchor=anchor, constraints=tuple(constraints), rows=rows))
        nearest = [f for f in found if f.is_nearest]
        return min(nearest[:1] or found, key=lambda f: len(f.rows), default=None)

    def _with_filters(
        self, basic: BasicPattern, anchor: Anchor, answered: list[Constraint]
    ) -> Anchor:
        """Return an anchor whose component has the other filters that only speak of it."""
        known = {c.filter.id for c in answered}
        filters = tuple(
            self._syntax.text(n)
            for n in basic.group.named_children
            if n.type == "filter"
            and n.id not in known
            and self._syntax.variables(n) <= anchor.component.variables
        )
        return replace(anchor, component=replace(anchor.component, filters=filters))

    # -- the text

    def edits(self, planned: PlannedQuery) -> list[Edit]:
        """Return how the text of the query changes."""
        return [e for p in planned.patterns if p.is_changed for e in self._edits_of(p)]

    def _edits_of(self, planned: PlannedPattern) -> Iterator[Edit]:
        first, *others = sorted(planned.basic.spans, key=lambda n: n.start_byte)
        text = f" {' '.join(planned.texts)} "
        yield Edit(start=first.start_byte, end=first.end_byte, text=text)
        for node in others:
            yield Edit(start=node.start_byte, end=node.end_byte, text=" ")
        counts = Counter(c.filter.id for c in planned.answered)
        for constraint in planned.answered:
            whole = constraint.is_whole and counts[constraint.filter.id] == 1
            node = constraint.filter if whole else constraint.conjunct
            yield Edit(start=node.start_byte, end=node.end_byte, text=" " if whole else "true")
        if self._uses.has_fresh(planned.basic):
            yield from self._uses.named_star()


def _has_nearest(basic: BasicPattern) -> bool:
    return any(isinstance(c.test, Nearest) for c in basic.constraints)


def _narrowed(binder: BasicPattern, reaching: Reaching, across: Across) -> BasicPattern:
    """Return the pattern on the other side of pairs, with what they say of its variable."""
    among = replace(
        reaching.constraint,
        test=Among(rows=across.outer_rows),
        left=reaching.other,
        right=None,
        is_exact=False,
    )
    return replace(binder, constraints=(*binder.constraints, among))
