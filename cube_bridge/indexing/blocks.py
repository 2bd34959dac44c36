"""Indexing of tables and layers: written anew as a whole, block by block."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad

from cube_bridge.errors import SourceError
from cube_bridge.indexing.state import remove_source, source_quads
from cube_bridge.kinds.mappings import kind_of
from cube_bridge.sources.header import header_quads
from kg.errors import DeepCubeError
from kg.rdf.iris import below
from kg.rdf.provenance import end_quad
from kg.validation.shacl import validate_quads
from ontology.terms import DCTERMS, DEEP, RDF

if TYPE_CHECKING:
    from collections.abc import Callable

    from cube_bridge.indexing.state import Known
    from cube_bridge.kinds.files import OpenedSource
    from cube_bridge.sources.description import Content
    from cube_bridge.sources.header import Origin
    from kg.rdf.iris import Iris
    from kg.store import GraphStore


def index_blocks(
    store: GraphStore,
    iris: Iris,
    source: NamedNode,
    origin: Origin,
    opened: OpenedSource,
    known: Known | None,
    progress: Callable[[int, int], None],
) -> int:
    """Index a table or layer: all of it, in place of what there was.

    Args:
        store: Where to write.
        iris: How IRIs are made.
        source: IRI of the source.
        origin: Where its bytes come from and what they mean.
        opened: The file.
        known: What the graph holds of the source.
        progress: Called with blocks done and blocks in all.

    Returns:
        How many items were written.

    Raises:
        SourceError: The file cannot be read; the graph is as it was.
    """
    content = _read(origin, source, iris)
    previous: list[Quad] = []
    resumes = (
        known is not None
        and (known.fingerprint, known.status) == (opened.fingerprint, DEEP.IndexPartial)
        and known.url == origin.url
    )
    if known is not None and not resumes:
        previous = source_quads(store, source)
        remove_source(store, source)
    try:
        if not resumes:
            header = list(
                header_quads(
                    source, origin, content, opened.fingerprint, iris, sha256=opened.sha256
                )
            )
            validate_quads(header)
            store.add(header)
        _write(store, source, content, progress, is_simulated=origin.mapping.source.simulated)
    except (DeepCubeError, OSError, RuntimeError, ValueError) as error:
        remove_source(store, source)
        store.add(previous)
        if isinstance(error, DeepCubeError):
            raise
        raise SourceError(f"{origin.name} cannot be read to its end: {error}") from error
    return content.item_count


def _read(origin: Origin, source: NamedNode, iris: Iris) -> Content:
    path, read = origin.location, kind_of(origin.mapping).read
    if not isinstance(path, Path):
        raise SourceError(f"{path} is a URL; a table or vector layer is read from a file")
    if read is None:
        raise TypeError("a cube is not written in blocks")
    return read(path, origin.mapping, iris, source)


def _write(
    store: GraphStore,
    source: NamedNode,
    content: Content,
    progress: Callable[[int, int], None],
    *,
    is_simulated: bool,
) -> None:
    """Write the blocks that the graph does not hold yet."""
    marks = store.quads(source, DEEP.indexedBlock, None, DefaultGraph())
    done = frozenset(q.object.value for q in marks if isinstance(q.object, Literal))
    count = len(done)
    progress(count, content.block_count)
    for key, quads in content.blocks(done):
        if is_simulated:
            quads += [_simulated(q) for q in quads if q.predicate == DCTERMS.isPartOf]
        validate_quads(quads)
        store.add([*quads, Quad(source, DEEP.indexedBlock, Literal(key))])
        count += 1
        progress(count, content.block_count)
    # The last blocks' marks go and the status turns in one transaction.
    end = end_quad(below(source, "indexing"))
    store.update(
        f"""DELETE {{ {source} {DEEP.indexStatus} {DEEP.IndexPartial} ; {DEEP.indexedBlock} ?b }}
        INSERT {{ {source} {DEEP.indexStatus} {DEEP.IndexComplete} . {end.triple} }}
        WHERE {{ OPTIONAL {{ {source} {DEEP.indexedBlock} ?b }} }}"""
    )


def _simulated(part: Quad) -> Quad:
    return Quad(part.subject, RDF.type, DEEP.Simulated)
