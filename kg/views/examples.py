"""A query to begin with, about what a store holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg.hierarchy import subclasses, subproperties
from kg.rdf.terms import text
from kg.rows import select
from ontology.terms import DEEP, PREFIXES, compact

if TYPE_CHECKING:
    from pyoxigraph import NamedNode

    from kg.store import GraphStore

_PREFIXES = ("deep", "geo", "geof", "prov", "rdfs", "sosa", "time", "xsd")


def example_query(store: GraphStore) -> str:
    """Return a query on predictions of a kind that there is; without any, on the sources."""
    prologue = "".join(f"PREFIX {p}: <{PREFIXES[p]}>\n" for p in _PREFIXES)
    kinds = subclasses(store, DEEP.Prediction) - {DEEP.Prediction}
    kind = _used(store, kinds, "[] a ?x") or DEEP.Prediction
    if kind == DEEP.Prediction and _used(store, frozenset({kind}), "[] a ?x") is None:
        return prologue + (
            "\nSELECT ?source ?label WHERE {\n"
            "  ?source a deep:Source ; <http://purl.org/dc/terms/title> ?label .\n"
            "} LIMIT 20\n"
        )
    of_class = _used(store, subproperties(store, DEEP.predictedClass), "[] ?x []")
    return prologue + (
        f"\nSELECT ?prediction ?value{' ?class' if of_class else ''} WHERE {{\n"
        f"  ?prediction a {_name(kind)} ;\n"
        f"      sosa:hasSimpleResult ?value{f' ; {_name(of_class)} ?class' if of_class else ''} .\n"
        "} ORDER BY DESC(?value) LIMIT 20\n"
    )


def _used(store: GraphStore, terms: frozenset[NamedNode], pattern: str) -> NamedNode | None:
    """Return the first of some terms, by IRI, with which a pattern on ?x has a match."""
    found = select(
        store,
        f"""SELECT ?x WHERE {{ VALUES ?x {{ {" ".join(map(str, terms))} }}
              FILTER EXISTS {{ {pattern} }} }}""",
    )
    used = {text(row["x"]) for row in found}
    return min((t for t in terms if t.value in used), key=lambda t: t.value, default=None)


def _name(term: NamedNode) -> str:
    short = compact(term.value)
    return short if short.partition(":")[0] in _PREFIXES else str(term)
