"""The engines that are compared; each loads a workload and answers its queries.

Ours and `oxigraph serve` give TSV, PostGIS the text of COPY, DuckDB numpy columns and
geopandas a frame: what each gives out fastest. The relational engines give numbers where
the stores have to give IRIs.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import geopandas as gpd
import httpx2 as httpx
import numpy as np
import pandas as pd
import shapely
from pyoxigraph import QueryResultsFormat, RdfFormat

from kg.embedded.store import EmbeddedStore
from kg.errors import DeepCubeError
from kg.results.formats import serialise_result

if TYPE_CHECKING:
    from tests.benchmarks.workload import Query, Workload

#: The end of an IRI of a feature or its geometry is its number.
_NUMBER = re.compile(rb"/(\d+)/>")
_RESULTS = "text/tab-separated-values"
#: For PostGIS; all else is Debian's default.
_SETTINGS = {
    "shared_buffers": "1GB",
    "work_mem": "64MB",
    # The data are in memory: what a table that fits there is usually given.
    "random_page_cost": "1.1",
    "listen_addresses": "",
}


class UnavailableError(Exception):
    """An engine is not to be had here; the message says why."""


class TooSlowError(Exception):
    """An engine gave no answer within its time limit, in seconds."""


class FailedError(Exception):
    """An engine gave an error instead of an answer; the message is its own."""


@dataclass(frozen=True, kw_only=True)
class Data:
    """A workload, and its triples in a file."""

    workload: Workload
    triples: Path


class Peer(Protocol):
    """One engine. `run` is what is timed."""

    name: str
    described: str
    """With its version, and what of its configuration is not the default."""

    def load(self, data: Data) -> None:
        """Take the data."""

    def run(self, query: Query) -> Any:
        """Return the whole answer, in the engine's own form."""

    def numbers(self, query: Query, answer: Any) -> np.ndarray:
        """Return (rows, width) the numbers of the features of an answer."""

    def close(self) -> None:
        """Stop, and let go of files."""


class _Engine:
    described = ""

    def __init__(self, folder: Path, *, limit_s: float) -> None:
        """Take a folder for files, and the seconds that a query may take."""
        self._folder = folder
        self._limit_s = limit_s

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        """Make ready for data.

        Raises:
            UnavailableError: The engine is not to be had here.
        """

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop, and let go of files."""


def _from_tsv(query: Query, answer: bytes) -> np.ndarray:
    found = np.array(_NUMBER.findall(answer), dtype="S12")
    return found.astype(np.int64).reshape(-1, query.width)


class Ours(_Engine):
    """`EmbeddedStore` on a folder, in this process."""

    name = "ours"

    def start(self) -> None:
        self.described = f"ours on disk (pyoxigraph {version('pyoxigraph')})"
        self.store = EmbeddedStore(self._folder / "ours")

    def load(self, data: Data) -> None:
        with data.triples.open("rb") as source:
            self.store.load(source, RdfFormat.N_TRIPLES)

    def forget(self) -> None:
        """Make the next query find nothing that an earlier one left."""
        self.store.remembered.clear()

    def run(self, query: Query) -> bytes:
        try:
            return serialise_result(self.store.query(query.sparql), QueryResultsFormat.TSV)
        except DeepCubeError as error:
            raise FailedError(str(error)) from error

    def numbers(self, query: Query, answer: bytes) -> np.ndarray:
        return _from_tsv(query, answer)

    def close(self) -> None:
        self.store.close()


class Oxigraph(_Engine):
    """`oxigraph serve` on a folder, over HTTP on this machine."""

    name = "oxigraph"

    def start(self) -> None:
        self._program = _program("oxigraph", Path(sys.executable).parent)
        self._place = ["--location", self._folder / "oxigraph"]
        named = subprocess.run([self._program, "--version"], check=True, stdout=subprocess.PIPE)
        number = named.stdout.decode().split()[-1]
        self.described = f"oxigraph serve {number}, at most {self._limit_s:g} s for a query"
        self._server: subprocess.Popen[bytes] | None = None
        self._url = ""

    def load(self, data: Data) -> None:
        command = [self._program, "load", *self._place, "--file", data.triples]
        subprocess.run(command, check=True, capture_output=True)
        self._start()

    def _start(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        limit = str(int(self._limit_s))
        self._server = subprocess.Popen(
            [self._program, "serve", *self._place, "--bind", address, "--timeout-s", limit],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._url = f"http://{address}"
        for _ in range(600):
            with contextlib.suppress(httpx.TransportError):
                httpx.get(self._url)
                return
            time.sleep(0.1)
        raise UnavailableError("oxigraph serve did not answer in 60 seconds")

    def run(self, query: Query) -> bytes:
        """Return the TSV.

        Raises:
            TooSlowError: It took longer than the limit; the server was started again, so that
                it does not go on with the query beside the next one.
        """
        start = time.perf_counter()
        try:
            # The status and the head of the table come before the first solution does.
            headers = {"accept": _RESULTS, "content-type": "application/sparql-query"}
            with httpx.stream(
                "POST",
                f"{self._url}/query",
                content=query.sparql,
                headers=headers,
                timeout=self._limit_s,
            ) as response:
                parts = []
                for part in response.iter_bytes():
                    parts.append(part)
                    if time.perf_counter() - start > self._limit_s:
                        break
                response_ok = response.status_code == httpx.codes.OK
        except httpx.TransportError:
            response_ok = False
        if time.perf_counter() - start >= self._limit_s - 1 or not response_ok:
            if time.perf_counter() - start < self._limit_s - 1:
                raise FailedError("no answer over HTTP")
            self.close()
            self._start()
            raise TooSlowError(self._limit_s)
        return b"".join(parts)

    def numbers(self, query: Query, answer: bytes) -> np.ndarray:
        return _from_tsv(query, answer)

    def close(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None


class PostGIS(_Engine):
    """A cluster of its own, over a socket: tables with GiST indexes and tag tables."""

    name = "PostGIS"

    def start(self) -> None:
        try:
            import psycopg  # noqa: PLC0415 -- may be missing
        except ImportError as error:
            raise UnavailableError("needs psycopg[binary]") from error
        self._psycopg = psycopg
        # Debian keeps the programs of each version in a folder of its own.
        self._control = _program("pg_ctl", *Path("/usr/lib/postgresql").glob("*/bin"))
        # The server will not run as root; Debian's package makes the user postgres.
        self._as: dict[str, Any] = {"user": "postgres"} if os.geteuid() == 0 else {}
        # A socket's path is short, and the folder belongs to the server's user.
        self._home = Path(tempfile.mkdtemp(prefix="postgis-"))
        if self._as:
            shutil.chown(self._home, **self._as)
        self._call(_program("initdb", Path(self._control).parent), "-U", "bench", "-A", "trust")
        settings = f"-k {self._home} " + " ".join(f"-c {k}='{v}'" for k, v in _SETTINGS.items())
        log = self._home / "log"
        self._call(self._control, "-w", "-l", str(log), "-o", settings, "start")
        self._connection = psycopg.connect(
            host=str(self._home), user="bench", dbname="postgres", autocommit=True
        )
        execute = self._connection.execute
        try:
            execute("CREATE EXTENSION postgis")
        except psycopg.Error as error:
            self.close()
            raise UnavailableError(str(error).splitlines()[0]) from error
        # At the default of 5000 an index scan looks dearer to the planner than multiplying out
        # the classes of the join (1, 1) by sfWithin: 15 s instead of 0.1 s at N = 128.
        for function in ("st_intersects", "st_touches", "st_within"):
            execute(f"ALTER FUNCTION {function}(geometry, geometry) COST 200")
        row = execute("SELECT version(), postgis_version(), postgis_geos_version()").fetchone()
        server, extension, geos = ("", "", "") if row is None else row
        changed = ", ".join(f"{k} {v}" for k, v in _SETTINGS.items() if v)
        self.described = (
            f"PostGIS {extension.split()[0]} (GEOS {geos}) on {' '.join(server.split()[:2])}, "
            f"GiST, {changed}"
        )

    def _call(self, program: str, *arguments: str) -> None:
        command = [program, "-D", str(self._home / "data"), *arguments]
        # Its children keep what they inherit open: no pipes.
        subprocess.run(
            command,
            check=True,
            cwd=self._home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self._as,
        )

    def load(self, data: Data) -> None:
        execute = self._connection.execute
        for layer in data.workload.layers:
            for name, frame in layer.frames().items():
                is_tags = name.endswith("_tag")
                columns = "id int PRIMARY KEY"
                if is_tags:
                    columns = "feature int, key text, PRIMARY KEY (feature, key)"
                columns += ", code int" if "code" in frame else ""
                columns += "" if is_tags else ", geom geometry"
                execute(f"CREATE TABLE {name} ({columns})")
                table = _with_wkb(frame)
                lines = table.to_csv(sep="\t", header=False, index=False)
                with self._connection.cursor().copy(f"COPY {name} FROM STDIN") as copy:
                    copy.write(lines)
                if is_tags:
                    execute(f"CREATE INDEX ON {name} (key, feature)")
                else:
                    execute(f"CREATE INDEX ON {name} USING gist (geom)")
                if "code" in frame:
                    execute(f"CREATE INDEX ON {name} (code)")
                execute(f"VACUUM ANALYZE {name}")
        execute(f"SET statement_timeout = {int(self._limit_s * 1000)}")

    def run(self, query: Query) -> bytes:
        try:
            with self._connection.cursor().copy(f"COPY ({query.sql}) TO STDOUT") as copy:
                return b"".join(copy)
        except self._psycopg.errors.QueryCanceled as error:
            raise TooSlowError(self._limit_s) from error
        except self._psycopg.Error as error:
            raise FailedError(str(error).splitlines()[0]) from error

    def numbers(self, query: Query, answer: bytes) -> np.ndarray:
        lines = [line.split(b"\t")[: query.width] for line in answer.splitlines()]
        return np.array(lines, dtype="S12").astype(np.int64).reshape(-1, query.width)

    def close(self) -> None:
        self._connection.close()
        self._call(self._control, "-w", "-m", "fast", "stop")
        shutil.rmtree(self._home)


class DuckDB(_Engine):
    """A database file with R-trees, in this process."""

    name = "DuckDB"

    def start(self) -> None:
        try:
            import duckdb  # noqa: PLC0415 -- may be missing
        except ImportError as error:
            raise UnavailableError("needs duckdb") from error
        self._error, self._interrupted = duckdb.Error, duckdb.InterruptException
        self._connection = duckdb.connect(self._folder / "duckdb.db")
        try:
            self._connection.execute(f"LOAD '{_duckdb_extension(duckdb.__version__)}'")
        except (duckdb.Error, ImportError) as error:
            self._connection.close()
            first = str(error).splitlines()[0]
            raise UnavailableError(f"duckdb {duckdb.__version__}: {first}") from error
        self.described = f"DuckDB {duckdb.__version__} with spatial, R-trees"

    def load(self, data: Data) -> None:
        execute = self._connection.execute
        for layer in data.workload.layers:
            for name, frame in layer.frames().items():
                table = _with_wkb(frame)
                self._connection.register("frame", table)
                if "geometry" in table:
                    columns = "* EXCLUDE (geometry), ST_GeomFromHEXWKB(geometry) AS geom"
                    execute(f"CREATE TABLE {name} AS SELECT {columns} FROM frame")
                    execute(f"CREATE INDEX {name}_geom ON {name} USING RTREE (geom)")
                else:
                    execute(f"CREATE TABLE {name} AS SELECT * FROM frame")
                self._connection.unregister("frame")
        execute("CHECKPOINT")

    def run(self, query: Query) -> dict[str, np.ndarray]:
        watch = threading.Timer(self._limit_s, self._connection.interrupt)
        watch.start()
        try:
            found: dict[str, np.ndarray] = self._connection.execute(query.sql).fetchnumpy()
        except self._interrupted as error:
            raise TooSlowError(self._limit_s) from error
        except self._error as error:
            raise FailedError(str(error).splitlines()[0]) from error
        finally:
            watch.cancel()
        return found

    def numbers(self, query: Query, answer: dict[str, np.ndarray]) -> np.ndarray:
        return np.column_stack(list(answer.values())[: query.width]).astype(np.int64)

    def close(self) -> None:
        self._connection.close()


class GeoPandas(_Engine):
    """Frames in this process; each layer's tree is made when it is first needed."""

    name = "geopandas"

    def start(self) -> None:
        geos = ".".join(str(v) for v in shapely.geos_version)
        self.described = f"geopandas {gpd.__version__} (GEOS {geos}), in memory"
        self._frames: dict[str, pd.DataFrame] = {}

    def load(self, data: Data) -> None:
        for layer in data.workload.layers:
            self._frames |= layer.frames()

    def run(self, query: Query) -> pd.DataFrame:
        return query.frames(self._frames)

    def numbers(self, query: Query, answer: pd.DataFrame) -> np.ndarray:
        return answer.iloc[:, : query.width].to_numpy().astype(np.int64)


PEERS: dict[str, type[Ours | Oxigraph | PostGIS | DuckDB | GeoPandas]] = {
    peer.name: peer for peer in (Ours, Oxigraph, PostGIS, DuckDB, GeoPandas)
}


def _program(name: str, *folders: Path) -> str:
    """Return where a program is: in one of some folders, or on the path."""
    places = os.pathsep.join([*(str(f) for f in sorted(folders, reverse=True)), os.environ["PATH"]])
    found = shutil.which(name, path=places)
    if found is None:
        raise UnavailableError(f"no program {name}")
    return found


def _with_wkb(frame: pd.DataFrame) -> pd.DataFrame:
    if "geometry" not in frame:
        return frame
    plain = pd.DataFrame(frame.drop(columns="geometry"))
    return plain.assign(geometry=shapely.to_wkb(frame.geometry.to_numpy(), hex=True))


def _duckdb_extension(duckdb_version: str) -> str:
    """Return the file of the spatial extension: PyPI has it as a wheel, for its own version."""
    import duckdb_extension_spatial  # noqa: PLC0415 -- may be missing

    folder = Path(duckdb_extension_spatial.__file__).parent / "extensions" / f"v{duckdb_version}"
    return str(folder / "spatial.duckdb_extension")
