"""Indexing: a source becomes triples, resumable after a kill.

A source is checked before the first triple is written. Then it is written block by block,
each in one transaction. A run that is killed leaves the source marked as partial; the next
run writes what is missing. A table or layer is written anew as a whole, and a run that fails
takes back what it wrote; of a cube only those chunks are read that have changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cube_bridge.cubes.mapping import CubeMapping
from cube_bridge.defaults import PATIENCE_S
from cube_bridge.errors import SourceError, SourceNotFoundError
from cube_bridge.indexing.blocks import index_blocks
from cube_bridge.indexing.cubes import index_cube
from cube_bridge.indexing.state import known_source
from cube_bridge.kinds.datasets import dataset, locate, packaged_mapping, registry
from cube_bridge.kinds.files import OpenedSource
from cube_bridge.kinds.mappings import kind_of
from cube_bridge.sources.header import Origin
from cube_bridge.sources.info import source_info
from kg.rdf.iris import Iris, slug
from kg.vocabulary import install_ontology
from ontology.terms import DEEP

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyoxigraph import NamedNode

    from cube_bridge.indexing.state import Known
    from cube_bridge.sources.info import SourceMapping
    from kg.store import GraphStore

    Progress = Callable[[str, int, int], None]
    """Called with the source's identifier, and blocks, of a cube chunks, done and in all."""


@dataclass(frozen=True, kw_only=True)
class Indexed:
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
    """How the chunks of cubes are read when they are indexed: by what, and with what patience."""

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
) -> Indexed:
    """Index a registered open data set, fetching it if it is not here.

    Args:
        store: Where to write.
        iris: How IRIs are made.
        name: As `cube_bridge.kinds.datasets.registry` has it.
        replace: Take the place of a source with the same identifier from elsewhere.
        reading: How a cube is read.
        progress: Called as parts are done.

    Raises:
        SourceNotFoundError, DatasetUnavailableError: See `cube_bridge.kinds.datasets.locate`.
        SourceError: See `index_file`.
    """
    entry = dataset(name)
    origin = Origin(
        location=locate(name), mapping=packaged_mapping(entry), url=entry.url, registered=name
    )
    # `locate` has just hashed the file.
    opened = OpenedSource(origin.location, origin.mapping, sha256=entry.sha256)
    how = reading or Reading()
    return _index(store, iris, origin, opened, progress, replace=replace, reading=how)


def index_file(
    store: GraphStore,
    iris: Iris,
    location: Path | str,
    mapping: SourceMapping | None = None,
    *,
    replace: bool = False,
    reading: Reading | None = None,
    progress: Progress | None = None,
) -> Indexed:
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
    opened = OpenedSource(location, mapping)
    how = reading or Reading()
    return _index(store, iris, origin, opened, progress, replace=replace, reading=how)


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
    opened: OpenedSource,
    progress: Progress | None,
    *,
    replace: bool,
    reading: Reading,
) -> Indexed:
    install_ontology(store)
    info = origin.mapping.source
    source = iris.mint("source", info.id)
    # Before anything else is read: what changes meanwhile is read anew by the next run.
    fingerprint = opened.fingerprint
    known = known_source(store, source)
    was_same = known is not None and (known.fingerprint, known.status) == (
        fingerprint,
        DEEP.IndexComplete,
    )
    # The same bytes at another path are not the same: the graph must know where to read them.
    # The files of a group on the web cannot be listed: only its chunks tell that one has changed.
    is_told = isinstance(origin.location, Path)
    if known and was_same and known.url == origin.url and is_told and not known.gaps:
        return Indexed(source=source, items=known.items, changed=False)
    if known is not None and not replace:
        _refuse_another_file(known, origin)

    def report(done: int, total: int) -> None:
        if progress is not None:
            progress(info.id, done, total)

    if kind_of(origin.mapping).read is not None:
        items = index_blocks(store, iris, source, origin, opened, known, report)
        return Indexed(source=source, items=items, changed=True)
    cube, written = index_cube(
        store,
        iris,
        source,
        origin,
        opened,
        known,
        report,
        cluster=reading.cluster,
        patience_s=reading.patience_s,
    )
    return Indexed(
        source=source,
        items=cube.chunk_count,
        changed=bool(written.read) or not was_same,
        gaps=written.gaps,
        findings=tuple(f"{f.severity}: {f.variable}: {f.message}" for f in cube.findings),
    )


def _refuse_another_file(known: Known, origin: Origin) -> None:
    if known.url != origin.url:
        raise SourceError(
            f"the graph holds another source {origin.mapping.source.id!r}, from <{known.url}>; "
            "give this one another id (--id, or `source.id` in its mapping), or replace that one "
            "with --replace"
        )
