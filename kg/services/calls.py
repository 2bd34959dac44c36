"""SERVICE clauses that are answered here: which service each calls, with what, and for what."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pyoxigraph import NamedNode

from kg.errors import QueryError
from kg.sparql.patterns import triple_patterns
from ontology.terms import DEEP, compact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tree_sitter import Node

    from kg.extensions import Service
    from kg.sparql.patterns import TriplePattern
    from kg.sparql.syntax import Syntax


SERVICE = "service_graph_pattern"


@dataclass(frozen=True, kw_only=True)
class Call:
    """One SERVICE clause, read against what its service takes and finds."""

    service: Service
    node: Node
    """The clause in the syntax tree of the query."""
    silent: bool
    """Whether it says SILENT, so that a service that fails changes nothing."""
    inputs: Mapping[NamedNode, str]
    """The property of each input that is given, and a variable or a constant, as SPARQL."""
    outputs: tuple[tuple[NamedNode, str], ...]
    """The property of each output that is asked for, and a variable or a constant, as SPARQL."""

    @property
    def name(self) -> str:
        """The IRI of the service, shortened for people to read."""
        return compact(self.service.iri.value)

    @cached_property
    def given(self) -> tuple[str, ...]:
        """The variables that are inputs."""
        return tuple(sorted({t for t in self.inputs.values() if t.startswith("?")}))

    @cached_property
    def found(self) -> tuple[str, ...]:
        """The variables that only outputs have."""
        names = (t for _, t in self.outputs if t.startswith("?"))
        return tuple(n for n in dict.fromkeys(names) if n not in self.given)

    @property
    def wanted(self) -> frozenset[NamedNode]:
        """The properties of the outputs that the clause asks for."""
        return frozenset(p for p, _ in self.outputs)


class Calls:
    """The clauses of one query or update that are for services of ours."""

    def __init__(self, syntax: Syntax, services: Iterable[Service]) -> None:
        self._syntax = syntax
        self._services = {s.iri.value: s for s in services}

    def within(self, node: Node) -> Iterator[Node]:
        """Yield the clauses in a part of the text; none inside of other clauses."""
        stack = [node]
        while stack:
            node = stack.pop()
            if node.type == SERVICE:
                if self._is_ours(node):
                    yield node
                continue
            stack.extend(reversed(node.children))

    def _is_ours(self, node: Node) -> bool:
        iri = self._syntax.iri(node.named_children[0])
        return iri is not None and (iri in self._services or iri.startswith(DEEP.namespace))

    def read(self, node: Node) -> Call | None:
        """Return what a clause asks; None where nobody is there to ask, and it says SILENT.

        Raises:
            QueryError: There is no such service, or it does not take what the clause says.
        """
        iri = self._syntax.iri(node.named_children[0]) or ""
        silent = any(c.type == "SILENT" for c in node.children)
        service = self._services.get(iri)
        if service is None:
            if silent:
                return None
            known = ", ".join(compact(i) for i in sorted(self._services)) or "none"
            raise QueryError(
                f"there is no SERVICE {compact(iri)}; known services: {known}. The package that "
                "brings it may not be installed"
            )
        return self._read(node, service, silent=silent)

    def _read(self, node: Node, service: Service, *, silent: bool) -> Call:
        inputs: dict[NamedNode, str] = {}
        outputs: list[tuple[NamedNode, str]] = []
        for pattern in self._patterns(node, service):
            predicate = _predicate(pattern, service)
            if predicate in service.outputs:
                outputs.append((predicate, pattern.object))
            elif predicate in service.inputs:
                if pattern.object.startswith(self._syntax.fresh):
                    raise _refused(service, f"{compact(predicate.value)} is given a blank node")
                if inputs.setdefault(predicate, pattern.object) != pattern.object:
                    raise _refused(service, f"{compact(predicate.value)} is given twice")
            else:
                raise _refused(service, f"{compact(predicate.value)} is no part of it")
        missing = [p for p, required in service.inputs.items() if required and p not in inputs]
        if missing:
            names = ", ".join(sorted(compact(p.value) for p in missing))
            raise _refused(service, f"{names} is missing")
        return Call(
            service=service, node=node, silent=silent, inputs=inputs, outputs=tuple(outputs)
        )

    def _patterns(self, node: Node, service: Service) -> list[TriplePattern]:
        parts = [c for c in node.named_children[-1].named_children if c.type != "comment"]
        found: list[TriplePattern] = []
        for part in parts:
            patterns = triple_patterns(self._syntax, part) if part.type == "triples_block" else None
            if patterns is None:
                raise _refused(service, "it holds more than triple patterns")
            found += patterns
        subjects = {p.subject for p in found}
        if len(subjects) > 1 or any(not s.startswith("?") for s in subjects):
            raise _refused(service, "its triple patterns have several subjects, or a constant one")
        return found


def _predicate(pattern: TriplePattern, service: Service) -> NamedNode:
    if pattern.is_path or not pattern.predicate.startswith("<"):
        raise _refused(service, f"{pattern.predicate} is no plain predicate")
    return NamedNode(pattern.predicate[1:-1])


def _refused(service: Service, problem: str) -> QueryError:
    needed = sorted(compact(p.value) for p, required in service.inputs.items() if required)
    others = sorted(compact(p.value) for p, required in service.inputs.items() if not required)
    finds = sorted(compact(p.value) for p in service.outputs)
    lists = [
        f"{label} {', '.join(names)}"
        for label, names in (("needs", needed), ("takes", others), ("finds", finds))
        if names
    ]
    name = compact(service.iri.value)
    return QueryError(
        f"SERVICE {name}: {problem}; write it as SERVICE {name} {{ [] predicate term ; ... }}. "
        f"It {'; it '.join(lists)}"
    )
