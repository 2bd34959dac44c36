"""Who may write."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from api.errors import ForbiddenError

if TYPE_CHECKING:
    from fastapi import Request


def require_writable(request: Request) -> None:
    """Let a request that writes pass, or refuse it.

    Raises:
        ForbiddenError: The server is read-only, or the request comes from a page of another site.
    """
    # A form on any page that a user has open could post here; browsers say where it came from.
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise ForbiddenError(f"updates from pages of {origin} are refused")
    if request.app.state.deepcube.read_only:
        raise ForbiddenError("the server is read-only; start it without --read-only to write")
