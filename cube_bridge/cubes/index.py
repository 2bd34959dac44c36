"""Brings the graph in line with a cube: reads the chunks that it does not know as they are now."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from pyoxigraph import NamedNode, Quad

from cube_bridge.cubes.chunk_quads import ChunkDescriber, place_text, short_digest, tile_owners
from cube_bridge.cubes.iris import chunk_iri
from cube_bridge.cubes.obsolete import (
    BATCH,
    remove_described,
)
from cube_bridge.cubes.summaries import ChunkPlace, Failure, read_chunks
from kg.rdf.terms import text
from kg.rows import select
from kg.validation.shacl import validate_quads
from ontology.terms import DCTERMS, DEEP, RDF

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import xarray as xr

    from cube_bridge.cubes.axes import Axes
    from cube_bridge.cubes.opened import (
        OpenedCube,
    )
    from cube_bridge.cubes.workers import Workers
    from cube_bridge.grids.grid import Grid
    from kg.rdf.iris import Iris
    from kg.store import GraphStore

#: What is written at once: as many chunks, or those of as many seconds.
_BLOCK = 1000
_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Written:
    """What one run of indexing came to: chunks that it read, and those that it could not."""

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

    def version(self, place: ChunkPlace) -> str:
        """Return what changes when a chunk, or what is said of it, does."""
        name = place.axes.variable
        versions = self._cube.versions
        own = self._cube.version if versions is None else versions[name, place.index]
        return short_digest(self._signatures[name], own, place_text(place))

    def missing(self) -> Iterator[ChunkPlace]:
        """Yield the chunks that the graph does not hold as they are now."""
        places = self._cube.places()
        while part := list(islice(places, BATCH)):
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


def _signature(variable: xr.DataArray, axes: Axes) -> str:
    """Return what changes when the meaning of a variable's numbers or their places do."""
    stored = ("scale_factor", "add_offset", "_FillValue", "missing_value", "dtype")
    attributes = {k: str(v) for k, v in variable.attrs.items()}
    attributes |= {f"stored {k}": str(variable.encoding.get(k)) for k in stored}
    grid = axes.placed.grid
    return short_digest(
        str(sorted(attributes.items())), str(variable.dtype), axes.placed.name, _grid_digest(grid)
    )


def _grid_digest(grid: Grid) -> str:
    digest = hashlib.blake2b(f"{grid.dims} {grid.shape} {grid.crs.to_wkt()}".encode())
    for name in ("x_edges", "y_edges", "longitudes", "latitudes"):
        if hasattr(grid, name):
            digest.update(np.ascontiguousarray(getattr(grid, name)).tobytes())
    return digest.hexdigest()
