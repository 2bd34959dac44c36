"""The values of series of named regions: a long table (CSV), or a matrix beside its labels."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from cube_bridge.errors import SourceError, SourceNotFoundError, TableError
from cube_bridge.kinds.csv_rows import (
    TIME,
    numbers_of,
    raw_blocks,
    refuse,
    refuse_repeated,
    times_of,
)
from cube_bridge.kinds.series import steps_between

if TYPE_CHECKING:
    from pathlib import Path

    from cube_bridge.kinds.region_mapping import RegionMatrix, RegionRows, RegionSeriesMapping
    from cube_bridge.sources.info import ColumnMapping

_REGION = "region"
_SECOND = pd.Timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class RegionRow:
    """A region as a file names it."""

    code: str
    name: str


@dataclass(frozen=True, kw_only=True)
class RegionValues:
    """The content of a file of series of regions: a matrix (region, time) for each variable."""

    regions: tuple[RegionRow, ...]
    times: pd.DatetimeIndex
    """(time,) beginnings of all steps from the first to the last, UTC without a zone."""
    columns: dict[str, np.ndarray]
    """By name: (region, time), NaN where a value is missing."""


def read_values(path: Path, mapping: RegionSeriesMapping) -> RegionValues:
    """Return what a file holds, checked.

    Raises:
        MappingError: The mapping does not fit the file.
        TableError: A row or a number cannot be read.
        SourceNotFoundError: The labels of a matrix are not beside it.
    """
    if mapping.rows is not None:
        return _read_rows(path, mapping, mapping.rows)
    return _read_matrix(path, mapping, cast("RegionMatrix", mapping.matrix))


def _read_rows(path: Path, mapping: RegionSeriesMapping, form: RegionRows) -> RegionValues:
    wanted = [form.region, form.time.column, *([form.name] if form.name else [])]
    wanted += [v.column for v in mapping.variables]
    seen: set[int] = set()
    blocks = []
    for first_row, raw in raw_blocks(path, wanted):
        refuse(raw[form.region], raw[form.region].isna(), first_row, "names no region")
        code = raw[form.region].str.strip()
        name = raw[form.name].fillna(code) if form.name else _named(mapping, code)
        rows = pd.DataFrame({_REGION: code, "name": name})
        rows[TIME] = times_of(raw, form.time, first_row)
        rows["written"] = raw[form.time.column]
        for v in mapping.variables:
            rows[v.column] = numbers_of(raw, v, first_row)
        refuse_repeated(rows, [_REGION, TIME], seen, path.name, mapping.cadence)
        blocks.append(rows)
    if not blocks:
        raise TableError(f"{path.name} has a header but no rows")
    return _pivoted(pd.concat(blocks, ignore_index=True), mapping, form.time.column)


def _named(mapping: RegionSeriesMapping, code: pd.Series) -> pd.Series:
    return code.map(lambda c: mapping.regions.name.replace("{code}", c))


def _pivoted(rows: pd.DataFrame, mapping: RegionSeriesMapping, column: str) -> RegionValues:
    """Return rows as matrices, with a column for each step from the first to the last."""
    moments = pd.DatetimeIndex(rows[TIME].dt.tz_localize(None))
    times = steps_between(moments.min(), moments.max(), mapping.cadence)
    step = times.get_indexer(moments)
    refuse(
        rows["written"].rename(column),
        pd.Series(step < 0),
        2,
        f"is no whole number of steps of {mapping.cadence.text} after the first",
    )
    place, codes = pd.factorize(rows[_REGION])
    names = rows.groupby(place)["name"].first()
    columns = {}
    for v in mapping.variables:
        columns[v.column] = np.full((len(codes), len(times)), np.nan)
        columns[v.column][place, step] = rows[v.column].to_numpy()
    regions = tuple(RegionRow(code=str(c), name=str(n)) for c, n in zip(codes, names, strict=True))
    return RegionValues(regions=regions, times=times, columns=columns)


def _read_matrix(path: Path, mapping: RegionSeriesMapping, form: RegionMatrix) -> RegionValues:
    try:
        matrix = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise SourceError(f"{path.name} is no matrix of numbers (.npy): {error}") from error
    if not isinstance(matrix, np.ndarray) or matrix.ndim != 2 or matrix.dtype.kind not in "iuf":
        raise SourceError(f"{path.name} holds no matrix of numbers, region x time")
    regions = _labels(path.with_name(form.labels), mapping)
    if matrix.shape[0] != len(regions) or not matrix.size:
        raise TableError(
            f"{path.name} has {matrix.shape[0]} rows and {matrix.shape[1]} columns, but "
            f"{form.labels} names {len(regions)} regions; they must be of one order and number"
        )
    cadence, count = mapping.cadence, matrix.shape[1]
    first = pd.to_datetime(form.begin, format="ISO8601", utc=True)
    if cadence.months:
        first = pd.Timestamp(cadence.begin_of(first))
    first = first.tz_localize(None)
    offset = pd.DateOffset(months=cadence.months) if cadence.months else cadence.seconds * _SECOND
    times = pd.date_range(first, periods=count, freq=offset)
    (column,) = mapping.variables
    _check_numbers(matrix, column, regions, times, path.name)
    return RegionValues(regions=regions, times=times, columns={column.column: matrix})


def _labels(path: Path, mapping: RegionSeriesMapping) -> tuple[RegionRow, ...]:
    """Return the regions of the rows of a matrix."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SourceNotFoundError(
            f"no file {path}, the labels of the rows; put it there"
        ) from error
    except ValueError as error:
        raise TableError(f"{path.name} is no JSON: {error}") from error
    if not isinstance(entries, list) or not entries:
        raise TableError(f"{path.name} is no list of regions")
    regions = []
    for row, entry in enumerate(entries):
        code = entry.get("code") if isinstance(entry, dict) else entry
        if not isinstance(code, str) or not code.strip():
            raise TableError(f"{path.name}, entry {row}: {entry!r} names no region; write its code")
        given = entry.get("name") if isinstance(entry, dict) else None
        name = given if isinstance(given, str) else mapping.regions.name.replace("{code}", code)
        regions.append(RegionRow(code=code, name=name))
    codes = [r.code for r in regions]
    twice = next((c for i, c in enumerate(codes) if c in codes[:i]), None)
    if twice is not None:
        raise TableError(f"{path.name} has region {twice!r} twice; keep one of them")
    return tuple(regions)


def _check_numbers(
    matrix: np.ndarray,
    column: ColumnMapping,
    regions: tuple[RegionRow, ...],
    times: pd.DatetimeIndex,
    name: str,
) -> None:
    """Refuse a number of a matrix that is infinite or outside its range; NaN is missing."""
    low, high = column.valid_range or (-np.inf, np.inf)
    for row, values in enumerate(matrix):
        wrong = np.isinf(values) | (values < low) | (values > high)
        if wrong.any():
            position = int(np.flatnonzero(wrong)[0])
            raise TableError(
                f"{name}, row {row} ({regions[row].code}), column {position} "
                f"({times[position]:%Y-%m-%d}): {values[position]:g} cannot be true "
                f"(expected: {low:g} to {high:g}); correct the file or the mapping"
            )
