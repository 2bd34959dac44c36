"""Time the spatial store beside its peers, and print the results as Markdown.

    python -m tests.benchmarks.run_geographica --n 512 --output build/benchmarks/spatial.md

Every engine answers the same questions on the same data on this machine in one run; their
answers are compared first. An engine that is not to be had is left out, with the reason.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import pyoxigraph
from pyoxigraph import QueryResultsFormat, RdfFormat

from kg.embedded.store import EmbeddedStore
from kg.results.formats import serialise_result
from tests.benchmarks.geographica import geographica
from tests.benchmarks.measuring import (
    AGAIN,
    FIRST,
    Timing,
    duration,
    measure,
    report,
    table,
    timed,
)
from tests.benchmarks.peers import PEERS, Data, UnavailableError
from tests.benchmarks.scalability import scalability
from tests.benchmarks.workload import GEO, PREFIXES, rectangle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.measuring import Row
    from tests.benchmarks.workload import Workload

PARTS = ("queries", "scalability", "loading", "memory", "million")
#: Prints what opening a store's index adds to a process's memory.
_RSS = """
import gc, os, sys
from pathlib import Path
import shapely
from kg.embedded.store import EmbeddedStore
def rss():
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
with EmbeddedStore() as store:
    store.query(sys.argv[2])
with EmbeddedStore(Path(sys.argv[1])) as store:
    next(store.opened.quads_for_pattern(None, None, None))
    before = rss()
    index = store.spatial_index
    store.query(sys.argv[2])
    print(len(index), index.nbytes, index.wkb_bytes, rss() - before)
"""


def main() -> None:
    """Run the parts that are asked for."""
    options = _options()
    engines = [PEERS[name] for name in options.engines]
    with contextlib.ExitStack() as stack:
        files = [sys.stdout]
        if options.output is not None:
            options.output.parent.mkdir(parents=True, exist_ok=True)
            files.append(stack.enter_context(options.output.open("a" if options.append else "w")))
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=options.folder))
        bench = _Bench(Path(folder), engines, options)
        pieces = itertools.chain.from_iterable(getattr(bench, part)() for part in options.parts)
        for piece in itertools.chain([_head()], pieces):
            for file in files:
                file.write(piece)
                file.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.run_geographica")
    parser.add_argument("--n", type=int, default=128, help="N of Geographica (128)")
    parser.add_argument("--repeat", type=int, default=5, help="rounds of each query (5)")
    for name, known in (("--engines", [*PEERS]), ("--parts", PARTS)):
        parser.add_argument(name, nargs="+", choices=known, default=known)
    parser.add_argument("--limit", type=float, default=60, help="seconds for one query (60)")
    parser.add_argument("--only", default="", help="queries whose name holds this text")
    parser.add_argument("--triples", type=int, default=1_000_000, help="of the scalability part")
    parser.add_argument("--features", type=int, default=1_000_000, help="of the part million")
    parser.add_argument("--folder", type=Path, help="where the stores go; removed afterwards")
    parser.add_argument("--output", type=Path, help="a Markdown file for the results")
    parser.add_argument(
        "--append", action="store_true", help="keep what the file has: parts of one comparison"
    )
    return parser.parse_args()


def _head() -> str:
    line = shlex.join([*sys.argv[1:]])
    return (
        f"`python -m tests.benchmarks.run_geographica {line}`, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, pyoxigraph {version('pyoxigraph')}, "
        f"shapely {version('shapely')}, {datetime.now(tz=UTC):%-d %B %Y}. "
        "Medians and half of the range.\n"
    )


class _Bench:
    """The parts; each yields Markdown."""

    def __init__(self, folder: Path, engines: list[type], options: argparse.Namespace) -> None:
        self._folder = folder
        self._engines = engines
        self._options = options
        self._rows: list[Row] = []
        """Of the workload that was last compared."""

    def queries(self) -> Iterator[str]:
        """Time the 36 queries of Geographica's synthetic workload."""
        yield from self._compared(geographica(self._options.n))
        yield _slowest(self._rows)

    def scalability(self) -> Iterator[str]:
        """Time the shape of Geographica's scalability queries."""
        yield from self._compared(scalability(self._options.triples))

    def _compared(self, workload: Workload) -> Iterator[str]:
        options = self._options
        with tempfile.TemporaryDirectory(dir=self._folder) as name, contextlib.ExitStack() as stack:
            folder = Path(name)
            data = Data(workload=workload, triples=folder / "data.nt")
            count = workload.write(data.triples)
            features = sum(len(layer.wkt) for layer in workload.layers)
            yield f"\n## {workload.title}\n\n{count:,} triples, {features:,} features.\n\n"
            peers = []
            for engine in self._engines:
                try:
                    peer = stack.enter_context(engine(folder, limit_s=options.limit))
                    took, _ = timed(lambda: peer.load(data))  # noqa: B023
                except UnavailableError as error:
                    yield f"- {engine.name} is left out: {error}\n"
                    continue
                yield f"- {peer.described}; loaded in {duration(took)}\n"
                peers.append(peer)
            rows = self._rows = []
            for query in workload.queries:
                if options.only not in query.name:
                    continue
                rows.append(
                    measure(query, peers, rounds=options.repeat, budget_s=options.limit / 4)
                )
                done = ", ".join(f"{n} {t}" for n, t in rows[-1].timings.items())
                sys.stderr.write(f"{query.name}: {rows[-1].count} rows; {done}\n")
            yield "\n" + report(rows, peers)

    def loading(self) -> Iterator[str]:
        """Load the same file into our store and by pyoxigraph's own bulk loader, in turn."""
        workload = geographica(self._options.n)
        ours: list[float] = []
        plain: list[float] = []
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            path = Path(name) / "data.nt"
            count = workload.write(path)
            for i in range(min(self._options.repeat, 3)):
                plain.append(timed(lambda: _load_plain(Path(name) / f"plain{i}", path))[0])  # noqa: B023
                ours.append(timed(lambda: _load_ours(Path(name) / f"ours{i}", path))[0])  # noqa: B023
        yield f"\n## Loading {count:,} triples into a new folder\n\n" + table(
            ["what", "time"],
            [
                ["`EmbeddedStore.load` with the index, closed", str(Timing(seconds=ours))],
                ["`pyoxigraph.Store.bulk_load`, flushed", str(Timing(seconds=plain))],
                ["ours ÷ pyoxigraph", f"{median(ours) / median(plain):.2f}"],
            ],
        )

    def memory(self) -> Iterator[str]:
        """Say what the index of the workload weighs, by its own account and the system's."""
        workload = geographica(self._options.n)
        folder = self._folder / "memory"
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            path = Path(name) / "data.nt"
            workload.write(path)
            _load_ours(folder, path)
        narrow = next(q for q in workload.queries if q.name.endswith("0.1 %"))
        command = [sys.executable, "-c", _RSS, str(folder), narrow.sparql]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        count, nbytes, wkb_bytes, rss = (int(v) for v in done.stdout.split())
        yield f"\n## Memory of the index of {count:,} geometries\n\n" + table(
            ["what", "bytes per geometry"],
            [
                ["`SpatialIndex.nbytes`, beyond the WKB", f"{nbytes / count:.0f}"],
                ["`SpatialIndex.wkb_bytes`", f"{wkb_bytes / count:.0f}"],
                [
                    "growth of the resident memory of a process that opens it and asks once",
                    f"{rss / count:.0f}",
                ],
            ],
        )

    def million(self) -> Iterator[str]:
        """Insert into a large store, ask, close and open it again."""
        count = self._options.features
        folder = self._folder / "million" / "store"
        folder.parent.mkdir()
        path = self._folder / "million.nt"
        _write_points(path, count)
        loading, _ = timed(lambda: _load_ours(folder, path))
        path.unlink()
        size = sum(f.stat().st_size for f in folder.parent.rglob("*") if f.is_file())
        opening, store = timed(lambda: EmbeddedStore(folder))
        first, _ = timed(lambda: _seen(store, 5.0, 5.0))
        insert, after = [], []
        for i in range(max(self._options.repeat, 5)):
            # One on top of the other: each is found among those that came before.
            x = 200 + i
            insert.append(timed(lambda: store.update(_insertion(i, x)))[0])  # noqa: B023
            took, found = timed(lambda: _seen(store, x, 5.0))  # noqa: B023
            after.append(took)
            if found != 1:
                raise AssertionError(f"{found} features where one was inserted")
        closing, _ = timed(store.close)
        reopening, store = timed(lambda: EmbeddedStore(folder))
        again, found = timed(lambda: _seen(store, 200, 5.0))
        store.close()
        if found != 1:
            raise AssertionError("what was inserted was gone after closing")
        both = [a + b for a, b in zip(insert, after, strict=True)]
        yield f"\n## A store of {count:,} geometries\n\n" + table(
            ["what", "time"],
            [
                ["load and close it", duration(loading)],
                ["its files, and those of its index", f"{size / 2**20:,.0f} MiB"],
                ["open it", duration(opening)],
                ["the first spatial query (reads the index)", duration(first)],
                ["INSERT DATA of one geometry", str(Timing(seconds=insert))],
                ["the query that sees it", str(Timing(seconds=after))],
                ["both together", str(Timing(seconds=both))],
                ["both together, the slowest", duration(max(both))],
                ["close it after that", duration(closing)],
                ["open it", duration(reopening)],
                ["the first spatial query", duration(again)],
            ],
        )


def _slowest(rows: list[Row]) -> str:
    """Return the worst of each kind of query, as a table."""
    kinds = {
        "selections of 0.1 %": lambda q: q.endswith(" 0.1 %"),
        "selections of 10 %": lambda q: q.endswith(" 10 %"),
        "joins (1, 1)": lambda q: q.endswith("(1, 1)"),
    }
    found = []
    for kind, belongs in kinds.items():
        mine = [r for r in rows if belongs(r.query) and FIRST in r.timings]
        if mine:
            cells = [str(max((r.timings[c] for r in mine), key=_median)) for c in (FIRST, AGAIN)]
            found.append([f"slowest of the {kind}", *cells])
    times = {
        c: [r.timings["oxigraph"].median / r.timings[c].median for r in rows if c in r.timings]
        for c in (FIRST, AGAIN)
        if all("oxigraph" in r.timings for r in rows)
    }
    if all(times.values()) and times:
        least = [f"{min(values):.1f}" for values in times.values()]
        found.append(["least oxigraph ÷ ours", *least])
    text = "\n" + table(["what", FIRST, AGAIN], found) if found else ""
    return text + _behind(rows)


def _behind(rows: list[Row]) -> str:
    """Return the queries that take more than twice as long as in a relational engine."""
    lines = []
    for row, peer in itertools.product(rows, ("PostGIS", "DuckDB")):
        times = [row.timings[c].median for c in (FIRST, AGAIN, peer) if c in row.timings]
        if len(times) == 3 and max(times[:2]) > 2 * times[2]:
            ratios = " and ".join(f"{t / times[2]:.1f}" for t in times[:2])
            lines.append(f"- {row.query}: {ratios} times as long as {peer}\n")
    head = "first and again, more than twice as long as a relational engine"
    return f"\nOurs, {head}: {len(lines)} cases.\n\n" + "".join(lines)


def _median(timing: Timing) -> float:
    return timing.median


def _load_ours(folder: Path, path: Path) -> None:
    with EmbeddedStore(folder) as store, path.open("rb") as source:
        store.load(source, RdfFormat.N_TRIPLES)


def _load_plain(folder: Path, path: Path) -> None:
    store = pyoxigraph.Store(str(folder))
    store.bulk_load(path=path, format=RdfFormat.N_TRIPLES)
    store.flush()


def _write_points(path: Path, count: int) -> None:
    rng = np.random.default_rng(1)
    with path.open("w") as file:
        for i, (x, y) in enumerate(rng.uniform(0, 90, (count, 2)).tolist()):
            file.write(_point(i, x, y))


def _point(i: int, x: float, y: float) -> str:
    return (
        f"<urn:feature:{i}> <{GEO}hasGeometry> <urn:geometry:{i}> .\n"
        f'<urn:geometry:{i}> <{GEO}asWKT> "POINT ({x!r} {y!r})"^^<{GEO}wktLiteral> .\n'
    )


def _insertion(i: int, x: float) -> str:
    return f"INSERT DATA {{ {_point(10**9 + i, x, 5.0)} }}"


def _seen(store: EmbeddedStore, x: float, y: float) -> int:
    """Return how many features are in a small window."""
    window = rectangle(x - 0.05, y - 0.05, x + 0.05, y + 0.05)
    query = (
        f"{PREFIXES}SELECT ?s {{ ?s geo:hasGeometry ?g . ?g geo:asWKT ?w "
        f'FILTER(geof:sfWithin(?w, "{window}"^^geo:wktLiteral)) }}'
    )
    return serialise_result(store.query(query), QueryResultsFormat.TSV).count(b"\n") - 1


if __name__ == "__main__":
    main()
