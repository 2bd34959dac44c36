"""Maps as SVG, drawn by the server: no script runs in the browser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import shapely
from markupsafe import Markup, escape

from kg.rdf.geometry import parse_wkt
from kg.rdf.terms import text
from kg.rows import select

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from kg.store import GraphStore

#: Pixels of the longer side.
_SIZE = 640
#: What is added around the extent on each side: a share of it, and degrees.
_SHARE, _DEGREES = 0.06, 2.0
_POINT_RADIUS = 5


@dataclass(frozen=True, kw_only=True)
class MapShape:
    """One thing on a map."""

    geometry: BaseGeometry
    """CRS84."""
    colour: str
    label: str
    """Shown when the pointer rests on it."""
    href: str | None = None


def draw(store: GraphStore, shapes: list[MapShape], title: str) -> Markup:
    """Return a map of shapes on the countries of the graph, or nothing where there is no shape."""
    drawn = [s for s in shapes if not s.geometry.is_empty]
    if not drawn:
        return Markup()
    window = _window(shapely.GeometryCollection([s.geometry for s in drawn]).bounds)
    west, south, east, north = window.bounds
    scale = _SIZE / max(east - west, north - south)
    width, height = (east - west) * scale, (north - south) * scale
    parts = [
        (
            f'<svg class="map" role="img" viewBox="0 0 {width:.0f} {height:.0f}" '
            f'xmlns="http://www.w3.org/2000/svg"><title>{escape(title)}</title>'
        ),
        f'<rect class="sea" width="{width:.0f}" height="{height:.0f}"/>',
    ]

    def path(geometry: BaseGeometry) -> str:
        return _path(geometry, west, north, scale)

    for country in _countries(store, window):
        visible = shapely.clip_by_rect(country, west, south, east, north)
        parts.append(f'<path class="land" d="{path(visible)}"/>')
    for shape in drawn:
        mark = (
            f'<path d="{path(shape.geometry)}" fill="{escape(shape.colour)}" class="shape" '
            f'fill-rule="evenodd"><title>{escape(shape.label)}</title></path>'
        )
        if shape.href:
            mark = f'<a href="{escape(shape.href)}">{mark}</a>'
        parts.append(mark)
    parts.append(_corners(west, south, east, north, width, height))
    parts.append("</svg>")
    # Every value above is escaped or a number.
    return Markup("".join(parts))  # noqa: S704


def _window(bounds: tuple[float, float, float, float]) -> BaseGeometry:
    west, south, east, north = bounds
    half_x = (east - west) * (0.5 + _SHARE) + _DEGREES
    half_y = (north - south) * (0.5 + _SHARE) + _DEGREES
    x, y = (west + east) / 2, (south + north) / 2
    return shapely.box(
        max(x - half_x, -180), max(y - half_y, -90), min(x + half_x, 180), min(y + half_y, 90)
    )


def _countries(store: GraphStore, window: BaseGeometry) -> list[BaseGeometry]:
    rows = select(
        store,
        f"""SELECT ?wkt WHERE {{ ?c a deep:Country ; geo:hasDefaultGeometry/geo:asWKT ?wkt
              FILTER(geof:sfIntersects(?wkt, "{window.wkt}"^^geo:wktLiteral)) }}""",
    )
    return [parse_wkt(text(row["wkt"])) for row in rows]


def _path(geometry: BaseGeometry, west: float, north: float, scale: float) -> str:
    def x(value: float) -> str:
        return f"{(value - west) * scale:.1f}"

    def y(value: float) -> str:
        return f"{(north - value) * scale:.1f}"

    match geometry.geom_type:
        case "Point":
            r = _POINT_RADIUS
            start = f"M{x(geometry.x)},{y(geometry.y)}m-{r},0"
            return f"{start}a{r},{r} 0 1,0 {2 * r},0a{r},{r} 0 1,0 -{2 * r},0z"
        case "LineString" | "LinearRing":
            return "M" + "L".join(f"{x(p[0])},{y(p[1])}" for p in geometry.coords)
        case "Polygon":
            rings = [geometry.exterior, *geometry.interiors]
            return "".join(_path(r, west, north, scale) + "z" for r in rings if not r.is_empty)
        case _:
            return "".join(_path(g, west, north, scale) for g in geometry.geoms)


def _corners(
    west: float, south: float, east: float, north: float, width: float, height: float
) -> str:
    return (
        f'<text x="4" y="14" class="degrees">{west:.1f}°, {north:.1f}°</text>'
        f'<text x="{width - 4:.0f}" y="{height - 5:.0f}" text-anchor="end" class="degrees">'
        f"{east:.1f}°, {south:.1f}°</text>"
    )
