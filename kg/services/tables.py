"""What services found, as tables in the text of a query.

A table is a sub-select around VALUES, which the store joins by hashing; plain VALUES it would
go through once for every solution beside them. Until the store gets the query, a mark stands
for the rows, so that no syntax tree is made of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import count, islice
from typing import TYPE_CHECKING

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from kg.errors import EvaluationError, QueryError
from kg.geosparql.errors import InvalidArgumentError, InvalidGeometryError, UnknownUnitError
from kg.sparql.unevaluated import term_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from kg.extensions import Service
    from kg.rdf.terms import Term
    from kg.services.calls import Call
    from kg.sparql.syntax import Sparql
    from kg.store import GraphStore

    Row = tuple[Term | None, ...]
    Request = Mapping[NamedNode, Term]


_ROWS = "urn:deepcube:rows:"
_NODE = "urn:deepcube:node:"
_REQUEST = "urn:deepcube:request:"
_UNBOUND = NamedNode("urn:deepcube:unbound")
_MARK = re.compile(rf"\(<{_ROWS}(\d+)>[^)]*\)")
#: No two tables of a process have the same number: what is remembered of one query is no
#: answer to another one.
_NUMBERS = count(1)
#: Rows of one clause; a row takes about a kilobyte until the store has read the table.
MOST_ROWS = 2_000_000
_TERMS = frozenset({NamedNode, BlankNode, Literal, Triple})


@dataclass(kw_only=True)
class Served:
    """A query or update in which tables of what services found stand for their clauses."""

    sparql: Sparql
    """The text, with a mark in place of the rows of each table."""
    steps: list[str] = field(default_factory=list)
    """What each service was asked for, for people to read."""
    tables: dict[str, str] = field(default_factory=dict)
    """The rows by the number of their mark."""
    functions: dict[NamedNode, Callable[..., Term | None]] = field(default_factory=dict)
    """What the text calls to know blank nodes, and which request a solution is."""
    rows: int = 0
    """In all tables together."""
    has_blank: bool = False
    """Whether there are blank nodes in the tables."""

    def written_out(self, sparql: str) -> str:
        """Return a text with rows in place of marks."""
        if not self.tables:
            return sparql
        return _MARK.sub(lambda m: self.tables.get(m[1], m[0]), sparql)

    def table(self, names: Sequence[str], rows: Sequence[Row]) -> str:
        """Return a group that has these solutions."""
        columns = [[row[i] for row in rows] for i in range(len(names))]
        written, texts, ends = [], [], []
        for name, column in zip(names, columns, strict=True):
            if any(isinstance(t, BlankNode | Triple) for t in column):
                written.append(f"{name}_")
                texts.append([str(i) if t else "UNDEF" for i, t in enumerate(column)])
                ends.append(self._lookup(name, column))
                self.has_blank = True
            else:
                written.append(name)
                texts.append(["UNDEF" if t is None else str(t) for t in column])
        number = str(next(_NUMBERS))
        self.tables[number] = " ".join([f"({' '.join(row)})" for row in zip(*texts, strict=True)])
        self.rows += len(rows)
        mark = f"({' '.join([f'<{_ROWS}{number}>'] * len(written))})"
        values = f"VALUES ({' '.join(written)}) {{ {mark} }}"
        return f"{{ SELECT {' '.join(names)} {{ {' '.join([values, *ends])} }} }}"

    def _lookup(self, name: str, column: list[Term | None]) -> str:
        """Return a BIND to terms that VALUES cannot have."""
        function = f"{_NODE}{next(_NUMBERS)}"

        def node(place: Literal) -> Term | None:
            return column[int(place.value)]

        self.functions[NamedNode(function)] = node
        call = f"<{function}>({name}_)"
        if None not in column:
            # The store hashes only what it knows to be bound.
            call = f"COALESCE({call}, 0)"
        return f"BIND({call} AS {name})"

    def numbering(self, names: Sequence[str], solutions: Sequence[Row], key: str) -> str:
        """Return a BIND of the number of a request, from 1; 0 where there is none."""
        function = f"{_REQUEST}{next(_NUMBERS)}"
        numbers = {
            tuple(_UNBOUND if t is None else t for t in row): Literal(number)
            for number, row in enumerate(solutions, 1)
        }

        def number_of(*terms: Term) -> Literal | None:
            return numbers.get(terms)

        self.functions[NamedNode(function)] = number_of
        self.has_blank |= any(isinstance(t, BlankNode) for row in solutions for t in row)
        arguments = ", ".join(f"COALESCE({n}, {_UNBOUND})" for n in names)
        return f"BIND(COALESCE(<{function}>({arguments}), 0) AS {key})"


def request_of(call: Call, names: Sequence[str], solution: Row) -> Request | None:
    """Return what a solution asks; None where it lacks what the service needs."""
    known = dict(zip(names, solution, strict=True))
    request: dict[NamedNode, Term] = {}
    for predicate, text in call.inputs.items():
        term = known[text] if text.startswith("?") else term_of(text)
        if term is not None:
            request[predicate] = term
        elif call.service.inputs[predicate]:
            return None
    return request


def rows_found(
    call: Call,
    store: GraphStore,
    requests: Sequence[Request],
    bounds: Mapping[NamedNode, tuple[float, float]],
) -> list[tuple[int, Row]]:
    """Return what a service finds: the place of the request, and the variables of `call.found`.

    Raises:
        QueryError: The query asks the service for what it cannot give, or for too much.
        EvaluationError: The service fails.
    """
    if not requests:
        return []
    try:
        found = list(islice(_rows(call, store, requests, bounds), MOST_ROWS + 1))
    except QueryError:
        raise
    except (InvalidArgumentError, InvalidGeometryError, UnknownUnitError) as error:
        raise QueryError(f"SERVICE {call.name}: {error}") from error
    except Exception as error:  # whatever code of another package may raise
        raise EvaluationError(f"SERVICE {call.name} failed: {error}") from error
    if len(found) > MOST_ROWS:
        raise QueryError(
            f"SERVICE {call.name} finds more than {MOST_ROWS} rows; ask for less at a time, or "
            "for statistics instead of single values"
        )
    return found


def _rows(
    call: Call,
    store: GraphStore,
    requests: Sequence[Request],
    bounds: Mapping[NamedNode, tuple[float, float]],
) -> Iterator[tuple[int, Row]]:
    service: Service = call.service
    for place, outputs in service.evaluate(store, requests, call.wanted, bounds):
        if not 0 <= place < len(requests):
            raise IndexError(f"a row for request {place} of {len(requests)}")
        strange = {type(t) for t in outputs.values()} - _TERMS
        if strange:
            raise TypeError(f"{strange.pop().__name__} is no RDF term")
        row = _row(call, requests[place], outputs)
        if row is not None:
            yield place, row


def _row(call: Call, request: Request, outputs: Mapping[NamedNode, Term]) -> Row | None:
    """Return the variables of a row; None where it contradicts the query or itself."""
    if len(call.found) == len(call.outputs):  # each is a variable of its own
        return tuple(outputs.get(p) for p, _ in call.outputs)
    known = {t: request[p] for p, t in call.inputs.items() if t.startswith("?") and p in request}
    for predicate, text in call.outputs:
        value = outputs.get(predicate)
        if not text.startswith("?"):
            if value is None or not _is_same(value, term_of(text)):
                return None
        elif value is not None and not _is_same(known.setdefault(text, value), value):
            return None
    return tuple(known.get(n) for n in call.found)


def _is_same(one: Term, other: Term | None) -> bool:
    """Return whether two terms are the same in the store, which has one form of each number."""
    if one is other or one == other:
        return True
    if not isinstance(one, Literal) or not isinstance(other, Literal):
        return False
    return one.datatype == other.datatype and term_of(str(one)) == term_of(str(other))
