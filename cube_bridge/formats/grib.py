"""GRIB 1 and 2: messages of one field each, put together to variables over time and level."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from cube_bridge.errors import NotACubeError
from cube_bridge.formats.raster import lazy, raster_file
from cube_bridge.formats.raster_file import BandsArray
from cube_bridge.formats.raster_place import coordinates_of

if TYPE_CHECKING:
    from cube_bridge.access.source import LookedAt
    from cube_bridge.formats.raster_file import RasterFile

MEDIA_TYPE = "application/wmo-grib"
ORDER = 50
_MAGIC = b"GRIB"
#: A bulletin may have a heading of telegraphy before the first message.
_SEARCHED = 512
_TAIL_BYTES = 4096
_END = b"7777"
#: GRIB elements as GDAL (degrib) and ECMWF name them: CF standard name.
_STANDARD_NAMES = {
    "2T": "air_temperature", "TMP": "air_temperature", "T": "air_temperature",
    "TMAX": "air_temperature", "TMIN": "air_temperature", "MX2T": "air_temperature",
    "MN2T": "air_temperature", "2D": "dew_point_temperature", "DPT": "dew_point_temperature",
    "RH": "relative_humidity", "R": "relative_humidity", "SPFH": "specific_humidity",
    "Q": "specific_humidity", "10U": "eastward_wind", "UGRD": "eastward_wind",
    "U": "eastward_wind", "10V": "northward_wind", "VGRD": "northward_wind",
    "V": "northward_wind", "WIND": "wind_speed", "GUST": "wind_speed_of_gust",
    "PRES": "air_pressure", "SP": "surface_air_pressure", "MSL": "air_pressure_at_mean_sea_level",
    "PRMSL": "air_pressure_at_mean_sea_level", "HGT": "geopotential_height",
    "GH": "geopotential_height", "Z": "geopotential", "GP": "geopotential",
    "SKT": "surface_temperature", "SST": "sea_surface_temperature",
    "TP": "precipitation_amount", "APCP": "precipitation_amount",
    "TCC": "cloud_area_fraction", "TCDC": "cloud_area_fraction",
    "LSM": "land_binary_mask", "LAND": "land_binary_mask",
    "SD": "lwe_thickness_of_surface_snow_amount", "SNOD": "surface_snow_thickness",
}  # fmt: skip
#: Types of level (GRIB2 code table 4.5, as degrib abbreviates them): name of the dimension,
#: unit and CF standard name.
_LEVELS = {
    "ISBL": ("level", "Pa", "air_pressure"),
    "HTGL": ("height", "m", "height"),
    "HTMSL": ("altitude", "m", "altitude"),
    "DBLL": ("depth", "m", "depth"),
    "DBLY": ("depth", "m", "depth"),
    "HYBL": ("model_level", "1", "atmosphere_hybrid_sigma_pressure_coordinate"),
    "THEL": ("theta", "K", "air_potential_temperature"),
    "SIGL": ("sigma", "1", "atmosphere_sigma_coordinate"),
}
#: `2-HTGL`; between two surfaces `0-10-DBLL`, which is known by the first of them.
_SHORT_NAME = re.compile(r"^(?P<level>-?[\d.]+(?:e[+-]?\d+)?)(?:-[\d.]+)?-(?P<kind>\w+)$")
#: Code table 4.10; where it and the number of a member stand in templates 4.n, counted from
#: octet 10 of the section.
_PROCESSES = {0: "mean", 1: "sum", 2: "maximum", 3: "minimum", 6: "standard_deviation"}
_PROCESS_AT = {8: 37, 11: 40}
_MEMBER_AT = {1: 26, 11: 26}


def recognises(source: LookedAt) -> bool:
    """Return whether it is GRIB, by its first bytes."""
    return source.head is not None and _MAGIC in source.head[:_SEARCHED]


@dataclass(frozen=True, kw_only=True)
class _Message:
    band: int
    element: str
    kind: str
    """Type of level: `HTGL`."""
    level: float
    member: int
    reference: int
    """Seconds since 1970."""
    step: int
    """Seconds from there to the time that the field is valid for."""
    process: int | None
    units: str
    text: str

    @property
    def valid(self) -> int:
        """Seconds since 1970 of the time that the field is valid for."""
        return self.reference + self.step


def open_dataset(source: LookedAt) -> xr.Dataset:
    """Open it lazily, a chunk for each message."""
    _check_end(source)
    file = raster_file(source, "GRIB")
    dataset: xr.Dataset = file.reading(lambda d: _described(d, file, source.shown))
    return dataset


def _check_end(source: LookedAt) -> None:
    size = source.objects.stat("").size
    tail = source.objects.read("", max((size or 0) - _TAIL_BYTES, 0), size)
    if not tail.rstrip(b"\x00\r\n\x03 ").endswith(_END):
        raise NotACubeError(
            f"{source.shown} is truncated: its last message does not end as GRIB does "
            f"({_END.decode()}); fetch or write it again"
        )


def _described(opened: Any, file: RasterFile, shown: str) -> xr.Dataset:
    messages = [_message(band, opened) for band in range(1, opened.count + 1)]
    by_name: dict[tuple[str, str], list[_Message]] = defaultdict(list)
    for message in messages:
        by_name[message.element, message.kind].append(message)
    elements = [element for element, _ in by_name]
    times = _distinct([m.valid for g in by_name.values() if _by_valid_time(g) for m in g])
    placed = coordinates_of(opened, shown)
    # A sphere of the size that a weather model has: its degrees are taken as they are, as all do.
    if placed and placed["x"][2]["standard_name"] == "longitude":
        del placed["spatial_ref"]
    dataset = xr.Dataset(coords=placed, attrs={"Conventions": "CF-1.8"})
    for (element, kind), group in by_name.items():
        name = element if elements.count(element) == 1 else f"{element}_{kind}"
        dims, coords, bands = _arranged(group, name, dataset, times)
        array = BandsArray(
            file, bands, (opened.height, opened.width), np.dtype(np.float64), masked=True
        )
        chunks = (*(1,) * bands.ndim, opened.height, opened.width)
        attrs = _attrs(group) | ({"grid_mapping": "spatial_ref"} if "spatial_ref" in placed else {})
        dataset = dataset.assign_coords(coords)
        dataset[name] = lazy((*dims, "y", "x"), array, chunks, attrs)
    return dataset


def _message(band: int, opened: Any) -> _Message:
    tags = opened.tags(band)
    named = _SHORT_NAME.match(tags.get("GRIB_SHORT_NAME", ""))
    reference = _seconds(tags.get("GRIB_REF_TIME", "0"))
    valid = _seconds(tags.get("GRIB_VALID_TIME", str(reference)))
    template = int(tags.get("GRIB_PDS_PDTN", "-1"))
    numbers = [int(n) for n in tags.get("GRIB_PDS_TEMPLATE_NUMBERS", "").split()]
    member_at, process_at = _MEMBER_AT.get(template), _PROCESS_AT.get(template)
    return _Message(
        band=band,
        element=re.sub(r"\W+", "_", tags.get("GRIB_ELEMENT", f"message_{band}")),
        kind=named["kind"] if named else "SFC",
        level=float(named["level"]) if named else 0.0,
        member=numbers[member_at] if member_at is not None and member_at < len(numbers) else 0,
        reference=reference,
        step=valid - reference,
        process=(
            numbers[process_at] if process_at is not None and process_at < len(numbers) else None
        ),
        units=tags.get("GRIB_UNIT", "").strip("[]- "),
        text=tags.get("GRIB_COMMENT", "").partition("[")[0].strip(),
    )


def _seconds(said: str) -> int:
    return int(said.strip().split()[0])


def _arranged(
    group: list[_Message], name: str, dataset: xr.Dataset, times: list[int]
) -> tuple[tuple[str, ...], dict[str, Any], np.ndarray]:
    """Return the leading dimensions of a variable, their coordinates, and each band's place."""
    axes: list[tuple[str, list[Any], list[Any], dict[str, Any]]] = []
    if _by_valid_time(group):
        # One axis for all variables; where one of them has no field, it has no value.
        attrs = {"standard_name": "time", "axis": "T"}
        axes.append(("time", [m.valid for m in group], times, attrs))
    else:
        references, steps = [m.reference for m in group], [m.step for m in group]
        attrs = {"standard_name": "forecast_reference_time"}
        axes.append(("reference_time", references, _distinct(references), attrs))
        attrs = {"standard_name": "forecast_period", "units": "s"}
        axes.append(("step", steps, _distinct(steps), attrs))
    members, levels = [m.member for m in group], [m.level for m in group]
    if len(set(members)) > 1:
        attrs = {"standard_name": "realization"}
        axes.append(("number", members, _distinct(members), attrs))
    dim, unit, standard_name = _LEVELS.get(group[0].kind, (group[0].kind.lower(), "1", ""))
    if len(set(levels)) > 1:
        attrs = {"units": unit, "axis": "Z"} | (
            {"standard_name": standard_name} if standard_name else {}
        )
        axes.append((dim, levels, _distinct(levels), attrs))
    bands = np.zeros(tuple(len(distinct) for _, _, distinct, _ in axes), dtype=np.int64)
    for i, message in enumerate(group):
        bands[tuple(distinct.index(values[i]) for _, values, distinct, _ in axes)] = message.band
    coords, dims = {}, []
    for axis, _, distinct, attrs in axes:
        values = _coordinate(axis, distinct)
        known = dataset.coords.get(axis)
        own = (
            axis if known is None or np.array_equal(known.to_numpy(), values) else f"{name}.{axis}"
        )
        coords[own] = (own, values, attrs)
        dims.append(own)
    return tuple(dims), coords, bands


def _by_valid_time(group: list[_Message]) -> bool:
    """Return whether no two forecasts are for the same time."""
    return len({(m.valid, m.level, m.member) for m in group}) == len(
        {(m.reference, m.step, m.level, m.member) for m in group}
    )


def _distinct(values: list[Any]) -> list[Any]:
    return sorted(set(values))


def _coordinate(axis: str, values: list[Any]) -> np.ndarray:
    """Return the (n,) values along a leading dimension as numbers, times or texts."""
    if axis in {"time", "reference_time"}:
        return np.array(values, dtype="datetime64[s]").astype("datetime64[ns]")
    return np.array(values)


def _attrs(group: list[_Message]) -> dict[str, Any]:
    first = group[0]
    attrs: dict[str, Any] = {"long_name": first.text or first.element}
    element = re.sub(r"\d{2}$", "", first.element)
    standard_name = _STANDARD_NAMES.get(first.element, _STANDARD_NAMES.get(element))
    if standard_name is not None:
        attrs["standard_name"] = standard_name
    if first.units:
        attrs["units"] = first.units
    process = _PROCESSES.get(first.process) if first.process is not None else None
    if process is not None:
        attrs["cell_methods"] = f"time: {process}"
    dim, unit, _ = _LEVELS.get(first.kind, (first.kind.lower(), "", ""))
    if len({m.level for m in group}) == 1 and first.level:
        attrs["level"] = f"{first.level:g} {unit}".strip() + f" ({dim})"
    return attrs
