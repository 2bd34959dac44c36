"""A part of a cube as a document: CoverageJSON.

https://docs.ogc.org/cs/21-069r2/21-069r2.html
"""

from __future__ import annotations

import json
import re
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from cube_bridge.errors import TooLargeError
from kg.geosparql.errors import InvalidArgumentError
from kg.rdf.geometry import CRS84

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from cube_bridge.grids.grid import Window
    from cube_bridge.values.layers import Layer
    from cube_bridge.values.periods import Period
    from cube_bridge.values.scanner import Scanner


#: Values in one document.
_LARGEST = 1_000_000
_RANGE = re.compile(r"\s*(?P<dim>[^=,]+?)\s*=\s*(?P<first>\d+)\s*:\s*(?P<last>\d+)\s*")


def clip_to_zone(
    scanner: Scanner, layer: Layer, zone: BaseGeometry, period: Period, unit: str | None
) -> str | None:
    """Return the cells that a geometry touches; None where there are none.

    Args:
        scanner: Reads the chunks.
        layer: What to read.
        zone: As `cube_bridge.values.zone_weights.zone_of` returns it.
        period: Which times.
        unit: As the source spells it.

    Raises:
        TooLargeError: There are more values than one document may have.
    """
    places = [(window, layer.grid.coverage(zone, window)) for window in layer.grid.windows(zone)]
    touched = [(w, shares > 0) for w, shares in places if (shares > 0).any()]
    times = period.positions(layer.times)
    if not touched or times.start >= times.stop:
        return None
    # What crosses the seam of the longitudes lies in two windows.
    parts = [_trimmed(window, inside) for window, inside in touched]
    return _document(scanner, layer, times, parts, unit)


def clip_to_window(scanner: Scanner, layer: Layer, window: str, unit: str | None) -> str | None:
    """Return the cells in a window of positions, such as "time=0:3,lat=10:20,lon=5:9".

    Args:
        scanner: Reads the chunks.
        layer: What to read.
        window: For some dimensions the first position and that after the last; of the others
            all is taken.
        unit: As the source spells it.

    Raises:
        InvalidArgumentError: The text is no window of the layer.
        TooLargeError: There are more values than one document may have.
    """
    sizes = dimensions(layer)
    chosen = {dim: slice(0, size) for dim, size in sizes.items()}
    for said in window.split(",") if window.strip() else []:
        match = _RANGE.fullmatch(said)
        if match is None or match["dim"] not in sizes:
            raise InvalidArgumentError(
                f"{said!r} is no range; write DIMENSION=FIRST:END, of {', '.join(sizes)}"
            )
        first, last = int(match["first"]), int(match["last"])
        if not first < last <= sizes[match["dim"]]:
            raise InvalidArgumentError(
                f"{said!r} is not within the {sizes[match['dim']]} of {match['dim']}"
            )
        chosen[match["dim"]] = slice(first, last)
    place = tuple(chosen[d] for d in layer.grid.dims)
    times = slice(0, 1) if layer.times is None else chosen[str(layer.grid.time)]
    inside = np.ones(tuple(s.stop - s.start for s in place), bool)
    return _document(scanner, layer, times, [(place, inside)], unit)


def dimensions(layer: Layer) -> dict[str, int]:
    """Return the number of positions along each dimension."""
    time = {} if layer.times is None else {str(layer.grid.time): len(layer.times)}
    return {**time, **dict(zip(layer.grid.dims, layer.grid.shape, strict=True))}


def _trimmed(window: Window, inside: np.ndarray) -> tuple[Window, np.ndarray]:
    """Return the window, and its bool mask (rows, columns), without empty rows and columns."""
    spans = [(int(p.min()), int(p.max()) + 1) for p in np.nonzero(inside)]
    kept = tuple(slice(*span) for span in spans)
    around = tuple(slice(s.start + a, s.start + b) for s, (a, b) in zip(window, spans, strict=True))
    return around, inside[kept]


def _document(
    scanner: Scanner,
    layer: Layer,
    times: slice,
    parts: list[tuple[Window, np.ndarray]],
    unit: str | None,
) -> str:
    """Return the text of a coverage of windows, each with its bool mask (rows, columns)."""
    count = (times.stop - times.start) * sum(prod(inside.shape) for _, inside in parts)
    if count > _LARGEST:
        raise TooLargeError(
            f"the part has {count} values, and a document at most {_LARGEST}; ask for a smaller "
            "region or a shorter period, or for its cells by SERVICE deep:cells"
        )
    values = [
        np.where(inside, scanner.reader.window(layer, (times, *window)), np.nan)
        for window, inside in parts
    ]
    along = [] if layer.times is None else ["t"]
    centres = [layer.grid.centres(window) for window, _ in parts]
    axes: dict[str, Any] = {}
    if layer.times is not None:
        texts = np.datetime_as_string(layer.times[times], unit="s")
        axes["t"] = {"values": [f"{t}Z" for t in texts]}
    if len(parts) == 1 and _is_separable(*centres[0]):
        longitudes, latitudes = centres[0]
        axes["x"] = {"values": longitudes[0].tolist()}
        axes["y"] = {"values": latitudes[:, 0].tolist()}
        kind, names, found = "Grid", [*along, "y", "x"], values[0]
    else:
        kept = [inside for _, inside in parts]
        places = [
            np.column_stack([x[inside], y[inside]])
            for (x, y), inside in zip(centres, kept, strict=True)
        ]
        axes["composite"] = {
            "dataType": "tuple",
            "coordinates": ["x", "y"],
            "values": np.concatenate(places).tolist(),
        }
        kind = "MultiPointSeries" if along else "MultiPoint"
        names = [*along, "composite"]
        flat = [v[:, inside] for v, inside in zip(values, kept, strict=True)]
        found = np.concatenate(flat, axis=1)
    found = found if along else found[0]
    return json.dumps(_coverage(layer, kind, axes, names, found, unit))


def _coverage(
    layer: Layer,
    kind: str,
    axes: dict[str, Any],
    names: list[str],
    values: np.ndarray,
    unit: str | None,
) -> dict[str, Any]:
    """Return the object of CoverageJSON for values of any shape, an axis named for each."""
    systems: list[dict[str, Any]] = [
        {"coordinates": ["x", "y"], "system": {"type": "GeographicCRS", "id": CRS84}}
    ]
    if "t" in axes:
        calendar = {"type": "TemporalRS", "calendar": "Gregorian"}
        systems.append({"coordinates": ["t"], "system": calendar})
    parameter: dict[str, Any] = {
        "type": "Parameter",
        "observedProperty": {"label": {"en": layer.label}},
    }
    if unit:
        parameter["unit"] = {"symbol": unit}
    return {
        "type": "Coverage",
        "domain": {"type": "Domain", "domainType": kind, "axes": axes, "referencing": systems},
        "parameters": {layer.name: parameter},
        "ranges": {
            layer.name: {
                "type": "NdArray",
                "dataType": "float",
                "axisNames": names,
                "shape": list(values.shape),
                "values": _with_null(values.ravel()),
            }
        },
    }


def _with_null(values: np.ndarray) -> list[float | None]:
    """Return (n,) values as JSON has them: None for NaN and infinity."""
    listed: list[float | None] = values.tolist()
    for place in np.flatnonzero(~np.isfinite(values)).tolist():
        listed[place] = None
    return listed


def _is_separable(longitudes: np.ndarray, latitudes: np.ndarray) -> bool:
    """Return whether (rows, columns) centres are those of straight rows and columns."""
    return bool(
        longitudes.ndim == 2
        and (longitudes == longitudes[:1]).all()
        and (latitudes == latitudes[:, :1]).all()
    )
