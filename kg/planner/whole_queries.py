"""Queries that select from one basic graph pattern and do nothing else with it.

Their answer is put together from columns, without going through the store again. LIMIT without
ORDER BY is answered from no more rows than it takes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kg.planner.components import anchor_of, components_of
from kg.planner.constraints import Nearest
from kg.planner.evaluation import evaluate, is_remembered
from kg.planner.joins import is_joinable, join_components, join_of, joins_of
from kg.planner.limits import first_solutions
from kg.planner.tables import column_of
from kg.results.solutions import Column, Solutions
from kg.sparql.unevaluated import selected_names

if TYPE_CHECKING:
    from tree_sitter import Node

    from kg.index.term_table import TermTable
    from kg.planner.basic_pattern import BasicPattern
    from kg.planner.candidate_rows import CandidateRows
    from kg.planner.components import Component
    from kg.planner.constraints import Constraint
    from kg.planner.source import Asking
    from kg.planner.tables import Table
    from kg.planner.variable_use import VariableUse
    from kg.sparql.syntax import Syntax

_VARIABLES = re.compile(r"(?is)SELECT\s*(?P<distinct>DISTINCT\b)?\s*(?P<names>\*|([?$]\w+\s*)+)")
_COUNT = re.compile(r"(?is)SELECT\s*\(\s*COUNT\s*\(\s*\*\s*\)\s*AS\s*[?$](?P<name>\w+)\s*\)\s*")
_LIMITS = re.compile(r"(?is)\s*(?:(?:LIMIT\s+\d+|OFFSET\s+\d+)\s*){0,2}")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What a query makes of the solutions of its pattern."""

    names: tuple[str, ...]
    """The variables that it selects, without question marks."""
    count: str | None
    """The variable that is given their number instead."""
    distinct: bool
    limit: int | None
    offset: int

    @property
    def needed(self) -> set[str]:
        """The variables that the table must have."""
        return {f"?{n}" for n in self.names}

    @property
    def enough(self) -> int | None:
        """How many solutions of the pattern are enough; None where it takes all."""
        if self.limit is None or self.distinct or self.count is not None:
            return None
        return self.offset + self.limit

    def solutions(self, table: Table, terms: TermTable) -> Solutions:
        """Return the answer."""
        if self.count is not None:
            text = str(len(table)).encode()
            column = Column(codes=np.zeros(1, np.int32), texts=[text])
            return self._cut([self.count], [column], 1)
        columns = [column_of(table.columns[f"?{n}"], terms) for n in self.names]
        length = len(table)
        if self.distinct and columns:
            codes = np.column_stack([c.codes for c in columns])
            first = np.sort(np.unique(codes, axis=0, return_index=True)[1])
            columns = [Column(codes=c.codes[first], texts=c.texts) for c in columns]
            length = len(first)
        return self._cut(list(self.names), columns, length)

    def _cut(self, names: list[str], columns: list[Column], length: int) -> Solutions:
        end = length if self.limit is None else min(length, self.offset + self.limit)
        start = min(self.offset, end)
        cut = [Column(codes=c.codes[start:end], texts=c.texts) for c in columns]
        return Solutions(names, cut, end - start)


class WholeQuery:
    """One query, to be answered without the store if it only selects from a basic pattern."""

    def __init__(
        self, asking: Asking, syntax: Syntax, query: Node, uses: VariableUse, rows: CandidateRows
    ) -> None:
        """Take the query.

        Args:
            asking: The store.
            syntax: The text.
            query: The query in it.
            uses: Where it speaks of its variables.
            rows: Works out candidates, which planning needs again if there is no answer here.
        """
        self._asking = asking
        self._syntax = syntax
        self._query = query
        self._uses = uses
        self._rows = rows

    def answer(self, basic: BasicPattern) -> Solutions | None:
        """Return the answer; None where the query is more than this, or the store is quicker."""
        shape = shape_of(self._syntax, self._query, basic)
        if shape is None or not self._is_simple(basic):
            return None
        components = components_of(basic, self._syntax)
        joins = joins_of(basic, components)
        if len(components) == 1 and not joins:
            table = self._selected(basic, components[0], shape)
        elif joins:
            table = self._joined(basic, components, joins, shape)
        else:
            table = None
        return None if table is None else shape.solutions(table, self._asking.index.terms)

    def _is_simple(self, basic: BasicPattern) -> bool:
        """Return whether the constraints are all that the query asks beside the patterns."""
        if not is_joinable(basic, self._syntax) or basic.lonely_tables(self._syntax):
            return False
        repeated = any(basic.repeats(v) for c in basic.constraints for v in c.variables)
        if repeated or next(self._syntax.walk("values_clause"), None) is not None:
            return False
        if any(isinstance(c.test, Nearest) or not c.is_exact for c in basic.constraints):
            return False
        answered = {c.filter.id for c in basic.constraints if c.is_whole}
        filters = (n for n in basic.group.named_children if n.type == "filter")
        return all(n.id in answered for n in filters)

    def _joined(
        self,
        basic: BasicPattern,
        components: list[Component],
        joins: list[Constraint],
        shape: Shape,
    ) -> Table | None:
        """Return the solutions of a spatial join, if it is all that the pattern has."""
        join = join_of(basic, components, joins)
        names = self._uses.needed_outside(basic, join.answered, ()) & join.variables
        if len(join.components) != len(components) or not shape.needed <= names:
            return None
        if len(join.answered) != len(basic.constraints):
            return None
        return join_components(self._asking, join, names)

    def _selected(self, basic: BasicPattern, component: Component, shape: Shape) -> Table | None:
        """Return the solutions of one component, if they are few enough or many enough."""
        variables = {v for c in basic.constraints for v in c.variables}
        if len(variables) != 1:
            return None
        asking, constraints = self._asking, list(basic.constraints)
        anchor = anchor_of(component, variables.pop(), asking.index)
        if anchor is None:
            return None
        if shape.enough is not None and asking.is_local:
            few = first_solutions(asking, anchor, constraints, shape.needed, shape.enough)
            if few is not None:
                return few
        rows = self._rows.of(anchor, constraints)
        is_much = len(rows) >= asking.costs.many_selected or not asking.is_local
        if is_much or is_remembered(asking, anchor, shape.needed):
            return evaluate(asking, anchor, rows, shape.needed)
        return None


def shape_of(syntax: Syntax, query: Node, basic: BasicPattern) -> Shape | None:  # noqa: PLR0911 -- one per reason
    """Return what a query makes of its basic pattern; None where it does more than select."""
    where = basic.group.parent
    if query.type != "select_query" or where is None or where.parent != query:
        return None
    spans = {n.id for n in basic.spans}
    if any(n.id not in spans and n.type != "filter" for n in basic.group.named_children):
        return None
    known = {"select_clause", "dataset_clause", "where_clause", "solution_modifier"}
    if any(n.type not in known for n in query.named_children):
        return None
    modifier = next((n for n in query.named_children if n.type == "solution_modifier"), None)
    limits = "" if modifier is None else syntax.text(modifier)
    if not _LIMITS.fullmatch(limits):
        return None
    cuts = {k.upper(): int(v) for k, v in re.findall(r"(?i)(LIMIT|OFFSET)\s+(\d+)", limits)}
    clause = syntax.text(next(n for n in query.named_children if n.type == "select_clause"))
    count, plain = _COUNT.fullmatch(clause.strip()), _VARIABLES.fullmatch(clause.strip())
    if count is None and plain is None:
        return None
    names: tuple[str, ...] = ()
    if plain is not None:
        names = _names(syntax, plain["names"])
        if not names or not {f"?{n}" for n in names} <= basic.variables:
            return None
    return Shape(
        names=names,
        count=None if count is None else count["name"],
        distinct=plain is not None and plain["distinct"] is not None,
        limit=cuts.get("LIMIT"),
        offset=cuts.get("OFFSET", 0),
    )


def _names(syntax: Syntax, written: str) -> tuple[str, ...]:
    if written.strip() != "*":
        return tuple(dict.fromkeys(n[1:] for n in written.split()))
    return tuple(selected_names(syntax.source.decode(), syntax.base) or ())
