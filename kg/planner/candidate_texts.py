"""A component as text with its candidates in it: what the store is given to evaluate."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING

from pyoxigraph import Literal, NamedNode

from kg.index.multiplicity import Multiplicity
from kg.planner.components import keys_of, rest_of
from kg.planner.constraints import Nearest
from kg.planner.tables import distinct
from kg.sparql.values_blocks import values_block

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from kg.planner.components import Anchor
    from kg.planner.constraints import Constraint
    from kg.planner.source import Asking
    from kg.rdf.terms import Term
    from kg.sparql.patterns import TriplePattern

_AMONG = "urn:deepcube:among:"
_TRUE, _FALSE = Literal(True), Literal(False)  # noqa: FBT003 -- that is the literal's value


@dataclass(frozen=True, kw_only=True)
class Narrowing:
    """A component and the rows that are left of it."""

    anchor: Anchor
    """Where the component touches the index."""
    constraints: tuple[Constraint, ...]
    """Those that the rows satisfy."""
    rows: np.ndarray
    """(n,) rows of the index."""
    per_solution: bool
    """It is evaluated anew for solutions outside, which bind some of its variables."""


@dataclass(frozen=True, kw_only=True)
class CandidateText:
    """The new text of a component."""

    text: str
    answered: tuple[Constraint, ...] = ()
    """The constraints that may go, because only what satisfies them is left."""
    functions: Mapping[NamedNode, Callable[..., Term | None]] = field(default_factory=dict)
    """What the text calls."""


class CandidateTexts:
    """Writes the narrowed components of one query."""

    def __init__(self, asking: Asking, fresh: str) -> None:
        """Take what the texts are for.

        Args:
            asking: The store.
            fresh: How variables begin that the query does not have.
        """
        self._asking = asking
        self._fresh = fresh
        self._numbers = count()

    def narrowed(
        self,
        asked: Narrowing,
        needed_outside: Callable[[tuple[Constraint, ...]], set[str]],
    ) -> CandidateText:
        """Return a component's text with its candidates.

        Args:
            asked: The component and its rows.
            needed_outside: Returns the variables that are spoken of elsewhere in the query,
                without some constraints.
        """
        anchor, component, index = asked.anchor, asked.anchor.component, self._asking.index
        graphs = component.scope.graphs
        state = Multiplicity.of(index, anchor.predicate, graphs, asked.rows)
        # A nearest filter has no other evaluation; mixed literals do not occur behind it.
        answered = tuple(
            c
            for c in asked.constraints
            if isinstance(c.test, Nearest) or (state.is_exact and c.is_exact)
        )
        needed = needed_outside(answered)
        if not state.is_exact:
            needed = needed | {anchor.variable}
        keep_literal = (
            anchor.variable in needed
            or not state.is_single
            or len(graphs or ()) != 1
            or component.speaks_twice_of(anchor.variable)
        )
        rest = rest_of(anchor, keep_literal=keep_literal)
        keys = keys_of(index, anchor, asked.rows)
        if asked.per_solution:
            tested = self._tested(anchor, keys.geometries)
            return replace(tested, answered=answered)
        speaks = any(anchor.geometry in p.variables for p in rest) or anchor.geometry in needed
        values = {anchor.key: keys.keys}
        if anchor.link is not None and speaks:
            values[anchor.geometry] = keys.geometries
        if any(index.terms.has_blank(distinct(v)) for v in values.values()):
            tested = self._thematic(anchor, keys.geometries, rest)
            return replace(tested, answered=answered)
        columns = [index.terms.texts(v) for v in values.values()]
        length = len(keys.rows)
        if keep_literal:
            rows_once = sorted(set(zip(*columns, strict=True)))
            columns = [list(c) for c in zip(*rows_once, strict=True)] or columns
            length = len(rows_once)
        table = values_block(list(values), columns, length, f"{self._fresh}n")
        self._asking.note(f"spatial first: {length} candidates for {' '.join(values)}")
        return CandidateText(text=f"{{ {component.looked_up(table, rest)} }}", answered=answered)

    def _thematic(
        self, anchor: Anchor, geometries: np.ndarray, rest: tuple[TriplePattern, ...]
    ) -> CandidateText:
        """Return a text that evaluates the rest first: candidates without an IRI have no name."""
        texts = self._asking.index.terms.texts(distinct(geometries))
        self._asking.note(f"blank nodes: each is tested against {len(texts)} candidates")
        among = _among(anchor, texts, f"{_AMONG}{next(self._numbers)}")
        said = " ".join(str(p) for p in (anchor.link, anchor.literal) if p is not None)
        spatial = f"{said} {among.text}"
        body = anchor.component.body(p for p in rest if p is not anchor.literal)
        text = f"{{ {{ {body} }} LATERAL {{ {spatial} }} }}" if body.strip() else spatial
        return replace(among, text=text)

    def _tested(self, anchor: Anchor, geometries: np.ndarray) -> CandidateText:
        """Return the component with a filter that knows the candidates."""
        texts = self._asking.index.terms.texts(distinct(geometries))
        self._asking.note(f"tested against {len(texts)} candidates for each solution")
        among = _among(anchor, texts, f"{_AMONG}{next(self._numbers)}")
        return replace(among, text=f"{anchor.component.text} {among.text}")


def _among(anchor: Anchor, texts: list[bytes], name: str) -> CandidateText:
    """Return a filter by a function of some name that knows the candidates."""
    nodes = frozenset(t.decode() for t in texts)

    def among(node: Term) -> Term:
        return _TRUE if str(node) in nodes else _FALSE

    call = f"FILTER(<{name}>({anchor.geometry}))"
    return CandidateText(text=call, functions={NamedNode(name): among})
