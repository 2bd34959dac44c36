"""Solutions of a query that the planner computed itself, in the shape of the store's own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape as escape_html
from typing import TYPE_CHECKING, TypeVar

from pyoxigraph import (
    BlankNode,
    Literal,
    NamedNode,
    QueryBoolean,
    QueryResultsFormat,
    QuerySolutions,
    QueryTriples,
    Variable,
    parse_query_results,
)

from ontology.terms import XSD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np

    from kg.rdf.terms import Term


_Value = TypeVar("_Value")


@dataclass(frozen=True, kw_only=True)
class Column:
    """One variable's values."""

    codes: np.ndarray
    """(rows,) places in `texts`."""
    texts: list[bytes]
    """Each distinct value once, as in the TSV results format."""

    def terms(self) -> list[Term]:
        """Return the distinct values as terms."""
        return [_term(t) for t in self.texts]


class Solution:
    """One solution; by name, by place, or in order."""

    __slots__ = ("_names", "_values")

    def __init__(self, names: dict[str, int], values: tuple[Term, ...]) -> None:
        self._names = names
        self._values = values

    def __getitem__(self, key: str | int | Variable) -> Term | None:
        if isinstance(key, int):
            return self._values[key]
        return self._values[self._names[key.value if isinstance(key, Variable) else key]]

    def __iter__(self) -> Iterator[Term | None]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class Solutions:
    """What `pyoxigraph.QuerySolutions` is, from columns."""

    def __init__(self, names: list[str], columns: list[Column], length: int) -> None:
        self._names = names
        self._columns = columns
        self._length = length
        self._rows: Iterator[Solution] | None = None

    @property
    def variables(self) -> list[Variable]:
        """The variables in the order of the SELECT."""
        return [Variable(n) for n in self._names]

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Solution]:
        return self

    def __next__(self) -> Solution:
        if self._rows is None:
            self._rows = self._each()
        return next(self._rows)

    def _each(self) -> Iterator[Solution]:
        names = {n: i for i, n in enumerate(self._names)}
        terms = [_picked([*c.terms(), None], c.codes) for c in self._columns]
        if not terms:
            yield from (Solution(names, ()) for _ in range(self._length))
            return
        for values in zip(*terms, strict=True):
            yield Solution(names, values)

    # The parameter has the name that pyoxigraph gives it.
    def serialize(self, *, format: QueryResultsFormat) -> bytes:  # noqa: A002
        """Return the solutions as a document in one of the formats of the SPARQL protocol."""
        if format == QueryResultsFormat.JSON:
            return self._json()
        if format == QueryResultsFormat.XML:
            return self._xml()
        if format == QueryResultsFormat.CSV:
            lines = self._rows_of(lambda text: _csv(_term(text)))
            return (",".join(self._names) + "\r\n" + "".join(f"{x}\r\n" for x in lines)).encode()
        return self._tsv()

    def _tsv(self) -> bytes:
        head = "\t".join(f"?{n}" for n in self._names).encode()
        columns = [_picked([*c.texts, b""], c.codes) for c in self._columns]
        if not columns:
            lines = [b""] * self._length
        elif len(columns) == 1:
            lines = columns[0]
        else:
            lines = list(map(b"\t".join, zip(*columns, strict=True)))
        return b"\n".join([head, *lines, b""])

    def _fragments(self, write: Callable[[bytes], str]) -> list[list[str]]:
        """Return each column's values written; each distinct value is written once."""
        return [_picked([*(write(t) for t in c.texts), ""], c.codes) for c in self._columns]

    def _rows_of(self, write: Callable[[bytes], str]) -> list[str]:
        columns = self._fragments(write)
        if not columns:
            return [""] * self._length
        return [",".join(row) for row in zip(*columns, strict=True)]

    def _json(self) -> bytes:
        head = json.dumps({"vars": self._names}, separators=(",", ":"))
        names = [json.dumps(n) for n in self._names]
        columns = [
            [f"{name}:{value}" for value in column]
            for name, column in zip(names, self._fragments(_json_fragment), strict=True)
        ]
        rows = zip(*columns, strict=True) if columns else [()] * self._length
        body = ",".join(["{" + ",".join(row) + "}" for row in rows])
        return f'{{"head":{head},"results":{{"bindings":[{body}]}}}}'.encode()

    def _xml(self) -> bytes:
        head = "".join(f"<variable name={_attribute(n)}/>" for n in self._names)
        columns = [
            [f"<binding name={_attribute(name)}>{value}</binding>" for value in column]
            for name, column in zip(self._names, self._fragments(_xml_fragment), strict=True)
        ]
        rows = zip(*columns, strict=True) if columns else [()] * self._length
        body = "".join("<result>" + "".join(row) + "</result>" for row in rows)
        return (
            '<?xml version="1.0"?><sparql xmlns="http://www.w3.org/2005/sparql-results#">'
            f"<head>{head}</head><results>{body}</results></sparql>"
        ).encode()


def _escaped(text: str) -> str:
    """Return a text as XML's content."""
    return escape_html(text, quote=False)


def _attribute(text: str) -> str:
    """Return a name, a language or an IRI, in which there is no quotation mark, as an attribute."""
    return f'"{_escaped(text)}"'


def _picked(values: list[_Value], places: np.ndarray) -> list[_Value]:
    """Return the value at each place; the last one at -1."""
    import numpy as np  # noqa: PLC0415 -- takes longer than most queries, which need no columns

    picked: list[_Value] = np.array(values, object)[places].tolist()
    return picked


def _term(text: bytes) -> Term:
    if text.startswith(b"<") and not text.startswith(b"<<"):
        return NamedNode(text[1:-1].decode())
    if text.startswith(b"_:"):
        return BlankNode(text[2:].decode())
    result = parse_query_results(b"?x\n" + text + b"\n", QueryResultsFormat.TSV)
    if not isinstance(result, QuerySolutions):
        raise TypeError("a TSV document holds solutions")
    value: Term | None = next(result)["x"]
    if value is None:
        raise ValueError(f"no term: {text!r}")
    return value


def _json_fragment(text: bytes) -> str:
    if text.startswith(b"<"):
        # An IRI has no character that JSON escapes.
        return f'{{"type":"uri","value":"{text[1:-1].decode()}"}}'
    term = _term(text)
    if isinstance(term, BlankNode):
        return f'{{"type":"bnode","value":{json.dumps(term.value)}}}'
    if not isinstance(term, Literal):
        raise TypeError("triple terms are left to the store")
    parts = {"type": "literal", "value": term.value}
    if term.language:
        parts["xml:lang"] = term.language
    elif term.datatype != XSD.string:
        parts["datatype"] = term.datatype.value
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))


def _xml_fragment(text: bytes) -> str:
    term = _term(text)
    if isinstance(term, NamedNode):
        return f"<uri>{_escaped(term.value)}</uri>"
    if isinstance(term, BlankNode):
        return f"<bnode>{_escaped(term.value)}</bnode>"
    if not isinstance(term, Literal):
        raise TypeError("triple terms are left to the store")
    kind = ""
    if term.language:
        kind = f" xml:lang={_attribute(term.language)}"
    elif term.datatype != XSD.string:
        kind = f" datatype={_attribute(term.datatype.value)}"
    return f"<literal{kind}>{_escaped(term.value)}</literal>"


def _csv(term: Term) -> str:
    text = f"_:{term.value}" if isinstance(term, BlankNode) else str(getattr(term, "value", term))
    return '"' + text.replace('"', '""') + '"' if set(text) & set('",\r\n') else text


QueryResult = QuerySolutions | Solutions | QueryBoolean | QueryTriples
