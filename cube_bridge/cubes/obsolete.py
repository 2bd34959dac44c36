"""What the graph says of a cube that is no longer so."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, product
from typing import TYPE_CHECKING

from pyoxigraph import DefaultGraph, NamedNode, Quad

from cube_bridge.cubes.iris import chunk_iri, tile_iri
from cube_bridge.cubes.layout import ChunkLayout, layout_of_text
from kg.rdf.iris import below
from kg.rdf.terms import text
from kg.rows import select
from kg.validation.shacl import validate_quads
from ontology.terms import DCAT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cube_bridge.cubes.axes import Placement
    from kg.store import GraphStore


#: Chunks that are looked up, or removed, by one query.
BATCH = 500


def remove_described(store: GraphStore, nodes: Iterable[NamedNode]) -> None:
    """Remove all that is said of some nodes."""
    remaining = iter(nodes)
    while part := list(islice(remaining, BATCH)):
        values = " ".join(map(str, part))
        store.update(f"DELETE {{ ?s ?p ?o }} WHERE {{ VALUES ?s {{ {values} }} ?s ?p ?o }}")


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
