"""GeoSPARQL query rewrite: geo:sfWithin and its like answered from geometries too.

A pattern `?a geo:sfWithin ?b` has the answers that are stated and those that hold between the
geometries: of a feature its default geometry, of a geometry its own text (the 24 rules of
OGC 22-047r1 clause 12, each with its four cases). An answer comes once.

With inference the order is: rewrite first, knowing the schema, then `kg.planner.entailment`.
So the patterns that are added here (geo:hasDefaultGeometry) are entailed like those of the
query; and a super-property of a relation, which inference would turn into the stated triples
alone, is known here for what it is. Not rewritten: a variable in place of the property, which
would be all 24, and a relation inside of `*`, `+`, `?` or `|` of a path.
"""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING

from kg.planner.patterns import connected, triple_patterns
from kg.planner.syntax import Edit, parse_query
from ontology.terms import GEO, GEOF

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyoxigraph import NamedNode
    from tree_sitter import Node

    from kg.planner.patterns import TriplePattern
    from kg.planner.schema import Schema
    from kg.planner.syntax import Syntax

_SIMPLE = (
    "Equals",
    "Disjoint",
    "Intersects",
    "Touches",
    "Crosses",
    "Within",
    "Contains",
    "Overlaps",
)
_EGENHOFER = ("Equals", "Disjoint", "Meet", "Overlap", "Covers", "CoveredBy", "Inside", "Contains")
_RCC8 = ("eq", "dc", "ec", "po", "tppi", "tpp", "ntpp", "ntppi")
#: The properties, each of which has a function of the same name.
RELATIONS = frozenset(
    [f"sf{n}" for n in _SIMPLE] + [f"eh{n}" for n in _EGENHOFER] + [f"rcc8{n}" for n in _RCC8]
)
_MENTIONED = re.compile("|".join(sorted(RELATIONS)))


def rewrite(
    sparql: str,
    *,
    serialisations: Sequence[NamedNode],
    schema: Schema | None = None,
    base_iri: str | None = None,
) -> str:
    """Return a query that derives topological relations; the same text where it asks for none.

    Args:
        sparql: The query.
        serialisations: The properties that lead to literals in the store, as geo:asWKT.
        schema: Given where the query is to be entailed afterwards.
        base_iri: What relative IRIs are relative to.
    """
    relations = _relations(schema)
    special = len(relations) > len(RELATIONS)
    if not serialisations or not (special or _MENTIONED.search(sparql)):
        return sparql
    syntax = parse_query(sparql, base_iri=base_iri)
    if syntax is None:
        return sparql
    texts = [str(s) for s in serialisations]
    edits = [e for g in syntax.groups() for e in _edits(syntax, g, relations, texts)]
    return syntax.edited([*edits, *syntax.stars()]) if edits else sparql


def _relations(schema: Schema | None) -> dict[str, list[str]]:
    """Return the functions whose truth makes a triple of a property true."""
    found = {f"<{GEO.namespace}{name}>": [name] for name in sorted(RELATIONS)}
    if schema is not None:
        for name in sorted(RELATIONS):
            for above in sorted(schema.properties.get(f"<{GEO.namespace}{name}>", ())):
                names = found.setdefault(above, [])
                if name not in names:
                    names.append(name)
    return found


def _edits(
    syntax: Syntax, group: Node, relations: dict[str, list[str]], serialisations: list[str]
) -> list[Edit]:
    blocks = [c for c in group.children if c.type == "triples_block"]
    written = [triple_patterns(syntax, b) for b in blocks]
    patterns = [p for its in written for p in its or ()]
    if None in written or not any(_is_relation(p, relations) for p in patterns):
        return []
    plain = [p for p in patterns if not p.is_path and not _is_relation(p, relations)]
    edits = []
    for block, its in zip(blocks, written, strict=True):
        kept = [str(p) for p in its or () if not _is_relation(p, relations)]
        derived = [
            _derived(
                p,
                relations[p.predicate],
                serialisations,
                given=" ".join(map(str, connected(p, plain))),
                graph=syntax.graph_around(group),
                mark=f"{syntax.fresh}r{block.start_byte}_{number}",
            )
            for number, p in enumerate(its or ())
            if _is_relation(p, relations)
        ]
        edits.append(
            Edit(start=block.start_byte, end=block.end_byte, text=" ".join([*kept, *derived]))
        )
    return edits


def _is_relation(pattern: TriplePattern, relations: dict[str, list[str]]) -> bool:
    return (
        not pattern.is_path
        and pattern.predicate in relations
        and all(end.startswith(("?", "<")) for end in (pattern.subject, pattern.object))
    )


def _derived(
    pattern: TriplePattern,
    functions: list[str],
    serialisations: list[str],
    *,
    given: str,
    graph: str | None,
    mark: str,
) -> str:
    """Return the distinct union of what is stated and what holds between geometries.

    Every branch repeats the patterns around: the planner then sees in one group what decides
    whether to begin with the index or with them.
    """
    branches = [f"{given} {pattern}".strip()]
    for own, text, function in product(
        product((False, True), repeat=2), product(serialisations, repeat=2), functions
    ):
        sides = " ".join(
            _literal(end, f"{mark}{side}", is_geometry=is_geometry, serialisation=serialisation)
            for side, end, is_geometry, serialisation in zip(
                "ab", (pattern.subject, pattern.object), own, text, strict=True
            )
        )
        test = f"FILTER(<{GEOF.namespace}{function}>({mark}a, {mark}b))"
        branches.append(f"{given} {sides} {test}".strip())
    union = " UNION ".join(f"{{ {b} }}" for b in branches)
    chosen = sorted({*pattern.variables, *([graph] if graph and graph.startswith("?") else [])})
    if not chosen:
        return f"FILTER EXISTS {{ {union} }}"
    return f"{{ SELECT DISTINCT {' '.join(chosen)} {{ {union} }} }}"


def _literal(end: str, name: str, *, is_geometry: bool, serialisation: str) -> str:
    """Return the patterns from a geometry or a feature to its literal."""
    if is_geometry:
        return f"{end} {serialisation} {name} ."
    return f"{end} {GEO.hasDefaultGeometry} {name}g . {name}g {serialisation} {name} ."
