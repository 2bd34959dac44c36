"""Indexing: a source becomes triples, resumable after a kill.

A source is checked before the first triple is written. Then it is written block by block,
each in one transaction. A run that is killed leaves the source marked as partial; the next
run writes what is missing. A table or layer is written anew as a whole, and a run that fails
takes back what it wrote; of a cube only those chunks are read that have changed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pooch
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, QueryTriples

from cube_bridge.chunk_reader import PATIENCE_S, Cluster, Threads
from cube_bridge.cube_header import describe_cube
from cube_bridge.cube_index import (
    open_for_indexing,
    remove_obsolete,
    replace_header,
    write_chunks,
)
from cube_bridge.datasets import dataset, locate, packaged_mapping, registry
from cube_bridge.errors import SourceError, SourceNotFoundError
from cube_bridge.findings import findings_of
from cube_bridge.formats.versions import source_version
from cube_bridge.mapping import (
    CubeMapping,
    EventsMapping,
    FeaturesMapping,
    Mapping,
    SeriesMapping,
    mapping_json,
    source_info,
)
from cube_bridge.places import read_features
from cube_bridge.source_header import Origin, header_quads
from cube_bridge.tables import read_event_table, read_series_table
from kg.errors import DeepCubeError
from kg.iris import Iris, below, slug
from kg.provenance import end_quad
from kg.query import integer
from kg.validation.shacl import validate_quads
from kg.vocabulary import install_ontology
from ontology.terms import DCAT, DCTERMS, DEEP, RDF

if TYPE_CHECKING:
    from collections.abc import Callable

    from cube_bridge.chunk_reader import Workers
    from cube_bridge.content import Content
    from kg.store import GraphStore

    Progress = Callable[[str, int, int], None]
    """Called with the source's identifier, and blocks, of a cube chunks, done and in all."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What indexing a source came to."""

    source: NamedNode
    items: int
    """Chunks, series, events or features of the source."""
    changed: bool
    """False where the graph held this very source already, and nothing was done."""
    gaps: int = 0
    """Chunks that could not be read; the next run tries them again."""
    findings: tuple[str, ...] = ()
    """What is odd about a cube, for people; the graph holds the same."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How cubes are read."""

    cluster: str | None = None
    """Address of a Dask scheduler; None reads with threads of this process."""
    patience_s: float = PATIENCE_S
    """Seconds after which a chunk that has not been read is a gap."""


def index_dataset(
    store: GraphStore,
    iris: Iris,
    name: str,
    *,
    replace: bool = False,
    reading: Reading | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Index a registered open data set, fetching it if it is not here.

    Args:
        store: Where to write.
        iris: How IRIs are made.
        name: As `cube_bridge.datasets.registry` has it.
        replace: Take the place of a source with the same identifier from elsewhere.
        reading: How a cube is read.
        progress: Called as parts are done.

    Raises:
        SourceNotFoundError, DatasetUnavailableError: See `cube_bridge.datasets.locate`.
        SourceError: See `index_file`.
    """
    entry = dataset(name)
    origin = Origin(
        location=locate(name), mapping=packaged_mapping(entry), url=entry.url, registered=name
    )
    return _index(store, iris, origin, progress, replace=replace, reading=reading or Reading())


def index_file(
    store: GraphStore,
    iris: Iris,
    location: Path | str,
    mapping: Mapping | None = None,
    *,
    replace: bool = False,
    reading: Reading | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Index a file or folder, or a cube by its URL.

    Args:
        store: Where to write.
        iris: How IRIs are made.
        location: Table or vector layer (each with a mapping), or cube; text is a URL.
        mapping: What its columns mean; a cube can do without.
        replace: Take the place of a source with the same identifier from another file.
        reading: How a cube is read.
        progress: Called as parts are done.

    Raises:
        SourceError: Says what is wrong with the file; the graph is as it was.
        ValidationFailedError: What would be written violates a shape.
    """
    if isinstance(location, Path) and not location.exists():
        known = f"; registered data sets are {', '.join(sorted(registry()))}"
        raise SourceNotFoundError(f"no file or folder {location}{known}")
    if mapping is None:
        mapping = cube_mapping(location)
    url = location.resolve().as_uri() if isinstance(location, Path) else location
    origin = Origin(location=location, mapping=mapping, url=url, registered=None)
    return _index(store, iris, origin, progress, replace=replace, reading=reading or Reading())


def cube_mapping(location: Path | str, **said: str | None) -> CubeMapping:
    """Return the mapping of a cube that has none of its own.

    Args:
        location: Where it is: its name becomes its title, and as a slug its identifier.
        said: Fields of `SourceInfo` that are known; None for those that are not.

    Raises:
        MappingError: A field is not as it must be.
    """
    name = PurePosixPath(urlsplit(location).path if isinstance(location, str) else location).name
    fields = {"id": slug(name.removesuffix(PurePosixPath(name).suffix)), "title": name}
    fields |= {k: v for k, v in said.items() if v is not None}
    return CubeMapping(kind="cube", source=source_info(**fields))


def _index(
    store: GraphStore,
    iris: Iris,
    origin: Origin,
    progress: Progress | None,
    *,
    replace: bool = False,
    reading: Reading,
) -> Outcome:
    install_ontology(store)
    source = iris.mint("source", origin.mapping.source.id)
    print_ = fingerprint(origin.location, origin.mapping)
    state = _state(store, source)
    comes_from_here = _comes_from(store, source, origin.url)
    # The same bytes at another path are not the same: the graph must know where to read them.
    is_same = state == (print_, DEEP.IndexComplete) and comes_from_here
    # The files of a group on the web cannot be listed: only its chunks tell that one has changed.
    is_told = isinstance(origin.location, Path)
    if is_same and is_told and not _count(store, source, DEEP.gapCount):
        return Outcome(source=source, items=_count(store, source, DEEP.itemCount), changed=False)
    if state is not None and not replace:
        _refuse_another_file(store, source, origin)
    if isinstance(origin.mapping, CubeMapping):
        return _index_cube(store, iris, source, origin, print_, reading, progress)
    return _index_blocks(store, iris, source, origin, print_, progress)


def _index_cube(
    store: GraphStore,
    iris: Iris,
    source: NamedNode,
    origin: Origin,
    print_: str,
    reading: Reading,
    progress: Progress | None,
) -> Outcome:
    """Index a cube: what the graph holds of it stays where it is still true."""
    mapping = origin.mapping
    if not isinstance(mapping, CubeMapping):
        raise TypeError("a cube has the mapping of a cube")
    cube = open_for_indexing(origin.location)
    workers: Workers = Cluster(reading.cluster) if reading.cluster else Threads()
    was_same = _state(store, source) == (print_, DEEP.IndexComplete)
    description = describe_cube(cube, origin.location, mapping, source)
    is_known = _state(store, source) is not None
    if is_known and not (_comes_from(store, source, origin.url) and _is_cube(store, source)):
        remove_source(store, source)
        is_known = False
    if is_known:
        _set_status(store, source, DEEP.IndexPartial)
        remove_obsolete(store, source, cube.placement)
    replace_header(store, source, list(header_quads(source, origin, description, print_, iris)))
    try:
        written = write_chunks(
            store,
            iris,
            source,
            cube,
            workers,
            is_known=is_known,
            is_simulated=mapping.source.simulated,
            patience_s=reading.patience_s,
            progress=lambda done, total: progress and progress(mapping.source.id, done, total),
        )
    finally:
        workers.close()
    ended = [end_quad(below(source, "indexing"))]
    if written.gaps:
        ended.append(Quad(source, DEEP.gapCount, integer(written.gaps)))
    store.add(ended)
    _set_status(store, source, DEEP.IndexComplete)
    found = findings_of(cube.dataset, cube.placement)
    return Outcome(
        source=source,
        items=description.item_count,
        changed=bool(written.read) or not was_same,
        gaps=written.gaps,
        findings=tuple(f"{f.severity}: {f.variable}: {f.message}" for f in found),
    )


def _is_cube(store: GraphStore, source: NamedNode) -> bool:
    return any(store.quads(source, RDF.type, DEEP.Cube, DefaultGraph()))


def _set_status(store: GraphStore, source: NamedNode, status: NamedNode) -> None:
    store.update(
        f"""DELETE {{ {source} {DEEP.indexStatus} ?before }}
        INSERT {{ {source} {DEEP.indexStatus} {status} }}
        WHERE {{ {source} {DEEP.indexStatus} ?before }}"""
    )


def _index_blocks(
    store: GraphStore,
    iris: Iris,
    source: NamedNode,
    origin: Origin,
    print_: str,
    progress: Progress | None,
) -> Outcome:
    """Index a table or layer: all of it, in place of what there was."""
    state = _state(store, source)
    content = _read(origin, source, iris)
    previous: list[Quad] = []
    resumes = state == (print_, DEEP.IndexPartial) and _comes_from(store, source, origin.url)
    if state is not None and not resumes:
        previous = source_quads(store, source)
        remove_source(store, source)
    try:
        _write(store, iris, source, origin, content, print_, progress)
    except (DeepCubeError, OSError, RuntimeError, ValueError) as error:
        remove_source(store, source)
        store.add(previous)
        if isinstance(error, DeepCubeError):
            raise
        raise SourceError(f"{origin.name} cannot be read to its end: {error}") from error
    return Outcome(source=source, items=content.item_count, changed=True)


def _count(store: GraphStore, source: NamedNode, what: NamedNode) -> int:
    found = [q.object for q in store.quads(source, what, None, DefaultGraph())]
    return next((int(n.value) for n in found if isinstance(n, Literal)), 0)


def _comes_from(store: GraphStore, source: NamedNode, url: str) -> bool:
    return any(store.quads(source, DCTERMS.source, NamedNode(url), DefaultGraph()))


def _refuse_another_file(store: GraphStore, source: NamedNode, origin: Origin) -> None:
    if not _comes_from(store, source, origin.url):
        identifier = origin.mapping.source.id
        known = [str(q.object) for q in store.quads(source, DCTERMS.source, None, DefaultGraph())]
        raise SourceError(
            f"the graph holds another source {identifier!r}, from {known[0]}; give this one "
            "another id (--id, or `source.id` in its mapping), or replace that one with --replace"
        )


def _read(origin: Origin, source: NamedNode, iris: Iris) -> Content:
    path = origin.location
    if not isinstance(path, Path):
        raise SourceError(f"{path} is a URL; a table or vector layer is read from a file")
    match origin.mapping:
        case SeriesMapping():
            return read_series_table(path, origin.mapping, source, iris)
        case EventsMapping():
            return read_event_table(path, origin.mapping, source, iris)
        case FeaturesMapping():
            return read_features(path, origin.mapping, source)
        case CubeMapping():
            raise TypeError("a cube is not written in blocks")


def _write(
    store: GraphStore,
    iris: Iris,
    source: NamedNode,
    origin: Origin,
    content: Content,
    print_: str,
    progress: Progress | None,
) -> None:
    info = origin.mapping.source
    if _state(store, source) is None:
        header = list(header_quads(source, origin, content, print_, iris))
        validate_quads(header)
        store.add(header)
    marks = store.quads(source, DEEP.indexedBlock, None, DefaultGraph())
    done = frozenset(q.object.value for q in marks if isinstance(q.object, Literal))
    count = len(done)
    if progress is not None:
        progress(info.id, count, content.block_count)
    for key, quads in content.blocks(done):
        if info.simulated:
            quads += [_simulated(q) for q in quads if q.predicate == DCTERMS.isPartOf]
        validate_quads(quads)
        store.add([*quads, Quad(source, DEEP.indexedBlock, Literal(key))])
        count += 1
        if progress is not None:
            progress(info.id, count, content.block_count)
    # The last blocks' marks go and the status turns in one transaction.
    end = end_quad(below(source, "indexing"))
    store.update(
        f"""DELETE {{ {source} {DEEP.indexStatus} {DEEP.IndexPartial} ; {DEEP.indexedBlock} ?b }}
        INSERT {{ {source} {DEEP.indexStatus} {DEEP.IndexComplete} . {end.triple} }}
        WHERE {{ OPTIONAL {{ {source} {DEEP.indexedBlock} ?b }} }}"""
    )


def _simulated(part: Quad) -> Quad:
    return Quad(part.subject, RDF.type, DEEP.Simulated)


def fingerprint(location: Path | str, mapping: Mapping) -> str:
    """Return what changes when a source or the way it is read changes: a sha256.

    A table or layer is hashed by its bytes; a cube, which may be too large for that, by what
    `source_version` tells without reading it.
    """
    digest = hashlib.sha256(mapping_json(mapping).encode())
    if isinstance(mapping, CubeMapping) or not Path(location).is_file():
        digest.update(source_version(location).encode())
    else:
        digest.update(pooch.file_hash(str(location)).encode())
    return digest.hexdigest()


def _state(store: GraphStore, source: NamedNode) -> tuple[str, NamedNode] | None:
    prints = list(store.quads(source, DEEP.fingerprint, None, DefaultGraph()))
    states = list(store.quads(source, DEEP.indexStatus, None, DefaultGraph()))
    if not prints or not states:
        return None
    print_, state = prints[0].object, states[0].object
    if not isinstance(print_, Literal) or not isinstance(state, NamedNode):
        return None
    return print_.value, state


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
