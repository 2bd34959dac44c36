"""RDFS entailment by rewriting the query: nothing is materialised, so nothing can be stale.

Each triple pattern is answered as if the graph held what rules rdfs2, 3, 5, 7, 9 and 11 derive
(domain, range, properties of properties, classes of classes), each solution once. A class or
property that the schema mentions is a sub-class or sub-property of itself (rdfs6, rdfs10).
In GRAPH the data are those of the graph; the schema is the same everywhere.

Left out: the axiomatic triples and rdfs:Resource, rdfs:Class, rdf:Property as types, which are
true of everything; axioms about the terms of RDF and RDFS themselves; the types of literals;
classes without an IRI except between classes that have one; `!p` in a path, and rdf:type under
`*`, `+` or `?`.
https://www.w3.org/TR/rdf11-mt/#rdfs-entailment
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from kg.errors import QueryError
from kg.sparql.certain_variables import (
    certain_variables,
)
from kg.sparql.patterns import TriplePattern, along, connected, triple_patterns
from kg.sparql.schema import SCHEMA_PROPERTIES
from kg.sparql.syntax import RDF_TYPE, Edit, apply_edits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tree_sitter import Node

    from kg.sparql.schema import Schema
    from kg.sparql.syntax import Sparql, Syntax


#: From here on one sub-select with VALUES is shorter than branches that exclude each other.
_MOST_BRANCHES = 8


def entail(sparql: Sparql, schema: Schema) -> Sparql:
    """Return a query whose answers are those of the query under RDFS entailment.

    Raises:
        QueryError: The query cannot be parsed.
    """
    spelt_out = sparql.spelt_out
    syntax = spelt_out.syntax
    if syntax is None:
        raise QueryError(
            "inference needs a query in SPARQL 1.1: this one is malformed, or has what only "
            "RDF 1.2 or an extension such as LATERAL knows; ask it without inference"
        )
    names = (f"{syntax.fresh}e{number}" for number in count())
    edits = [
        edit
        for group in syntax.groups()
        for edit in _Group(syntax, _Patterns(schema, names, syntax), group).edits()
    ]
    return spelt_out.edited([*edits, *syntax.stars()]) if edits else sparql


class _Patterns:
    """What takes the place of one triple pattern."""

    def __init__(self, schema: Schema, names: Iterator[str], syntax: Syntax) -> None:
        self._schema = schema
        self._names = names
        self._syntax = syntax

    def alternatives(self, pattern: TriplePattern) -> list[str] | None:
        """Return triple patterns of which each solution needs one; None if that is not enough."""
        schema, (subject, predicate, target) = self._schema, _terms(pattern)
        if predicate == RDF_TYPE and not target.startswith("?"):
            if schema.type_path != RDF_TYPE or any(
                kind == target for _, kind, _ in (*schema.by_domain, *schema.by_range)
            ):
                return None
            found = [f"{subject} {RDF_TYPE} {c} ." for c in schema.sub_classes(target)]
        elif predicate.startswith("?") or predicate in {RDF_TYPE, *SCHEMA_PROPERTIES}:
            return None if self.branches(pattern, graph=None)[1:] else [str(pattern)]
        else:
            found = [f"{subject} {p} {target} ." for p in schema.sub_properties(predicate)]
        if len(found) > _MOST_BRANCHES:
            return None
        return found or [str(pattern)]

    def branches(self, pattern: TriplePattern, *, graph: str | None) -> list[str]:
        """Return groups that together have each solution, some more than once."""
        schema, (subject, predicate, target) = self._schema, _terms(pattern)
        term, other = next(self._names), next(self._names)
        thing = "" if subject.startswith("<") else f" FILTER(!isLiteral({subject}))"
        candidates: list[tuple[str, tuple[str, ...], Sequence[tuple[str, ...]]]] = [
            (f"{subject} {term} {target} .", (term, predicate), schema.by_property),
            (f"{subject} {schema.type_path} {term} .", (term, target, predicate), schema.by_class),
            (f"{subject} {term} {other} .", (term, target, predicate), schema.by_domain),
            (f"{other} {term} {subject} .{thing}", (term, target, predicate), schema.by_range),
            (
                f"GRAPH {graph} {{ }}" if graph else "",
                (subject, predicate, target),
                schema.triples,
            ),
        ]
        found = [str(pattern)]
        for text, columns, rows in candidates:
            values = _values(columns, rows)
            if values is not None:
                found.append(f"{values} {text}".strip())
        return found

    def distinct(self, pattern: TriplePattern, *, graph: str | None, given: str = "") -> str:
        """Return a sub-select with each solution once.

        Args:
            pattern: The pattern.
            graph: The graph that a GRAPH around it names, often a variable.
            given: Patterns around it, so that no more is derived than they join with.
        """
        terms, same = list(_terms(pattern)), []
        for place, term in enumerate(terms):
            if term.startswith("?") and term in terms[:place]:
                # VALUES cannot name a variable twice.
                terms[place] = next(self._names)
                same.append(f"FILTER(sameTerm({term}, {terms[place]}))")
        subject, predicate, target = terms
        apart = TriplePattern(subject=subject, predicate=predicate, object=target)
        branches = self.branches(apart, graph=graph)
        return self.once(branches, pattern.variables, graph=graph, given=given, ends=same)

    def once(
        self,
        branches: Iterable[str],
        variables: Iterable[str],
        *,
        graph: str | None,
        given: str = "",
        ends: Sequence[str] = (),
    ) -> str:
        """Return a sub-select with each solution of these groups once."""
        chosen = sorted({*variables, *([graph] if graph and graph.startswith("?") else [])})
        body = " ".join([given, _union(branches), *ends]).strip()
        if not chosen:
            return f"FILTER EXISTS {{ {body} }}"
        return f"{{ SELECT DISTINCT {' '.join(chosen)} {{ {body} }} }}"

    def path(self, pattern: TriplePattern, *, graph: str | None) -> str:
        """Return what takes the place of a path."""
        node = pattern.path
        if node is None or not any(self._matters(i) for i in _leaves(node)):
            return str(pattern)
        subject, target = pattern.subject, pattern.object
        if node.type == "binary_path" and node.children[1].type == "|":
            sides = (node.children[0], node.children[2])
            return _union(self._along(subject, s, target, graph=graph) for s in sides)
        closure = self._schema_closure(node)
        if closure is not None:
            values = _values((subject, target), closure)
            within = f" GRAPH {graph} {{ }}" if graph else ""
            branches = [str(pattern), *([values + within] if values is not None else [])]
            return self.once(branches, pattern.variables, graph=graph)
        return f"{subject} {self._with_sub_properties(node)} {target} ."

    def alone(self, pattern: TriplePattern, *, graph: str | None) -> str:
        """Return what takes the place of a pattern, whatever is around it."""
        if pattern.is_path:
            return self.path(pattern, graph=graph)
        alternatives = self.alternatives(pattern)
        if alternatives is None:
            return self.distinct(pattern, graph=graph)
        return _either(alternatives)

    def _along(self, subject: str, verb: Node, target: str, *, graph: str | None) -> str:
        # The number only has to differ from those of the same path between other ends.
        place = int(next(self._names).rpartition("e")[2])
        steps = along(self._syntax, subject, verb, target, place=place)
        return " ".join(self.alone(step, graph=graph) for step in steps)

    def _schema_closure(self, node: Node) -> list[tuple[str, str]] | None:
        """Return the pairs of rdfs:subClassOf* and the like; None for any other path."""
        if node.type != "path_element" or node.children[-1].type != "path_mod":
            return None
        iris = [f"<{i}>" for c in node.children[:-1] if (i := self._syntax.iri(c))]
        if len(iris) != 1 or iris[0] not in SCHEMA_PROPERTIES[:2] or len(node.children) > 2:
            return None
        return [(s, o) for s, p, o in self._schema.triples if p == iris[0]]

    def _matters(self, leaf: Node) -> bool:
        schema, iri = self._schema, self._leaf(leaf)
        if iri == RDF_TYPE:
            derived = schema.by_class or schema.by_domain or schema.by_range
            return bool(derived) or schema.type_path != RDF_TYPE
        return iri in SCHEMA_PROPERTIES or schema.sub_properties(iri) not in {(), (iri,)}

    def _leaf(self, leaf: Node) -> str:
        return RDF_TYPE if leaf.type == "a" else f"<{self._syntax.iri(leaf)}>"

    def _with_sub_properties(self, node: Node) -> str:
        edits = []
        for leaf in _leaves(node):
            iri = self._leaf(leaf)
            found = self._schema.sub_properties(iri)
            if found not in {(), (iri,)}:
                text = f"({'|'.join(found)})"
                start = leaf.start_byte - node.start_byte
                edits.append(Edit(start=start, end=start + len(leaf.text or b""), text=text))
        return apply_edits(self._syntax.text(node).encode(), edits)


class _Group:
    """The triple patterns of one group, which are joined wherever they stand in it."""

    def __init__(self, syntax: Syntax, patterns: _Patterns, group: Node) -> None:
        self._syntax = syntax
        self._patterns = patterns
        self._group = group
        self._graph = syntax.graph_around(group)

    def edits(self) -> list[Edit]:
        """Return what has to be written in another way."""
        blocks = [c for c in self._group.children if c.type == "triples_block"]
        written = [triple_patterns(self._syntax, b) for b in blocks]
        if None in written:
            raise QueryError("inference cannot read the query; is each prefix declared?")
        patterns = [p for block in written for p in block or ()]
        texts = self._texts(patterns)
        if all(text == str(p) for p, text in zip(patterns, texts, strict=True)):
            return []
        edits = []
        for block, its in zip(blocks, written, strict=True):
            count_ = len(its or ())
            mine, texts = texts[:count_], texts[count_:]
            # Sub-selects go last: what is joined with them is cheaper to know first.
            text = " ".join(sorted(mine, key=lambda t: t.startswith(("{", "FILTER"))))
            edits.append(Edit(start=block.start_byte, end=block.end_byte, text=text))
        return edits

    def _texts(self, patterns: list[TriplePattern]) -> list[str]:
        """Return what takes the place of each pattern."""
        texts: list[str | None] = [self._simple_text(p) for p in patterns]
        bound = certain_variables(self._syntax, self._group, patterns=False)
        bound |= {v for p, t in zip(patterns, texts, strict=True) if t for v in p.variables}
        # Types of one thing first: they bind variables of the patterns that remain.
        order = sorted(range(len(patterns)), key=lambda n: len(patterns[n].variables))
        for n in order:
            pattern = patterns[n]
            if texts[n] is not None:
                continue
            unary = pattern.predicate == RDF_TYPE and len(pattern.variables) <= 1
            if unary and pattern.variables <= bound:
                branches = self._patterns.branches(pattern, graph=self._graph)
                texts[n] = f"FILTER EXISTS {{ {_union(branches)} }}"
                continue
            given = _given(pattern, patterns, texts)
            texts[n] = self._patterns.distinct(pattern, graph=self._graph, given=given)
            bound |= pattern.variables
        return [t for t in texts if t is not None]

    def _simple_text(self, pattern: TriplePattern) -> str | None:
        if pattern.is_path:
            return self._patterns.path(pattern, graph=self._graph)
        if pattern.predicate in SCHEMA_PROPERTIES:
            return self._patterns.alone(pattern, graph=self._graph)
        alternatives = self._patterns.alternatives(pattern)
        return None if alternatives is None else _either(alternatives)


def _given(pattern: TriplePattern, patterns: list[TriplePattern], texts: list[str | None]) -> str:
    """Return what stands for the patterns around one that share variables with it.

    The store evaluates a sub-select whole before it joins it with what is around.
    """
    ready = {
        p: t
        for p, t in zip(patterns, texts, strict=True)
        if t is not None and not p.is_path and not t.startswith("FILTER")
    }
    found = [ready[p] for p in connected(pattern, ready)]
    return " ".join(sorted(found, key=lambda t: t.startswith("{")))


def _either(alternatives: list[str]) -> str:
    """Return a group with a solution for each that one of these triple patterns has."""
    if len(alternatives) == 1:
        return alternatives[0]
    pieces = [alternatives[0]] + [
        f"{alternative} FILTER NOT EXISTS {{ {_union(alternatives[:n])} }}"
        for n, alternative in enumerate(alternatives[1:], 1)
    ]
    return _union(pieces)


def _union(groups: Iterable[str]) -> str:
    return " UNION ".join(f"{{ {g} }}" for g in groups)


def _values(columns: Sequence[str], rows: Iterable[tuple[str, ...]]) -> str | None:
    """Return VALUES of the rows that agree with the constants among the columns.

    Returns:
        Text, empty where no column is variable; None where no row agrees.
    """
    free = [n for n, c in enumerate(columns) if c.startswith("?")]
    fixed = [n for n in range(len(columns)) if n not in free]
    kept = dict.fromkeys(
        tuple(row[n] for n in free) for row in rows if all(row[n] == columns[n] for n in fixed)
    )
    if not kept:
        return None
    if not free:
        return ""
    header = " ".join(columns[n] for n in free)
    body = " ".join(f"({' '.join(row)})" for row in kept)
    return f"VALUES ({header}) {{ {body} }}"


def _terms(pattern: TriplePattern) -> tuple[str, str, str]:
    return pattern.subject, pattern.predicate, pattern.object


def _leaves(path: Node) -> Iterator[Node]:
    """Yield the IRIs of a path, without those of `!p`."""
    stack = [path]
    while stack:
        node = stack.pop()
        if node.type in {"iri_reference", "prefixed_name", "a"}:
            yield node
        elif node.type != "path_negated_property_set":
            stack.extend(node.children)
