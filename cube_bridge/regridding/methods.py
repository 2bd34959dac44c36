"""How values may be brought to another grid: what a quantity is decides."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, cast, get_args

from cube_bridge.errors import SelectionError

if TYPE_CHECKING:
    import xarray as xr


#: nearest: of the cell that holds the centre; bilinear: between the centres around it; mean: of
#: the area, so that what a square metre has adds up; sum: what a cell has is divided among the
#: cells that it meets, so that the total stays; mode: the class with the largest area.
Method = Literal["nearest", "bilinear", "mean", "sum", "mode"]
METHODS: tuple[str, ...] = get_args(Method)
#: What the quantity decides: auto, or that areas count (mean or sum).
CHOSEN = ("auto", "conservative")

_SPATIAL = r"(?:area|lat|lon|latitude|longitude|x|y)"
_SUM_OVER_CELL = re.compile(rf"\b{_SPATIAL}\s*:(?:\s*{_SPATIAL}\s*:)*\s*sum\b")
_MEAN_OVER_CELL = re.compile(rf"\b{_SPATIAL}\s*:(?:\s*{_SPATIAL}\s*:)*\s*mean\b")
_SUM_OVER_TIME = re.compile(r"\btime\s*:\s*sum\b")
#: A whole cell has so much of it: no "per square metre" in the unit.
_OF_A_CELL = frozenset(
    (
        *("count", "counts", "persons", "people", "inhabitants", "individuals"),
        *("m2", "m^2", "m**2", "km2", "km^2", "ha", "m3", "m^3", "km3"),
        *("kg", "g", "t", "tonne", "tonnes", "j", "kwh", "mwh", "gj", "w", "kw", "mw"),
    )
)
_CELL_NAMES = re.compile(r"^cell_area$|_in_cell$|^number_of_|_number_of_|^population(_count)?$")
#: Amounts and flows through the surface, by the words of CF standard names.
_AMOUNTS = re.compile(
    r"precipitation|rainfall|snowfall|evaporation|evapotranspiration|runoff|_flux\b|_flux_|"
    r"_amount\b|_amount_|water_equivalent|infiltration|drainage"
)
_CLASSES = re.compile(r"status_flag|quality_flag|area_type|_category|_classification|binary_mask")
_CLASS_UNITS = frozenset(("bit field", "class", "class-flag", "classes", "flags", "category"))
_CLASS_WORDS = re.compile(
    r"\b(flags?|quality|qa|qc|class(es|ification)?|categor(y|ies)|land cover type|mask)\b"
)


def method_for(array: xr.DataArray, asked: str, *, coarser: bool) -> Method:
    """Return how a variable is brought to another grid.

    Args:
        array: The variable with its CF attributes.
        asked: A method, "auto", or "conservative".
        coarser: Whether the cells of the other grid are larger.

    Raises:
        SelectionError: There is no such method.
    """
    if asked in METHODS:
        return cast("Method", asked)
    if asked not in CHOSEN:
        raise SelectionError(f"no resampling {asked!r}; there are {', '.join((*CHOSEN, *METHODS))}")
    if is_of_a_cell(array):
        return "sum"
    if asked == "conservative":
        return "mean"
    if is_class(array):
        return "mode" if coarser else "nearest"
    return "mean" if coarser or is_amount(array) else "bilinear"


def is_class(array: xr.DataArray) -> bool:
    """Return whether values are classes or bits, between which there is nothing."""
    attrs = array.attrs
    if {"flag_values", "flag_masks", "flag_meanings"} & attrs.keys() or array.dtype.kind == "b":
        return True
    units = str(attrs.get("units", "")).lower()
    if units in _CLASS_UNITS or _CLASSES.search(str(attrs.get("standard_name", ""))):
        return True
    stored = array.encoding.get("dtype", array.dtype)
    whole_numbers = getattr(stored, "kind", "f") in "iu" and not array.encoding.get("scale_factor")
    said = str(attrs.get("long_name", "")).lower()
    return whole_numbers and units in ("", "1", "none") and bool(_CLASS_WORDS.search(said))


def is_of_a_cell(array: xr.DataArray) -> bool:
    """Return whether a value belongs to a whole cell, as a number of people does."""
    methods = str(array.attrs.get("cell_methods", ""))
    if _SUM_OVER_CELL.search(methods):
        return True
    if _MEAN_OVER_CELL.search(methods):
        return False
    units = str(array.attrs.get("units", "")).strip().lower()
    return units in _OF_A_CELL or bool(
        _CELL_NAMES.search(str(array.attrs.get("standard_name", "")))
    )


def is_amount(array: xr.DataArray) -> bool:
    """Return whether values are amounts or flows per area, whose total counts."""
    return bool(
        _AMOUNTS.search(str(array.attrs.get("standard_name", "")))
        or adds_up_over_time(array)
        or _MEAN_OVER_CELL.search(str(array.attrs.get("cell_methods", "")))
    )


def adds_up_over_time(array: xr.DataArray) -> bool:
    """Return whether values are sums over their time step."""
    return bool(_SUM_OVER_TIME.search(str(array.attrs.get("cell_methods", ""))))
