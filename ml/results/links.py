"""Links between variables as triples, and back."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
from pyoxigraph import NamedNode, Quad

from kg.rdf.iris import below
from kg.rdf.terms import double
from kg.validation.shacl import validate_quads
from ml.results.evaluations import measurement
from ontology.terms import DEEP, PROV, RDF

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kg.store import GraphStore
    from ml.link import Link
    from ml.use_case import Discovered, Discovery


def write_links(
    store: GraphStore, run: NamedNode, case: Discovery[Any, Any], found: Discovered
) -> list[Quad]:
    """Write the links that a run found, and return what is to be said of it as a whole.

    Raises:
        ValidationFailedError: Something violates a shape.
    """
    quads = [q for link in found.links for q in _link_quads(run, link)]
    validate_quads(quads, shapes=case.card.shapes)
    store.add(quads)
    measured = ((DEEP.Precision, found.precision), (DEEP.Recall, found.recall))
    return [
        q
        for metric, value in measured
        if not np.isnan(value)
        for q in measurement(run, run, metric, value)
    ]


def _link_quads(run: NamedNode, link: Link) -> Iterator[Quad]:
    key = repr((link.cause.value, link.effect.value, link.lag_s)).encode()
    node = below(run, "link", hashlib.sha256(key).hexdigest()[:12])
    yield Quad(node, RDF.type, DEEP.Link)
    yield Quad(node, DEEP.linkCause, link.cause)
    yield Quad(node, DEEP.linkEffect, link.effect)
    yield Quad(node, DEEP.strength, double(link.strength))
    for predicate, value in (
        (DEEP.lagSeconds, link.lag_s),
        (DEEP.pValue, link.p_value),
        (DEEP.stability, link.stability),
    ):
        if value is not None:
            yield Quad(node, predicate, double(value))
    yield Quad(node, PROV.wasGeneratedBy, run)
    for variable in (link.cause, link.effect):
        yield Quad(node, PROV.wasDerivedFrom, variable)
