"""Tables of time series at stations (CSV): indexed per series, the values stay in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import pandas as pd
import xarray as xr
from pydantic import Field
from pyoxigraph import Literal as RdfLiteral
from pyoxigraph import NamedNode, Quad
from shapely import Point

from cube_bridge.kinds.csv_rows import (
    LAT,
    LON,
    TIME,
    Located,
    extent_of,
    period_of,
    read_rows,
    refuse_repeated,
)
from cube_bridge.kinds.kind import SourceKind
from cube_bridge.sources.description import (
    Block,
    Content,
    part_quads,
    variable_iri,
    variable_quads,
)
from cube_bridge.sources.info import ColumnMapping, SourceMapping
from cube_bridge.sources.value_statistics import Accumulator, Statistics, statistics_quads
from cube_bridge.units.quantities import unit
from kg.rdf.geometry import geometry_quads
from kg.rdf.iris import Iris, below, coordinate, slug
from kg.rdf.terms import integer
from kg.rdf.times import interval
from ontology.terms import DCTERMS, DEEP, RDFS, expand

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from kg.rdf.times import Cadence


class SeriesMapping(SourceMapping, Located):
    """Rows of (station, time, values): indexed per series, the values stay in the file."""

    kind: Literal["series"]
    variables: Annotated[list[ColumnMapping], Field(min_length=1)]


def read_series_table(path: Path, mapping: SeriesMapping, iris: Iris, source: NamedNode) -> Content:
    """Check a table of time series and return it ready to be indexed.

    Raises:
        MappingError, TableError: See `cube_bridge.kinds.csv_rows.read_rows`.
        UnitError: The mapping names a unit that the ontology does not have.
    """
    stations = _Stations(mapping.variables)
    cadence = mapping.time.cadence
    extent = extent_of(_summarised(path, mapping, stations), path.name)
    period = period_of(extent.first, extent.last, cadence)
    steps = round(cadence.steps(*period)) if cadence.months else None

    def blocks(done: frozenset[str]) -> Iterator[Block]:
        node = interval(iris, *period)
        for row, point in enumerate(stations.points):
            key = _station_key(*point)
            if key not in done:
                found = {c: total.statistics(row) for c, total in stations.totals.items()}
                yield key, list(_station_quads(source, point, found, node, steps))

    return Content(
        kind=DEEP.SeriesTable,
        media_type="text/csv",
        bbox=extent.bbox,
        period=period,
        header=tuple(column_quads(source, mapping.variables, cadence)),
        block_count=len(stations.points),
        blocks=blocks,
        item_count=len(stations.points) * len(mapping.variables),
    )


class _Stations:
    """The stations of a table, in the order in which they come, with statistics of each."""

    def __init__(self, columns: Sequence[ColumnMapping]) -> None:
        self.points: dict[tuple[float, float], int] = {}
        """(longitude, latitude) to the row of the totals."""
        self.totals = {c.column: Accumulator() for c in columns}

    def add(self, block: pd.DataFrame) -> None:
        """Take checked rows."""
        group = block.groupby([LON, LAT], sort=False).ngroup().to_numpy()
        firsts = np.unique(group, return_index=True)[1]
        points = zip(
            block[LON].to_numpy()[firsts].tolist(),
            block[LAT].to_numpy()[firsts].tolist(),
            strict=True,
        )
        own = [self.points.setdefault(p, len(self.points)) for p in points]
        rows = np.array(own, dtype=np.intp)[group]
        for column, total in self.totals.items():
            total.add_at(rows, block[column].to_numpy(dtype=float))


def _summarised(path: Path, mapping: SeriesMapping, stations: _Stations) -> Iterator[pd.DataFrame]:
    """Yield the rows of a table, and add them up by station and column."""
    seen: set[int] = set()
    for block in read_rows(path, mapping):
        refuse_repeated(block, [LON, LAT, TIME], seen, path.name, mapping.time.cadence)
        stations.add(block)
        yield block


def _station_key(longitude: float, latitude: float) -> str:
    return f"{coordinate(longitude)}_{coordinate(latitude)}"


def station_iri(source: NamedNode, longitude: float, latitude: float) -> NamedNode:
    """Return the IRI of a station of a table."""
    return below(source, "station", _station_key(longitude, latitude))


def station_label(longitude: float, latitude: float) -> str:
    """Return how a station without a name is called: by its place."""
    return f"station at {_place_text(longitude, latitude)}"


def _place_text(longitude: float, latitude: float) -> str:
    return f"{latitude:g}°, {longitude:g}°"


def series_iri(source: NamedNode, longitude: float, latitude: float, column: str) -> NamedNode:
    """Return the IRI of one variable's series at a station."""
    return below(source, "series", _station_key(longitude, latitude), slug(column))


def _station_quads(
    source: NamedNode,
    point: tuple[float, float],
    columns: dict[str, Statistics],
    period: NamedNode,
    steps: int | None,
) -> Iterator[Quad]:
    station = station_iri(source, *point)
    place = _place_text(*point)
    yield from part_quads(station, DEEP.Station, source)
    yield Quad(station, RDFS.label, RdfLiteral(station_label(*point)))
    yield from geometry_quads(station, Point(*point))
    for column, statistics in columns.items():
        series = series_iri(source, *point, column)
        yield from part_quads(series, DEEP.Series, source)
        yield Quad(series, RDFS.label, RdfLiteral(f"{column.strip()} at {place}"))
        yield Quad(series, DEEP.atStation, station)
        yield from series_quads(series, source, column, statistics, period, steps)


def column_quads(
    source: NamedNode, columns: Sequence[ColumnMapping], cadence: Cadence
) -> Iterator[Quad]:
    """Yield what the graph says of the columns of a table of series.

    Raises:
        UnitError: The mapping names a unit that the ontology does not have.
    """
    for column in columns:
        yield from variable_quads(
            source,
            column.column,
            label=column.label,
            observed=column.property,
            unit=unit(expand(column.unit)).iri if column.unit else None,
            cadence=cadence,
        )


def series_quads(
    series: NamedNode,
    source: NamedNode,
    column: str,
    statistics: Statistics,
    period: NamedNode,
    steps: int | None,
) -> Iterator[Quad]:
    """Yield what the graph says of a series wherever it is.

    Args:
        series: Its IRI.
        source: The table that it is in.
        column: The variable.
        statistics: Of its values.
        period: The interval that the table is about.
        steps: How many values a series without gaps would have in the period; None if unknown.
    """
    yield Quad(series, DEEP.ofVariable, variable_iri(source, column))
    yield Quad(series, DCTERMS.temporal, period)
    yield from statistics_quads(series, statistics)
    if steps is not None:
        yield Quad(series, DEEP.missingCount, integer(steps - statistics.valid_count))


def load_series(path: Path, mapping: SeriesMapping, columns: Sequence[str]) -> xr.Dataset:
    """Return columns of a table of time series as arrays.

    Returns:
        One variable a column, (station, time) float32, NaN where the table has no row;
        coordinates longitude and latitude (station) in the order of the table, and time, in
        UTC: those that rows have; where rows are about calendar months or years, the beginnings
        of all from the first to the last.

    Raises:
        TableError: Two rows speak of the same station and time.
    """
    cadence = mapping.time.cadence
    rows = pd.concat(list(read_rows(path, mapping)), ignore_index=True)
    refuse_repeated(rows, [LON, LAT, TIME], set(), path.name, cadence)
    rows["station"] = rows.groupby([LON, LAT], sort=False).ngroup()
    points = rows.groupby("station")[[LON, LAT]].first()
    wide = rows.pivot_table(index="station", columns=TIME, values=list(columns), dropna=False)
    times = pd.DatetimeIndex(sorted(rows[TIME].unique())).tz_localize(None)
    found = xr.Dataset(
        {c: (("station", TIME), wide[c].to_numpy(dtype=np.float32)) for c in columns},
        coords={
            LON: ("station", points[LON].to_numpy()),
            LAT: ("station", points[LAT].to_numpy()),
            TIME: times,
        },
    )
    if not cadence.months:
        return found
    return found.reindex({TIME: steps_between(times[0], times[-1], cadence)})


def steps_between(first: pd.Timestamp, last: pd.Timestamp, cadence: Cadence) -> pd.DatetimeIndex:
    """Return the beginnings of all steps of a cadence from one to another, both included."""
    offset = (
        pd.DateOffset(months=cadence.months)
        if cadence.months
        else pd.Timedelta(seconds=cadence.seconds)
    )
    return pd.date_range(first, last, freq=offset)


def _load(
    path: Path, mapping: SeriesMapping, columns: Sequence[str], source: NamedNode
) -> xr.Dataset:
    """Return what `load_series` does, (place, time), with IRIs and labels of the stations."""
    found = load_series(path, mapping, columns).rename(station="place")
    points = list(zip(found[LON].to_numpy(), found[LAT].to_numpy(), strict=True))
    return found.assign_coords(
        iri=("place", [station_iri(source, *p).value for p in points]),
        label=("place", [station_label(*p) for p in points]),
    )


KIND = SourceKind(
    name="series",
    mapping=SeriesMapping,
    graph_class=DEEP.SeriesTable,
    media_types=("text/csv",),
    read=read_series_table,
    load=_load,
)
