"""What this service can do, in its own words: https://www.w3.org/TR/sparql11-service-description/."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyoxigraph import BlankNode, NamedNode, Triple

from kg.results.formats import RDF_FORMATS, RESULT_FORMATS
from ontology.terms import RDF

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from api.state import State

_SD = "http://www.w3.org/ns/sparql-service-description#"


def describe_service(state: State, endpoint: str) -> list[Triple]:
    """Return the description of the query service and, where it may be written, of updates."""
    results = {f.iri for f in RESULT_FORMATS.values()}
    formats = sorted(results | {f.iri for f in RDF_FORMATS.values()})
    described = list(_service(endpoint, "SPARQL11Query", formats))
    if not state.read_only:
        described += _service(endpoint.rsplit("/", 1)[0] + "/update", "SPARQL11Update", [])
    return described


def _service(endpoint: str, language: str, formats: Iterable[str]) -> Iterator[Triple]:
    service, data_set, graph = BlankNode(), BlankNode(), BlankNode()
    yield Triple(service, RDF.type, _sd("Service"))
    yield Triple(service, _sd("endpoint"), NamedNode(endpoint))
    yield Triple(service, _sd("supportedLanguage"), _sd(language))
    yield Triple(service, _sd("feature"), _sd("BasicFederatedQuery"))
    yield Triple(service, _sd("defaultDataset"), data_set)
    yield Triple(data_set, RDF.type, _sd("Dataset"))
    yield Triple(data_set, _sd("defaultGraph"), graph)
    yield Triple(graph, RDF.type, _sd("Graph"))
    for iri in formats:
        yield Triple(service, _sd("resultFormat"), NamedNode(iri))


def _sd(name: str) -> NamedNode:
    return NamedNode(_SD + name)
