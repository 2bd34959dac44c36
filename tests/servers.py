"""A real server on a store folder, for tests that speak HTTP."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx


@contextlib.contextmanager
def serving(store: Path, *options: str) -> Iterator[str]:
    """Run `deepcube serve` on a free port and yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "api", "serve", "--store", str(store), "--port", str(port)]
    with subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True) as process:
        try:
            _wait(url, process)
            yield url
        finally:
            process.terminate()
            process.communicate(timeout=20)


def _wait(url: str, process: subprocess.Popen[str]) -> None:
    for _ in range(300):
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        if process.poll() is not None:
            raise AssertionError(f"the server stopped: {process.communicate()[1]}")
        time.sleep(0.1)
    raise AssertionError("the server did not answer in 30 seconds")
