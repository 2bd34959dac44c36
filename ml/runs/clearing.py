"""Runs and their results leave the graph whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyoxigraph import DefaultGraph

from kg.rdf.iris import below
from ontology.terms import DEEP, DQV, PROV

if TYPE_CHECKING:
    from pyoxigraph import NamedNode

    from kg.store import GraphStore


def remove_run(store: GraphStore, run: NamedNode) -> None:
    """Take a run with all its results out of the graph."""
    remove_results(store, run)
    store.remove(list(store.quads(run, None, None, DefaultGraph())))


def remove_results(store: GraphStore, run: NamedNode) -> None:
    """Take what a run wrote out of the graph; the request stays."""
    prefix = below(run, "").value
    store.update(
        f"""DELETE {{ ?s ?p ?o }} WHERE {{
              ?x {PROV.wasGeneratedBy} {run} ; {DEEP.hasAttribution} ?s . ?s ?p ?o }};
        DELETE {{ ?s ?p ?o }} WHERE {{
              ?s {PROV.wasGeneratedBy} {run} ; ?p ?o }};
        DELETE {{ ?s ?p ?o }} WHERE {{
              {run} {DEEP.hasClassBound}|{DQV.hasQualityMeasurement} ?s .
              ?s ?p ?o }};
        DELETE {{ ?s ?p ?o }} WHERE {{
              ?s {DQV.computedOn} {run} ; ?p ?o
              FILTER(STRSTARTS(STR(?s), "{prefix}")) }}"""
    )
