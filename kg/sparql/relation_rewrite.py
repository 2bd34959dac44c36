"""GeoSPARQL query rewrite: geo:sfWithin and its like answered from geometries too.

A pattern `?a geo:sfWithin ?b` has the answers that are stated and those that hold between the
geometries: of a feature its default geometry, of a geometry its own text (the 24 rules of
OGC 22-047r1 clause 12, each with its four cases). An answer comes once.

With inference the order is: rewrite first, knowing the schema, then `kg.sparql.entailment`.
So the patterns that are added here (geo:hasDefaultGeometry) are entailed like those of the
query; and a super-property of a relation, which inference would turn into the stated triples
alone, is known here for what it is. Not rewritten: a variable in place of the property, which
would be all 24, and a relation inside of `*`, `+`, `?` or `|` of a path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from kg.sparql.patterns import connected, triple_patterns
from kg.sparql.syntax import Edit
from ontology.terms import GEO, GEOF

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pyoxigraph import NamedNode
    from tree_sitter import Node

    from kg.sparql.patterns import TriplePattern
    from kg.sparql.schema import Schema
    from kg.sparql.syntax import Sparql, Syntax


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
#: By property, in brackets: the functions whose truth makes a triple of it true.
_FUNCTIONS = {f"<{GEO.namespace}{name}>": [name] for name in sorted(RELATIONS)}
_MENTIONED = re.compile("|".join(sorted(RELATIONS)))


def rewrite(
    sparql: Sparql,
    *,
    serialisations: Callable[[], Sequence[NamedNode]],
    schema: Schema | None = None,
) -> Sparql:
    """Return a query that derives topological relations; the same where it asks for none.

    Args:
        sparql: The query.
        serialisations: Returns the properties that lead to literals in the store, as geo:asWKT;
            called only where a property of the query is a relation.
        schema: Given where the query is to be entailed afterwards.
    """
    relations = _FUNCTIONS if schema is None else _with_super_properties(schema)
    special = len(relations) > len(RELATIONS)
    if not (special or _MENTIONED.search(sparql.text)):
        return sparql
    spelt_out = sparql.spelt_out
    syntax = spelt_out.syntax
    if syntax is None:
        return sparql
    found = (_group_of(syntax, g) for g in syntax.groups())
    groups = [g for g in found if any(_is_relation(p, relations) for p in g.patterns)]
    texts = [str(s) for s in serialisations()] if groups else []
    if not texts:
        return sparql
    edits = [e for g in groups for e in _edits(syntax, g, relations, texts)]
    return spelt_out.edited([*edits, *syntax.stars()])


@dataclass(frozen=True, kw_only=True)
class _Group:
    """The triple patterns of one group, which are joined wherever they stand in it."""

    node: Node
    blocks: tuple[tuple[Node, tuple[TriplePattern, ...]], ...]
    """Each block with its patterns; none where one of them says more than patterns can."""

    @property
    def patterns(self) -> list[TriplePattern]:
        return [p for _, its in self.blocks for p in its]


def _group_of(syntax: Syntax, group: Node) -> _Group:
    blocks = []
    for block in (c for c in group.children if c.type == "triples_block"):
        patterns = triple_patterns(syntax, block)
        if patterns is None:
            return _Group(node=group, blocks=())
        blocks.append((block, tuple(patterns)))
    return _Group(node=group, blocks=tuple(blocks))


def _with_super_properties(schema: Schema) -> dict[str, list[str]]:
    """Return the functions by property, also for super-properties of relations."""
    found = {iri: list(names) for iri, names in _FUNCTIONS.items()}
    for iri, (name,) in _FUNCTIONS.items():
        for above in sorted(schema.properties.get(iri, ())):
            names = found.setdefault(above, [])
            if name not in names:
                names.append(name)
    return found


def _edits(
    syntax: Syntax, group: _Group, relations: dict[str, list[str]], serialisations: list[str]
) -> Iterator[Edit]:
    """Yield edits by which the relations of a group are derived."""
    plain = [p for p in group.patterns if not p.is_path and not _is_relation(p, relations)]
    for block, its in group.blocks:
        kept = [str(p) for p in its if not _is_relation(p, relations)]
        derived = [
            _derived(
                p,
                relations[p.predicate],
                serialisations,
                given=" ".join(map(str, connected(p, plain))),
                graph=syntax.graph_around(group.node),
                mark=f"{syntax.fresh}r{block.start_byte}_{number}",
            )
            for number, p in enumerate(its)
            if _is_relation(p, relations)
        ]
        text = " ".join([*kept, *derived])
        yield Edit(start=block.start_byte, end=block.end_byte, text=text)


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
