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
from kg.planner.candidate_texts import CandidateTexts, Narrowing
from kg.planner.components import Anchor, Component, Source, anchor_of, components_of
from kg.planner.constants import Constants
from kg.planner.constraints import (
    Among,
    Constraint,
    Nearest,
    Reaching,
    Run,
    dataset_of,
    default_scope,
    using_of,
)
from kg.planner.correlation import few_values
from kg.planner.direct import Shape, shape_of
from kg.planner.evaluation import candidate_rows, evaluate, is_remembered
from kg.planner.joins import join_components, joins_of
from kg.planner.limits import first_solutions
from kg.planner.mentions import Mentions
from kg.planner.nearest import nearest_rows
from kg.planner.pairs import Across, Pairing
from kg.planner.runs import Runs
from kg.planner.scoping import is_demanded
from kg.planner.syntax import Edit, Syntax, apply_edits, parse
from kg.planner.tables import Table, texts_of
from kg.planner.values import values_block
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
        self._prologue = "".join(syntax.text(n) + "\n" for n in syntax.walk(*_DECLARATIONS))
        if dataset is not None:
            # What is asked on the way has to be asked of the same graphs.
            self._source = source.within(dataset)
        self._scope = default_scope(dataset)
        self._mentions = Mentions(syntax, query)
        self._consumed: set[int] = set()
        self._pairing = Pairing(self._source, self._prologue, syntax, self._plan.steps)
        self._across: dict[int, Across] = {}
        """By the run that they narrow."""
        self._found: dict[tuple[str, str | None, str], tuple[list[Constraint], np.ndarray]] = {}

    def plan(self, sparql: str) -> Plan:
        plan = self._plan
        constants = Constants(self._prologue, self._syntax.base)
        runs = Runs(self._syntax, self._scope, constants).constrained(self._query)
        runs = [r for r in runs if not self._mentions.hidden_star(r)]
        for run in runs:
            self._resolve(run)
        # Elsewhere every question costs a round trip.
        binders = self._paired(runs) if self._source.block is None else []
        for run in [*runs, *binders]:
            spoken = {v for p in run.patterns for v in p.variables}
            is_exposed = bool(spoken & self._pairing.exposed)
            if not (run.constraints or id(run) in self._across or is_exposed):
                continue
            solutions = self._whole_query(run)
            if solutions is not None:
                plan.solutions, plan.sparql = solutions, sparql
                return plan
            # Elsewhere the solutions of a run are fetched, and the query is evaluated here.
            if self._source.block is None:
                self._plan_run(run)
        plan.sparql = apply_edits(self._syntax.source, self._edits) if self._edits else sparql
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

    # -- which runs

    def _has_anchor(self, run: Run, variable: str) -> bool:
        whole = Component(patterns=run.patterns, scope=run.scope)
        return anchor_of(whole, variable, self._source.index) is not None

    def _resolve(self, run: Run) -> None:
        """Keep the constraints that the index answers, those too whose other side is known."""
        reaching = [r for r in run.reaching if self._has_anchor(run, r.own)]
        anchored = []
        for constraint in run.constraints:
            own = [v for v in constraint.variables if self._has_anchor(run, v)]
            if len(own) == len(constraint.variables):
                anchored.append(constraint)
            elif own:
                other = next(v for v in constraint.variables if v not in own)
                reaching.append(
                    Reaching(
                        constraint=constraint, own=own[0], other=other, binder=run, is_own=False
                    )
                )
        run.constraints = anchored
        run.reaching = []
        if self._source.block is None:
            for one in reaching:
                known = few_values(self._source, self._prologue, self._syntax, one)
                if known is not None:
                    run.constraints.append(known)
                elif one.binder is not run:
                    run.reaching.append(one)

    def _paired(self, runs: list[Run]) -> list[Run]:
        """Narrow runs by pairs with what is bound outside of them.

        Returns:
            Runs that are not among these, and must be written out for what the pairs speak of.
        """
        spans = {r.spans[0].id: r for r in runs}
        written: list[Run] = []
        for run in list(runs):
            if self._is_per_solution(run):
                continue
            if any(isinstance(c.test, Nearest) for c in run.constraints):
                continue
            for reaching in run.reaching:
                binder = spans.get(reaching.binder.spans[0].id, reaching.binder)
                if self._mentions.hidden_star(binder) or id(binder) in self._across:
                    continue
                across = self._pairing.across(run, replace(reaching, binder=binder))
                if across is None:
                    continue
                self._across[id(run)] = across
                if binder.spans[0].id not in spans:
                    spans[binder.spans[0].id] = binder
                    written.append(binder)
                if is_demanded(run.group):
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

    def _needed_outside(self, run: Run, consumed: list[Constraint]) -> set[str]:
        return self._mentions.needed_outside(run, consumed, self._pairing.exposed)

    def _is_per_solution(self, run: Run) -> bool:
        """Return whether solutions outside of an EXISTS bind variables of a run."""
        return run.per_solution and not self._mentions.is_apart(run)

    # -- one run

    def _plan_run(self, run: Run) -> None:
        components = components_of(run, self._syntax)
        joins = joins_of(run, components)
        pieces = [self._syntax.text(n) for n in run.lonely_tables(self._syntax)]
        consumed: list[Constraint] = []
        changed = False
        if joins and not run.per_solution and self._joinable(run):
            joined = self._joined(run, components, joins)
            if joined is not None:
                text, used, answered = joined
                pieces.append(text)
                consumed += answered
                changed = True
                components = [c for c in components if c not in used]
        elif (
            joins
            and not self._joinable(run)
            and (not run.per_solution or self._mentions.is_apart(run))
        ):
            paired = self._pairing.within(run, joins[0])
            if paired is not None:
                pieces.append(paired[0])
                changed = True
                texts = {c.text for c in paired[1]}
                components = [c for c in components if c.text not in texts]
        across = self._across.get(id(run))
        if across is not None:
            pieces.append(across.text)
            changed = True
            components = [c for c in components if c.text != across.component.text]
        for component in components:
            narrowed = self._component(run, component)
            if narrowed is None:
                pieces.append(component.text)
                continue
            text, answered = narrowed
            pieces.append(text)
            consumed += answered
            changed = True
        if changed or self._pairing.exposed & {v for c in components for v in c.variables}:
            self._replace(run, " ".join(pieces), consumed)

    def _joinable(self, run: Run) -> bool:
        named = run.scope.graphs
        undef = any("UNDEF" in self._syntax.text(n).upper() for n in run.tables)
        return named is not None and len(named) == 1 and not undef

    def _joined(
        self, run: Run, components: list[Component], joins: list[Constraint]
    ) -> tuple[str, list[Component], list[Constraint]] | None:
        """Return VALUES for the components that spatial joins hold together."""
        evaluated = self._join_table(run, components, joins)
        if evaluated is None:
            return None
        table, used, answered, names = evaluated
        columns = [texts_of(table.columns[n], self._source.index.terms) for n in names]
        if any(t.startswith(b"_:") for column in columns for t in column):
            self._plan.steps.append("blank nodes cannot be named: the join is left to the store")
            return None
        return values_block(names, columns, len(table), f"{self._syntax.fresh}n"), used, answered

    def _join_table(
        self, run: Run, components: list[Component], joins: list[Constraint]
    ) -> tuple[Table, list[Component], list[Constraint], list[str]] | None:
        used = [c for c in components if any(v in c.variables for j in joins for v in j.variables)]
        constants = [
            c
            for c in run.constraints
            if c not in joins
            and len(c.variables) == 1
            and not isinstance(c.test, Nearest)
            and any(c.variables[0] in k.variables for k in used)
            and any(c.variables[0] in j.variables for j in joins)
        ]
        answered = [c for c in (*joins, *constants) if c.is_exact]
        needed = self._needed_outside(run, answered)
        names = sorted(needed & frozenset().union(*(c.variables for c in used)))
        table = join_components(
            self._source, self._prologue, used, joins, constants, set(names), self._plan.steps
        )
        return None if table is None else (table, used, answered, names)

    def _component(self, run: Run, component: Component) -> tuple[str, list[Constraint]] | None:
        """Return a component's new text, and the constraints that it answers."""
        own = [
            c
            for c in run.constraints
            if len(c.variables) == 1 and c.variables[0] in component.variables
        ]
        if any(isinstance(c.test, Nearest) for c in own):
            # Among which it is the nearest is for the filters of its own pattern to say.
            own = [c for c in own if c.is_exact]
        best = self._best_anchor(run, component, own) if own else None
        if best is None:
            return None
        anchor, chosen, rows = best
        asked = Narrowing(
            component=component,
            anchor=anchor,
            constraints=chosen,
            rows=rows,
            per_solution=self._is_per_solution(run),
        )
        texts = CandidateTexts(
            self._source, self._plan.steps, self._plan.functions, self._syntax.fresh
        )
        return texts.narrowed(
            asked,
            lambda answered: self._needed_outside(run, answered),
        )

    def _best_anchor(
        self, run: Run, component: Component, own: list[Constraint]
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
                        self._with_filters(run, component, chosen),
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
        self, run: Run, component: Component, answered: list[Constraint]
    ) -> Component:
        """Return a component with the other filters of its group that only speak of it."""
        known = {c.filter.id for c in answered}
        filters = [
            self._syntax.text(n)
            for n in run.group.named_children
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

    def _replace(self, run: Run, text: str, consumed: list[Constraint]) -> None:
        first, *others = sorted(run.spans, key=lambda n: n.start_byte)
        self._edits.append(Edit(start=first.start_byte, end=first.end_byte, text=f" {text} "))
        self._edits += [Edit(start=n.start_byte, end=n.end_byte, text=" ") for n in others]
        counts = Counter(c.filter.id for c in consumed)
        for constraint in consumed:
            self._consumed.add(constraint.conjunct.id)
            whole = constraint.is_whole and counts[constraint.filter.id] == 1
            node = constraint.filter if whole else constraint.conjunct
            text = " " if whole else "true"
            self._edits.append(Edit(start=node.start_byte, end=node.end_byte, text=text))
        if any(v.startswith(self._syntax.fresh) for p in run.patterns for v in p.variables):
            self._edits += self._mentions.named_star()

    # -- a query that is one run and nothing else

    def _whole_query(self, run: Run) -> Solutions | None:
        """Return the answer of a query that only selects from one run."""
        shape = shape_of(self._syntax, self._query, run)
        if shape is None or not self._joinable(run) or run.lonely_tables(self._syntax):
            return None
        repeated = any(run.repeats(v) for c in run.constraints for v in c.variables)
        if repeated or next(self._syntax.walk("values_clause"), None) is not None:
            return None
        components = components_of(run, self._syntax)
        joins = joins_of(run, components)
        consumed = {c.filter.id for c in run.constraints if c.is_whole and c.is_exact}
        filters = [n for n in run.group.named_children if n.type == "filter"]
        if any(n.id not in consumed for n in filters) or any(
            isinstance(c.test, Nearest) or not c.is_exact for c in run.constraints
        ):
            return None
        if len(components) == 1 and not joins:
            table = self._large_selection(run, components[0], shape)
        elif joins:
            evaluated = self._join_table(run, components, joins)
            complete = evaluated is not None and (
                len(evaluated[1]) == len(components)
                and len(evaluated[2]) == len(run.constraints)
                and shape.needed <= set(evaluated[3])
            )
            table = evaluated[0] if complete and evaluated is not None else None
        else:
            table = None
        return None if table is None else shape.solutions(table, self._source.index.terms)

    def _large_selection(self, run: Run, component: Component, shape: Shape) -> Table | None:
        variables = {v for c in run.constraints for v in c.variables}
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
                run.constraints,
                needed,
                shape.enough,
                steps,
            )
            if few is not None:
                return few
        rows = self._candidates(component, anchor, run.constraints)
        remembered = is_remembered(source, self._prologue, component, anchor, needed)
        if len(rows) < MANY and not remembered and source.block is None:
            return None
        return evaluate(source, self._prologue, component, anchor, rows, needed, steps)
