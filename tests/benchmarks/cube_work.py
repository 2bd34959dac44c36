"""Cubes of any size on little disk, the bare pass over them, and a graph of a million chunks."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import dask
import dask.array as da
import numpy as np
import pandas as pd
import xarray as xr
from dask.delayed import delayed
from pyoxigraph import NamedNode, Quad, RdfFormat, serialize

from cube_bridge.cubes.axes import placement_of
from cube_bridge.cubes.chunk_quads import ChunkDescriber, tile_owners
from cube_bridge.cubes.header import describe_cube
from cube_bridge.cubes.opened import OpenedCube
from cube_bridge.cubes.summaries import ChunkPlace
from cube_bridge.formats.opener import open_cube
from cube_bridge.indexing.index import cube_mapping, index_file
from cube_bridge.sources.value_statistics import Statistics, chunk_statistics
from kg.embedded.store import EmbeddedStore
from kg.rdf.iris import Iris

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_SIDE = 1000
#: Chunks that differ from one another.
_DIFFERENT = 4


def make_cube(path: Path, gigabytes: float) -> Path:
    """Write a zarr cube of chunks of 4 MB that are links to the same few compressed files."""
    times = max(round(gigabytes * 1e9 / (4 * _SIDE**2)), _DIFFERENT)
    rng = np.random.default_rng(0)
    ground = 280 + 10 * np.sin(np.linspace(0, 9, _SIDE))[:, None] * np.ones(_SIDE)
    values = ground + rng.normal(0, 1, (_DIFFERENT, _SIDE, _SIDE))
    values[:, :100, :100] = np.nan
    few = path.with_name(f"{path.name}.few")
    stored = da.from_array(values.round(2).astype("float32"), chunks=(1, _SIDE, _SIDE))
    _dataset(stored).to_zarr(few, zarr_format=3, consolidated=False)
    whole = da.zeros((times, _SIDE, _SIDE), dtype="float32", chunks=(1, _SIDE, _SIDE))
    _dataset(whole).to_zarr(path, zarr_format=3, consolidated=False, compute=False)
    for t in range(times):
        folder = path / "ts" / "c" / str(t) / "0"
        folder.mkdir(parents=True)
        os.link(few / "ts" / "c" / str(t % _DIFFERENT) / "0" / "0", folder / "0")
    return path


def _dataset(values: da.Array) -> xr.Dataset:
    return xr.Dataset(
        {"ts": (("time", "lat", "lon"), values, {"units": "K"})},
        coords={
            "time": pd.date_range("2000-01-01", periods=len(values)),
            "lat": ("lat", np.linspace(60, 50, _SIDE), {"units": "degrees_north"}),
            "lon": ("lon", np.linspace(0, 10, _SIDE), {"units": "degrees_east"}),
        },
    )


def bare_pass(path: Path, summarise: Callable[[np.ndarray], Statistics] = chunk_statistics) -> int:
    """Compute the statistics of all chunks with xarray and dask alone; return how many."""
    dataset = open_cube(path)
    lazy = [
        delayed(summarise)(block)
        for variable in dataset.data_vars.values()
        for block in variable.data.to_delayed().ravel()
    ]
    return len(dask.compute(*lazy))


def usual_statistics(values: np.ndarray) -> Statistics:
    """Return statistics as they are usually computed."""
    return Statistics(
        valid_count=int(np.isfinite(values).sum()),
        minimum=float(np.nanmin(values)),
        maximum=float(np.nanmax(values)),
        mean=float(np.nanmean(values, dtype=np.float64)),
        sum_of_squares=float(np.nansum(np.square(values, dtype=np.float64))),
    )


def index_pass(path: Path, store: Path) -> int:
    """Index a cube; return how many chunks it has."""
    with EmbeddedStore(store) as opened:
        return index_file(opened, Iris(), path).items


def bytes_read() -> int:
    """Return how many bytes this process has read from files so far."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("rchar")).split()[1])


def measured(kind: str, path: Path, store: Path) -> dict[str, float]:
    """Run one pass; return seconds, seconds of CPU, bytes read, and what memory it took."""
    warm = make_cube(path.with_name(f"{path.name}.{kind}.warm"), 0.05)
    passes = {
        "bare": bare_pass,
        "usual": lambda p: bare_pass(p, usual_statistics),
        "index": lambda p: index_pass(p, store / p.name),
    }
    passes[kind](warm)
    started = (time.perf_counter(), time.process_time(), bytes_read())
    chunks = passes[kind](path)
    wall, cpu, read = (
        b - a
        for a, b in zip(
            started, (time.perf_counter(), time.process_time(), bytes_read()), strict=True
        )
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"chunks": chunks, "wall_s": wall, "cpu_s": cpu, "bytes": read, "peak_mb": peak}


def write_graph(target: Path, chunks: tuple[int, int, int]) -> NamedNode:
    """Write a graph of one variable of times x rows x columns of chunks; return the variable."""
    sizes = dict(zip(("time", "lat", "lon"), (n * 10 for n in chunks), strict=True))
    dataset = xr.Dataset(
        {"v": (tuple(sizes), da.zeros(tuple(sizes.values()), chunks=(10, 10, 10)))},
        coords={
            "time": pd.date_range("1980-01-01", periods=sizes["time"]),
            "lat": ("lat", np.linspace(70, 30, sizes["lat"]), {"units": "degrees_north"}),
            "lon": ("lon", np.linspace(-10, 40, sizes["lon"]), {"units": "degrees_east"}),
        },
    )
    cube = OpenedCube(
        dataset=dataset,
        placement=placement_of(dataset),
        media_type="application/vnd.zarr",
        version="a version",
        versions=None,
        findings=(),
    )
    (axes,) = cube.placement.axes
    source = Iris().mint("source", "large")
    describer = ChunkDescriber(source=source, iris=Iris(), tile_owners=tile_owners((axes,)))
    mapping = cube_mapping(Path("large"))
    statistics = Statistics(
        valid_count=1000, minimum=1.0, maximum=2.0, mean=1.5, sum_of_squares=2300.0
    )
    with target.open("wb") as file:

        def write(quads: Iterable[Quad]) -> None:
            file.write(serialize((q.triple for q in quads), format=RdfFormat.N_TRIPLES) or b"")

        write(describe_cube(cube, mapping, source).header)
        for index in np.ndindex(*chunks):
            write(describer.quads(ChunkPlace(axes=axes, index=index), statistics, "a version"))
    return NamedNode(f"{source.value}/variable/v")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measured(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
