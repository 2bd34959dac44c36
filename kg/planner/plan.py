"""The spatial plan of a query: what the index answers, and what is left to the store.

A plan may only narrow. Where something is not understood the query is evaluated as it
stands: slower, never otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyoxigraph import NamedNode

from kg.errors import QueryError
from kg.planner.constraints import default_scope
from kg.planner.planner import Planner
from kg.planner.source import Asking
from kg.sparql.datasets import dataset_of, using_of
from kg.store import Dataset
from ontology.terms import DEEPF

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tree_sitter import Node

    from kg.planner.planner import PlannedQuery
    from kg.planner.source import Source
    from kg.rdf.terms import Term
    from kg.results.solutions import Solutions
    from kg.sparql.syntax import Sparql, Syntax

_QUERIES = ("select_query", "ask_query", "construct_query", "describe_query")
_DECLARATIONS = ("base_declaration", "prefix_declaration")
_FILTER = re.compile(r"(?i)\bFILTER\b")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to do for a query."""

    sparql: str
    """What the store is to evaluate instead."""
    steps: tuple[str, ...] = ()
    """What was found out on the way, for people to read."""
    functions: Mapping[NamedNode, Callable[..., Term | None]] = field(default_factory=dict)
    """What the new text calls beyond the functions of GeoSPARQL."""
    solutions: Solutions | None = None
    """The answer, where nothing is left to the store."""


def mentions_geometry(sparql: str) -> bool:
    """Return whether a query may have something for the spatial planner."""
    return "opengis.net" in sparql or DEEPF.namespace in sparql


def plan_query(sparql: Sparql, source: Source, *, dataset: Dataset | None = None) -> Plan:
    """Return the plan of a query.

    Args:
        sparql: The query, with all that is written into it before.
        source: The store.
        dataset: Overrides FROM and FROM NAMED.

    Raises:
        QueryError: deepf:nearest stands where it cannot be answered.
    """
    syntax = sparql.syntax
    if syntax is None:
        return Plan(sparql=sparql.text, steps=("evaluated as it stands: syntax beyond SPARQL 1.1",))
    query = next(syntax.walk(*_QUERIES), syntax.root)
    return _plan(sparql.text, syntax, source, dataset or dataset_of(syntax), query, is_query=True)


def plan_update(sparql: Sparql, source: Source) -> Plan:
    """Return the plan of an update: of the pattern of its first operation.

    What later operations find depends on what the first one writes.
    """
    # Data that is written may be long, and has no pattern.
    syntax = sparql.syntax if _FILTER.search(sparql.text) else None
    if syntax is None:
        return Plan(sparql=sparql.text)
    operations = [n for n in syntax.root.named_children if n.type not in ("prologue", "comment")]
    first = operations[0] if operations else None
    if first is None or first.type != "modify":
        return Plan(sparql=sparql.text)
    late = [n for n in syntax.walk(*_DECLARATIONS) if n.start_byte > first.start_byte]
    has_with = syntax.text(first).upper().startswith("WITH")
    if late or (has_with and any(syntax.walk("using_clause", "graph_graph_pattern", within=first))):
        return Plan(sparql=sparql.text)
    dataset = using_of(syntax, first)
    if dataset is None and has_with and (iri := syntax.iri(first.named_children[0])) is not None:
        dataset = Dataset(default=(NamedNode(iri),), named=())
    return _plan(sparql.text, syntax, source, dataset, first)


def _plan(
    sparql: str,
    syntax: Syntax,
    source: Source,
    dataset: Dataset | None,
    query: Node,
    *,
    is_query: bool = False,
) -> Plan:
    # What is asked on the way has to be asked of the same graphs.
    asked = source if dataset is None else source.within(dataset)
    asking = Asking(source=asked, prologue=syntax.prologue)
    planner = Planner(syntax, asking, default_scope(dataset), query)
    planned = planner.planned()
    if planned.solutions is not None:
        return Plan(sparql=sparql, steps=tuple(asking.steps), solutions=planned.solutions)
    if is_query and asking.is_local:
        _refuse_unanswered_nearest(syntax, planned)
    edits = planner.edits(planned)
    as_it_stands = "evaluated as it stands: no spatial constraint that an index answers"
    return Plan(
        sparql=syntax.edited(edits) if edits else sparql,
        steps=tuple(asking.steps) or (as_it_stands,),
        functions=planned.functions,
    )


def _refuse_unanswered_nearest(syntax: Syntax, planned: PlannedQuery) -> None:
    """Refuse a query with a deepf:nearest that the index did not answer: nothing else can."""
    name = DEEPF.nearest.value
    calls = syntax.walk("function_call")
    nearest = [n for n in calls if syntax.iri(n.named_children[0]) == name]
    if not all(n.id in planned.answered for n in nearest):
        raise QueryError(
            "deepf:nearest is answered as FILTER(deepf:nearest(?literal, constant geometry, k)) "
            "beside the triple patterns that bind ?literal by geo:asWKT or its kin"
        )
