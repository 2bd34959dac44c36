"""SHACL validation in batches, so that memory stays flat: quick checks first, then pyshacl."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from typing import TYPE_CHECKING

import pyshacl
import rdflib
from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode
from rdflib.namespace import SH

from kg.errors import ValidationFailedError
from kg.query import select, text
from kg.shape_checks import ShapeChecks
from ontology.files import shapes
from ontology.terms import RDF, XSD, compact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pyoxigraph import Quad

    from kg.solutions import Term
    from kg.store import GraphStore

#: Focus nodes that are validated together: some 50 MB as an rdflib graph.
_BATCH = 5_000


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One thing that a shape forbids."""

    focus: str
    """IRI of the node at fault."""
    path: str
    """The property at fault, as a prefixed name; empty where the shape names none."""
    message: str
    """What is wrong."""

    def __str__(self) -> str:
        return f"<{self.focus}> {self.path}: {self.message}"


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a validation found."""

    checked: int
    """Number of nodes that some shape looked at."""
    violations: tuple[Violation, ...]
    """All violations, in the order of the shapes."""

    @property
    def conforms(self) -> bool:
        """True where nothing is violated."""
        return not self.violations


def validate_quads(quads: Iterable[Quad]) -> None:
    """Refuse quads that violate a shape: the gate before anything is written.

    Raises:
        ValidationFailedError: Names the first violations.
    """
    block = list(quads)
    # pyshacl looks at what the quick checks do not accept, and has the last word.
    if _checks().accept(block):
        return
    violations = _run(_to_rdflib(block))
    if violations:
        shown = "\n  ".join(str(v) for v in violations[:5])
        raise ValidationFailedError(
            f"{len(violations)} violation(s) of the SHACL shapes, nothing was written:\n  {shown}"
        )


def validate_store(
    store: GraphStore, *, progress: Callable[[int, int], None] | None = None
) -> Report:
    """Validate all that the shapes target, and look for links that lead nowhere.

    Args:
        store: What to validate; only its default graph is looked at.
        progress: Called with nodes done and nodes in all.
    """
    targets = {
        node: None
        for target in target_classes()
        for node in (q.subject for q in store.quads(None, RDF.type, target, DefaultGraph()))
    }
    violations: list[Violation] = []
    nodes = iter(targets)
    done = 0
    while batch := list(islice(nodes, _BATCH)):
        quads = [q for n in batch for q in store.quads(n, None, None, DefaultGraph())]
        if not _checks().accept(quads):
            violations += _run(_to_rdflib(quads))
        done += len(batch)
        if progress is not None:
            progress(done, len(targets))
    violations += _dangling_links(store)
    return Report(checked=len(targets), violations=tuple(violations))


def notes(store: GraphStore) -> list[str]:
    """Return what indexing found odd or could not read, a line each: none of it is a violation."""
    odd = select(
        store,
        """SELECT ?severity ?finding ?message WHERE {
             ?finding a deep:Finding ; deep:severity ?severity ; deep:message ?message }
           ORDER BY DESC(?severity) ?finding""",
    )
    gaps = select(
        store,
        """SELECT ?source ?count WHERE { ?source deep:gapCount ?count } ORDER BY ?source""",
    )
    return [
        *(f"{text(r['severity'])}: <{text(r['finding'])}> {text(r['message'])}" for r in odd),
        *(
            f"warning: <{text(r['source'])}> {text(r['count'])} chunk(s) could not be read; "
            "index it again to retry"
            for r in gaps
        ),
    ]


@cache
def shapes_graph() -> rdflib.Graph:
    """Return all shapes as one rdflib graph."""
    graph = rdflib.Graph()
    for file in shapes():
        graph.parse(data=file.read_text(encoding="utf-8"), format="turtle")
    return graph


@cache
def _checks() -> ShapeChecks:
    return ShapeChecks(shapes_graph())


@cache
def target_classes() -> tuple[NamedNode, ...]:
    """Return the classes whose members some shape looks at."""
    found = {str(o) for o in shapes_graph().objects(None, SH.targetClass)}
    return tuple(NamedNode(iri) for iri in sorted(found))


def _run(data: rdflib.Graph) -> list[Violation]:
    _, results, _ = pyshacl.validate(
        data, shacl_graph=shapes_graph(), inference="none", advanced=False, inplace=True
    )
    if not isinstance(results, rdflib.Graph):
        raise ValidationFailedError(f"the SHACL engine failed: {results}")
    return [
        Violation(
            focus=str(results.value(r, SH.focusNode)),
            path=compact(str(results.value(r, SH.resultPath) or "")),
            message=str(results.value(r, SH.resultMessage)),
        )
        for r in results.subjects(rdflib.RDF.type, SH.ValidationResult)
    ]


def _dangling_links(store: GraphStore) -> Iterator[Violation]:
    # A link to an item of ours that no triple describes: the trace of a half-written index.
    rows = select(
        store,
        """
        SELECT DISTINCT ?s ?o WHERE {
          { ?s prov:wasDerivedFrom ?o } UNION { ?s deep:ofVariable ?o }
          UNION { ?s deep:atStation ?o } UNION { ?s deep:inTile ?o }
          UNION { ?s geo:hasDefaultGeometry ?o } UNION { ?s sosa:phenomenonTime ?o }
          FILTER NOT EXISTS { ?o ?any ?thing }
        } LIMIT 100""",
    )
    for row in rows:
        yield Violation(
            focus=text(row["s"]), path="", message=f"links to {text(row['o'])}, which is not there"
        )


def _to_rdflib(quads: Iterable[Quad]) -> rdflib.Graph:
    graph = rdflib.Graph()
    # rdflib checks each IRI that it makes, and most terms of a block recur.
    node = lru_cache(maxsize=50_000)(_node)
    for q in quads:
        graph.add((node(q.subject), node(q.predicate), node(q.object)))
    return graph


def _node(term: Term) -> rdflib.term.Node:
    if isinstance(term, NamedNode):
        return rdflib.URIRef(term.value)
    if isinstance(term, BlankNode):
        return rdflib.BNode(term.value)
    if isinstance(term, Literal):
        if term.language:
            return rdflib.Literal(term.value, lang=term.language)
        if term.datatype == XSD.string:
            # To rdflib, unlike RDF 1.1, "a" and "a"^^xsd:string are two literals.
            return rdflib.Literal(term.value)
        return rdflib.Literal(term.value, datatype=rdflib.URIRef(term.datatype.value))
    raise ValidationFailedError(f"triple terms are not validated: {term}")
