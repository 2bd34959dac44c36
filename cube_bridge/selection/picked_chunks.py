"""Chunks that a query picked: they are read, and what lies between them is not."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import dask.array as da
import numpy as np
import xarray as xr
from pyoxigraph import NamedNode

from cube_bridge.errors import SelectionError
from cube_bridge.selection.opened_variable import TIME, OpenedVariable
from kg.rdf.terms import text
from kg.rows import select

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapely.geometry.base import BaseGeometry

    from kg.store import GraphStore


#: Chunks asked for at a time: long lists of VALUES are slow.
_AT_ONCE = 500
Slices = tuple[slice, ...]


def picked_windows(store: GraphStore, chunks: Sequence[NamedNode]) -> dict[NamedNode, list[Slices]]:
    """Return which cells chunks have, by their variable: one slice a dimension.

    Raises:
        SelectionError: One of them is no chunk of the graph.
    """
    found: dict[NamedNode, list[Slices]] = {}
    wanted = list(dict.fromkeys(chunks))
    for start in range(0, len(wanted), _AT_ONCE):
        batch = wanted[start : start + _AT_ONCE]
        values = " ".join(map(str, batch))
        rows = select(
            store,
            f"""SELECT ?chunk ?variable ?offset ?shape WHERE {{ VALUES ?chunk {{ {values} }}
                  ?chunk deep:ofVariable ?variable ; deep:offset ?offset ; deep:shape ?shape }}""",
        )
        missing = set(batch) - {NamedNode(text(r["chunk"])) for r in rows}
        if missing:
            raise SelectionError(f"{min(missing, key=str)} is no chunk of the graph")
        for row in rows:
            begins, sizes = ([int(n) for n in text(row[k]).split(",")] for k in ("offset", "shape"))
            slices = tuple(slice(b, b + n) for b, n in zip(begins, sizes, strict=True))
            found.setdefault(NamedNode(text(row["variable"])), []).append(slices)
    return found


def footprint_of(variable: OpenedVariable, window: Slices) -> BaseGeometry:
    """Return the ground under cells of a variable."""
    by_dim = dict(zip(variable.array.dims, window, strict=True))
    return variable.grid.footprint(tuple(by_dim[d] for d in variable.grid.dims))


def only_windows(variable: OpenedVariable, windows: list[Slices]) -> OpenedVariable:
    """Return a variable of which only some cells are ever read.

    Moments that none of the windows has are left out; other cells outside them are NaN.
    """
    array = variable.array
    borders = []
    for axis, (dim, size) in enumerate(array.sizes.items()):
        marks = {m for w in windows for m in (w[axis].start, w[axis].stop)}
        borders.append(sorted(marks if dim == TIME else {0, size, *marks}))
    spans = [[slice(*p) for p in pairwise(b)] for b in borders]
    if TIME in array.dims:
        axis = array.dims.index(TIME)
        spans[axis] = [s for s in spans[axis] if any(_within(s, w[axis]) for w in windows)]
        times = np.concatenate([np.arange(s.start, s.stop) for s in spans[axis]])
        kept = array.isel({TIME: times})
    else:
        kept = array
    data = _blocks(array.data, spans, (), windows)
    joined = xr.DataArray(
        da.block(data), dims=kept.dims, coords=kept.coords, attrs=kept.attrs, name=kept.name
    )
    joined.encoding = dict(array.encoding)
    return replace(variable, array=joined)


def _within(inner: slice, outer: slice) -> bool:
    return bool(outer.start <= inner.start and inner.stop <= outer.stop)


def _blocks(
    data: da.Array, spans: list[list[slice]], chosen: Slices, windows: list[Slices]
) -> list[object] | da.Array:
    """Return nested lists of what is read and of NaN, as `da.block` takes them."""
    if len(chosen) < len(spans):
        return [_blocks(data, spans, (*chosen, s), windows) for s in spans[len(chosen)]]
    dtype = data.dtype if data.dtype.kind == "f" else np.dtype(np.float64)
    if any(all(map(_within, chosen, w)) for w in windows):
        read: da.Array = data[chosen].astype(dtype)
        return read
    nothing: da.Array = da.full(tuple(s.stop - s.start for s in chosen), np.nan, dtype=dtype)
    return nothing
