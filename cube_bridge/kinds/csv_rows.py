"""Rows of CSV tables: each checked, read in blocks, errors by row and column."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np
import pandas as pd
from pydantic import model_validator

from cube_bridge.errors import MappingError, TableError
from cube_bridge.sources.info import ColumnMapping, Strict, Text, TimeColumn
from kg.rdf.geometry import BBox

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from kg.rdf.times import Cadence

#: Rows read at a time.
BLOCK_ROWS = 10_000
TIME, LON, LAT = "time", "longitude", "latitude"


class Located(Strict):
    """What the mapping of rows with a place and a time says."""

    longitude: Text
    latitude: Text
    time: TimeColumn

    @model_validator(mode="after")
    def _distinct_columns(self) -> Self:
        if len({self.longitude, self.latitude, self.time.column}) < 3:
            raise ValueError("longitude, latitude and time must be three columns")
        return self


class PointRows(Protocol):
    """A mapping of rows that each have a point, a time and values."""

    @property
    def longitude(self) -> str:
        """Column of the longitude."""

    @property
    def latitude(self) -> str:
        """Column of the latitude."""

    @property
    def time(self) -> TimeColumn:
        """Where a row's time is."""

    @property
    def variables(self) -> list[ColumnMapping]:
        """The columns of numbers."""


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How many rows a table has, and what they span."""

    rows: int
    bbox: BBox
    first: datetime
    """Time of the earliest row."""
    last: datetime
    """Time of the latest row."""


def read_rows(path: Path, mapping: PointRows) -> Iterator[pd.DataFrame]:
    """Yield checked rows in blocks: columns time (UTC), longitude, latitude and the variables.

    Where rows are about calendar months or years, `time` is the beginning of theirs.

    Raises:
        MappingError: A column of the mapping is not in the table.
        TableError: Names the row and column of the first value that cannot be read.
    """
    wanted = [mapping.time.column, mapping.longitude, mapping.latitude]
    wanted += [v.column for v in mapping.variables]
    for first_row, raw in raw_blocks(path, wanted):
        rows = pd.DataFrame({TIME: times_of(raw, mapping.time, first_row)})
        for name, column, bound in ((LON, mapping.longitude, 180), (LAT, mapping.latitude, 90)):
            rows[name] = pd.to_numeric(raw[column], errors="coerce")
            wrong = ~rows[name].abs().le(bound)
            what = f"is no {name} in degrees"
            refuse(raw[column], wrong, first_row, what, f"-{bound} to {bound}")
        for v in mapping.variables:
            rows[v.column] = numbers_of(raw, v, first_row)
        yield rows


def raw_blocks(path: Path, wanted: list[str]) -> Iterator[tuple[int, pd.DataFrame]]:
    """Yield the number of the first row, and the rows as text, of each block of a table.

    Rows are numbered as in a spreadsheet: the header is row 1.

    Args:
        path: The table.
        wanted: Columns that it must have, each once.

    Raises:
        MappingError: One of the columns is not in the table.
        TableError: It is no CSV table, or has a column twice.
    """
    _check_columns(path, wanted)
    first_row = 2
    try:
        # All columns are parsed, so that a row with too many fields is an error, not cut short.
        with pd.read_csv(path, dtype=str, chunksize=BLOCK_ROWS, index_col=False) as reader:
            for raw in reader:
                yield first_row, raw
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


def times_of(raw: pd.DataFrame, column: TimeColumn, first_row: int) -> pd.Series:
    """Return the times of rows in UTC; the beginning of the calendar month or year they are about.

    Raises:
        TableError: A time cannot be read.
    """
    text = raw[column.column]
    time = pd.to_datetime(text, format=column.format or "ISO8601", errors="coerce", utc=True)
    refuse(text, time.isna(), first_row, "is no date", column.format)
    if not column.cadence.months:
        return time
    # As `Cadence.begin_of` has it, for all rows at once.
    unit = "Y" if column.cadence.months % 12 == 0 else "M"
    begin = time.dt.tz_localize(None).to_numpy().astype(f"datetime64[{unit}]")
    return pd.Series(begin.astype("datetime64[s]"), index=time.index).dt.tz_localize(UTC)


def numbers_of(raw: pd.DataFrame, column: ColumnMapping, first_row: int) -> pd.Series:
    """Return a column of rows as numbers, NaN where it is empty.

    Raises:
        TableError: A value is no number, or outside the range that the mapping gives.
    """
    text = raw[column.column]
    values = pd.to_numeric(text, errors="coerce")
    refuse(text, (values.isna() & text.notna()) | np.isinf(values), first_row, "is no number")
    if column.valid_range is not None:
        low, high = column.valid_range
        wrong = values.notna() & ~values.between(low, high)
        refuse(text, wrong, first_row, "cannot be true", f"{low:g} to {high:g}")
    return values


def refuse(
    column: pd.Series, wrong: pd.Series, first_row: int, what: str, expected: str | None = None
) -> None:
    """Raise an error about the first value of a column that is wrong, if one is.

    Args:
        column: (rows,) as text.
        wrong: (rows,) which are wrong.
        first_row: Number of the first row.
        what: What is wrong with it: "is no number".
        expected: What it should have been.

    Raises:
        TableError: Names the row and the column.
    """
    if wrong.any():
        position = int(np.flatnonzero(wrong.to_numpy())[0])
        hint = f" (expected: {expected})" if expected else ""
        raise TableError(
            f"row {first_row + position}, column {column.name!r}: "
            f"{column.iloc[position]!r} {what}{hint}; correct the file or the mapping"
        )


def refuse_repeated(
    block: pd.DataFrame, keys: list[str], seen: set[int], name: str, cadence: Cadence
) -> None:
    """Refuse a second row for one place and time.

    Args:
        block: Rows with the columns of the keys.
        keys: Columns that tell the place, then that of the time.
        seen: Hashes of the rows before; those of this block are added.
        name: Of the table, for the message.
        cadence: Of the rows.

    Raises:
        TableError: There is one.
    """
    hashes = pd.util.hash_pandas_object(block[keys], index=False)
    repeated = hashes.duplicated() | hashes.isin(seen)
    if repeated.any():
        *place, time = block.loc[repeated.to_numpy(), keys].iloc[0]
        where = ", ".join(f"{p:g}" if isinstance(p, float) else str(p) for p in place)
        when = f"{time:%Y-%m}" if cadence.months else time
        raise TableError(f"{name} has two rows for {where} at {when}; keep one of them")
    seen.update(hashes.tolist())


def extent_of(blocks: Iterable[pd.DataFrame], name: str) -> Extent:
    """Return what all rows of a table span: nothing is written before each has been checked.

    Raises:
        TableError: There are no rows.
    """
    rows = 0
    west = south = np.inf
    east = north = -np.inf
    first, last = pd.Timestamp.max.tz_localize(UTC), pd.Timestamp.min.tz_localize(UTC)
    for block in blocks:
        rows += len(block)
        west, east = min(west, block[LON].min()), max(east, block[LON].max())
        south, north = min(south, block[LAT].min()), max(north, block[LAT].max())
        first, last = min(first, block[TIME].min()), max(last, block[TIME].max())
    if not rows:
        raise TableError(f"{name} has a header but no rows")
    return Extent(
        rows=rows,
        bbox=BBox(west=float(west), south=float(south), east=float(east), north=float(north)),
        first=first.to_pydatetime(),
        last=last.to_pydatetime(),
    )


def period_of(first: datetime, last: datetime, cadence: Cadence) -> tuple[datetime, datetime]:
    """Return the period that rows are about: whole calendar months or years, or whole days."""
    if cadence.months:
        return cadence.begin_of(first), cadence.after(cadence.begin_of(last))
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC)
    end = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1)
    return begin, end
