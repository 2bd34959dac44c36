"""The axioms of RDFS that hold in a store: of classes and properties, and what is in use."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Protocol

from pyoxigraph import BlankNode, NamedNode, RdfFormat, Triple, parse

from kg.sparql.syntax import RDF_TYPE
from ontology.files import geosparql
from ontology.terms import RDF, RDFS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    class _Row(Protocol):
        def __getitem__(self, name: str, /) -> Any: ...


_AXIOMS = (RDFS.subClassOf, RDFS.subPropertyOf, RDFS.domain, RDFS.range)
#: The properties whose triples are the schema itself.
SCHEMA_PROPERTIES = tuple(str(p) for p in _AXIOMS)
_SUB_CLASS, _SUB_PROPERTY, _DOMAIN, _RANGE = SCHEMA_PROPERTIES
_OWN = ("<" + RDF.namespace, "<" + RDFS.namespace)
_XSD = "<http://www.w3.org/2001/XMLSchema#"


@dataclass(frozen=True, kw_only=True)
class Schema:
    """The closure of the axioms; IRIs in full with their brackets, as in `syntax`."""

    classes: Mapping[str, frozenset[str]]
    """A class: its super-classes and itself."""
    properties: Mapping[str, frozenset[str]]
    """A property: its super-properties and itself."""
    domains: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """A property: the domains that are stated of it."""
    ranges: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """A property: the ranges that are stated of it, without data types."""
    stated: frozenset[tuple[str, str, str]] = frozenset()
    """What is stated of domains and ranges, data types included."""
    used: frozenset[str] | None = None
    """Which of the classes and properties occur in the data; None: any may."""

    @classmethod
    def of(cls, triples: Iterable[Triple]) -> Schema:
        """Return the closure of the axioms among these triples."""
        axioms: dict[str, set[tuple[str, str]]] = {str(p): set() for p in _AXIOMS}
        data_types = {str(RDFS.Literal)}
        for triple in triples:
            if isinstance(triple.object, NamedNode | BlankNode):
                subject, predicate, target = map(str, triple)
                if predicate in axioms and not subject.startswith(_OWN):
                    axioms[predicate].add((subject, target))
                elif predicate == RDF_TYPE and triple.object == RDFS.Datatype:
                    data_types.add(subject)
        domains, ranges = axioms[_DOMAIN], axioms[_RANGE]
        kinds = {c for _, c in domains | ranges}
        return cls(
            classes=_closure(axioms[_SUB_CLASS], kinds),
            properties=_closure(axioms[_SUB_PROPERTY], {p for p, _ in domains | ranges}),
            domains=_grouped(domains),
            ranges=_grouped(
                (p, c) for p, c in ranges if c not in data_types and not c.startswith(_XSD)
            ),
            stated=frozenset(
                (s, p, o)
                for p in (_DOMAIN, _RANGE)
                for s, o in axioms[p]
                if not s.startswith("_") and not o.startswith("_")
            ),
        )

    def using(self, terms: Iterable[str]) -> Schema:
        """Return the same for data in which no other class or property of it occurs."""
        return Schema(
            classes=self.classes,
            properties=self.properties,
            domains=self.domains,
            ranges=self.ranges,
            stated=self.stated,
            used=frozenset(terms),
        )

    def occurs(self, term: str) -> bool:
        """Return whether the data may have a class or property."""
        known = term in self.classes or term in self.properties
        return self.used is None or not known or term in self.used

    def sub_properties(self, iri: str) -> tuple[str, ...]:
        """Return the properties in use whose triples are also triples of this one; it first."""
        found = (p for p, above in self.properties.items() if iri in above and self.occurs(p))
        return tuple(dict.fromkeys([*([iri] if self.occurs(iri) else []), *sorted(found)]))

    def sub_classes(self, iri: str) -> tuple[str, ...]:
        """Return the classes in use whose members are also members of this one; it first."""
        found = (c for c, above in self.classes.items() if iri in above and self.occurs(c))
        return tuple(dict.fromkeys([*([iri] if self.occurs(iri) else []), *sorted(found)]))

    @cached_property
    def type_path(self) -> str:
        """The path from a thing to its stated types."""
        return "|".join(dict.fromkeys([RDF_TYPE, *self.sub_properties(RDF_TYPE)]))

    @cached_property
    def by_property(self) -> list[tuple[str, str]]:
        """Each property in use with each proper super-property."""
        return self._proper(self.properties)

    @cached_property
    def by_class(self) -> list[tuple[str, str, str]]:
        """Each class in use with each proper super-class, as (class, super-class, rdf:type)."""
        return [(c, above, RDF_TYPE) for c, above in self._proper(self.classes)]

    @cached_property
    def by_domain(self) -> list[tuple[str, str, str]]:
        """Each property in use with each type of its subjects, as (property, type, rdf:type)."""
        return self._types(self.domains)

    @cached_property
    def by_range(self) -> list[tuple[str, str, str]]:
        """Each property in use with each type of its objects, as (property, type, rdf:type)."""
        return self._types(self.ranges)

    @cached_property
    def triples(self) -> list[tuple[str, str, str]]:
        """The axioms that hold."""
        pairs = [(c, _SUB_CLASS, d) for c, above in self.classes.items() for d in above]
        pairs += [(p, _SUB_PROPERTY, q) for p, above in self.properties.items() for q in above]
        return sorted([*pairs, *self.stated])

    def _proper(self, closure: Mapping[str, frozenset[str]]) -> list[tuple[str, str]]:
        return sorted(
            (term, above)
            for term, all_above in closure.items()
            if self.occurs(term)
            for above in all_above
            if above != term
        )

    def _types(self, stated: Mapping[str, frozenset[str]]) -> list[tuple[str, str, str]]:
        return sorted(
            {
                (p, kind, RDF_TYPE)
                for p, above in self.properties.items()
                if self.occurs(p)
                for q in above
                for c in stated.get(q, ())
                for kind in self.classes[c]
            }
        )


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for key, value in pairs:
        if not value.startswith("_"):
            found.setdefault(key, set()).add(value)
    return {key: frozenset(values) for key, values in found.items()}


def _closure(pairs: set[tuple[str, str]], others: set[str]) -> dict[str, frozenset[str]]:
    """Return the reflexive and transitive closure; blank nodes only lead from IRI to IRI."""
    above: dict[str, set[str]] = {}
    for lower, upper in pairs:
        above.setdefault(lower, set()).add(upper)
    closure: dict[str, frozenset[str]] = {}
    for start in {t for pair in pairs for t in pair} | others:
        seen, stack = {start}, [start]
        while stack:
            fresh = above.get(stack.pop(), set()) - seen
            seen |= fresh
            stack.extend(fresh)
        if not start.startswith("_"):
            closure[start] = frozenset(t for t in seen if not t.startswith("_"))
    return closure


@cache
def geosparql_axioms() -> tuple[Triple, ...]:
    """Return the schema of GeoSPARQL, Simple Features and GML."""
    return tuple(q.triple for q in parse(geosparql().read_bytes(), format=RdfFormat.TURTLE))


def read_schema(select: Callable[[str], Iterable[_Row]]) -> Schema:
    """Return the schema of GeoSPARQL and of a store, in any of its graphs.

    Args:
        select: Returns the rows of a SELECT query, not rewritten; to be asked twice. What it
            returned holds until the next write.
    """
    axioms = " ".join(str(p) for p in _AXIOMS)
    pattern = "{ ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } }"
    rows = select(
        f"SELECT ?s ?p ?o {{ {{ VALUES ?p {{ {axioms} }} {pattern} }} UNION "
        f"{{ VALUES (?p ?o) {{ ({RDF_TYPE} {RDFS.Datatype}) }} {pattern} }} }}"
    )
    own = [Triple(row["s"], row["p"], row["o"]) for row in rows]
    schema = Schema.of([*geosparql_axioms(), *own])
    kinds = (
        ("property", schema.properties, "?s ?t ?o"),
        ("class", schema.classes, f"?s {schema.type_path} ?t"),
    )
    probes = " UNION ".join(
        f"{{ VALUES ?t {{ {' '.join(terms)} }} "
        f"FILTER(EXISTS {{ {triple} }} || EXISTS {{ GRAPH ?g {{ {triple} }} }}) }}"
        for _, terms, triple in kinds
    )
    return schema.using(str(row["t"]) for row in select(f"SELECT ?t {{ {probes} }}"))
