"""Answers of queries, and when two of them are the same."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyoxigraph import (
    BlankNode,
    CanonicalizationAlgorithm,
    Dataset,
    Literal,
    NamedNode,
    Quad,
    QueryBoolean,
    QueryResultsFormat,
    Store,
    Triple,
    parse_query_results,
)

from tests.conformance.manifests import RDF

if TYPE_CHECKING:
    from tests.conformance.manifests import Manifest

_XSD = "http://www.w3.org/2001/XMLSchema#"
_RS = "http://www.w3.org/2001/sw/DataAccess/tests/result-set#"
_FORMATS = {
    ".srx": QueryResultsFormat.XML,
    ".srj": QueryResultsFormat.JSON,
    ".tsv": QueryResultsFormat.TSV,
}


def _write_float(text):
    return repr(float(text))


def _write_time(text):
    return text.removesuffix("+00:00").removesuffix("Z") + "Z" * text.endswith(("Z", "+00:00"))


#: The store keeps the value of a literal, not how it was written.
_WRITERS = {
    **dict.fromkeys(("double", "float", "decimal"), _write_float),
    **dict.fromkeys(("date", "dateTime", "time"), _write_time),
    "integer": lambda text: str(int(text)),
    "boolean": {"0": "false", "1": "true", "false": "false", "true": "true"}.__getitem__,
}


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The solutions of a SELECT."""

    names: frozenset[str]
    rows: list[dict[str, object]]
    """Bound variables only."""
    ordered: bool = False
    """True where the order is part of the expected answer."""


#: Rows, a truth value, or the quads of a graph.
Answer = Rows | bool | list


def same(got: Answer, expected: Answer, *, lax: bool = False) -> bool:
    """Return whether answers are equal up to blank nodes, numbers by their values.

    Args:
        got: What a store answered.
        expected: What the test wants.
        lax: Let duplicates of a row come as often as they like, as under REDUCED.
    """
    if not isinstance(got, Rows) or not isinstance(expected, Rows):
        if isinstance(got, list) and isinstance(expected, list):
            return canonical(got) == canonical(expected)
        return type(got) is type(expected) and got == expected
    if got.names != expected.names:
        return False
    if expected.ordered and [*map(_key, got.rows)] != [*map(_key, expected.rows)]:
        return False
    return _canonical_rows(got.rows, lax=lax) == _canonical_rows(expected.rows, lax=lax)


def canonical(quads) -> list[str]:
    """Return quads as sorted lines that do not depend on the labels of blank nodes."""
    data_set = Dataset(
        Quad(q.subject, q.predicate, _by_value(q.object), getattr(q, "graph_name", None))
        for q in quads
    )
    data_set.canonicalize(CanonicalizationAlgorithm.UNSTABLE)
    return sorted(map(str, data_set))


def _canonical_rows(rows, *, lax) -> list[str]:
    if lax:
        rows = {_key(row): row for row in rows}.values()
    quads = []
    for row in rows:
        node = BlankNode()
        quads.append(Quad(node, NamedNode("urn:row"), Literal("")))
        quads += [Quad(node, NamedNode(f"urn:{name}"), term) for name, term in row.items()]
    return canonical(quads)


def _key(row):
    return tuple(
        (n, "_:" if isinstance(t, BlankNode) else str(_by_value(t))) for n, t in sorted(row.items())
    )


def _by_value(term):
    """Return a term with numbers, truth values and times written in one way."""
    if isinstance(term, Triple):
        return Triple(term.subject, term.predicate, _by_value(term.object))
    if not isinstance(term, Literal) or not term.datatype.value.startswith(_XSD):
        return term
    write = _WRITERS.get(term.datatype.value.removeprefix(_XSD))
    try:
        return term if write is None else Literal(write(term.value), datatype=term.datatype)
    except (ValueError, KeyError):
        return term  # ill-typed


def answer_of(result) -> Answer:
    """Return a result of pyoxigraph's as an answer."""
    if isinstance(result, QueryBoolean):
        return bool(result)
    if not hasattr(result, "variables"):
        return [Quad(t.subject, t.predicate, t.object) for t in result]
    names = [v.value for v in result.variables]
    rows = [{n: t for n, t in zip(names, row, strict=True) if t is not None} for row in result]
    return Rows(names=frozenset(names), rows=rows)


def expected_answer(manifest: Manifest, iri) -> Answer:
    """Return the answer that is written in a file of results."""
    path = manifest.path(iri)
    if path.suffix in _FORMATS:
        return answer_of(parse_query_results(path.read_bytes(), _FORMATS[path.suffix]))
    quads = manifest.quads(iri)
    store = Store()
    store.extend(quads)

    def objects(subject, name):
        found = store.quads_for_pattern(subject, NamedNode(_RS + name), None)
        return [q.object for q in found]

    results = store.quads_for_pattern(None, NamedNode(RDF + "type"), NamedNode(_RS + "ResultSet"))
    for quad in results:
        if truth := objects(quad.subject, "boolean"):
            return truth[0].value == "true"
        numbered = []
        for solution in objects(quad.subject, "solution"):
            row = {
                objects(b, "variable")[0].value: objects(b, "value")[0]
                for b in objects(solution, "binding")
            }
            numbered.append(([int(i.value) for i in objects(solution, "index")], row))
        ordered = bool(numbered) and all(index for index, _ in numbered)
        rows = [row for _, row in (sorted(numbered, key=lambda n: n[0]) if ordered else numbered)]
        names = frozenset(v.value for v in objects(quad.subject, "resultVariable"))
        return Rows(names=names, rows=rows, ordered=ordered)
    return quads


def csv_rows(text: str) -> Counter:
    """Return the rows of a CSV document, numbers by value, blank nodes without their labels."""
    return Counter(
        tuple(sorted((name, _csv_cell(cell)) for name, cell in row.items()))
        for row in csv.DictReader(io.StringIO(text))
    )


def _csv_cell(cell: str) -> str:
    if cell.startswith("_:"):
        return "_:"
    try:
        return _write_float(cell)
    except ValueError:
        return cell
