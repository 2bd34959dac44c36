"""From the graph back to data: a variable, a box and a period become a lazy array."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

import numpy as np
from pyoxigraph import Literal, NamedNode

from cube_bridge.datasets import locate
from cube_bridge.errors import SourceError, SourceNotFoundError
from cube_bridge.grids import grid_of
from cube_bridge.indexing import fingerprint
from cube_bridge.mapping import CubeMapping, Mapping, mapping_from_json
from cube_bridge.opener import moments, open_cube
from kg.query import select, text
from ontology.terms import DEEP

if TYPE_CHECKING:
    from datetime import datetime

    import xarray as xr

    from kg.geometry import BBox
    from kg.store import GraphStore


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """A source of the graph, as a file that can be read."""

    iri: NamedNode
    path: Path
    mapping: Mapping
    """The mapping by which it was indexed."""


@dataclass(frozen=True, kw_only=True)
class ChunkReference:
    """One chunk that a selection touches."""

    iri: NamedNode
    minimum: float | None
    """None where the chunk holds no valid value."""
    maximum: float | None


def source_file(store: GraphStore, source: NamedNode) -> SourceFile:
    """Return where a source's bytes are on this machine, fetching them if they must be.

    Raises:
        SourceNotFoundError: The graph knows no such source, or its file has gone.
        SourceError: The file is not the one that was indexed: of another size, or, for a table,
            with other bytes. (A cube may be too large to be hashed at every read.)
    """
    rows = select(
        store,
        f"""SELECT ?mapping ?url ?name ?size ?fingerprint WHERE {{
              {source} deep:mapping ?mapping ; deep:fingerprint ?fingerprint ;
                       dcat:distribution/dcat:downloadURL ?url .
              OPTIONAL {{ {source} dcat:distribution/dcat:byteSize ?size }}
              OPTIONAL {{ {source} deep:registeredAs ?name }} }}""",
    )
    if not rows:
        raise SourceNotFoundError(f"the graph knows no source {source}; `deepcube index` adds one")
    row = rows[0]
    if "name" in row:
        path = locate(text(row["name"]))
    else:
        path = Path(unquote(urlparse(text(row["url"])).path))
        if not path.exists():
            raise SourceNotFoundError(f"{path}, the file of {source}, has gone; index it anew")
    mapping = mapping_from_json(text(row["mapping"]))
    changed = "size" in row and path.stat().st_size != int(text(row["size"]))
    if not isinstance(mapping, CubeMapping):
        changed = changed or fingerprint(path, mapping) != text(row["fingerprint"])
    if changed:
        raise SourceError(f"{path} has changed since it was indexed; index it anew, then plan anew")
    return SourceFile(iri=source, path=path, mapping=mapping)


def chunks_of(
    store: GraphStore, variable: NamedNode, bbox: BBox, begin: datetime, end: datetime
) -> list[ChunkReference]:
    """Return the chunks of a cube's variable that touch a box and a period.

    A cube without time is touched by any period.
    """
    rows = select(
        store,
        f"""SELECT ?chunk ?minimum ?maximum WHERE {{
          ?chunk deep:ofVariable {variable} ; deep:inTile/geo:hasDefaultGeometry/geo:asWKT ?wkt .
          OPTIONAL {{ ?chunk deep:minimum ?minimum ; deep:maximum ?maximum }}
          OPTIONAL {{ ?chunk dcterms:temporal [
              time:hasBeginning/time:inXSDDateTimeStamp ?from ;
              time:hasEnd/time:inXSDDateTimeStamp ?to ] }}
          FILTER(geof:sfIntersects(?wkt, "{bbox.polygon().wkt}"^^geo:wktLiteral))
          FILTER(!BOUND(?from) || (?from < "{_stamp(end)}"^^xsd:dateTime
                                   && ?to >= "{_stamp(begin)}"^^xsd:dateTime))
        }} ORDER BY ?chunk""",
    )
    return [
        ChunkReference(
            iri=NamedNode(text(row["chunk"])),
            minimum=float(text(row["minimum"])) if "minimum" in row else None,
            maximum=float(text(row["maximum"])) if "maximum" in row else None,
        )
        for row in rows
    ]


def select_array(
    store: GraphStore, variable: NamedNode, bbox: BBox, begin: datetime, end: datetime
) -> xr.DataArray:
    """Return a cube's variable over a box and a period; nothing is read before it is computed.

    Args:
        store: The graph that the cube is indexed in.
        variable: IRI of the variable.
        bbox: Rows and columns that have a cell whose centre lies in it are selected.
        begin: First moment.
        end: Moment after the last.

    Returns:
        In the order of the cube, (time, y, x) as a rule; empty where nothing lies there.

    Raises:
        SourceNotFoundError: The graph knows no such variable of a cube.
    """
    sources = [
        q.object
        for q in store.quads(variable, DEEP.variableOf, None, None)
        if isinstance(q.object, NamedNode)
    ]
    names = [
        q.object.value
        for q in store.quads(variable, DEEP.variableName, None, None)
        if isinstance(q.object, Literal)
    ]
    if not sources or not names:
        raise SourceNotFoundError(f"the graph knows no variable {variable}")
    dataset = open_cube(source_file(store, sources[0]).path)
    grid = grid_of(dataset, names[0])
    array = dataset[names[0]]
    chosen = dict(zip(grid.dims, grid.positions_in(bbox), strict=True))
    if grid.time is not None and grid.time in array.dims:
        first, last = begin.replace(tzinfo=None), end.replace(tzinfo=None)
        times = moments(dataset, grid.time)
        chosen[grid.time] = np.array(
            [i for i, t in enumerate(times) if first <= t < last], dtype=int
        )
    return array.isel(chosen)


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
