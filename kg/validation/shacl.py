"""SHACL validation in batches, so that memory stays flat: quick checks first, then pyshacl.

The shapes are those of the ontology and, beside them, those that a caller brings or that are
installed in the store with a use case. A shape looks at the members of its target class and of
all classes below it.
"""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import islice
from typing import TYPE_CHECKING

import pyshacl
import rdflib
from pyoxigraph import DefaultGraph, NamedNode, Quad, RdfFormat, Triple, serialize
from rdflib.namespace import RDFS, SH

from kg.errors import ValidationFailedError
from kg.hierarchy import subclasses
from kg.validation.links import dangling_links
from kg.validation.rdflib_terms import rdflib_graph
from kg.validation.report import Report, Violation
from kg.validation.shape_checks import ShapeChecks
from kg.vocabulary import installed_shapes
from ontology import files
from ontology.axioms import axioms
from ontology.terms import RDF, compact
from ontology.terms import RDFS as RDFS_TERMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kg.store import GraphStore

#: Focus nodes that are validated together: some 50 MB as an rdflib graph.
_BATCH = 5_000


class Shapes:
    """The shapes of the ontology and of further documents, ready to validate with."""

    def __init__(self, documents: Iterable[bytes] = ()) -> None:
        """Read the shapes.

        Args:
            documents: Turtle with more shapes; a class may be put below one of ours in it.

        Raises:
            ValidationFailedError: A document is no Turtle.
        """
        self.graph = rdflib.Graph()
        """All shapes, each with every class that it looks at as a target."""
        for file in files.shapes():
            self.graph.parse(data=file.read_text(encoding="utf-8"), format="turtle")
        for document in documents:
            try:
                self.graph.parse(data=document, format="turtle")
            # The parser of rdflib fails in its own ways, and in those of Python.
            except Exception as error:
                raise ValidationFailedError(f"the shapes are no Turtle: {error}") from error
        _extend_targets(self.graph)
        self.checks = ShapeChecks(self.graph)

    @property
    def target_classes(self) -> tuple[NamedNode, ...]:
        """The classes whose members some shape looks at, by IRI."""
        found = {str(o) for o in self.graph.objects(None, SH.targetClass)}
        return tuple(NamedNode(iri) for iri in sorted(found))

    def violations(self, quads: list[Quad]) -> list[Violation]:
        """Return what is wrong with quads; pyshacl has the last word on what is not surely right.

        Raises:
            ValidationFailedError: The engine failed.
        """
        if self.checks.accept(quads):
            return []
        return violations_of(rdflib_graph(quads), self.graph)


def validate_quads(quads: Iterable[Quad], *, shapes: bytes = b"") -> None:
    """Refuse quads that violate a shape: the gate before anything is written.

    Args:
        quads: What is to be written, whole items only.
        shapes: More shapes than the ontology's, as Turtle: those of a use case.

    Raises:
        ValidationFailedError: Names the first violations.
    """
    violations = shapes_with(shapes).violations(list(quads))
    if violations:
        shown = "\n  ".join(str(v) for v in violations[:5])
        raise ValidationFailedError(
            f"{len(violations)} violation(s) of the SHACL shapes, nothing was written:\n  {shown}"
        )


def validate_store(
    store: GraphStore,
    *,
    shapes: bytes = b"",
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Validate all that the shapes target, and look for links that lead nowhere.

    The shapes are the ontology's, those given, and those installed in the store.

    Args:
        store: What is validated; only its default graph is looked at.
        shapes: More shapes, as Turtle.
        progress: Called with nodes done and nodes in all.
    """
    known = shapes_with(shapes, *installed_shapes(store))
    known = shapes_with(shapes, *installed_shapes(store), _classes_below(store, known))
    targets = {
        node: None
        for target in known.target_classes
        for node in (q.subject for q in store.quads(None, RDF.type, target, DefaultGraph()))
    }
    violations: list[Violation] = []
    nodes = iter(targets)
    done = 0
    while batch := list(islice(nodes, _BATCH)):
        quads = [q for n in batch for q in store.quads(n, None, None, DefaultGraph())]
        violations += known.violations(quads)
        done += len(batch)
        if progress is not None:
            progress(done, len(targets))
    violations += dangling_links(store)
    return Report(checked=len(targets), violations=tuple(violations))


def shapes_with(*documents: bytes) -> Shapes:
    """Return the shapes of the ontology and of further documents, read once in a process."""
    return _shapes_with(tuple(dict.fromkeys(d for d in documents if d)))


@lru_cache(maxsize=16)
def _shapes_with(documents: tuple[bytes, ...]) -> Shapes:
    return Shapes(documents)


def violations_of(data: rdflib.Graph, shapes: rdflib.Graph) -> list[Violation]:
    """Return what pyshacl finds wrong with a graph.

    Raises:
        ValidationFailedError: The engine failed.
    """
    _, results, _ = pyshacl.validate(
        data, shacl_graph=shapes, inference="none", advanced=False, inplace=True
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


def _extend_targets(shapes: rdflib.Graph) -> None:
    # The data that is validated does not hold the ontology, so the shapes name the classes below.
    below = shapes + _class_axioms()
    for shape, kind in list(shapes.subject_objects(SH.targetClass)):
        for lower in below.transitive_subjects(RDFS.subClassOf, kind):
            if lower is not None:
                shapes.add((shape, SH.targetClass, lower))


@cache
def _class_axioms() -> rdflib.Graph:
    return rdflib_graph(
        Quad(t.subject, t.predicate, t.object)
        for t in axioms()
        if t.predicate == RDFS_TERMS.subClassOf
        and isinstance(t.subject, NamedNode)
        and isinstance(t.object, NamedNode)
    )


def _classes_below(store: GraphStore, shapes: Shapes) -> bytes:
    """Return the classes that a store puts below those that shapes look at, as Turtle."""
    named = shapes.target_classes
    links = [
        Triple(lower, RDFS_TERMS.subClassOf, target)
        for target in named
        for lower in sorted(subclasses(store, target) - set(named), key=lambda c: c.value)
    ]
    return serialize(links, format=RdfFormat.N_TRIPLES) or b""
