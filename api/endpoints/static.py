"""What pages load beside themselves."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter, Response

router = APIRouter()
ORDER = 60


@router.api_route("/static/style.css", methods=["GET", "HEAD"])
async def style() -> Response:
    """Send the style sheet."""
    return Response(stylesheet(), media_type="text/css", headers={"Cache-Control": "max-age=3600"})


@router.api_route("/favicon.ico", methods=["GET", "HEAD"])
async def icon() -> Response:
    """Send nothing: there is no icon, and browsers ask for one."""
    return Response(status_code=204)


def stylesheet() -> str:
    """Return the style sheet of all pages."""
    return (files("api") / "static" / "style.css").read_text(encoding="utf-8")
