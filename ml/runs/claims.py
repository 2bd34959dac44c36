"""Of several workers one gets a run; a run that its worker left is given back."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from pyoxigraph import DefaultGraph, Literal, NamedNode

from kg.rdf.provenance import start_quads
from kg.rows import ask
from ml.runs.clearing import remove_results
from ontology.terms import DEEP, PROV, RDFS

if TYPE_CHECKING:
    from kg.store import GraphStore


def claim(store: GraphStore, run: NamedNode) -> bool:
    """Take a requested run; return whether it is ours now.

    One update both tests and sets, so that of several workers one gets it.
    """
    worker = Literal(f"{socket.gethostname()}/{os.getpid()}")
    start = " ".join(
        f"{q.triple} ." for q in start_quads(run, DEEP.Run, []) if q.predicate != RDFS.label
    )
    store.update(
        f"""DELETE {{ {run} {DEEP.runStatus} {DEEP.RunRequested} }}
        INSERT {{ {run} {DEEP.runStatus} {DEEP.RunActive} ; {DEEP.claimedBy} {worker} . {start} }}
        WHERE {{ {run} {DEEP.runStatus} {DEEP.RunRequested} }}"""
    )
    return ask(store, f"ASK {{ {run} deep:runStatus deep:RunActive ; deep:claimedBy {worker} }}")


def release(store: GraphStore, run: NamedNode) -> None:
    """Give a run that its worker did not finish back to be claimed, and clear what it wrote."""
    remove_results(store, run)
    store.update(
        f"""DELETE {{ {run} {DEEP.runStatus} ?s ; {DEEP.claimedBy} ?w ;
                          {PROV.startedAtTime} ?t }}
        INSERT {{ {run} {DEEP.runStatus} {DEEP.RunRequested} }}
        WHERE {{ {run} {DEEP.runStatus} ?s
                 OPTIONAL {{ {run} {DEEP.claimedBy} ?w }}
                 OPTIONAL {{ {run} {PROV.startedAtTime} ?t }} }}"""
    )


def release_abandoned(store: GraphStore) -> None:
    """Release all active runs: for an embedded store, where no other worker can be alive."""
    for quad in list(store.quads(None, DEEP.runStatus, DEEP.RunActive, DefaultGraph())):
        if isinstance(quad.subject, NamedNode):
            release(store, quad.subject)
