"""From the graph back to data: a selection becomes one lazy dataset on one grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import shapely
from pyoxigraph import NamedNode

from cube_bridge.defaults import AS_IS
from cube_bridge.errors import SelectionError
from cube_bridge.selection.alignment import Wish, aligned
from cube_bridge.selection.opened_variable import (
    after_last_moment,
    first_moment,
    in_period,
    open_variable,
)
from cube_bridge.selection.picked_chunks import footprint_of, only_windows, picked_windows
from kg.regions import region_geometry
from kg.rows import select

if TYPE_CHECKING:
    from collections.abc import Mapping as ByVariable
    from collections.abc import Sequence
    from datetime import datetime

    import xarray as xr

    from cube_bridge.regridding.target_grid import GridSpec
    from kg.rdf.terms import Term
    from kg.regions import Place
    from kg.store import GraphStore


def select_dataset(
    store: GraphStore,
    variables: Sequence[NamedNode],
    region: Place,
    begin: datetime,
    end: datetime,
    *,
    grid: str | NamedNode | GridSpec | None = None,
    resampling: str | ByVariable[NamedNode, str] = "auto",
    time: str = AS_IS,
) -> xr.Dataset:
    """Return variables of any cubes as one dataset; no value is read before it is computed.

    Args:
        store: The graph that the cubes are indexed in.
        variables: IRIs of the variables.
        region: A geometry or box in degrees, the IRI or the name of a place of the graph, or
            WKT. The rows and columns around all cells that it touches are selected.
        begin: First moment.
        end: Moment after the last.
        grid: None for the grid that all of them share; "finest" or "coarsest" of theirs; the
            variable whose grid it is to be; or a grid of its own.
        resampling: How values come onto another grid, for all or for each (see
            `cube_bridge.regridding.methods`); "auto" lets the quantity decide.
        time: How times are aligned (see `cube_bridge.selection.times.align_times`).

    Returns:
        A variable for each, by its name in its cube; (time, ..., y, x) on a shared grid.

    Raises:
        SourceNotFoundError: The graph knows no such variable.
        RegionError: The region is none.
        SelectionError: They share no grid, or nothing of one lies in the region or the period.
    """
    if not variables:
        raise SelectionError("a selection needs a variable")
    chosen = [in_period(open_variable(store, v), begin, end) for v in dict.fromkeys(variables)]
    wish = Wish(grid=grid, resampling=resampling, time=time)
    return aligned(chosen, region_geometry(store, region), (begin, end), wish)


def select_by_query(
    store: GraphStore,
    query: str,
    region: Place | None = None,
    begin: datetime | None = None,
    end: datetime | None = None,
    *,
    grid: str | NamedNode | GridSpec | None = None,
    resampling: str | ByVariable[NamedNode, str] = "auto",
    time: str = AS_IS,
) -> xr.Dataset:
    """Return what the solutions of a SPARQL query name, as one dataset.

    Args:
        store: The graph that the cubes are indexed in.
        query: SELECT with ?variable (IRIs of variables), ?chunk (IRIs of chunks), or both. Where
            a variable has chunks, only these are read; what lies between them is NaN.
        region: As in `select_dataset`; None takes the ground under what is named.
        begin: None takes the first moment.
        end: None takes the last.
        grid: See `select_dataset`.
        resampling: See `select_dataset`.
        time: See `select_dataset`.

    Raises:
        QueryError: The query is no SELECT.
        SelectionError: The solutions name nothing, or by no IRI; else as `select_dataset`.
    """
    named: dict[NamedNode, list[NamedNode]] = {}
    rows = select(store, query)
    for row in rows:
        if "variable" in row:
            named.setdefault(_iri(row, "variable"), [])
    picked = picked_windows(store, [_iri(row, "chunk") for row in rows if "chunk" in row])
    variables = {v: picked.get(v, []) for v in [*named, *picked]}
    if not variables:
        raise SelectionError("no solution of the query names a ?variable or a ?chunk")
    chosen = []
    for iri, windows in variables.items():
        variable = open_variable(store, iri)
        chosen.append(only_windows(variable, windows) if windows else variable)
    period = begin or first_moment(chosen), end or after_last_moment(chosen)
    chosen = [in_period(v, *period) for v in chosen]
    ground = region_geometry(store, region) if region is not None else None
    if ground is None and all(variables.values()):
        ground = shapely.union_all(
            [
                footprint_of(variable, window)
                for variable, windows in zip(chosen, variables.values(), strict=True)
                for window in windows
            ]
        )
    wish = Wish(grid=grid, resampling=resampling, time=time)
    return aligned(chosen, ground, period, wish)


def _iri(row: dict[str, Term], name: str) -> NamedNode:
    term = row[name]
    if not isinstance(term, NamedNode):
        raise SelectionError(f"?{name} is {term}, which is no IRI; select the {name} itself")
    return term
