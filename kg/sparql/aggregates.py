"""Calls of the spatial aggregates, written so that the store evaluates them as the standard says.

pyoxigraph's grammar takes DISTINCT in no aggregate but SPARQL's own, and a group in which one
expression has no value (an OPTIONAL without a geometry) never reaches an aggregate of ours. So
DISTINCT becomes the aggregate's name, and what has no value a term that it passes over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg.geosparql.aggregates import AGGREGATES, NO_VALUE, distinct
from kg.sparql.syntax import Edit

if TYPE_CHECKING:
    from tree_sitter import Node

    from kg.sparql.syntax import Sparql, Syntax


_NAMES = {name.value: distinct(name).value for name in AGGREGATES}


def with_aggregates(sparql: Sparql) -> Sparql:
    """Return a query or update in which each spatial aggregate is called as the store takes it."""
    syntax = sparql.syntax if "agg" in sparql.text else None
    if syntax is None:
        return sparql
    calls = syntax.walk("function_call")
    return sparql.edited(e for call in calls if (e := _edit(syntax, call)) is not None)


def _edit(syntax: Syntax, call: Node) -> Edit | None:
    name, arguments = call.named_children[0], call.named_children[-1]
    iri = syntax.iri(name)
    if iri not in _NAMES:
        return None
    words = [c for c in arguments.children if c.type not in {"(", ")", "comment"}]
    only_once = bool(words) and words[0].type == "DISTINCT"
    expressions = words[1:] if only_once else words
    if len(expressions) != 1:
        return None  # for the store to refuse
    called = _NAMES[iri] if only_once else iri
    value = syntax.text(expressions[0])
    return Edit(
        start=call.start_byte,
        end=call.end_byte,
        text=f"<{called}>(COALESCE({value}, {NO_VALUE}))",
    )
