"""Indexing: a source becomes triples, all or nothing, resumable after a kill.

A source is checked whole before the first triple is written. Then it is written block by
block, each block with the mark that it is done in one transaction. A run that is killed
leaves the source marked as partial; the next run writes the blocks that are missing. A run
that fails takes back what it wrote.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pooch
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, QueryTriples

from cube_bridge.chunks import read_cube
from cube_bridge.datasets import dataset, locate, packaged_mapping, registry
from cube_bridge.errors import SourceError, SourceNotFoundError
from cube_bridge.mapping import (
    CubeMapping,
    EventsMapping,
    FeaturesMapping,
    Mapping,
    SeriesMapping,
    SourceInfo,
    mapping_json,
)
from cube_bridge.places import read_features
from cube_bridge.tables import read_event_table, read_series_table
from kg.errors import DeepCubeError
from kg.geometry import bounding_box_quads
from kg.iris import Iris, below, slug
from kg.provenance import end_quad, start_quads
from kg.query import integer
from kg.temporal import interval, interval_quads
from kg.validation import validate_quads
from kg.vocabulary import install_ontology
from ontology.terms import DCAT, DCTERMS, DEEP, PROV, RDF, SPDX, XSD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cube_bridge.content import Content
    from kg.store import GraphStore

    Progress = Callable[[str, int, int], None]
    """Called with the source's identifier, blocks done, and blocks in all."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What indexing a source came to."""

    source: NamedNode
    items: int
    """Chunks, series, events or features of the source."""
    changed: bool
    """False where the graph held this very source already, and nothing was done."""


@dataclass(frozen=True, kw_only=True)
class _Job:
    path: Path
    mapping: Mapping
    url: str
    """Where the bytes come from."""
    registered: str | None
    """Name in the registry of open data sets."""


def index_dataset(
    store: GraphStore, iris: Iris, name: str, *, progress: Progress | None = None
) -> Outcome:
    """Index a registered open data set, fetching it if it is not here.

    Raises:
        SourceNotFoundError, DatasetUnavailableError: See `cube_bridge.datasets.locate`.
        SourceError: See `index_file`.
    """
    entry = dataset(name)
    job = _Job(path=locate(name), mapping=packaged_mapping(entry), url=entry.url, registered=name)
    return _index(store, iris, job, progress)


def index_file(
    store: GraphStore,
    iris: Iris,
    path: Path,
    mapping: Mapping | None = None,
    *,
    replace: bool = False,
    progress: Progress | None = None,
) -> Outcome:
    """Index a file or folder.

    Args:
        store: Where to write.
        iris: How IRIs are made.
        path: Table or vector layer (each with a mapping), or cube.
        mapping: What its columns mean; a cube can do without.
        replace: Take the place of a source with the same identifier from another file.
        progress: Called as blocks are done.

    Raises:
        SourceError: Says what is wrong with the file; the graph is as it was.
        ValidationFailedError: What would be written violates a shape.
    """
    if not path.exists():
        known = f"; registered data sets are {', '.join(sorted(registry()))}"
        raise SourceNotFoundError(f"no file or folder {path}{known}")
    if mapping is None:
        name = path.name.removesuffix(path.suffix)
        mapping = CubeMapping(kind="cube", source=SourceInfo(id=slug(name), title=path.name))
    url = path.resolve().as_uri()
    job = _Job(path=path, mapping=mapping, url=url, registered=None)
    return _index(store, iris, job, progress, replace=replace)


def _index(
    store: GraphStore,
    iris: Iris,
    job: _Job,
    progress: Progress | None,
    *,
    replace: bool = False,
) -> Outcome:
    install_ontology(store)
    info = job.mapping.source
    source = iris.mint("source", info.id)
    print_ = fingerprint(job.path, job.mapping)
    state = _state(store, source)
    # The same bytes at another path are not the same: the graph must know where to read them.
    if state == (print_, DEEP.IndexComplete) and _comes_from(store, source, job.url):
        items = next(store.quads(source, DEEP.itemCount, None, DefaultGraph())).object
        count = int(items.value) if isinstance(items, Literal) else 0
        return Outcome(source=source, items=count, changed=False)
    if state is not None and not replace:
        _refuse_another_file(store, source, job)
    content = _read(job, source, iris)
    previous: list[Quad] = []
    resumes = state == (print_, DEEP.IndexPartial) and _comes_from(store, source, job.url)
    if state is not None and not resumes:
        previous = source_quads(store, source)
        remove_source(store, source)
    try:
        _write(store, iris, source, job, content, print_, progress)
    except (DeepCubeError, OSError, RuntimeError, ValueError) as error:
        remove_source(store, source)
        store.add(previous)
        if isinstance(error, DeepCubeError):
            raise
        raise SourceError(f"{job.path.name} cannot be read to its end: {error}") from error
    return Outcome(source=source, items=content.item_count, changed=True)


def _comes_from(store: GraphStore, source: NamedNode, url: str) -> bool:
    return any(store.quads(source, DCTERMS.source, NamedNode(url), DefaultGraph()))


def _refuse_another_file(store: GraphStore, source: NamedNode, job: _Job) -> None:
    if not _comes_from(store, source, job.url):
        identifier = job.mapping.source.id
        known = [str(q.object) for q in store.quads(source, DCTERMS.source, None, DefaultGraph())]
        raise SourceError(
            f"the graph holds another source {identifier!r}, from {known[0]}; give this one "
            "another id (--id, or `source.id` in its mapping), or replace that one with --replace"
        )


def _read(job: _Job, source: NamedNode, iris: Iris) -> Content:
    match job.mapping:
        case SeriesMapping():
            return read_series_table(job.path, job.mapping, source, iris)
        case EventsMapping():
            return read_event_table(job.path, job.mapping, source, iris)
        case FeaturesMapping():
            return read_features(job.path, job.mapping, source)
        case CubeMapping():
            return read_cube(job.path, job.mapping, source, iris)


def _write(
    store: GraphStore,
    iris: Iris,
    source: NamedNode,
    job: _Job,
    content: Content,
    print_: str,
    progress: Progress | None,
) -> None:
    info = job.mapping.source
    if _state(store, source) is None:
        header = list(_header(source, job, content, print_, iris))
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


def _header(
    source: NamedNode, job: _Job, content: Content, print_: str, iris: Iris
) -> Iterator[Quad]:
    info = job.mapping.source
    activity = below(source, "indexing")
    distribution = below(source, "distribution")
    yield Quad(source, RDF.type, DEEP.Source)
    yield Quad(source, RDF.type, content.kind)
    yield Quad(source, RDF.type, DCAT.Dataset)
    if info.simulated:
        yield Quad(source, RDF.type, DEEP.Simulated)
    yield Quad(source, DCTERMS.identifier, Literal(info.id))
    yield Quad(source, DCTERMS.title, Literal(info.title))
    if info.description:
        yield Quad(source, DCTERMS.description, Literal(info.description))
    if info.publisher:
        yield Quad(source, DCTERMS.publisher, Literal(info.publisher))
    yield Quad(source, DCTERMS.license, NamedNode(info.license))
    yield Quad(source, DCTERMS.source, NamedNode(job.url))
    yield Quad(source, DEEP.fingerprint, Literal(print_))
    yield Quad(source, DEEP.itemCount, integer(content.item_count))
    yield Quad(source, DEEP.mapping, Literal(mapping_json(job.mapping)))
    if job.registered:
        yield Quad(source, DEEP.registeredAs, Literal(job.registered))
    yield Quad(source, DEEP.indexStatus, DEEP.IndexPartial)
    yield from bounding_box_quads(source, content.bbox)
    if content.period is not None:
        yield Quad(source, DCTERMS.temporal, interval(iris, *content.period))
        yield from interval_quads(iris, *content.period)
    yield Quad(source, DCAT.distribution, distribution)
    yield Quad(distribution, RDF.type, DCAT.Distribution)
    yield Quad(distribution, DCAT.downloadURL, NamedNode(job.url))
    yield Quad(distribution, DCAT.mediaType, Literal(content.media_type))
    if job.path.is_file():
        size = Literal(str(job.path.stat().st_size), datatype=XSD.integer)
        yield Quad(distribution, DCAT.byteSize, size)
        checksum = below(distribution, "checksum")
        yield Quad(distribution, SPDX.checksum, checksum)
        yield Quad(checksum, SPDX.checksumValue, Literal(pooch.file_hash(str(job.path))))
    yield Quad(source, PROV.wasGeneratedBy, activity)
    yield from start_quads(activity, DEEP.IndexingActivity, [NamedNode(job.url)])
    yield from content.header


def fingerprint(path: Path, mapping: Mapping) -> str:
    """Return what changes when a source or the way it is read changes: a sha256.

    A file is hashed by its bytes; a folder by the names, sizes and times of its files.
    """
    digest = hashlib.sha256(mapping_json(mapping).encode())
    if path.is_file():
        digest.update(pooch.file_hash(str(path)).encode())
    else:
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            stat = file.stat()
            line = f"{file.relative_to(path)} {stat.st_size} {stat.st_mtime_ns}\n"
            digest.update(line.encode())
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
    return f"?s ?p ?o FILTER(?s = {source} || STRSTARTS(STR(?s), {prefix}))"
