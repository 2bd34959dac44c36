"""Results of queries in all forms that SPARQL knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyoxigraph import (
    Literal,
    NamedNode,
    QueryBoolean,
    QueryResultsFormat,
    QuerySolutions,
    RdfFormat,
    Triple,
    serialize,
)

from kg.errors import EvaluationError, FormatError
from kg.results.solutions import Solutions
from ontology.terms import PREFIXES

if TYPE_CHECKING:
    from kg.results.solutions import QueryResult


#: Media type to format, most preferred first.
RESULT_FORMATS: dict[str, QueryResultsFormat] = {
    "application/sparql-results+json": QueryResultsFormat.JSON,
    "application/json": QueryResultsFormat.JSON,
    "application/sparql-results+xml": QueryResultsFormat.XML,
    "application/xml": QueryResultsFormat.XML,
    "text/xml": QueryResultsFormat.XML,
    "text/csv": QueryResultsFormat.CSV,
    "text/tab-separated-values": QueryResultsFormat.TSV,
}
RDF_FORMATS: dict[str, RdfFormat] = {
    "text/turtle": RdfFormat.TURTLE,
    "application/n-triples": RdfFormat.N_TRIPLES,
    "application/ld+json": RdfFormat.JSON_LD,
    "application/rdf+xml": RdfFormat.RDF_XML,
    "application/n-quads": RdfFormat.N_QUADS,
    "application/trig": RdfFormat.TRIG,
}


def is_graph(result: QueryResult) -> bool:
    """Return whether a result is triples, not solutions or a boolean."""
    return not isinstance(result, QuerySolutions | Solutions | QueryBoolean)


def serialise_result(result: QueryResult, result_format: QueryResultsFormat | RdfFormat) -> bytes:
    """Return the whole result as bytes.

    Raises:
        FormatError: The format does not fit the kind of result.
        EvaluationError: Evaluation failed midway.
    """
    if isinstance(result, QuerySolutions | Solutions | QueryBoolean):
        if not isinstance(result_format, QueryResultsFormat):
            raise FormatError("a SELECT or ASK result has no RDF form; ask for JSON, XML, CSV, TSV")
        if isinstance(result, QueryBoolean) and result_format in (
            QueryResultsFormat.CSV,
            QueryResultsFormat.TSV,
        ):
            # Not in the recommendation; what Jena and others send.
            return b"true\n" if result else b"false\n"
        try:
            return result.serialize(format=result_format) or b""
        except (OSError, RuntimeError) as error:
            # Solutions are computed as they are written: a SERVICE may fail only here.
            raise EvaluationError(f"the query cannot be evaluated: {error}") from error
    if not isinstance(result_format, RdfFormat):
        raise FormatError(
            "a CONSTRUCT or DESCRIBE result is RDF; ask for Turtle or another RDF form"
        )
    return serialise_triples(list(result), result_format)


def serialise_triples(triples: list[Triple], rdf_format: RdfFormat) -> bytes:
    """Return triples as a document, with our prefixes where the format has prefixes."""
    prefixes = _prefixes_of(triples) if rdf_format in (RdfFormat.TURTLE, RdfFormat.TRIG) else None
    return serialize(triples, format=rdf_format, prefixes=prefixes) or b""


def _prefixes_of(triples: list[Triple]) -> dict[str, str]:
    used = {
        term.value
        for triple in triples
        for term in (triple.subject, triple.predicate, triple.object)
        if isinstance(term, NamedNode)
    }
    used |= {t.object.datatype.value for t in triples if isinstance(t.object, Literal)}
    return {p: ns for p, ns in PREFIXES.items() if any(iri.startswith(ns) for iri in used)}
