"""How the IRIs of the graph become links between pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from pyoxigraph import Literal, NamedNode, Triple

from kg.rdf.terms import text
from kg.views.labels import labels
from ontology.terms import compact

if TYPE_CHECKING:
    from kg.rdf.iris import Iris
    from kg.rdf.terms import Term
    from kg.store import GraphStore


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A term as a page shows it."""

    text: str
    href: str | None
    """None for what has no page."""
    note: str
    """Datatype, language or prefixed name; may be empty."""


def page_of(iris: Iris, iri: str) -> str:
    """Return the path of the page about a resource."""
    if iri.startswith(iris.base):
        return "/id/" + iri.removeprefix(iris.base)
    return "/resource?iri=" + quote(iri, safe="")


def show_terms(store: GraphStore, iris: Iris, terms: list[Term]) -> dict[Term, Shown]:
    """Return how each term is shown; those that the graph labels by their label."""
    names = labels(store, {t.value for t in terms if isinstance(t, NamedNode)})
    return {term: _show(iris, term, names) for term in terms}


def _show(iris: Iris, term: Term, names: dict[str, str]) -> Shown:
    if isinstance(term, NamedNode):
        name = names.get(term.value)
        known = name is not None or term.value.startswith((iris.base, "https://w3id.org/deepcube/"))
        href = page_of(iris, term.value) if known else _outside(term.value)
        short = compact(term.value).removeprefix(iris.base)
        return Shown(text=name or short, href=href, note=short if name else "")
    if isinstance(term, Literal):
        kind = term.language or compact(term.datatype.value)
        return Shown(text=term.value, href=None, note="" if kind == "xsd:string" else kind)
    if isinstance(term, Triple):
        return Shown(text=str(term), href=None, note="triple")
    return Shown(text=f"_:{text(term)[:8]}", href=None, note="blank node")


def _outside(iri: str) -> str | None:
    # Nothing but the web: a data set may hold javascript: and the like.
    return iri if iri.startswith(("http://", "https://")) else None
