"""Files and folders behind http and https."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from typing import TYPE_CHECKING, Self
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, TimeoutError  # noqa: A004  # theirs

from cube_bridge.access.location import Location
from cube_bridge.access.object_stat import Stat, timeout_s
from cube_bridge.errors import SourceForbiddenError, SourceTimeoutError, SourceUnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from urllib3.response import BaseHTTPResponse

_PIECE = 2**20
#: A server that sends less, once the time allowed is over, is taken for one that hangs.
_SLOWEST_BYTES_PER_S = 2**14
_LINK = re.compile(r"""<a\s[^>]*href\s*=\s*["']([^"']+)["']""", re.IGNORECASE)
_OK, _PARTIAL, _NO_SUCH_RANGE = 200, 206, 416
_ABSENT = (404, 410)
_FORBIDDEN = (401, 403, 407)


@dataclass(frozen=True)
class WebObjects:
    """Files below a URL; see `Objects`. A server without byte ranges is read from the start."""

    base: str

    def read(self, name: str, start: int = 0, stop: int | None = None) -> bytes:
        """See `Objects.read`."""
        if stop is not None and stop <= start >= 0:
            return b""
        headers = {}
        if start < 0:
            headers["Range"] = f"bytes={start}"
        elif start or stop is not None:
            headers["Range"] = f"bytes={start}-{'' if stop is None else stop - 1}"
        with _Answer(self._url(name), "GET", headers) as answer:
            if answer.status == _NO_SUCH_RANGE:
                return b""
            if answer.status == _PARTIAL or not headers:
                return b"".join(answer.pieces())
            # The server sent all of it: no more is read than is needed.
            return _cut(answer.pieces(), start, stop)

    def stat(self, name: str) -> Stat:
        """See `Objects.stat`."""
        with _Answer(self._url(name), "HEAD", {}) as answer:
            size = answer.headers.get("Content-Length")
            tag = answer.headers.get("ETag") or (
                f"{answer.headers.get('Last-Modified', 'unknown')}-{size}"
            )
            return Stat(size=int(size) if size else None, version=tag.strip('"'))

    def serves_ranges(self) -> bool:
        """Return whether the server sends parts of the file at the root."""
        with _Answer(self._url(""), "GET", {"Range": "bytes=0-0"}) as answer:
            return answer.status == _PARTIAL

    def pieces(self) -> Iterator[bytes]:
        """Yield the file at the root, piece by piece."""
        with _Answer(self._url(""), "GET", {}) as answer:
            yield from answer.pieces()

    def children(self, prefix: str) -> list[str] | None:
        """See `Objects.children`: from the page on which many servers show a folder."""
        url = self._url(prefix)
        pieces = urlsplit(url)
        folder = urlunsplit(pieces._replace(path=f"{pieces.path.rstrip('/')}/"))
        try:
            with _Answer(folder, "GET", {}) as answer:
                if "text/html" not in answer.headers.get("Content-Type", ""):
                    return None
                page = b"".join(answer.pieces()).decode("utf-8", "replace")
        except (FileNotFoundError, SourceForbiddenError):
            return None
        links = (unescape(link) for link in _LINK.findall(page))
        names = {unquote(link.removeprefix("./")).rstrip("/") for link in links}
        return sorted(n for n in names if n and not set(n) & set("/?#:") and n != "..")

    def listing(self) -> None:
        """See `Objects.listing`: the web has no such lists."""

    def stats(self, names: list[str]) -> dict[str, Stat]:
        """Return `stat` of many objects, asked for several at a time; those that are there."""

        def one(name: str) -> tuple[str, Stat | None]:
            try:
                return name, self.stat(name)
            except FileNotFoundError:
                return name, None

        with ThreadPoolExecutor(16) as pool:
            found = dict(pool.map(one, names))
        return {name: stat for name, stat in found.items() if stat is not None}

    def _url(self, name: str) -> str:
        if not name:
            return self.base
        pieces = urlsplit(self.base)
        path = f"{pieces.path.rstrip('/')}/{quote(name)}"
        return urlunsplit((pieces.scheme, pieces.netloc, path, pieces.query, ""))


def _cut(pieces: Iterator[bytes], start: int, stop: int | None) -> bytes:
    if start < 0 or stop is None:
        return b"".join(pieces)[start:stop]
    held, seen = bytearray(), 0
    for piece in pieces:
        held += piece[max(start - seen, 0) : stop - seen]
        seen += len(piece)
        if seen >= stop:
            break
    return bytes(held)


class _Answer:
    """An answer that is closed at the end, whatever has been read of it."""

    def __init__(self, url: str, method: str, headers: dict[str, str]) -> None:
        self._shown = Location.of(url).shown
        self._seconds = timeout_s()
        self._began = time.monotonic()
        user, _, host = urlsplit(url).netloc.rpartition("@")
        if user:
            headers = {**headers, **urllib3.make_headers(basic_auth=unquote(user))}
            url = url.replace(f"{user}@{host}", host, 1)
        try:
            self._response: BaseHTTPResponse = _pool(self._seconds).request(
                method, url, headers=headers, preload_content=False
            )
        except HTTPError as error:
            raise self._failure(error) from error
        self.status, self.headers = self._response.status, self._response.headers

    def __enter__(self) -> Self:
        problem = self._problem()
        if problem is not None:
            self._response.close()
            raise problem
        return self

    def _problem(self) -> Exception | None:
        if self.status in _ABSENT:
            return FileNotFoundError(self._shown)
        if self.status in _FORBIDDEN:
            return SourceForbiddenError(
                f"{self._shown} may not be read (HTTP {self.status}); the URL needs a signature "
                "or a user and password (https://user:password@...)"
            )
        if self.status not in {_OK, _PARTIAL, _NO_SUCH_RANGE}:
            return SourceUnreachableError(
                f"{self._shown} answered HTTP {self.status}; check the address, or try later"
            )
        return None

    def __exit__(self, *_: object) -> None:
        self._response.close()

    def pieces(self) -> Iterator[bytes]:
        """Yield the body, as long as it comes fast enough."""
        received = 0
        expected = self.headers.get("Content-Length")
        try:
            while piece := self._response.read1(_PIECE):
                received += len(piece)
                allowed = self._seconds + received / _SLOWEST_BYTES_PER_S
                if time.monotonic() - self._began > allowed:
                    raise self._too_slow()
                yield piece
        except HTTPError as error:
            raise self._failure(error) from error
        if expected is not None and received < int(expected):
            raise SourceUnreachableError(
                f"{self._shown} broke off after {received} of {expected} bytes; try again"
            )

    def _too_slow(self) -> SourceTimeoutError:
        return SourceTimeoutError(
            f"{self._shown} did not answer within {self._seconds:g} s; try later, or set "
            "DEEPCUBE_TIMEOUT_S higher"
        )

    def _failure(self, error: HTTPError) -> Exception:
        reason = error.reason if isinstance(error, MaxRetryError) and error.reason else error
        if isinstance(reason, TimeoutError) and not isinstance(reason, NewConnectionError):
            return self._too_slow()
        return SourceUnreachableError(
            f"{self._shown} cannot be reached ({type(reason).__name__}); check the address and "
            "the network"
        )


@lru_cache(maxsize=8)
def _pool(seconds: float) -> urllib3.PoolManager:
    retries = urllib3.Retry(
        total=5,
        connect=0,
        read=0,
        status=2,
        other=0,
        redirect=5,
        status_forcelist=(502, 503, 504),
        backoff_factor=0.1,
        respect_retry_after_header=False,
        raise_on_status=False,
    )
    return urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=seconds, read=seconds),
        retries=retries,
        maxsize=16,
        headers={"Accept-Encoding": "identity", "User-Agent": "deepcube"},
    )
