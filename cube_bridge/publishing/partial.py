"""How far a publication has come, so that a killed one goes on."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import xarray as xr


#: In the hidden folder: the cube, its item, and a note of what is done.
CUBE, ITEM, _DONE = "cube.zarr", "item.json", "done.json"


def item_path(path: Path) -> Path:
    """Return where the STAC item of a cube is."""
    return path.with_name(f"{path.name.removesuffix('.zarr')}.stac.json")


def regions(lazy: xr.Dataset, sizes: dict[str, int]) -> Iterator[tuple[str, str, dict[str, slice]]]:
    """Yield rows of chunks along the first dimension of each variable."""
    for name, variable in lazy.data_vars.items():
        if variable.chunks is None or not variable.dims:
            continue
        dim = str(variable.dims[0])
        for start in range(0, variable.sizes[dim], sizes[dim]):
            stop = min(start + sizes[dim], variable.sizes[dim])
            yield str(name), f"{name} {start}", {dim: slice(start, stop)}


def done_so_far(partial: Path, identity: str) -> list[str] | None:
    """Return what an earlier run for the same cube wrote; None where there was none."""
    try:
        noted = json.loads((partial / _DONE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    same = noted.get("identity") == identity and (partial / CUBE).is_dir()
    return list(noted["done"]) if same else None


def note(partial: Path, identity: str, done: list[str]) -> None:
    """Write down which parts of which cube are written; a reader never sees half a note."""
    text = json.dumps({"identity": identity, "done": done})
    (partial / "noting").write_text(text, encoding="utf-8")
    (partial / "noting").replace(partial / _DONE)


def put_in_place(partial: Path, path: Path) -> None:
    """Move a finished cube and its STAC item into place; older ones make room."""
    if path.exists():
        path.rename(partial / "replaced")
    (partial / CUBE).rename(path)
    (partial / ITEM).replace(item_path(path))
    shutil.rmtree(partial)
