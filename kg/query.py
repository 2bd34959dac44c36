"""Results of queries in the formats of the SPARQL protocol, the same for HTTP and command line."""

from __future__ import annotations

import re
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

from kg.errors import EvaluationError, FormatError, QueryError
from kg.solutions import Solutions
from ontology.terms import PREFIXES, XSD

if TYPE_CHECKING:
    from kg.solutions import Term
    from kg.store import GraphStore, QueryResult

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
#: Looked for once and not for each prefix: a list of IRIs makes a long text.
_PREFIXED = re.compile(r"(?<!\w)(\w++):")


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


def with_prefixes(sparql: str) -> str:
    """Return a query or update with our prefixes that it uses without declaring them.

    They stand before its first line, so that lines in messages are those of the text.
    """
    used = set(_PREFIXED.findall(sparql))
    used -= set(re.findall(r"\bPREFIX\s+(\w+):", sparql, re.IGNORECASE))
    return "".join(f"PREFIX {p}: <{iri}> " for p, iri in PREFIXES.items() if p in used) + sparql


def select(store: GraphStore, sparql: str) -> list[dict[str, Term]]:
    """Return the rows of a SELECT of our own; unbound variables are left out of a row.

    Raises:
        QueryError: The query is no SELECT.
    """
    result = store.query(with_prefixes(sparql))
    if not isinstance(result, QuerySolutions | Solutions):
        raise QueryError("rows come from a SELECT; this is an ASK, CONSTRUCT or DESCRIBE")
    names = [v.value for v in result.variables]
    return [
        {n: term for n, term in zip(names, row, strict=True) if term is not None} for row in result
    ]


def ask(store: GraphStore, sparql: str) -> bool:
    """Return the answer of an ASK of our own."""
    return bool(store.query(with_prefixes(sparql)))


def text(term: Term) -> str:
    """Return the lexical form of a literal, the IRI of a node."""
    if isinstance(term, Triple):
        return str(term)
    return term.value


def number(term: Term) -> float:
    """Return the value of a numeric literal."""
    return float(text(term))


def integer(value: int) -> Literal:
    """Return an xsd:integer."""
    return Literal(str(value), datatype=XSD.integer)


def double(value: float) -> Literal:
    """Return an xsd:double with the shortest text that reads back the same."""
    return Literal(repr(float(value)), datatype=XSD.double)
