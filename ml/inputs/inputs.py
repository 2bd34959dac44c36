"""What a use case is given to read: the sources of a plan, each opened and read once."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import xarray as xr
from pyoxigraph import NamedNode

from cube_bridge.kinds.files import source_file
from cube_bridge.kinds.mappings import kind_of
from cube_bridge.sources.info import ColumnMapping
from cube_bridge.units.quantities import convert
from kg.hierarchy import subproperties
from kg.rdf.terms import number, text
from kg.rows import ask, select
from ml.errors import RunError
from ml.link import Link
from ontology.terms import DEEP, compact, expand

if TYPE_CHECKING:
    from cube_bridge.kinds.files import SourceFile
    from kg.rdf.iris import Iris
    from kg.store import GraphStore
    from ml.planning.planned import PlannedInput


class Inputs:
    """The planned inputs of a run, read when they are asked for.

    A source is hashed once and its values are read once, for all slots that it fills.
    """

    def __init__(self, store: GraphStore, iris: Iris, planned: tuple[PlannedInput, ...]) -> None:
        """Name the inputs; nothing is read yet.

        Args:
            store: The graph, which knows where the sources are.
            iris: How IRIs are made, for places that a use case brings into the graph.
            planned: What fills each slot (`ml.planning.planned.read_plan`).
        """
        self.iris = iris
        self.planned = planned
        self._store = store
        self._files: dict[NamedNode, SourceFile] = {}
        self._loaded: dict[NamedNode, xr.Dataset | gpd.GeoDataFrame] = {}

    @cached_property
    def by_slot(self) -> dict[str, PlannedInput]:
        """What fills each slot, by the slot's identifier."""
        return {p.slot: p for p in self.planned}

    @cached_property
    def simulated(self) -> bool:
        """True where any input is simulated, and so all that follows from it."""
        return any(
            ask(self._store, f"ASK {{ {p.source} a {DEEP.Simulated} }}") for p in self.planned
        )

    def series(self, *slots: str) -> xr.Dataset:
        """Return time series, in the slots' units, named like the slots.

        Returns:
            (place, time) float32, NaN where there is no value; coordinates `iri` and `label` of
            the places, whatever else their source has (longitude, latitude, code), and `time`,
            the beginnings of the steps in UTC.

        Raises:
            RunError: The plan lacks a slot, a source is no table of series, or the series are
                not at the same places and times.
            SourceError: A source has gone, has changed, or cannot be read.
        """
        self.require(*slots)
        columns = [self._one_series(self.by_slot[slot]).rename(slot) for slot in slots]
        columns = [columns[0], *(_named_as(c, columns[0]) for c in columns[1:])]
        try:
            return xr.merge(columns, join="exact", compat="no_conflicts")
        except ValueError as error:
            raise RunError(
                f"the planned series {', '.join(slots)} are not at the same places and times; "
                f"choose sources that share them: {error}"
            ) from error

    def events(self, slot: str) -> gpd.GeoDataFrame:
        """Return events: time (UTC), the columns of their source, `iri`, geometry (CRS84).

        Raises:
            RunError: The plan lacks the slot, or its source is no table of events.
            SourceError: The source has gone, has changed, or cannot be read.
        """
        return self._frame(slot, DEEP.EventTable, "a table of events")

    def features(self, slot: str) -> gpd.GeoDataFrame:
        """Return the features of a layer: its attributes, `iri`, geometry (CRS84).

        Raises:
            RunError: The plan lacks the slot, or its source is no collection of features.
            SourceError: The source has gone, has changed, or cannot be read.
        """
        return self._frame(slot, DEEP.FeatureCollection, "a collection of features")

    def parts(self, slot: str) -> tuple[NamedNode, ...]:
        """Return what a prediction for each place of a slot rests on, in the places' order.

        The series of the place where the slot is filled from a table of series; the variable as
        a whole where nothing finer is in the graph.
        """
        self.require(slot)
        planned = self.by_slot[slot]
        links = " ".join(str(p) for p in subproperties(self._store, DEEP.locatedBy))
        rows = select(
            self._store,
            f"""SELECT ?part ?place WHERE {{
                  VALUES ?at {{ {links} }}
                  ?part deep:ofVariable {planned.variable} ; ?at ?place }}""",
        )
        found = {text(r["place"]): NamedNode(text(r["part"])) for r in rows}
        places = self._values(planned.source)["iri"].to_numpy()
        return tuple(found.get(str(iri), planned.variable) for iri in places)

    def links(self, slot: str) -> tuple[Link, ...]:
        """Return the links to what fills a slot that earlier runs found, the strongest first."""
        self.require(slot)
        effect = self.by_slot[slot].variable
        rows = select(
            self._store,
            f"""SELECT ?cause ?strength ?lag ?p ?stability WHERE {{
                  ?link a deep:Link ; deep:linkEffect {effect} ; deep:linkCause ?cause ;
                        deep:strength ?strength .
                  OPTIONAL {{ ?link deep:lagSeconds ?lag }} OPTIONAL {{ ?link deep:pValue ?p }}
                  OPTIONAL {{ ?link deep:stability ?stability }} }} ORDER BY ?cause""",
        )
        found = [
            Link(
                cause=NamedNode(text(r["cause"])),
                effect=effect,
                strength=number(r["strength"]),
                lag_s=number(r["lag"]) if "lag" in r else None,
                p_value=number(r["p"]) if "p" in r else None,
                stability=number(r["stability"]) if "stability" in r else None,
            )
            for r in rows
        ]
        return tuple(sorted(found, key=lambda link: -abs(link.strength)))

    def column_of(self, slot: str, predicate: NamedNode) -> str:
        """Return the column of an event table whose values have a predicate in the graph.

        Raises:
            RunError: The plan lacks the slot, or no column has the predicate.
        """
        self.require(slot)
        source = self.by_slot[slot].source
        for column in _columns(self._file(source)):
            if column.predicate and expand(column.predicate) == predicate:
                return column.column
        raise RunError(f"<{source.value}> has no column for {compact(predicate.value)}")

    def require(self, *slots: str) -> None:
        """Refuse a plan that lacks one of some slots.

        Raises:
            RunError: Names the slots that are missing.
        """
        missing = set(slots) - set(self.by_slot)
        if missing:
            raise RunError(f"the plan fills no slot {', '.join(sorted(missing))}; make it anew")

    def _one_series(self, planned: PlannedInput) -> xr.DataArray:
        values = self._values(planned.source)
        if not isinstance(values, xr.Dataset) or planned.name not in values:
            raise RunError(f"<{planned.variable.value}> is in no table of time series")
        column = values[planned.name]
        return column if planned.unit is None else convert(column, planned.unit, planned.read_in)

    def _frame(self, slot: str, kind: NamedNode, what: str) -> gpd.GeoDataFrame:
        self.require(slot)
        planned = self.by_slot[slot]
        values = self._values(planned.source)
        is_kind = kind_of(self._file(planned.source).mapping).graph_class == kind
        if not is_kind or not isinstance(values, gpd.GeoDataFrame):
            raise RunError(f"<{planned.variable.value}> is not in {what}")
        return values

    def _file(self, source: NamedNode) -> SourceFile:
        if source not in self._files:
            self._files[source] = source_file(self._store, source)
        return self._files[source]

    def _values(self, source: NamedNode) -> xr.Dataset | gpd.GeoDataFrame:
        """Return all columns of a source that the plan or its reader may ask for, read once."""
        if source not in self._loaded:
            file = self._file(source)
            kind = kind_of(file.mapping)
            planned = {p.name for p in self.planned if p.source == source}
            columns = [c.column for c in _columns(file)]
            chosen = [c for c in columns if c in planned] or columns
            self._loaded[source] = kind.load(Path(file.location), file.mapping, chosen, source)
        return self._loaded[source]


def _columns(file: SourceFile) -> list[ColumnMapping]:
    """Return the columns that the mapping of a table names."""
    said = getattr(file.mapping, "variables", ())
    return [column for column in said if isinstance(column, ColumnMapping)]


def _named_as(column: xr.DataArray, first: xr.DataArray) -> xr.DataArray:
    """Return series with their places called as in another source, where these are the same.

    Each source has IRIs and labels of its own for its stations; position or code tells whether
    two are the same, which the caller compares.
    """
    known = [name for name in ("longitude", "code") if name in first.coords]
    if not known or np.array_equal(column["iri"], first["iri"]):
        return column
    return column.drop_vars(["iri", "label"])
