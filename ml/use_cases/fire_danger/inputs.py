"""From an input plan to cell-days: the planned sources, brought onto cells and days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from kg.rdf.iris import Iris, coordinate
from ml.samples import Places, Samples
from ml.use_cases.fire_danger.cell_days import HALF_SIDE, WEATHER, CellDays, cell_days
from ontology.terms import DEEP

if TYPE_CHECKING:
    from pyoxigraph import NamedNode

    from ml.inputs.inputs import Inputs


@dataclass(frozen=True, kw_only=True)
class FireData:
    """Cell-days, and how they are called in the graph."""

    cells: CellDays
    iris: Iris
    """How the IRIs of cells are made."""
    rests_on: tuple[tuple[NamedNode, ...], ...] = ()
    """For each cell what its predictions rest on; empty for data that comes from no graph."""


def read_fire_data(inputs: Inputs) -> FireData:
    """Return what the plan's inputs hold, on cells and days.

    Raises:
        RunError: The plan lacks a slot, or its sources do not fit together.
        SourceError: A source has gone or cannot be read.
    """
    inputs.require(*WEATHER, "fires")
    weather = inputs.series(*WEATHER)
    confidence = inputs.column_of("fires", DEEP.detectionConfidence)
    events = inputs.events("fires")
    detections = pd.DataFrame(
        {
            "time": events["time"],
            "longitude": events.geometry.x,
            "latitude": events.geometry.y,
            "confidence": events[confidence],
        }
    )
    series = {slot: inputs.parts(slot) for slot in WEATHER}
    return FireData(
        cells=cell_days(weather, detections),
        iris=inputs.iris,
        rests_on=tuple(
            tuple(series[p.slot][cell] if p.slot in series else p.variable for p in inputs.planned)
            for cell in range(weather.sizes["place"])
        ),
    )


def cell_iri(iris: Iris, longitude: float, latitude: float) -> NamedNode:
    """Return the IRI of the cell around a point."""
    return iris.mint(
        "cell", f"{2 * HALF_SIDE:g}-degrees", f"{coordinate(longitude)}_{coordinate(latitude)}"
    )


def places_of(data: FireData) -> Places:
    """Return the cells."""
    points = [
        (float(lon), float(lat))
        for lon, lat in zip(data.cells.longitude, data.cells.latitude, strict=True)
    ]
    where = tuple(_position(*point) for point in points)
    return Places(
        iri=tuple(cell_iri(data.iris, *point) for point in points),
        label=tuple(f"cell around {text}" for text in where),
        short_label=where,
        kind=DEEP.Cell,
        geometry=tuple(
            shapely.box(lon - HALF_SIDE, lat - HALF_SIDE, lon + HALF_SIDE, lat + HALF_SIDE)
            for lon, lat in points
        ),
    )


def samples_of(data: FireData) -> Samples:
    """Return the cell-days, cell by cell."""
    cells, days = data.cells.fires.shape
    begin = np.tile(data.cells.days.to_numpy().astype("datetime64[s]"), cells)
    return Samples(
        place=np.repeat(np.arange(cells), days),
        begin=begin,
        end=begin + np.timedelta64(1, "D"),
        target=data.cells.burning.reshape(-1, 1).astype(np.float64),
        rests_on=lambda i: data.rests_on[i // days] if data.rests_on else (),
    )


def _position(longitude: float, latitude: float) -> str:
    north, east = "NS"[latitude < 0], "EW"[longitude < 0]
    return f"{abs(latitude):g}°{north} {abs(longitude):g}°{east}"
