"""The spatial plan of a query: what the index answers, and what is left to the store.

A plan may only narrow. Where something is not understood the query is evaluated as it
stands: slower, never otherwise.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pyoxigraph import NamedNode

from kg.errors import QueryError
from kg.planner.basic_patterns import BasicPatterns
from kg.planner.candidate_texts import CandidateTexts, Narrowing
from kg.planner.components import Anchor, Component, Source, anchor_of, components_of
from kg.planner.constants import Constants
from kg.planner.constraints import Among, BasicPattern, Constraint, Nearest, Reaching, default_scope
from kg.planner.datasets import dataset_of, using_of
from kg.planner.evaluation import candidate_rows, evaluate, is_remembered
from kg.planner.few_values import few_values
from kg.planner.joins import join_components, joins_of
from kg.planner.limits import first_solutions
from kg.planner.nearest import nearest_rows
from kg.planner.pairs import Across, Pairing
from kg.planner.scoping import is_demanded
from kg.planner.syntax import Edit, Syntax, parse
from kg.planner.tables import Table, texts_of
from kg.planner.values import values_block
from kg.planner.variable_use import VariableUse
from kg.planner.whole_queries import Shape, shape_of
from kg.store import Dataset
from ontology.terms import DEEPF

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from tree_sitter import Node

    from kg.solutions import Solutions, Term

_QUERIES = ("select_query", "ask_query", "construct_query", "describe_query")
_DECLARATIONS = ("base_declaration", "prefix_declaration")
_FILTER = re.compile(r"(?i)\bFILTER\b")
#: Candidates above which a plain selection is put together from columns.
MANY = 2_000


@dataclass(kw_only=True)
class Plan:
    """What to do for a query."""

    sparql: str
    steps: list[str] = field(default_factory=list)
    functions: dict[NamedNode, Callable[..., Term | None]] = field(default_factory=dict)
    """Beyond those of GeoSPARQL."""
    solutions: Solutions | None = None
    """The answer, where nothing is left to the store."""


def plan_query(
    sparql: str, source: Source, *, base_iri: str | None = None, dataset: Dataset | None = None
) -> Plan:
    """Return the plan of a query.

    Raises:
        QueryError: deepf:nearest stands where it cannot be answered.
    """
    syntax = parse(sparql, base_iri=base_iri)
    if syntax is None:
        return Plan(sparql=sparql, steps=["evaluated as it stands: syntax beyond SPARQL 1.1"])
    query = next(syntax.walk(*_QUERIES), syntax.root)
    planner = _Planner(syntax, source, dataset or dataset_of(syntax), query)
    plan = planner.plan(sparql)
    if source.block is None and plan.solutions is None and not planner.nearest_done():
        raise QueryError(
            "deepf:nearest is answered as FILTER(deepf:nearest(?literal, constant geometry, k)) "
            "beside the triple patterns that bind ?literal by geo:asWKT or its kin"
        )
    return plan


def plan_update(sparql: str, source: Source, *, base_iri: str | None = None) -> Plan:
    """Return the plan of an update: of the pattern of its first operation.

    What later operations find depends on what the first one writes.
    """
    # Data that is written may be long, and has no pattern.
    syntax = parse(sparql, base_iri=base_iri) if _FILTER.search(sparql) else None
    if syntax is None:
        return Plan(sparql=sparql)
    operations = [n for n in syntax.root.named_children if n.type not in ("prologue", "comment")]
    first = operations[0] if operations else None
    if first is None or first.type != "modify":
        return Plan(sparql=sparql)
    late = [n for n in syntax.walk(*_DECLARATIONS) if n.start_byte > first.start_byte]
    has_with = syntax.text(first).upper().startswith("WITH")
    if late or (has_with and any(syntax.walk("using_clause", "graph_graph_pattern", within=first))):
        return Plan(sparql=sparql)
    dataset = using_of(syntax, first)
    if dataset is None and has_with and (iri := syntax.iri(first.named_children[0])) is not None:
        dataset = Dataset(default=(NamedNode(iri),), named=())
    return _Planner(syntax, source, dataset, first).plan(sparql)


class _Planner:
    """The planning of one query, or of one operation of an update."""

    def __init__(
        self, syntax: Syntax, source: Source, dataset: Dataset | None, query: Node
    ) -> None:
        self._syntax = syntax
        self._source = source
        self._edits: list[Edit] = []
        self._plan = Plan(sparql="")
        self._query = query
        self._prologue = syntax.prologue
        if dataset is not None:
            # What is asked on the way has to be asked of the same graphs.
            self._source = source.within(dataset)
        self._scope = default_scope(dataset)
        self._uses = VariableUse(syntax, query)
        self._consumed: set[int] = set()
        self._pairing = Pairing(self._source, self._prologue, syntax, self._plan.steps)
        self._across: dict[int, Across] = {}
        """By the basic pattern that they narrow."""
        self._found: dict[tuple[str, str | None, str], tuple[list[Constraint], np.ndarray]] = {}

    def plan(self, sparql: str) -> Plan:
        plan = self._plan
        constants = Constants(self._prologue, self._syntax.base)
        basics = BasicPatterns(self._syntax, self._scope, constants).constrained(self._query)
        basics = [r for r in basics if not self._uses.hidden_star(r)]
        for basic in basics:
            self._resolve(basic)
        # Elsewhere every question costs a round trip.
        binders = self._paired(basics) if self._source.block is None else []
        for basic in [*basics, *binders]:
            spoken = {v for p in basic.patterns for v in p.variables}
            is_exposed = bool(spoken & self._pairing.exposed)
            if not (basic.constraints or id(basic) in self._across or is_exposed):
                continue
            solutions = self._whole_query(basic)
            if solutions is not None:
                plan.solutions, plan.sparql = solutions, sparql
                return plan
            # Of another server the solutions are fetched, and the query is evaluated here.
            if self._source.block is None:
                self._plan_basic(basic)
        plan.sparql = self._syntax.edited(self._edits) if self._edits else sparql
        if not plan.steps:
            plan.steps.append("evaluated as it stands: no spatial constraint that an index answers")
        return plan

    def nearest_done(self) -> bool:
        """Return whether every deepf:nearest was answered."""
        name = DEEPF.nearest.value
        calls = [
            n
            for n in self._syntax.walk("function_call")
            if self._syntax.iri(n.named_children[0]) == name
        ]
        return all(n.id in self._consumed for n in calls)

    # -- which basic patterns

    def _has_anchor(self, basic: BasicPattern, variable: str) -> bool:
        whole = Component(patterns=basic.patterns, scope=basic.scope)
        return anchor_of(whole, variable, self._source.index) is not None

    def _resolve(self, basic: BasicPattern) -> None:
        """Keep the constraints that the index answers, those too whose other side is known."""
        reaching = [r for r in basic.reaching if self._has_anchor(basic, r.own)]
        anchored = []
        for constraint in basic.constraints:
            own = [v for v in constraint.variables if self._has_anchor(basic, v)]
            if len(own) == len(constraint.variables):
                anchored.append(constraint)
            elif own:
                other = next(v for v in constraint.variables if v not in own)
                reaching.append(
                    Reaching(
                        constraint=constraint, own=own[0], other=other, binder=basic, is_own=False
                    )
                )
        basic.constraints = anchored
        basic.reaching = []
        if self._source.block is None:
            for one in reaching:
                known = few_values(self._source, self._prologue, self._syntax, one)
                if known is not None:
                    basic.constraints.append(known)
                elif one.binder is not basic:
                    basic.reaching.append(one)

    def _paired(self, basics: list[BasicPattern]) -> list[BasicPattern]:
        """Narrow basic patterns by pairs with what is bound outside of them.

        Returns:
            Runs that are not among these, and must be written out for what the pairs speak of.
        """
        spans = {r.spans[0].id: r for r in basics}
        written: list[BasicPattern] = []
        for basic in list(basics):
            if self._is_per_solution(basic):
                continue
            if any(isinstance(c.test, Nearest) for c in basic.constraints):
                continue
            for reaching in basic.reaching:
                binder = spans.get(reaching.binder.spans[0].id, reaching.binder)
                if self._uses.hidden_star(binder) or id(binder) in self._across:
                    continue
                across = self._pairing.across(basic, replace(reaching, binder=binder))
                if across is None:
                    continue
                self._across[id(basic)] = across
                if binder.spans[0].id not in spans:
                    spans[binder.spans[0].id] = binder
                    written.append(binder)
                if is_demanded(basic.group):
                    among = Among(rows=across.outer_rows)
                    binder.constraints.append(
                        replace(
                            reaching.constraint,
                            test=among,
                            left=reaching.other,
                            right=None,
                            is_exact=False,
                        )
                    )
                break
        return written

    def _needed_outside(self, basic: BasicPattern, consumed: list[Constraint]) -> set[str]:
        return self._uses.needed_outside(basic, consumed, self._pairing.exposed)

    def _is_per_solution(self, basic: BasicPattern) -> bool:
        """Return whether solutions outside of an EXISTS bind variables of a basic pattern."""
        return basic.per_solution and not self._uses.is_apart(basic)

    # -- one basic pattern

    def _plan_basic(self, basic: BasicPattern) -> None:
        components = components_of(basic, self._syntax)
        joins = joins_of(basic, components)
        pieces = [self._syntax.text(n) for n in basic.lonely_tables(self._syntax)]
        consumed: list[Constraint] = []
        changed = False
        if joins and not basic.per_solution and self._joinable(basic):
            joined = self._joined(basic, components, joins)
            if joined is not None:
                text, used, answered = joined
                pieces.append(text)
                consumed += answered
                changed = True
                components = [c for c in components if c not in used]
        elif (
            joins
            and not self._joinable(basic)
            and (not basic.per_solution or self._uses.is_apart(basic))
        ):
            paired = self._pairing.within(basic, joins[0])
            if paired is not None:
                pieces.append(paired[0])
                changed = True
                texts = {c.text for c in paired[1]}
                components = [c for c in components if c.text not in texts]
        across = self._across.get(id(basic))
        if across is not None:
            pieces.append(across.text)
            changed = True
            components = [c for c in components if c.text != across.component.text]
        for component in components:
            narrowed = self._component(basic, component)
            if narrowed is None:
                pieces.append(component.text)
                continue
            text, answered = narrowed
            pieces.append(text)
            consumed += answered
            changed = True
        if changed or self._pairing.exposed & {v for c in components for v in c.variables}:
            self._replace(basic, " ".join(pieces), consumed)

    def _joinable(self, basic: BasicPattern) -> bool:
        named = basic.scope.graphs
        undef = any("UNDEF" in self._syntax.text(n).upper() for n in basic.tables)
        return named is not None and len(named) == 1 and not undef

    def _joined(
        self, basic: BasicPattern, components: list[Component], joins: list[Constraint]
    ) -> tuple[str, list[Component], list[Constraint]] | None:
        """Return VALUES for the components that spatial joins hold together."""
        evaluated = self._join_table(basic, components, joins)
        if evaluated is None:
            return None
        table, used, answered, names = evaluated
        columns = [texts_of(table.columns[n], self._source.index.terms) for n in names]
        if any(t.startswith(b"_:") for column in columns for t in column):
            self._plan.steps.append("blank nodes cannot be named: the join is left to the store")
            return None
        return values_block(names, columns, len(table), f"{self._syntax.fresh}n"), used, answered

    def _join_table(
        self, basic: BasicPattern, components: list[Component], joins: list[Constraint]
    ) -> tuple[Table, list[Component], list[Constraint], list[str]] | None:
        used = [c for c in components if any(v in c.variables for j in joins for v in j.variables)]
        constants = [
            c
            for c in basic.constraints
            if c not in joins
            and len(c.variables) == 1
            and not isinstance(c.test, Nearest)
            and any(c.variables[0] in k.variables for k in used)
            and any(c.variables[0] in j.variables for j in joins)
        ]
        answered = [c for c in (*joins, *constants) if c.is_exact]
        needed = self._needed_outside(basic, answered)
        names = sorted(needed & frozenset().union(*(c.variables for c in used)))
        table = join_components(
            self._source, self._prologue, used, joins, constants, set(names), self._plan.steps
        )
        return None if table is None else (table, used, answered, names)

    def _component(
        self, basic: BasicPattern, component: Component
    ) -> tuple[str, list[Constraint]] | None:
        """Return a component's new text, and the constraints that it answers."""
        own = [
            c
            for c in basic.constraints
            if len(c.variables) == 1 and c.variables[0] in component.variables
        ]
        if any(isinstance(c.test, Nearest) for c in own):
            # Among which it is the nearest is for the filters of its own pattern to say.
            own = [c for c in own if c.is_exact]
        best = self._best_anchor(basic, component, own) if own else None
        if best is None:
            return None
        anchor, chosen, rows = best
        asked = Narrowing(
            component=component,
            anchor=anchor,
            constraints=chosen,
            rows=rows,
            per_solution=self._is_per_solution(basic),
        )
        texts = CandidateTexts(
            self._source, self._plan.steps, self._plan.functions, self._syntax.fresh
        )
        return texts.narrowed(
            asked,
            lambda answered: self._needed_outside(basic, answered),
        )

    def _best_anchor(
        self, basic: BasicPattern, component: Component, own: list[Constraint]
    ) -> tuple[Anchor, list[Constraint], np.ndarray] | None:
        """Return the variable whose constraints leave the fewest rows."""
        found = []
        for variable in dict.fromkeys(c.variables[0] for c in own):
            anchor = anchor_of(component, variable, self._source.index)
            if anchor is None:
                continue
            chosen = [c for c in own if c.variables[0] == variable]
            rows = self._candidates(component, anchor, chosen)
            for constraint in chosen:
                if isinstance(constraint.test, Nearest):
                    rows = nearest_rows(
                        self._source,
                        self._prologue,
                        self._with_filters(basic, component, chosen),
                        anchor,
                        rows,
                        constraint,
                    )
            found.append((len(rows), anchor, chosen, rows))
        if not found:
            return None
        _, anchor, chosen, rows = min(found, key=lambda f: f[0])
        nearest = [f for f in found if any(isinstance(c.test, Nearest) for c in f[2])]
        if nearest:
            _, anchor, chosen, rows = nearest[0]
        return anchor, chosen, rows

    def _candidates(
        self, component: Component, anchor: Anchor, constraints: list[Constraint]
    ) -> np.ndarray:
        """Return the rows that an anchor may be; worked out once."""
        key = (anchor.variable, component.scope.name, component.text)
        known = self._found.get(key)
        if known is not None and known[0] == constraints:
            return known[1]
        rows = candidate_rows(
            self._source, self._prologue, component, anchor, constraints, self._plan.steps
        )
        self._found[key] = (constraints, rows)
        return rows

    def _with_filters(
        self, basic: BasicPattern, component: Component, answered: list[Constraint]
    ) -> Component:
        """Return a component with the other filters of its group that only speak of it."""
        known = {c.filter.id for c in answered}
        filters = [
            self._syntax.text(n)
            for n in basic.group.named_children
            if n.type == "filter"
            and n.id not in known
            and self._syntax.variables(n) <= component.variables
        ]
        return Component(
            patterns=component.patterns,
            tables=component.tables,
            filters=filters,
            scope=component.scope,
        )

    def _replace(self, basic: BasicPattern, text: str, consumed: list[Constraint]) -> None:
        first, *others = sorted(basic.spans, key=lambda n: n.start_byte)
        self._edits.append(Edit(start=first.start_byte, end=first.end_byte, text=f" {text} "))
        self._edits += [Edit(start=n.start_byte, end=n.end_byte, text=" ") for n in others]
        counts = Counter(c.filter.id for c in consumed)
        for constraint in consumed:
            self._consumed.add(constraint.conjunct.id)
            whole = constraint.is_whole and counts[constraint.filter.id] == 1
            node = constraint.filter if whole else constraint.conjunct
            text = " " if whole else "true"
            self._edits.append(Edit(start=node.start_byte, end=node.end_byte, text=text))
        if any(v.startswith(self._syntax.fresh) for p in basic.patterns for v in p.variables):
            self._edits += self._uses.named_star()

    # -- a query that is one basic pattern and nothing else

    def _whole_query(self, basic: BasicPattern) -> Solutions | None:
        """Return the answer of a query that only selects from one basic pattern."""
        shape = shape_of(self._syntax, self._query, basic)
        if shape is None or not self._joinable(basic) or basic.lonely_tables(self._syntax):
            return None
        repeated = any(basic.repeats(v) for c in basic.constraints for v in c.variables)
        if repeated or next(self._syntax.walk("values_clause"), None) is not None:
            return None
        components = components_of(basic, self._syntax)
        joins = joins_of(basic, components)
        consumed = {c.filter.id for c in basic.constraints if c.is_whole and c.is_exact}
        filters = [n for n in basic.group.named_children if n.type == "filter"]
        if any(n.id not in consumed for n in filters) or any(
            isinstance(c.test, Nearest) or not c.is_exact for c in basic.constraints
        ):
            return None
        if len(components) == 1 and not joins:
            table = self._large_selection(basic, components[0], shape)
        elif joins:
            evaluated = self._join_table(basic, components, joins)
            complete = evaluated is not None and (
                len(evaluated[1]) == len(components)
                and len(evaluated[2]) == len(basic.constraints)
                and shape.needed <= set(evaluated[3])
            )
            table = evaluated[0] if complete and evaluated is not None else None
        else:
            table = None
        return None if table is None else shape.solutions(table, self._source.index.terms)

    def _large_selection(
        self, basic: BasicPattern, component: Component, shape: Shape
    ) -> Table | None:
        variables = {v for c in basic.constraints for v in c.variables}
        if len(variables) != 1:
            return None
        anchor = anchor_of(component, variables.pop(), self._source.index)
        if anchor is None:
            return None
        needed, source, steps = shape.needed, self._source, self._plan.steps
        if shape.enough is not None and source.block is None:
            few = first_solutions(
                source,
                self._prologue,
                component,
                anchor,
                basic.constraints,
                needed,
                shape.enough,
                steps,
            )
            if few is not None:
                return few
        rows = self._candidates(component, anchor, basic.constraints)
        remembered = is_remembered(source, self._prologue, component, anchor, needed)
        if len(rows) < MANY and not remembered and source.block is None:
            return None
        return evaluate(source, self._prologue, component, anchor, rows, needed, steps)
