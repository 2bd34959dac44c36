"""How much of what a store holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg.hierarchy import subclasses
from kg.rdf.terms import number, text
from kg.rows import select
from ontology.terms import DEEP

if TYPE_CHECKING:
    from kg.store import GraphStore

_KINDS = (DEEP.Source, DEEP.Chunk, DEEP.Series, DEEP.InputPlan, DEEP.Run, DEEP.Prediction)


def counts(store: GraphStore) -> list[tuple[str, int]]:
    """Return label and number of sources, their parts, kinds of events, runs and what they say."""
    events = sorted(subclasses(store, DEEP.Event) - {DEEP.Event}, key=lambda k: k.value)
    kinds = " ".join(str(kind) for kind in (*_KINDS, DEEP.Alert, *events))
    rows = select(
        store,
        f"""SELECT ?label (COUNT(?x) AS ?n) WHERE {{
              VALUES ?kind {{ {kinds} }}
              ?x a ?kind . ?kind rdfs:label ?label }} GROUP BY ?label ORDER BY DESC(?n)""",
    )
    return [(text(r["label"]), int(number(r["n"]))) for r in rows if "label" in r]
