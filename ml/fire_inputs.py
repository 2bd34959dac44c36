"""From an input plan to cell-days: the sources that the plan picked, read in the model's units."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import xarray as xr

from cube_bridge.kinds.events import EventsMapping, load_events
from cube_bridge.kinds.files import source_file
from cube_bridge.kinds.series import SeriesMapping, load_series
from cube_bridge.units.quantities import convert
from ml.cell_days import WEATHER, CellDays, cell_days
from ml.errors import RunError
from ontology.terms import DEEP, expand

if TYPE_CHECKING:
    import pandas as pd

    from kg.store import GraphStore
    from ml.inputs import PlannedInput


def read_cell_days(store: GraphStore, inputs: tuple[PlannedInput, ...]) -> CellDays:
    """Return what the plan's inputs hold, on cells and days.

    Raises:
        RunError: The plan lacks a slot, or its sources do not fit together.
        SourceError: A source has gone or cannot be read.
    """
    by_slot = {i.slot: i for i in inputs}
    missing = {*WEATHER, "fires"} - set(by_slot)
    if missing:
        raise RunError(f"the plan fills no slot {', '.join(sorted(missing))}; make it anew")
    series = [_read_series(store, by_slot[name]).rename(name) for name in WEATHER]
    try:
        weather = xr.merge(series, join="exact", compat="no_conflicts")
    except ValueError as error:
        raise RunError(
            "the planned weather series are not at the same points and days; "
            f"choose sources that share a grid: {error}"
        ) from error
    return cell_days(weather, _read_detections(store, by_slot["fires"]))


def _read_series(store: GraphStore, planned: PlannedInput) -> xr.DataArray:
    source = source_file(store, planned.source)
    if not isinstance(source.mapping, SeriesMapping):
        raise RunError(f"<{planned.variable.value}> is not in a table of time series")
    column = load_series(Path(source.location), source.mapping, [planned.name])[planned.name]
    return column if planned.unit is None else convert(column, planned.unit, planned.read_in)


def _read_detections(store: GraphStore, planned: PlannedInput) -> pd.DataFrame:
    source = source_file(store, planned.source)
    if not isinstance(source.mapping, EventsMapping):
        raise RunError(f"<{planned.variable.value}> is not in a table of events")
    events = load_events(Path(source.location), source.mapping)
    for column in source.mapping.variables:
        if column.predicate and expand(column.predicate) == DEEP.detectionConfidence:
            return events.rename(columns={column.column: "confidence"})
    raise RunError(f"<{planned.source.value}> says nothing of the confidence of its detections")
