"""A component as text with its candidates in it: what the store is given to evaluate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyoxigraph import Literal, NamedNode

from kg.planner.components import keys_of, rest_of
from kg.planner.constraints import Nearest
from kg.planner.multiplicity import Multiplicity
from kg.planner.tables import distinct
from kg.planner.values import values_block

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from kg.planner.components import Anchor, Component, Source
    from kg.planner.constraints import Constraint
    from kg.planner.patterns import TriplePattern
    from kg.solutions import Term

_AMONG = "urn:deepcube:among:"
_TRUE, _FALSE = Literal(True), Literal(False)  # noqa: FBT003 -- that is the literal's value


@dataclass(frozen=True, kw_only=True)
class Narrowing:
    """A component and the rows that are left of it."""

    component: Component
    anchor: Anchor
    constraints: list[Constraint]
    """Those that the rows satisfy."""
    rows: np.ndarray
    """(n,) rows of the index."""
    per_solution: bool
    """It is evaluated anew for solutions outside, which bind some of its variables."""


class CandidateTexts:
    """Writes narrowed components."""

    def __init__(
        self,
        source: Source,
        steps: list[str],
        functions: dict[NamedNode, Callable[..., Term | None]],
        fresh: str,
    ) -> None:
        """Take what the texts are for.

        Args:
            source: The store.
            steps: Takes a line on what was done.
            functions: Takes the functions that the texts call.
            fresh: How variables begin that the query does not have.
        """
        self._source = source
        self._steps = steps
        self._functions = functions
        self._fresh = fresh

    def narrowed(
        self, asked: Narrowing, needed_outside: Callable[[list[Constraint]], set[str]]
    ) -> tuple[str, list[Constraint]]:
        """Return a component's text with its candidates, and the constraints that may go.

        Args:
            asked: The component and its rows.
            needed_outside: Returns the variables that are spoken of elsewhere in the query,
                without some constraints.
        """
        component, anchor = asked.component, asked.anchor
        index = self._source.index
        predicate = anchor.literal.predicate[1:-1]
        state = Multiplicity.of(index, predicate, component.scope.graphs, asked.rows)
        # A nearest filter has no other evaluation; mixed literals do not occur behind it.
        answered = [
            c
            for c in asked.constraints
            if isinstance(c.test, Nearest) or (state.is_exact and c.is_exact)
        ]
        needed = needed_outside(answered)
        if not state.is_exact:
            needed.add(anchor.variable)
        keep_literal = (
            anchor.variable in needed
            or not state.is_single
            or len(component.scope.graphs or ()) != 1
            or sum(anchor.variable in p.variables for p in component.patterns) > 1
        )
        rest = rest_of(component, anchor, keep_literal=keep_literal)
        keys = keys_of(index, component, anchor, asked.rows)
        if asked.per_solution:
            texts = index.terms.texts(distinct(keys.geometries))
            return self._among_text(component, anchor, texts), answered
        thematic = [p for p in rest if p is not anchor.literal]
        if index.terms.has_blank(distinct(keys.keys)):
            return self._thematic_text(component, anchor, keys.geometries, thematic), answered
        speaks = any(anchor.geometry in p.variables for p in rest) or anchor.geometry in needed
        names = [anchor.key]
        values = [keys.keys]
        if anchor.link is not None and speaks:
            names.append(anchor.geometry)
            values.append(keys.geometries)
        columns = [index.terms.texts(v) for v in values]
        if any(t.startswith(b"_:") for column in columns for t in column):
            return self._thematic_text(component, anchor, keys.geometries, thematic), answered
        if keep_literal:
            rows_once = sorted(set(zip(*columns, strict=True)))
            columns = [list(c) for c in zip(*rows_once, strict=True)] or columns
            count = len(rows_once)
        else:
            count = len(keys.rows)
        table = values_block(names, columns, count, f"{self._fresh}n")
        self._steps.append(f"spatial first: {count} candidates for {' '.join(names)}")
        return f"{{ {component.looked_up(table, rest)} }}", answered

    def _thematic_text(
        self,
        component: Component,
        anchor: Anchor,
        geometries: np.ndarray,
        thematic: list[TriplePattern],
    ) -> str:
        texts = self._source.index.terms.texts(distinct(geometries))
        spatial = " ".join(str(p) for p in (anchor.link, anchor.literal) if p is not None)
        spatial += f" {self._among(anchor, texts)}"
        self._steps.append(f"blank nodes: each is tested against {len(texts)} candidates")
        body = component.body(thematic)
        return f"{{ {{ {body} }} LATERAL {{ {spatial} }} }}" if body.strip() else spatial

    def _among_text(self, component: Component, anchor: Anchor, texts: list[bytes]) -> str:
        self._steps.append(f"tested against {len(texts)} candidates for each solution")
        return f"{component.text} {self._among(anchor, texts)}"

    def _among(self, anchor: Anchor, texts: list[bytes]) -> str:
        """Return a filter by a function that knows the candidates."""
        nodes = frozenset(t.decode() for t in texts)
        name = f"{_AMONG}{len(self._functions)}"

        def among(node: Term) -> Term:
            return _TRUE if str(node) in nodes else _FALSE

        self._functions[NamedNode(name)] = among
        return f"FILTER(<{name}>({anchor.geometry}))"
