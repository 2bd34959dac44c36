"""A real web server on the loopback for files: with or without ranges, slow, secretive."""

import contextlib
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit


@dataclass
class FileServer:
    """What a server has, how it behaves and what it was asked."""

    root: Path
    url: str = ""
    ranges: bool = True
    forbidden: str | None = None
    """Paths with this text in them are refused."""
    absent_status: int = 404
    lists: bool = False
    """Folders are shown as pages."""
    user: str | None = None
    """The Authorization header that is asked for."""
    delay_s: float = 0.0
    drip_s: float = 0.0
    """Seconds between two bytes."""
    cut_off_at: int | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)
    sent_bytes: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)


@contextlib.contextmanager
def serving_files(root: Path, **behaviour) -> Iterator[FileServer]:
    """Serve a folder on a free port; the server can be changed while it runs."""
    state = FileServer(root, **behaviour)

    class Handler(_Handler):
        server_state = state

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        state.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_state: FileServer

    def log_message(self, *_) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        state = self.server_state
        path = unquote(urlsplit(self.path).path)
        state.asked.append((self.command, self.path))
        if state.delay_s:
            state.stopped.wait(state.delay_s)
        file = state.root / path.lstrip("/")
        if state.user is not None and self.headers.get("Authorization") != state.user:
            self._plain(401)
        elif state.forbidden is not None and state.forbidden in path:
            self._plain(403)
        elif state.lists and file.is_dir():
            self._page(sorted(p.name for p in file.iterdir()))
        elif not file.is_file():
            self._plain(state.absent_status)
        else:
            self._file(file.read_bytes(), file.stat().st_mtime, with_body=with_body)

    def _plain(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _page(self, names: list[str]) -> None:
        links = "".join(f'<li><a href="{quote(n)}/">{n}</a></li>' for n in names)
        page = f'<!DOCTYPE html><html><a href="../">up</a>{links}</html>'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(page)

    def _file(self, content: bytes, modified: float, *, with_body: bool) -> None:
        state = self.server_state
        part, status = content, 200
        asked = re.match(r"bytes=(\d*)-(\d*)$", self.headers.get("Range", ""))
        if state.ranges and asked:
            start = int(asked[1]) if asked[1] else max(len(content) - int(asked[2]), 0)
            stop = min(int(asked[2]) + 1 if asked[1] and asked[2] else len(content), len(content))
            if start >= len(content):
                self._plain(416)
                return
            part, status = content[start:stop], 206
        self.send_response(status)
        self.send_header("Content-Length", str(len(part)))
        self.send_header("ETag", f'"{abs(hash(content)):x}"')
        self.send_header("Last-Modified", formatdate(modified, usegmt=True))
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(content)}")
        self.end_headers()
        if with_body:
            with contextlib.suppress(ConnectionError):
                self._body(part)

    def _body(self, part: bytes) -> None:
        state = self.server_state
        if state.cut_off_at is not None:
            self.wfile.write(part[: state.cut_off_at])
            self.close_connection = True
            return
        if not state.drip_s:
            self.wfile.write(part)
            state.sent_bytes += len(part)
            return
        for byte in part:
            if state.stopped.is_set():
                return
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(state.drip_s)
