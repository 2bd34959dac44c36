"""The chunks that a selection touches, as references to the bytes where they lie: Kerchunk's JSON.

Nothing is copied and no value is read. What is referenced are whole chunks, so that the first
rows, columns and moments may come before what was asked for; the far ends are cut off.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from itertools import product
from typing import TYPE_CHECKING, Any

from pyoxigraph import NamedNode
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import MemoryStore

from cube_bridge.errors import SelectionError
from cube_bridge.formats.opener import CubeSource
from cube_bridge.grids.parts import part_of_region
from cube_bridge.grids.rectilinear import RectilinearGrid
from cube_bridge.selection.opened_variable import TIME, moments_within, open_variable
from kg.regions import region_geometry
from kg.rows import select

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import xarray as xr
    from shapely.geometry.base import BaseGeometry

    from cube_bridge.grids.grid import Window
    from cube_bridge.selection.opened_variable import OpenedVariable
    from kg.regions import Place
    from kg.store import GraphStore


#: Where bytes are: file, offset, length; or the bytes themselves, as Kerchunk writes them.
Reference = list[Any] | str
_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


def chunk_references(
    store: GraphStore,
    variables: Sequence[NamedNode],
    region: Place | None = None,
    begin: datetime | None = None,
    end: datetime | None = None,
) -> dict[str, Any]:
    """Return references to the chunks of variables that a region and a period touch.

    Args:
        store: The graph that the cubes are indexed in.
        variables: IRIs of variables that have the same chunks of the same grid.
        region: See `select_dataset`; None takes all cells.
        begin: First moment; None takes the first of each variable.
        end: Moment after the last; None takes the last of each variable.

    Returns:
        A Kerchunk document, version 1, of one Zarr 2 group; fsspec's "reference" opens it.

    Raises:
        SelectionError: The chunks of a source cannot be referenced, or the variables have
            different ones.
    """
    ground = None if region is None else region_geometry(store, region)
    refs: dict[str, Reference] = {}
    windows: dict[str, slice] = {}
    coordinates: list[xr.Dataset] = []
    for iri in dict.fromkeys(variables):
        variable = open_variable(store, iri)
        name = str(variable.array.name)
        location = variable.file.location
        if isinstance(location, str):
            raise SelectionError(
                f"{location} is elsewhere: only chunks of files here are referenced"
            )
        found = _references_of(location)
        described = _json(found, f"{name}/.zarray")
        window = _whole_chunks(
            _window(variable, ground, begin, end), described["chunks"], variable.array
        )
        if any(windows.setdefault(d, s) != s for d, s in window.items()):
            raise SelectionError(
                f"{iri} has other chunks than the first variable: reference them apart"
            )
        refs |= _moved(found, name, described, list(window.values()))
        cut = variable.array.isel(window)
        coordinates.append(cut.coords.to_dataset().drop_encoding())
    refs |= _inline(coordinates)
    return {"version": 1, "refs": refs}


def references_by_query(
    store: GraphStore,
    query: str,
    region: Place | None = None,
    begin: datetime | None = None,
    end: datetime | None = None,
) -> dict[str, Any]:
    """Return references to the chunks of the variables that a SPARQL query names.

    Args:
        store: The graph that the cubes are indexed in.
        query: SELECT with ?variable (IRIs of variables).
        region: See `chunk_references`.
        begin: See `chunk_references`.
        end: See `chunk_references`.

    Raises:
        SelectionError: The solutions name no variable; else as `chunk_references`.
    """
    named = [row.get("variable") for row in select(store, query)]
    variables = [v for v in named if isinstance(v, NamedNode)]
    if not variables or len(variables) < len(named):
        raise SelectionError(
            "each solution has to name a ?variable by its IRI; region and period find its chunks"
        )
    return chunk_references(store, variables, region, begin, end)


def write_references(references: dict[str, Any], path: Path, *, replace: bool = False) -> Path:
    """Write references as JSON; `deepcube index`, fsspec and others open them as a cube.

    Raises:
        SelectionError: There is a file already, which is not to be replaced.
    """
    if path.exists() and not replace:
        raise SelectionError(f"{path} exists; write elsewhere, or replace it")
    path.write_text(json.dumps(references), encoding="utf-8")
    return path


def _references_of(path: Path) -> dict[str, Reference]:
    """Return where all chunks of a cube are, by their key in a Zarr 2 group.

    Raises:
        SelectionError: Its chunks are not byte ranges of a file.
    """
    form = CubeSource.at(path).form
    if not hasattr(form, "byte_ranges"):
        raise SelectionError(f"the chunks of {path.name} are not byte ranges that Zarr could read")
    ranges: dict[str, Reference] = form.byte_ranges(path)
    return ranges


def _json(found: dict[str, Reference], key: str) -> dict[str, Any]:
    if key not in found:
        raise SelectionError(
            f"the source has no {key}: only variables of NetCDF and of Zarr 2 can be referenced"
        )
    return dict(json.loads(_bytes(found[key])))


def _bytes(reference: Reference) -> bytes:
    if isinstance(reference, str):
        inline = reference.removeprefix("base64:")
        return reference.encode() if inline == reference else base64.b64decode(inline)
    with open(reference[0], "rb") as file:  # noqa: PTH123  # a path as Kerchunk writes it
        file.seek(reference[1])
        return file.read(reference[2])


def _window(
    variable: OpenedVariable,
    ground: BaseGeometry | None,
    begin: datetime | None,
    end: datetime | None,
) -> dict[str, slice]:
    """Return the cells that are wanted: a slice for each dimension of the array."""
    window = {str(d): slice(0, n) for d, n in variable.array.sizes.items()}
    if TIME in window and (begin or end):
        window[TIME] = moments_within(variable, begin or _FIRST, end or _LAST)
    if ground is None:
        return window
    if isinstance(variable.grid, RectilinearGrid):
        part = part_of_region(variable.grid, ground)
        if part is not None and len(part.strips) > 1:
            raise SelectionError("the region crosses the seam of the longitudes: halve it")
        pieces: list[Window] = [] if part is None else [(part.rows, part.strips[0].columns)]
    else:
        pieces = variable.grid.windows(ground)
    if not pieces:
        raise SelectionError(f"{variable.iri} has no cell in the region {ground.bounds}")
    for i, dim in enumerate(variable.grid.dims):
        window[dim] = slice(min(p[i].start for p in pieces), max(p[i].stop for p in pieces))
    return window


def _whole_chunks(
    window: dict[str, slice], chunks: Sequence[int], array: xr.DataArray
) -> dict[str, slice]:
    """Return a window that begins where a chunk does, in the order of the array."""
    return {
        str(dim): slice(window[str(dim)].start // size * size, window[str(dim)].stop)
        for dim, size in zip(array.dims, chunks, strict=True)
    }


def _moved(
    found: dict[str, Reference], name: str, described: dict[str, Any], window: list[slice]
) -> dict[str, Reference]:
    """Return the references of a variable, its chunks counted from the window's first."""
    separator = described.get("dimension_separator", ".")
    sizes = described["chunks"]
    described = {**described, "shape": [w.stop - w.start for w in window]}
    attributes = _json(found, f"{name}/.zattrs")
    attributes.pop("coordinates", None)
    refs: dict[str, Reference] = {
        f"{name}/.zarray": json.dumps(described),
        f"{name}/.zattrs": json.dumps(attributes),
    }
    firsts = [w.start // n for w, n in zip(window, sizes, strict=True)]
    counts = [-(-w.stop // n) - f for w, n, f in zip(window, sizes, firsts, strict=True)]
    for index in product(*map(range, counts)):
        there = separator.join(str(i + f) for i, f in zip(index, firsts, strict=True))
        if f"{name}/{there}" in found:
            refs[f"{name}/{separator.join(map(str, index))}"] = found[f"{name}/{there}"]
    mapping = attributes.get("grid_mapping")
    for key in (k for k in found if mapping and k.startswith(f"{mapping}/")):
        refs[key] = found[key]
    return refs


def _inline(coordinates: list[xr.Dataset]) -> dict[str, Reference]:
    """Return coordinates as bytes in the references: they are small, and cut."""
    memory = MemoryStore()
    for dataset in coordinates:
        dataset.compute().to_zarr(memory, mode="a", zarr_format=2, consolidated=False)
    refs: dict[str, Reference] = {}
    prototype = default_buffer_prototype()

    async def collect() -> None:
        async for key in memory.list():
            held = await memory.get(key, prototype)
            if held is not None:
                refs[key] = "base64:" + base64.b64encode(held.to_bytes()).decode()

    sync(collect())
    return refs
