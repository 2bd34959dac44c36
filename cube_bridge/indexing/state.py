"""What the graph holds of a source that may have been indexed before, and taking it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, QueryTriples

from cube_bridge.errors import SourceError
from ontology.terms import DCAT, DCTERMS, DEEP, RDF

if TYPE_CHECKING:
    from kg.store import GraphStore


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the graph says of an indexed source before a run; read once."""

    fingerprint: str
    status: NamedNode
    """deep:IndexPartial or deep:IndexComplete."""
    url: str
    """Where its bytes came from."""
    is_cube: bool
    items: int
    gaps: int
    """Chunks that could not be read."""


def known_source(store: GraphStore, source: NamedNode) -> Known | None:
    """Return what the graph says of a source; None where it does not know it."""

    def one(predicate: NamedNode) -> NamedNode | Literal | None:
        found = (q.object for q in store.quads(source, predicate, None, DefaultGraph()))
        return next((o for o in found if isinstance(o, (NamedNode, Literal))), None)

    digest, status, url = one(DEEP.fingerprint), one(DEEP.indexStatus), one(DCTERMS.source)
    if not isinstance(digest, Literal) or not isinstance(status, NamedNode):
        return None
    items, gaps = one(DEEP.itemCount), one(DEEP.gapCount)
    return Known(
        fingerprint=digest.value,
        status=status,
        url=url.value if url is not None else "",
        is_cube=any(store.quads(source, RDF.type, DEEP.Cube, DefaultGraph())),
        items=int(items.value) if items is not None else 0,
        gaps=int(gaps.value) if gaps is not None else 0,
    )


def set_status(store: GraphStore, source: NamedNode, status: NamedNode) -> None:
    """Say whether a source is indexed wholly, in place of what was said."""
    store.update(
        f"""DELETE {{ {source} {DEEP.indexStatus} ?before }}
        INSERT {{ {source} {DEEP.indexStatus} {status} }}
        WHERE {{ {source} {DEEP.indexStatus} ?before }}"""
    )


def source_quads(store: GraphStore, source: NamedNode) -> list[Quad]:
    """Return all that is said of a source and its parts."""
    result = store.query(f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ {_pattern(source)} }}")
    if not isinstance(result, QueryTriples):
        raise SourceError(f"the store does not answer CONSTRUCT for {source}")
    return [Quad(t.subject, t.predicate, t.object) for t in result]


def remove_source(store: GraphStore, source: NamedNode) -> None:
    """Take a source and all its parts out of the graph."""
    store.update(f"DELETE {{ ?s ?p ?o }} WHERE {{ {_pattern(source)} }}")


def _pattern(source: NamedNode) -> str:
    prefix = f'"{source.value}/"'
    # And that a data set has it as a distribution.
    return (
        f"?s ?p ?o FILTER(?s = {source} || STRSTARTS(STR(?s), {prefix}) "
        f"|| (?p = {DCAT.distribution} && STRSTARTS(STR(?o), {prefix})))"
    )
