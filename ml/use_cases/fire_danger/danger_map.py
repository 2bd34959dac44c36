"""Maps of fire danger as PNG."""

from __future__ import annotations

from typing import TYPE_CHECKING

import shapely
from matplotlib.figure import Figure
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path as Outline

from kg.rdf.geometry import parse_wkt
from kg.rdf.terms import number, text
from kg.rdf.times import day_bounds, timestamp
from kg.rows import select
from kg.views.predictions import legend
from ml.errors import RunError
from ontology.terms import DEEP

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from matplotlib.axes import Axes
    from pyoxigraph import NamedNode
    from shapely.geometry.base import BaseGeometry

    from kg.store import GraphStore


def draw_danger_map(store: GraphStore, run: NamedNode, day: date, file: Path) -> None:
    """Draw the danger classes of a day, with the fires seen on it, into a PNG file.

    Everything drawn is asked of the graph.
    """
    cells = select(
        store,
        f"""SELECT ?wkt ?colour WHERE {{
              ?p prov:wasGeneratedBy {run} ; deep:dangerClass/deep:colour ?colour ;
                 sosa:hasFeatureOfInterest ?cell ;
                 sosa:phenomenonTime/time:hasBeginning/time:inXSDDateTimeStamp
                     "{timestamp(day_bounds(day)[0])}"^^xsd:dateTime .
              ?cell geo:hasDefaultGeometry/geo:asWKT ?wkt }}""",
    )
    if not cells:
        raise RunError(f"<{run.value}> has no prediction for {day}")
    shapes = [parse_wkt(text(row["wkt"])) for row in cells]
    west, south, east, north = shapely.GeometryCollection(shapes).bounds
    figure = Figure(figsize=(8, 6.6), layout="constrained")
    axes = figure.add_subplot()
    axes.set_facecolor("#dfe9f0")
    _draw_countries(store, axes, shapely.box(west - 3, south - 3, east + 3, north + 3))
    for shape, row in zip(shapes, cells, strict=True):
        colour = text(row["colour"])
        _fill(axes, shape, facecolor=colour, edgecolor="#333333", linewidth=0.5, alpha=0.9)
    fires = _fires(store, run, day)
    points = axes.plot(
        [p.x for p in fires],
        [p.y for p in fires],
        "o",
        markersize=3.2,
        color="black",
        markeredgecolor="white",
        markeredgewidth=0.5,
        label="fire detected",
    )
    axes.set_xlim(west - 3, east + 3)
    axes.set_ylim(south - 3, north + 3)
    axes.set_aspect(1.15)
    simulated = bool(select(store, f"SELECT ?x WHERE {{ BIND({run} AS ?x) ?x a deep:Simulated }}"))
    prefix = "SIMULATED DATA: fire" if simulated else "Fire"
    axes.set_title(f"{prefix} danger on {day}, with the {len(fires)} fires detected that day")
    axes.set_xlabel("longitude (degrees east)")
    axes.set_ylabel("latitude (degrees north)")
    classes = [
        Patch(facecolor=c.colour, label=c.label) for c in legend(store, DEEP.FireDangerClasses)
    ]
    axes.legend(
        handles=[*classes, *points], title="danger class", loc="lower left", fontsize="small"
    )
    figure.savefig(file, dpi=130)


def _fires(store: GraphStore, run: NamedNode, day: date) -> list[BaseGeometry]:
    begin, end = (timestamp(moment) for moment in day_bounds(day))
    rows = select(
        store,
        f"""SELECT ?wkt ?confidence WHERE {{
              {run} prov:used/deep:variableOf ?source . ?source a deep:EventTable .
              ?instant time:inXSDDateTimeStamp ?when .
              FILTER(?when >= "{begin}"^^xsd:dateTime && ?when < "{end}"^^xsd:dateTime)
              ?event sosa:phenomenonTime ?instant ; dcterms:isPartOf ?source ;
                     deep:detectionConfidence ?confidence ;
                     geo:hasDefaultGeometry/geo:asWKT ?wkt }}""",
    )
    minimum = 50.0  # as the model counts them
    return [parse_wkt(text(r["wkt"])) for r in rows if number(r["confidence"]) >= minimum]


def _draw_countries(store: GraphStore, axes: Axes, window: BaseGeometry) -> None:
    rows = select(
        store,
        f"""SELECT ?wkt WHERE {{
              ?country a deep:Country ; geo:hasDefaultGeometry/geo:asWKT ?wkt
              FILTER(geof:sfIntersects(?wkt, "{window.wkt}"^^geo:wktLiteral)) }}""",
    )
    for row in rows:
        shape = parse_wkt(text(row["wkt"]))
        _fill(axes, shape, facecolor="#f6f2e9", edgecolor="#8a8577", linewidth=0.8)


def _fill(axes: Axes, shape: BaseGeometry, **style: object) -> None:
    for polygon in getattr(shape, "geoms", [shape]):
        rings = [polygon.exterior, *polygon.interiors]
        outline = Outline.make_compound_path(*(Outline(list(r.coords), closed=True) for r in rings))
        axes.add_patch(PathPatch(outline, **style))
