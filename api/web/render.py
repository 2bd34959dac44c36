"""Pages from templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import Request

_TEMPLATES = Environment(
    loader=PackageLoader("api"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
#: Pages load nothing from elsewhere and run no script.
_POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'"


def render(
    request: Request,
    template: str,
    values: Mapping[str, object],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """Return a page."""
    body = _TEMPLATES.get_template(template).render(path=request.url.path, **values)
    return HTMLResponse(
        body, status_code=status, headers={"Content-Security-Policy": _POLICY, **(headers or {})}
    )
