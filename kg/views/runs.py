"""The runs that have something to show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyoxigraph import NamedNode

from kg.rdf.terms import text
from kg.rows import select

if TYPE_CHECKING:
    from kg.store import GraphStore


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """A run that succeeded."""

    iri: NamedNode
    label: str
    model: str
    """Label of the model; empty where the graph has none."""
    ended: str
    """To the minute, UTC."""
    simulated: bool
    """True where anything that it rests on is simulated."""


def runs(store: GraphStore, run: NamedNode | None = None) -> list[RunRow]:
    """Return the runs that succeeded, the latest first.

    Args:
        store: The graph.
        run: The only one that is asked for; None for all.
    """
    rows = select(
        store,
        f"""SELECT ?run ?label ?model ?ended ?simulated WHERE {{
              {f"VALUES ?run {{ {run} }}" if run else ""}
              ?run a deep:Run ; deep:runStatus deep:RunSucceeded ; prov:endedAtTime ?ended .
              OPTIONAL {{ ?run rdfs:label ?label }}
              OPTIONAL {{ ?run deep:usesPlan/deep:forModel/rdfs:label ?model }}
              BIND(EXISTS {{ ?run a deep:Simulated }} AS ?simulated)
            }} ORDER BY DESC(?ended) ?run""",
    )
    found = {
        text(r["run"]): RunRow(
            iri=NamedNode(text(r["run"])),
            label=text(r["label"]) if "label" in r else text(r["run"]),
            model=text(r["model"]) if "model" in r else "",
            ended=text(r["ended"])[:16].replace("T", " "),
            simulated=text(r["simulated"]) == "true",
        )
        for r in rows
    }
    return list(found.values())
