"""The W3C's tests, read from their manifests: https://w3c.github.io/rdf-tests/sparql/."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from pyoxigraph import NamedNode, Quad, RdfFormat, Store, parse

if TYPE_CHECKING:
    from collections.abc import Callable

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
MF = "http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#"
QT = "http://www.w3.org/2001/sw/DataAccess/tests/test-query#"
UT = "http://www.w3.org/2009/sparql/tests/test-update#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"

#: Where the suites are published; the IRIs of files are below it.
_PUBLISHED = "https://w3c.github.io/rdf-tests/sparql/"
_FORMATS = {
    ".ttl": RdfFormat.TURTLE,
    ".nt": RdfFormat.N_TRIPLES,
    ".rdf": RdfFormat.RDF_XML,
    ".trig": RdfFormat.TRIG,
    ".nq": RdfFormat.N_QUADS,
}
#: Suites that are not run, and why.
_LEFT_OUT = {
    "sparql11/entailment": "needs the OWL, D and RIF entailment regimes",
    "sparql11/service": "asks servers that its manifest names and nobody runs",
    "sparql11/http-rdf-update": "prose; replaced by the suite graph-store-protocol",
}
_KNOWN = Path(__file__).parent / "known_failures.toml"


class Manifest:
    """The graph of one manifest, with the look-ups that reading it needs."""

    def __init__(self, folder: Path, path: Path) -> None:
        """Parse the file at a path below the folder of all suites."""
        self.folder = folder
        self._store = Store()
        base_iri = _PUBLISHED + path.relative_to(folder).as_posix()
        self._store.load(path.read_bytes(), RdfFormat.TURTLE, base_iri=base_iri)

    def values(self, subject, predicate):
        """Return the objects of a property."""
        quads = self._store.quads_for_pattern(subject, NamedNode(predicate), None)
        return [q.object for q in quads]

    def value(self, subject, predicate):
        """Return the object of a property; None where there is none."""
        return next(iter(self.values(subject, predicate)), None)

    def items(self, node):
        """Yield the items of a list."""
        while node is not None and node.value != RDF + "nil":
            yield self.value(node, RDF + "first")
            node = self.value(node, RDF + "rest")

    def entries(self):
        """Yield the tests in order."""
        for quad in self._store.quads_for_pattern(None, NamedNode(MF + "entries"), None):
            yield from self.items(quad.object)

    def path(self, iri: NamedNode) -> Path:
        """Return the file of a published IRI."""
        return self.folder / unquote(iri.value.removeprefix(_PUBLISHED))

    def quads(self, iri: NamedNode) -> list[Quad]:
        """Return the quads of an RDF file."""
        path = self.path(iri)
        return list(parse(path.read_bytes(), _FORMATS[path.suffix], base_iri=iri.value))


@dataclass(frozen=True, kw_only=True)
class Case:
    """One test of the W3C's."""

    node: NamedNode
    kind: str
    """The type's local name, such as QueryEvaluationTest."""
    suite: str
    """The folder, such as sparql11/aggregates."""
    manifest: Manifest


def suites() -> Path | None:
    """Return the folder of the suites; None where they are not here."""
    data = os.environ.get("DEEPCUBE_DATA")
    folder = Path(data or ".") / "w3c-rdf-tests" / "sparql"
    return folder if data and folder.is_dir() else None


@cache
def cases() -> tuple[Case, ...]:
    """Return all tests of all suites; none where they are not here."""
    folder = suites()
    if folder is None:
        return ()
    found: dict[NamedNode, Case] = {}
    for path in sorted(folder.rglob("manifest*.ttl")):
        manifest = Manifest(folder, path)
        suite = path.parent.relative_to(folder).as_posix()
        for node in manifest.entries():
            kinds = [k.value for k in manifest.values(node, RDF + "type")]
            kind = next(k.removeprefix(MF) for k in kinds if k.startswith(MF))
            case = Case(node=node, kind=kind, suite=suite, manifest=manifest)
            found.setdefault(node, case)
    return tuple(found.values())


@cache
def known_failures() -> dict[str, str]:
    """Return the reasons of the failures that are known, by the tests' IRIs."""
    groups = tomllib.loads(_KNOWN.read_text(encoding="utf-8"))["group"]
    return {iri: group["reason"] for group in groups for iri in group["tests"]}


def parameters(*kinds: str, of: Callable[[Case], bool] = lambda _: True) -> list:
    """Return the tests whose kind ends so and for which `of` holds, named by their IRIs.

    A known failure must fail; a suite that is left out is skipped with the reason.
    """
    chosen = [c for c in cases() if c.kind.endswith(kinds) and of(c)]
    if not chosen:
        reason = "DEEPCUBE_DATA names no folder with w3c-rdf-tests/sparql"
        return [pytest.param(None, id="no-suites", marks=pytest.mark.skip(reason=reason))]
    return [pytest.param(c, id=c.node.value, marks=_marks(c)) for c in chosen]


def _marks(case: Case) -> list:
    if case.suite in _LEFT_OUT:
        return [pytest.mark.skip(reason=_LEFT_OUT[case.suite])]
    if case.node.value in known_failures():
        reason = known_failures()[case.node.value]
        wrong = (AssertionError, pytest.fail.Exception)
        return [pytest.mark.xfail(reason=reason, raises=wrong, strict=True)]
    return []
