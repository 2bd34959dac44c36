"""Tables of events (CSV): each row, with its place and time, becomes a feature of the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
from pydantic import Field
from pyoxigraph import NamedNode, Quad
from shapely import Point

from cube_bridge.errors import MappingError
from cube_bridge.kinds.csv_rows import (
    BLOCK_ROWS,
    LAT,
    LON,
    TIME,
    Located,
    extent_of,
    period_of,
    read_rows,
)
from cube_bridge.kinds.kind import SourceKind
from cube_bridge.sources.description import Block, Content, part_quads, variable_quads
from cube_bridge.sources.info import ColumnMapping, Name, SourceMapping
from kg.rdf.geometry import geometry_quads
from kg.rdf.iris import Iris, below
from kg.rdf.terms import double
from kg.rdf.times import instant, instant_quads
from ontology.terms import DEEP, SOSA, expand

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


class EventsMapping(SourceMapping, Located):
    """Rows of (place, time, values): each becomes a feature of its own."""

    kind: Literal["events"]
    event_class: Name
    property: Name
    """Class of what an event shows."""
    variables: list[ColumnMapping] = Field(default_factory=list)


def read_event_table(path: Path, mapping: EventsMapping, iris: Iris, source: NamedNode) -> Content:
    """Check a table of events and return it ready to be indexed.

    Raises:
        MappingError, TableError: See `cube_bridge.kinds.csv_rows.read_rows`.
    """
    for v in mapping.variables:
        if v.predicate is None:
            raise MappingError(f"column {v.column!r} of an event table needs a `predicate`")
    extent = extent_of(read_rows(path, mapping), path.name)
    header = variable_quads(
        source,
        "events",
        label=mapping.property.partition(":")[2] or "events",
        observed=mapping.property,
        cadence=mapping.time.cadence,
    )

    def blocks(done: frozenset[str]) -> Iterator[Block]:
        start = 0
        for rows in read_rows(path, mapping):
            key = str(start)
            if key not in done:
                yield key, list(_event_quads(rows, start, mapping, source, iris))
            start += len(rows)

    return Content(
        kind=DEEP.EventTable,
        media_type="text/csv",
        bbox=extent.bbox,
        period=period_of(extent.first, extent.last, mapping.time.cadence),
        header=tuple(header),
        block_count=-(-extent.rows // BLOCK_ROWS),
        blocks=blocks,
        item_count=extent.rows,
    )


def event_iri(source: NamedNode, position: int) -> NamedNode:
    """Return the IRI of the event in a row of a table; the first row after the header is 0."""
    return below(source, "event", str(position))


def _event_quads(
    rows: pd.DataFrame, start: int, mapping: EventsMapping, source: NamedNode, iris: Iris
) -> Iterator[Quad]:
    event_class = expand(mapping.event_class)
    predicates = [expand(v.predicate or "") for v in mapping.variables]
    columns = [rows[v.column].to_numpy() for v in mapping.variables]
    times = rows[TIME].dt.to_pydatetime()
    for moment in dict.fromkeys(times):
        yield from instant_quads(iris, moment)
    for i, (moment, lon, lat) in enumerate(zip(times, rows[LON], rows[LAT], strict=True)):
        event = event_iri(source, start + i)
        yield from part_quads(event, event_class, source)
        yield Quad(event, SOSA.phenomenonTime, instant(iris, moment))
        yield from geometry_quads(event, Point(lon, lat))
        for predicate, values in zip(predicates, columns, strict=True):
            if not np.isnan(values[i]):
                yield Quad(event, predicate, double(values[i]))


def load_events(path: Path, mapping: EventsMapping) -> pd.DataFrame:
    """Return all events: time (UTC), longitude, latitude and the mapped columns."""
    return pd.concat(list(read_rows(path, mapping)), ignore_index=True)


def _load(
    path: Path, mapping: EventsMapping, columns: Sequence[str], source: NamedNode
) -> gpd.GeoDataFrame:
    """Return time (UTC), columns and geometry (points, CRS84) of all events, with their IRIs."""
    rows = load_events(path, mapping)
    return gpd.GeoDataFrame(
        rows[[TIME, *columns]].assign(iri=[event_iri(source, i).value for i in range(len(rows))]),
        geometry=gpd.points_from_xy(rows[LON], rows[LAT]),
        crs="OGC:CRS84",
    )


KIND = SourceKind(
    name="events",
    mapping=EventsMapping,
    graph_class=DEEP.EventTable,
    media_types=("text/csv",),
    read=read_event_table,
    load=_load,
)
