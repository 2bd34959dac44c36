"""What indexing costs beside a bare pass, whether its memory stays flat, and a million chunks.

python -m tests.benchmarks.run_cubes --gigabytes 1 10 --chunks 100 100 100
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import shapely
from pyoxigraph import RdfFormat

from cube_bridge.cubes.chunk_search import chunks_meeting
from kg.embedded.store import EmbeddedStore
from tests.benchmarks.cube_work import make_cube, write_graph


def passes(folder: Path, sizes: list[float]) -> str:
    """Return a table of the passes over cubes of some sizes, each in a process of its own."""
    lines = [
        "| cube | chunks | pass | time | CPU | read / stored | peak memory | speed |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for size in sizes:
        cube = make_cube(folder / f"{size:g}.zarr", size)
        stored = sum(f.stat().st_size for f in (cube / "ts").rglob("*") if f.is_file())
        found = {k: _run(k, cube, folder / "stores") for k in ("bare", "usual", "index")}
        for kind, row in found.items():
            speed = found["bare"]["cpu_s"] / row["cpu_s"]
            lines.append(
                f"| {size:g} GB | {row['chunks']:.0f} | {kind} | {row['wall_s']:.2f} s | "
                f"{row['cpu_s']:.2f} s | {row['bytes'] / stored:.3f} | {row['peak_mb']:.0f} MB | "
                f"{speed:.2f} |"
            )
    return "\n".join(lines)


def _run(kind: str, cube: Path, stores: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.cube_work", kind, str(cube), str(stores)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    row: dict[str, float] = json.loads(done.stdout)
    return row


def planning(folder: Path, chunks: tuple[int, int, int]) -> str:
    """Return how long it takes to plan selections of a region and a month, first and again."""
    document = folder / "graph.nt"
    variable = write_graph(document, chunks)
    with EmbeddedStore(folder / "large") as store, document.open("rb") as file:
        count = store.load(file, RdfFormat.N_TRIPLES)
    lines = [f"{count:,} triples, {chunks[0] * chunks[1] * chunks[2]:,} chunks", ""]
    start = datetime(1980, 1, 1, tzinfo=UTC)
    # Opened anew, so that what was loaded is not still being sorted while it is asked for.
    with EmbeddedStore(folder / "large") as store:
        for k in range(5):
            begin = start + timedelta(days=chunks[0] * (1 + k))
            region = shapely.Point(5 + 4 * k, 48).buffer(2.5)
            took = []
            for _ in range(3):
                started = (time.perf_counter(), time.thread_time())
                found = chunks_meeting(store, variable, region, begin, begin + timedelta(days=31))
                wall, cpu = time.perf_counter() - started[0], time.thread_time() - started[1]
                took.append(f"{1000 * wall:.0f} ms ({1000 * cpu:.0f} ms CPU)")
            lines.append(
                f"- region and month {k + 1}: {len(found)} chunks, first {took[0]}, "
                f"then {' and '.join(took[1:])}"
            )
    return "\n".join(lines)


def main() -> None:
    """Run both and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, nargs="*", default=[0.2, 2])
    parser.add_argument("--chunks", type=int, nargs=3, default=[100, 20, 20])
    parser.add_argument("--folder", type=Path, help="where cubes and stores are made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        sys.stdout.write(passes(Path(folder), options.gigabytes) + "\n")
        sys.stdout.flush()
        sys.stdout.write(planning(Path(folder), tuple(options.chunks)) + "\n")


if __name__ == "__main__":
    main()
