"""PROV-O activities: who did what, when, from what."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from pyoxigraph import Literal, NamedNode, Quad

from kg.rdf.times import date_time_literal, now_literal
from ontology.terms import OWL, PROV, RDF, RDFS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime


def software_agent() -> NamedNode:
    """Return the IRI of this version of the software."""
    return NamedNode(f"https://w3id.org/deepcube/software/{version('deepcube')}")


def start_quads(activity: NamedNode, kind: NamedNode, used: list[NamedNode]) -> Iterator[Quad]:
    """Yield what is known of an activity when it starts."""
    agent = software_agent()
    yield Quad(activity, RDF.type, kind)
    yield Quad(activity, PROV.startedAtTime, now_literal())
    yield Quad(activity, PROV.wasAssociatedWith, agent)
    yield Quad(agent, RDF.type, PROV.SoftwareAgent)
    yield Quad(agent, RDFS.label, Literal(f"DeepCube {version('deepcube')}"))
    yield Quad(agent, OWL.versionInfo, Literal(version("deepcube")))
    for entity in used:
        yield Quad(activity, PROV.used, entity)


def end_quad(activity: NamedNode, at: datetime | None = None) -> Quad:
    """Return the quad that says when an activity ended: now, unless said otherwise."""
    return Quad(activity, PROV.endedAtTime, date_time_literal(at) if at else now_literal())
