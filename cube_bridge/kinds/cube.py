"""Cubes as a kind of source: files of many formats, indexed chunk by chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cube_bridge.cubes.mapping import CubeMapping
from cube_bridge.formats.opener import media_types, open_cube
from cube_bridge.kinds.kind import SourceKind
from ontology.terms import DEEP

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import xarray as xr
    from pyoxigraph import NamedNode


def _load(path: Path, _: CubeMapping, columns: Sequence[str], __: NamedNode) -> xr.Dataset:
    """Return variables of a cube as they are stored, lazily."""
    return open_cube(path)[list(columns)]


KIND = SourceKind(
    name="cube",
    mapping=CubeMapping,
    graph_class=DEEP.Cube,
    media_types=media_types(),
    read=None,
    load=_load,
)
