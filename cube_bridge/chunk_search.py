"""Which chunks of a variable meet a region and a period, and may hold values in a range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyoxigraph import NamedNode

from kg.geometry import wkt_literal
from kg.query import number, select, text
from kg.temporal import timestamp

if TYPE_CHECKING:
    from datetime import datetime

    from shapely.geometry.base import BaseGeometry

    from kg.store import GraphStore


@dataclass(frozen=True, kw_only=True)
class ChunkRef:
    """A chunk of a variable."""

    iri: NamedNode
    slices: tuple[slice, ...]
    """Cells, one slice a dimension, in the order of the variable's dimensions."""


def chunks_meeting(
    store: GraphStore,
    variable: NamedNode,
    geometry: BaseGeometry,
    begin: datetime,
    end: datetime,
    *,
    minimum_above: float | None = None,
    maximum_below: float | None = None,
) -> list[ChunkRef]:
    """Return the chunks of a variable whose tile meets a geometry and whose interval a period.

    Args:
        store: The graph that the cube is indexed in.
        variable: IRI of the variable.
        geometry: In CRS84.
        begin: First moment.
        end: Moment after the last; the same as `begin` for one instant.
        minimum_above: Cells below this do not matter: chunks without a value that reaches it
            are left out, as the zone map tells.
        maximum_below: Cells above this do not matter: the same for small values.
    """
    rows = select(
        store,
        f"""SELECT ?chunk ?offset ?shape ?minimum ?maximum WHERE {{
              ?chunk deep:ofVariable {variable} ; deep:offset ?offset ; deep:shape ?shape ;
                     deep:minimum ?minimum ; deep:maximum ?maximum ;
                     deep:inTile/geo:hasDefaultGeometry/geo:asWKT ?wkt .
              FILTER(geof:sfIntersects(?wkt, {wkt_literal(geometry)}))
              OPTIONAL {{ ?chunk dcterms:temporal [
                  time:hasBeginning/time:inXSDDateTimeStamp ?from ;
                  time:hasEnd/time:inXSDDateTimeStamp ?to ] }}
              FILTER(!BOUND(?from) || (?from <= "{timestamp(end)}"^^xsd:dateTime
                                       && ?to >= "{timestamp(begin)}"^^xsd:dateTime))
            }} ORDER BY ?chunk""",
    )
    found = []
    for row in rows:
        if minimum_above is not None and number(row["maximum"]) < minimum_above:
            continue
        if maximum_below is not None and number(row["minimum"]) > maximum_below:
            continue
        starts, sizes = (map(int, text(row[k]).split(",")) for k in ("offset", "shape"))
        slices = tuple(slice(a, a + n) for a, n in zip(starts, sizes, strict=True))
        found.append(ChunkRef(iri=NamedNode(text(row["chunk"])), slices=slices))
    return found
