"""SPARQL servers that know no GeoSPARQL, for tests: `oxigraph serve` and Virtuoso."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import httpx2 as httpx
import pytest
from pyoxigraph import NamedNode, QueryResultsFormat, Store

_CONFIGURATION = """
[Database]
DatabaseFile = virtuoso.db
ErrorLogFile = virtuoso.log
LockFile = virtuoso.lck
TransactionFile = virtuoso.trx
xa_persistent_file = virtuoso.pxa
[TempDatabase]
DatabaseFile = virtuoso-temp.db
TransactionFile = virtuoso-temp.trx
[Parameters]
ServerPort = 127.0.0.1:{sql}
DisableUnixSocket = 1
NumberOfBuffers = 4000
MaxDirtyBuffers = 3000
DirsAllowed = .
[HTTPServer]
ServerPort = 127.0.0.1:{http}
ServerRoot = .
ServerThreads = 10
[SPARQL]
ResultSetMaxRows = 1000
"""


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextlib.contextmanager
def oxigraph(folder: Path) -> Iterator[str]:
    """Run `oxigraph serve` in memory and yield its query address."""
    command = shutil.which(
        "oxigraph", path=f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}"
    )
    _required(command, "oxigraph", "pip install oxigraph")
    port = _free_port()
    arguments = ["serve", "--bind", f"127.0.0.1:{port}"]
    url = f"http://127.0.0.1:{port}"
    with _running([str(command), *arguments], folder, url + "/query?query=ASK%7B%7D"):
        yield url + "/query"


@contextlib.contextmanager
def virtuoso(folder: Path) -> Iterator[str]:
    """Run Virtuoso on a folder, open for updates by anyone, and yield its address."""
    command, client = shutil.which("virtuoso-t"), shutil.which("isql-vt")
    _required(command and client, "virtuoso-t", "apt-get install virtuoso-opensource-7-bin")
    folder.mkdir(parents=True, exist_ok=True)
    http, sql = _free_port(), _free_port()
    (folder / "virtuoso.ini").write_text(_CONFIGURATION.format(http=http, sql=sql))
    url = f"http://127.0.0.1:{http}/sparql"
    arguments = ["+configfile", "virtuoso.ini", "+foreground"]
    with _running([str(command), *arguments], folder, url):
        (folder / "grant.sql").write_text('GRANT SPARQL_UPDATE TO "SPARQL";\n')
        grant = [str(client), f"127.0.0.1:{sql}", "dba", "dba", "grant.sql"]
        subprocess.run(grant, cwd=folder, check=True, capture_output=True, timeout=60)
        yield url


def _required(command: str | None, name: str, how: str) -> None:
    if command is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{name} is not installed, which .ci/run should have done: {how}")
        pytest.skip(f"{name} is not installed: {how}")


@contextlib.contextmanager
def _running(command: list[str], folder: Path, address: str) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "server.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(command, cwd=folder, stdout=output, stderr=output) as process,
    ):
        try:
            _wait(address, process, log)
            yield
        finally:
            process.kill()
            process.wait(timeout=20)


def _wait(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(600):
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(address).status_code == 200:
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(f"{address} does not answer: {log.read_text()[-2000:]}")


class _Relabelling(BaseHTTPRequestHandler):
    """Answers from a store, and numbers the blank nodes of each answer from 0, as Jena does."""

    store: Store

    def do_POST(self) -> None:
        """Answer a form-encoded query or update."""
        length = int(self.headers["Content-Length"])
        form = parse_qs(self.rfile.read(length).decode())
        if "update" in form:
            self.store.update(form["update"][0])
            body = b""
        else:
            graphs = [NamedNode(g) for g in form.get("default-graph-uri", [])] or None
            result = self.store.query(form["query"][0], default_graph=graphs)
            written = result.serialize(format=QueryResultsFormat.JSON) or b""
            labels: dict[bytes, bytes] = {}
            body = re.sub(
                rb'("type":"bnode","value":")(\w+)',
                lambda m: m[1] + labels.setdefault(m[2], f"b{len(labels)}".encode()),
                written,
            )
        self.send_response(200)
        self.send_header("Content-Type", "application/sparql-results+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def relabelling() -> Iterator[str]:
    """Run a server that labels blank nodes anew in each answer and yield its address."""

    class Handler(_Relabelling):
        store = Store()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/sparql"
        finally:
            server.shutdown()
            thread.join()
