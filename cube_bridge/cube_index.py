"""Brings the graph in line with a cube: reads the chunks that it does not know as they are now."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from itertools import islice, product
from typing import TYPE_CHECKING

import numpy as np
from pyoxigraph import DefaultGraph, NamedNode, Quad

from cube_bridge.axes import Axes, Placement, placement_of
from cube_bridge.chunk_reader import Failure, Place, read_chunks
from cube_bridge.chunks import (
    ChunkDescriber,
    place_text,
    short_digest,
    tile_owners,
)
from cube_bridge.cubes.iris import chunk_iri, tile_iri
from cube_bridge.findings import findings_of
from cube_bridge.layout import ChunkLayout, layout_of_text
from kg.rdf.iris import Iris, below
from kg.rdf.terms import text
from kg.rows import select
from kg.validation.shacl import validate_quads
from ontology.terms import DCAT, DCTERMS, DEEP, RDF

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import xarray as xr

    from cube_bridge.chunk_reader import Workers
    from cube_bridge.findings import Finding
    from cube_bridge.formats.opener import CubeSource
    from cube_bridge.grids import Grid
    from kg.store import GraphStore

#: Chunks that are looked up, or removed, by one query.
_BATCH = 500
#: What is written at once: as many chunks, or those of as many seconds.
_BLOCK = 1000
_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class OpenedCube:
    """A cube that has been checked and can be indexed."""

    dataset: xr.Dataset
    placement: Placement
    media_type: str
    version: str
    """Of the whole, as long as its chunks have none of their own."""
    versions: Mapping[tuple[str, tuple[int, ...]], str] | None
    """By variable and index of the chunk; None for a single file."""
    findings: tuple[Finding, ...]
    """What is odd about it."""

    @property
    def chunk_count(self) -> int:
        """Chunks of all variables."""
        return sum(axes.layout.count for axes in self.placement.axes)

    def places(self) -> Iterator[Place]:
        """Yield all chunks, in the order of variables and indices."""
        for axes in self.placement.axes:
            for index in product(*(range(len(n)) for n in axes.layout.lengths)):
                yield Place(axes=axes, index=index)


def open_for_indexing(source: CubeSource) -> OpenedCube:
    """Open a cube and look where its variables lie; no value is read.

    Raises:
        NotACubeError: It cannot be opened as a cube.
        CoordinatesError: No variable has a place on the Earth.
    """
    dataset = source.dataset()
    placement = placement_of(dataset)
    return OpenedCube(
        dataset=dataset,
        placement=placement,
        media_type=source.media_type,
        version=source.version,
        versions=source.chunk_versions(dataset),
        findings=tuple(findings_of(dataset, placement)),
    )


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a run came to."""

    read: int
    """Chunks that the graph did not hold as they are now."""
    gaps: int
    """Those of them that could not be read."""


def write_chunks(
    store: GraphStore,
    iris: Iris,
    source: NamedNode,
    cube: OpenedCube,
    workers: Workers,
    *,
    is_known: bool,
    is_simulated: bool,
    patience_s: float,
    progress: Callable[[int, int], None],
) -> Written:
    """Write the chunks that the graph does not hold as they are now.

    Args:
        store: Holds the header of the source already.
        iris: How IRIs are made.
        source: IRI of the cube.
        cube: What to read.
        workers: What reads it.
        is_known: The graph may hold chunks of the source: some need not be read.
        is_simulated: Each part is marked as simulated.
        patience_s: Seconds that a chunk may take.
        progress: Called with chunks done and chunks in all.
    """
    run = _Run(store=store, source=source, cube=cube, total=cube.chunk_count, progress=progress)
    owners = tile_owners(cube.placement.axes)
    describer = ChunkDescriber(source=source, iris=iris, tile_owners=owners)
    places = run.missing() if is_known else cube.places()
    read = gaps = 0
    progress(0, run.total)
    for place, found in read_chunks(cube.dataset, places, workers, patience_s=patience_s):
        read += 1
        gaps += isinstance(found, Failure)
        quads = list(describer.quads(place, found, run.version(place)))
        if is_simulated:
            parts = [q.subject for q in quads if q.predicate == DCTERMS.isPartOf]
            quads += [Quad(part, RDF.type, DEEP.Simulated) for part in parts]
        run.take(quads)
    run.write()
    return Written(read=read, gaps=gaps)


class _Run:
    """Chunks on their way into the graph."""

    def __init__(
        self,
        *,
        store: GraphStore,
        source: NamedNode,
        cube: OpenedCube,
        total: int,
        progress: Callable[[int, int], None],
    ) -> None:
        self._store, self._source, self._cube = store, source, cube
        self._progress, self.total = progress, total
        self._signatures = {
            a.variable: _signature(cube.dataset[a.variable], a) for a in cube.placement.axes
        }
        self._done = self._waiting = 0
        self._quads: list[Quad] = []
        self._stale: list[NamedNode] = []
        self._written = time.monotonic()

    def version(self, place: Place) -> str:
        """Return what changes when a chunk, or what is said of it, does."""
        name = place.axes.variable
        versions = self._cube.versions
        own = self._cube.version if versions is None else versions[name, place.index]
        return short_digest(self._signatures[name], own, place_text(place))

    def missing(self) -> Iterator[Place]:
        """Yield the chunks that the graph does not hold as they are now."""
        places = self._cube.places()
        while part := list(islice(places, _BATCH)):
            iris = [chunk_iri(self._source, p.axes.variable, p.index) for p in part]
            known = _known_versions(self._store, iris)
            for place, iri in zip(part, iris, strict=True):
                if known.get(iri) == self.version(place):
                    self._done += 1
                    continue
                if iri in known:
                    self._stale.append(iri)
                yield place
            self._progress(self._done, self.total)

    def take(self, quads: list[Quad]) -> None:
        """Take the quads of one chunk, to be written with others."""
        self._quads += quads
        self._waiting += 1
        if self._waiting >= _BLOCK or time.monotonic() - self._written > _SECONDS:
            self.write()

    def write(self) -> None:
        """Write what was taken, in place of what the graph said before."""
        validate_quads(self._quads)
        # A run that is killed between the two reads these chunks again.
        remove_described(self._store, self._stale)
        self._store.add(self._quads)
        self._done += self._waiting
        self._progress(self._done, self.total)
        self._stale, self._quads, self._waiting = [], [], 0
        self._written = time.monotonic()


def _known_versions(store: GraphStore, chunks: list[NamedNode]) -> dict[object, str]:
    rows = select(
        store,
        f"""SELECT ?chunk ?version WHERE {{
              VALUES ?chunk {{ {" ".join(map(str, chunks))} }}
              ?chunk deep:chunkVersion ?version }}""",
    )
    return {row["chunk"]: text(row["version"]) for row in rows}


def remove_described(store: GraphStore, nodes: Iterable[NamedNode]) -> None:
    """Remove all that is said of some nodes."""
    remaining = iter(nodes)
    while part := list(islice(remaining, _BATCH)):
        values = " ".join(map(str, part))
        store.update(f"DELETE {{ ?s ?p ?o }} WHERE {{ VALUES ?s {{ {values} }} ?s ?p ?o }}")


def _signature(variable: xr.DataArray, axes: Axes) -> str:
    """Return what changes when the meaning of a variable's numbers or their places do."""
    stored = ("scale_factor", "add_offset", "_FillValue", "missing_value", "dtype")
    said = {k: str(v) for k, v in variable.attrs.items()}
    said |= {f"stored {k}": str(variable.encoding.get(k)) for k in stored}
    grid = axes.placed.grid
    return short_digest(
        str(sorted(said.items())), str(variable.dtype), axes.placed.name, _grid_digest(grid)
    )


def _grid_digest(grid: Grid) -> str:
    digest = hashlib.blake2b(f"{grid.dims} {grid.shape} {grid.crs.to_wkt()}".encode())
    for name in ("x_edges", "y_edges", "longitudes", "latitudes"):
        if hasattr(grid, name):
            digest.update(np.ascontiguousarray(getattr(grid, name)).tobytes())
    return digest.hexdigest()


@dataclass(frozen=True, kw_only=True)
class _Indexed:
    """How a variable was cut when it was indexed."""

    name: str
    layout: ChunkLayout
    grid: str
    """Name of its grid."""
    space: tuple[str, ...]


def remove_obsolete(store: GraphStore, source: NamedNode, placement: Placement) -> None:
    """Remove the chunks and tiles that a cube no longer has, by the layouts in the graph."""
    before = _indexed(store, source)
    now = [
        _Indexed(name=a.variable, layout=a.layout, grid=a.placed.name, space=a.placed.grid.dims)
        for a in placement.axes
    ]
    if before == now:
        return
    counts = {v.name: tuple(len(n) for n in v.layout.lengths) for v in now}
    obsolete = (
        chunk_iri(source, v.name, index)
        for v in before
        for index in product(*(range(len(n)) for n in v.layout.lengths))
        if not _is_within(index, counts.get(v.name, ()))
    )
    remove_described(store, obsolete)
    gone = _tiles(source, before) - _tiles(source, now)
    remove_described(store, (n for t in gone for n in (below(t, "geometry"), t)))


def _is_within(index: tuple[int, ...], counts: tuple[int, ...]) -> bool:
    return len(index) == len(counts) and all(i < n for i, n in zip(index, counts, strict=True))


def _indexed(store: GraphStore, source: NamedNode) -> list[_Indexed]:
    rows = select(
        store,
        f"""SELECT ?name ?dims ?lengths ?grid ?space WHERE {{
              {source} deep:hasVariable ?variable .
              ?variable deep:variableName ?name ; deep:dimensions ?dims ;
                        deep:chunkLengths ?lengths ; deep:onGrid ?grid .
              ?grid deep:dimensions ?space }}""",
    )
    return [
        _Indexed(
            name=text(row["name"]),
            layout=layout_of_text(text(row["dims"]), text(row["lengths"])),
            grid=text(row["grid"]).rpartition("/")[2],
            space=tuple(text(row["space"]).split(",")),
        )
        for row in rows
    ]


def _tiles(source: NamedNode, variables: list[_Indexed]) -> set[NamedNode]:
    found: set[NamedNode] = set()
    for v in variables:
        axes = [v.layout.dims.index(d) for d in v.space]
        along = [
            list(zip(v.layout.starts(a).tolist(), v.layout.lengths[a], strict=True)) for a in axes
        ]
        found |= {tile_iri(source, v.grid, cells) for cells in product(*along)}
    return found


def replace_header(store: GraphStore, source: NamedNode, header: list[Quad]) -> None:
    """Put a header in the place of the one that the graph holds, in one transaction."""
    validate_quads(header)
    inserted = " .\n".join(str(q.triple) for q in header)
    removed = " ".join(map(str, _header_nodes(store, source)))
    store.update(
        f"""DELETE {{ ?s ?p ?o }} WHERE {{ VALUES ?s {{ {removed} }} ?s ?p ?o }} ;
        DELETE WHERE {{ ?s {DCAT.distribution} {below(source, "distribution")} }} ;
        INSERT DATA {{ {inserted} }}"""
    )


def _header_nodes(store: GraphStore, source: NamedNode) -> list[NamedNode]:
    """Return a source and all of its own nodes that links lead to: not its chunks and tiles."""
    found = [source]
    for node in found:
        for quad in store.quads(node, None, None, DefaultGraph()):
            target = quad.object
            if (
                isinstance(target, NamedNode)
                and target.value.startswith(f"{source.value}/")
                and target not in found
            ):
                found.append(target)
    return found
