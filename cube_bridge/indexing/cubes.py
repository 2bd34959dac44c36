"""Indexing of cubes: what the graph holds of one stays where it is still true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyoxigraph import NamedNode, Quad

from cube_bridge.cubes.header import describe_cube
from cube_bridge.cubes.index import write_chunks
from cube_bridge.cubes.mapping import CubeMapping
from cube_bridge.cubes.obsolete import remove_obsolete, replace_header
from cube_bridge.cubes.opened import open_for_indexing
from cube_bridge.cubes.workers import Cluster, Threads
from cube_bridge.indexing.state import remove_source, set_status
from cube_bridge.sources.header import header_quads
from kg.rdf.iris import below
from kg.rdf.provenance import end_quad
from kg.rdf.terms import integer
from ontology.terms import DEEP

if TYPE_CHECKING:
    from collections.abc import Callable

    from cube_bridge.cubes.index import Written
    from cube_bridge.cubes.opened import OpenedCube
    from cube_bridge.cubes.workers import Workers
    from cube_bridge.indexing.state import Known
    from cube_bridge.kinds.files import OpenedSource
    from cube_bridge.sources.header import Origin
    from kg.rdf.iris import Iris
    from kg.store import GraphStore


def index_cube(
    store: GraphStore,
    iris: Iris,
    source: NamedNode,
    origin: Origin,
    opened: OpenedSource,
    known: Known | None,
    progress: Callable[[int, int], None],
    *,
    cluster: str | None,
    patience_s: float,
) -> tuple[OpenedCube, Written]:
    """Bring the graph in line with a cube.

    Args:
        store: Where to write.
        iris: How IRIs are made.
        source: IRI of the cube.
        origin: Where its bytes come from and what they mean.
        opened: The cube's bytes.
        known: What the graph holds of the source.
        progress: Called with chunks done and chunks in all.
        cluster: Address of a Dask scheduler; None reads with threads of this process.
        patience_s: Seconds after which a chunk that has not been read is a gap.

    Returns:
        The cube, and what the run came to.

    Raises:
        SourceError: It cannot be opened as a cube; the graph is as it was.
    """
    mapping = origin.mapping
    if not isinstance(mapping, CubeMapping):
        raise TypeError("a cube has the mapping of a cube")
    cube = open_for_indexing(opened.cube)
    workers: Workers = Cluster(cluster) if cluster else Threads()
    description = describe_cube(cube, mapping, source)
    is_known = known is not None and known.url == origin.url and known.is_cube
    if known is not None and not is_known:
        remove_source(store, source)
    if is_known:
        set_status(store, source, DEEP.IndexPartial)
        remove_obsolete(store, source, cube.placement)
    header = header_quads(source, origin, description, opened.fingerprint, iris)
    replace_header(store, source, list(header))
    try:
        written = write_chunks(
            store,
            iris,
            source,
            cube,
            workers,
            is_known=is_known,
            is_simulated=mapping.source.simulated,
            patience_s=patience_s,
            progress=progress,
        )
    finally:
        workers.close()
    ended = [end_quad(below(source, "indexing"))]
    if written.gaps:
        ended.append(Quad(source, DEEP.gapCount, integer(written.gaps)))
    store.add(ended)
    set_status(store, source, DEEP.IndexComplete)
    return cube, written
