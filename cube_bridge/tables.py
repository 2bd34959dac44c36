"""Tables of time series and of events (CSV): checked row by row, read in blocks."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr
from pyoxigraph import Literal, NamedNode, Quad
from shapely import Point

from cube_bridge.content import (
    Block,
    Content,
    Statistics,
    part_quads,
    statistics_quads,
    variable_iri,
    variable_quads,
)
from cube_bridge.errors import MappingError, TableError
from cube_bridge.quantities import unit
from kg.geometry import BBox, geometry_quads
from kg.iris import Iris, below, coordinate, slug
from kg.query import double
from kg.temporal import duration_seconds, instant, instant_quads, interval
from ontology.terms import DCTERMS, DEEP, RDFS, SOSA, expand

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cube_bridge.mapping import EventsMapping, SeriesMapping, TableMapping

#: Rows read, and events written, at a time.
_ROWS = 10_000
_TIME, _LON, _LAT = "time", "longitude", "latitude"


@dataclass(frozen=True, kw_only=True)
class _Scan:
    """What one pass over a table found."""

    rows: int
    bbox: BBox
    first: datetime
    last: datetime
    series: dict[tuple[float, float], dict[str, _Accumulator]]
    """By (longitude, latitude) and column; empty for events."""


class _Accumulator:
    """Statistics of a stream of values."""

    def __init__(self) -> None:
        self.count = 0
        self.minimum, self.maximum = np.inf, -np.inf
        self.sum = self.sum_of_squares = 0.0

    def add(self, values: np.ndarray) -> None:
        valid = values[~np.isnan(values)]
        if valid.size:
            self.count += valid.size
            self.minimum = min(self.minimum, float(valid.min()))
            self.maximum = max(self.maximum, float(valid.max()))
            self.sum += float(valid.sum())
            self.sum_of_squares += float((valid**2).sum())

    def statistics(self) -> Statistics:
        return Statistics(
            valid_count=self.count,
            minimum=self.minimum,
            maximum=self.maximum,
            mean=self.sum / self.count if self.count else np.nan,
            sum_of_squares=self.sum_of_squares,
        )


def read_rows(path: Path, mapping: TableMapping) -> Iterator[pd.DataFrame]:
    """Yield checked rows in blocks: columns time (UTC), longitude, latitude and the variables.

    Raises:
        MappingError: A column of the mapping is not in the table.
        TableError: Names the row and column of the first value that cannot be read.
    """
    wanted = [mapping.time.column, mapping.longitude, mapping.latitude]
    wanted += [v.column for v in mapping.variables]
    _check_columns(path, wanted)
    first_row = 2  # the header is row 1, as in a spreadsheet
    try:
        # All columns are parsed, so that a row with too many fields is an error, not cut short.
        with pd.read_csv(path, dtype=str, chunksize=_ROWS, index_col=False) as reader:
            for raw in reader:
                yield _checked(raw, mapping, first_row)
                first_row += len(raw)
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise TableError(f"{path.name} is no CSV table: {error}") from error


def _check_columns(path: Path, wanted: list[str]) -> None:
    try:
        columns = list(pd.read_csv(path, nrows=0).columns)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise TableError(f"{path.name} is no CSV table: {error}") from error
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        header = next(csv.reader(file), [])
    twice = sorted({c for c in wanted if header.count(c) > 1})
    if twice:
        raise TableError(f"{path.name} has several columns called {', '.join(map(repr, twice))}")
    missing = [c for c in wanted if c not in columns]
    if missing:
        raise MappingError(
            f"the mapping names columns that {path.name} does not have: "
            f"{', '.join(map(repr, missing))}; it has {', '.join(map(repr, columns))}"
        )


def _checked(raw: pd.DataFrame, mapping: TableMapping, first_row: int) -> pd.DataFrame:
    time = pd.to_datetime(
        raw[mapping.time.column], format=mapping.time.format or "ISO8601", errors="coerce", utc=True
    )
    _refuse(raw[mapping.time.column], time.isna(), first_row, "is no date", mapping.time.format)
    rows = pd.DataFrame({_TIME: time})
    for name, column, bound in (
        (_LON, mapping.longitude, 180),
        (_LAT, mapping.latitude, 90),
    ):
        rows[name] = pd.to_numeric(raw[column], errors="coerce")
        wrong = ~rows[name].abs().le(bound)
        _refuse(raw[column], wrong, first_row, f"is no {name} in degrees", f"-{bound} to {bound}")
    for v in mapping.variables:
        values = pd.to_numeric(raw[v.column], errors="coerce")
        wrong = (values.isna() & raw[v.column].notna()) | np.isinf(values)
        _refuse(raw[v.column], wrong, first_row, "is no number")
        if v.valid_range is not None:
            low, high = v.valid_range
            wrong = values.notna() & ~values.between(low, high)
            _refuse(raw[v.column], wrong, first_row, "cannot be true", f"{low:g} to {high:g}")
        rows[v.column] = values
    return rows


def _refuse(
    column: pd.Series, wrong: pd.Series, first_row: int, what: str, expected: str | None = None
) -> None:
    if wrong.any():
        position = int(np.flatnonzero(wrong.to_numpy())[0])
        hint = f" (expected: {expected})" if expected else ""
        raise TableError(
            f"row {first_row + position}, column {column.name!r}: "
            f"{column.iloc[position]!r} {what}{hint}; correct the file or the mapping"
        )


def _scan(path: Path, mapping: TableMapping) -> _Scan:
    """Read the whole table once: nothing is written before every row has been checked."""
    series: dict[tuple[float, float], dict[str, _Accumulator]] = {}
    rows = 0
    seen: set[int] = set()
    west = south = np.inf
    east = north = -np.inf
    first, last = pd.Timestamp.max.tz_localize(UTC), pd.Timestamp.min.tz_localize(UTC)
    for block in read_rows(path, mapping):
        rows += len(block)
        west, east = min(west, block[_LON].min()), max(east, block[_LON].max())
        south, north = min(south, block[_LAT].min()), max(north, block[_LAT].max())
        first, last = min(first, block[_TIME].min()), max(last, block[_TIME].max())
        if mapping.kind == "series":
            _refuse_repeated(block, seen, path.name)
            for point, group in block.groupby([_LON, _LAT], sort=False):
                columns = series.setdefault(point, {})  # type: ignore[arg-type]
                for v in mapping.variables:
                    values = group[v.column].to_numpy(dtype=float)
                    columns.setdefault(v.column, _Accumulator()).add(values)
    if not rows:
        raise TableError(f"{path.name} has a header but no rows")
    return _Scan(
        rows=rows,
        bbox=BBox(west=float(west), south=float(south), east=float(east), north=float(north)),
        first=first.to_pydatetime(),
        last=last.to_pydatetime(),
        series=series,
    )


def _refuse_repeated(block: pd.DataFrame, seen: set[int], name: str) -> None:
    """Refuse a second row for one station and time; `seen` holds hashes of the rows before."""
    keys = [_LON, _LAT, _TIME]
    hashes = pd.util.hash_pandas_object(block[keys], index=False)
    repeated = hashes.duplicated() | hashes.isin(seen)
    if repeated.any():
        lon, lat, time = block.loc[repeated.to_numpy(), keys].iloc[0]
        raise TableError(f"{name} has two rows for {lon:g}, {lat:g} at {time}; keep one of them")
    seen.update(hashes.tolist())


def _whole_days(first: datetime, last: datetime) -> tuple[datetime, datetime]:
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC)
    end = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1)
    return begin, end


def read_series_table(path: Path, mapping: SeriesMapping, source: NamedNode, iris: Iris) -> Content:
    """Check a table of time series and return it ready to be indexed.

    Raises:
        MappingError, TableError: See `read_rows`.
        UnitError: The mapping names a unit that the ontology does not have.
    """
    scan = _scan(path, mapping)
    period = _whole_days(scan.first, scan.last)
    header = [
        quad
        for v in mapping.variables
        for quad in variable_quads(
            source,
            v.column,
            label=v.label,
            observed=v.property,
            unit=unit(expand(v.unit)).iri if v.unit else None,
            sampling_s=duration_seconds(mapping.time.resolution),
        )
    ]

    def blocks(done: frozenset[str]) -> Iterator[Block]:
        for point, columns in scan.series.items():
            key = _station_key(*point)
            if key not in done:
                yield key, list(_station_quads(source, point, columns, interval(iris, *period)))

    return Content(
        kind=DEEP.SeriesTable,
        media_type="text/csv",
        bbox=scan.bbox,
        period=period,
        header=tuple(header),
        block_count=len(scan.series),
        blocks=blocks,
        item_count=len(scan.series) * len(mapping.variables),
    )


def _station_key(longitude: float, latitude: float) -> str:
    return f"{coordinate(longitude)}_{coordinate(latitude)}"


def station_iri(source: NamedNode, longitude: float, latitude: float) -> NamedNode:
    """Return the IRI of a station of a table."""
    return below(source, "station", _station_key(longitude, latitude))


def series_iri(source: NamedNode, longitude: float, latitude: float, column: str) -> NamedNode:
    """Return the IRI of one variable's series at a station."""
    return below(source, "series", _station_key(longitude, latitude), slug(column))


def _station_quads(
    source: NamedNode,
    point: tuple[float, float],
    columns: dict[str, _Accumulator],
    period: NamedNode,
) -> Iterator[Quad]:
    station = station_iri(source, *point)
    yield from part_quads(station, DEEP.Station, source)
    yield Quad(station, RDFS.label, Literal(f"station at {point[1]:g}°, {point[0]:g}°"))
    yield from geometry_quads(station, Point(*point))
    for column, accumulator in columns.items():
        place = f"{point[1]:g}°, {point[0]:g}°"
        series = series_iri(source, *point, column)
        yield from part_quads(series, DEEP.Series, source)
        yield Quad(series, RDFS.label, Literal(f"{column.strip()} at {place}"))
        yield Quad(series, DEEP.atStation, station)
        yield Quad(series, DEEP.ofVariable, variable_iri(source, column))
        yield Quad(series, DCTERMS.temporal, period)
        yield from statistics_quads(series, accumulator.statistics())


def read_event_table(path: Path, mapping: EventsMapping, source: NamedNode, iris: Iris) -> Content:
    """Check a table of events and return it ready to be indexed.

    Raises:
        MappingError, TableError: See `read_rows`.
    """
    for v in mapping.variables:
        if v.predicate is None:
            raise MappingError(f"column {v.column!r} of an event table needs a `predicate`")
    scan = _scan(path, mapping)
    header = list(
        variable_quads(
            source,
            "events",
            label=mapping.property.partition(":")[2] or "events",
            observed=mapping.property,
            sampling_s=duration_seconds(mapping.time.resolution),
        )
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
        bbox=scan.bbox,
        period=_whole_days(scan.first, scan.last),
        header=tuple(header),
        block_count=-(-scan.rows // _ROWS),
        blocks=blocks,
        item_count=scan.rows,
    )


def _event_quads(
    rows: pd.DataFrame, start: int, mapping: EventsMapping, source: NamedNode, iris: Iris
) -> Iterator[Quad]:
    event_class = expand(mapping.event_class)
    predicates = [expand(v.predicate or "") for v in mapping.variables]
    columns = [rows[v.column].to_numpy() for v in mapping.variables]
    times = rows[_TIME].dt.to_pydatetime()
    for moment in dict.fromkeys(times):
        yield from instant_quads(iris, moment)
    for i, (moment, lon, lat) in enumerate(zip(times, rows[_LON], rows[_LAT], strict=True)):
        event = below(source, "event", str(start + i))
        yield from part_quads(event, event_class, source)
        yield Quad(event, SOSA.phenomenonTime, instant(iris, moment))
        yield from geometry_quads(event, Point(lon, lat))
        for predicate, values in zip(predicates, columns, strict=True):
            if not np.isnan(values[i]):
                yield Quad(event, predicate, double(values[i]))


def load_series(path: Path, mapping: SeriesMapping, columns: list[str]) -> xr.Dataset:
    """Return columns of a table of time series as arrays.

    Returns:
        One variable a column, (station, time) float32, NaN where the table has no row;
        coordinates longitude and latitude (station) and time, in the order of the table.

    Raises:
        TableError: Two rows speak of the same station and time.
    """
    rows = pd.concat(list(read_rows(path, mapping)), ignore_index=True)
    _refuse_repeated(rows, set(), path.name)
    rows["station"] = rows.groupby([_LON, _LAT], sort=False).ngroup()
    points = rows.groupby("station")[[_LON, _LAT]].first()
    wide = rows.pivot_table(index="station", columns=_TIME, values=columns, dropna=False)
    times = pd.DatetimeIndex(sorted(rows[_TIME].unique())).tz_localize(None)
    return xr.Dataset(
        {c: (("station", "time"), wide[c].to_numpy(dtype=np.float32)) for c in columns},
        coords={
            _LON: ("station", points[_LON].to_numpy()),
            _LAT: ("station", points[_LAT].to_numpy()),
            "time": times,
        },
    )


def load_events(path: Path, mapping: EventsMapping) -> pd.DataFrame:
    """Return all events: time (UTC), longitude, latitude and the mapped columns."""
    return pd.concat(list(read_rows(path, mapping)), ignore_index=True)
