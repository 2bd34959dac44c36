"""Which of the cubes that hold one data set, in several layouts and resolutions, serves best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pyoxigraph import NamedNode

from cube_bridge.errors import SourceNotFoundError
from kg.rdf.terms import number, text
from kg.rows import select

if TYPE_CHECKING:
    from kg.rdf.terms import Term
    from kg.store import GraphStore


Access = Literal["map", "series"]
"""A map at an instant, or a time series at a point."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The cube that was picked of those that hold one data set, and why."""

    source: NamedNode
    reason: str
    """Why this one, for people."""


def choose_distribution(
    store: GraphStore, dataset: NamedNode, *, access: Access, resolution_m: float | None = None
) -> Choice:
    """Return the cube of a data set that answers with the least reading.

    Args:
        store: The graph that the cubes are indexed in.
        dataset: IRI of the data set: what `deepcube index --dataset` named.
        access: A map reads one time of all cells: few times to a chunk serve it. A series reads
            all times of one cell: few cells to a chunk do.
        resolution_m: Metres between cells that are fine enough: the coarsest cube that is as
            fine is taken, or the finest where none is. None takes the finest.

    Raises:
        SourceNotFoundError: The graph holds no whole cube of the data set.
    """
    wanted = 0.0 if resolution_m is None else resolution_m
    rows = select(
        store,
        f"""SELECT ?source ?metres ?cost ?fits WHERE {{
              {dataset} dcat:distribution ?distribution .
              ?source dcat:distribution ?distribution ; a deep:Cube ;
                      deep:indexStatus deep:IndexComplete .
              ?distribution dcat:spatialResolutionInMeters ?metres ;
                            {"deep:chunkTimes" if access == "map" else "deep:chunkCells"} ?cost .
              BIND(?metres <= {wanted:f} AS ?fits)
            }} ORDER BY DESC(?fits) (IF(?fits, -?metres, ?metres)) ?cost ?source""",
    )
    if not rows:
        raise SourceNotFoundError(
            f"the graph holds no whole cube of the data set {dataset}; "
            "`deepcube index CUBE --dataset ID` adds one"
        )
    source = rows[0]["source"]
    if not isinstance(source, NamedNode):
        raise SourceNotFoundError(f"a cube of {dataset} has no IRI")
    return Choice(source=source, reason=_reason(rows, access, resolution_m))


def _reason(rows: list[dict[str, Term]], access: Access, resolution_m: float | None) -> str:
    best = rows[0]
    metres = number(best["metres"])
    if resolution_m is None:
        scale = f"{metres:g} m is the finest of {len(rows)}"
    elif text(best["fits"]) == "true":
        scale = f"{metres:g} m is the coarsest of {len(rows)} that is as fine as {resolution_m:g} m"
    else:
        scale = f"none of {len(rows)} is as fine as {resolution_m:g} m, and {metres:g} m is nearest"
    unit = "times" if access == "map" else "cells"
    same = [number(r["cost"]) for r in rows[1:] if number(r["metres"]) == metres]
    others = f"; others of that resolution have {', '.join(f'{c:g}' for c in same)}" if same else ""
    return f"{scale}; for a {access}, its chunks have {number(best['cost']):g} {unit}{others}"
