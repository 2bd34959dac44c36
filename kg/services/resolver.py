"""Services that are evaluated here: what they find takes the place of their SERVICE clauses.

`SERVICE <service> { [] <input> ?a ; <output> ?b }` stands for all pairs of an input with
what is found for it, and is joined with its group as any other pattern is. So what stands
beside it, and what stands before an OPTIONAL, UNION, MINUS, GRAPH, EXISTS or pair of braces
around it, says which inputs matter: each distinct one is asked for once, all in one call.
A solution that leaves a needed input unbound has no match.
https://www.w3.org/TR/sparql11-federated-query/
"""

from __future__ import annotations

import re
from itertools import chain, count
from typing import TYPE_CHECKING

from pyoxigraph import Literal, NamedNode

from kg.errors import EvaluationError, QueryError
from kg.services.bounds import bounds_of, conjuncts_of
from kg.services.calls import SERVICE, Call, Calls
from kg.services.frames import Frame
from kg.services.questions import EvaluateQuestion, Question
from kg.services.tables import Served, request_of, rows_found
from kg.sparql.certain_variables import certain_in
from kg.sparql.datasets import dataset_of
from kg.sparql.syntax import Edit, Sparql, apply_edits
from kg.sparql.volatile import is_volatile
from kg.store import Dataset
from ontology.terms import DEEP, compact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tree_sitter import Node

    from kg.extensions import Service
    from kg.services.tables import Row
    from kg.sparql.syntax import Syntax
    from kg.store import GraphStore


_MENTIONED = re.compile(r"(?i)(?<![\w:?$])SERVICE(?![\w:])")
_QUERIES = ("select_query", "ask_query", "construct_query", "describe_query")
_MODIFIER = "solution_modifier"
_EXISTS = ("exists_func", "not_exists_func")
#: A group that changes nothing.
_NOTHING = "{ }"
_BARRIERS = frozenset({"optional_graph_pattern", "minus_graph_pattern", "bind"})


def serve(
    sparql: Sparql,
    services: Callable[[], Sequence[Service]],
    store: GraphStore,
    evaluate: EvaluateQuestion,
    *,
    dataset: Dataset | None = None,
) -> Served:
    """Return a query or update in which tables stand for the services of ours.

    Args:
        sparql: The text, rewritten and entailed.
        services: Returns those that there are; called only where the text may speak of one.
        store: What the services look things up in.
        evaluate: Evaluates a question in the store, over the dataset of the question.
        dataset: Overrides FROM and FROM NAMED.

    Raises:
        QueryError: A clause does not say what its service takes, or stands where nothing
            binds what it needs.
        EvaluationError: A service fails.
    """
    if not _MENTIONED.search(sparql.text):
        return Served(sparql=sparql)
    syntax = sparql.syntax
    if syntax is None:
        if _speaks_of_ours(sparql.text):
            raise QueryError(
                "a query with a SERVICE of deep: has to be SPARQL 1.1: this one is malformed, or "
                "has what only RDF 1.2 or an extension such as LATERAL knows"
            )
        return Served(sparql=sparql)
    known = services()
    if not any(Calls(syntax, known).within(syntax.root)):
        return Served(sparql=sparql)
    named = sparql.edited(syntax.stars())
    if named.syntax is not None:
        sparql, syntax = named, named.syntax
    return _Resolver(sparql, syntax, Calls(syntax, known), store, evaluate, dataset).served()


class _Resolver:
    """Goes through one query or update, asks its services, and writes tables for their clauses."""

    def __init__(
        self,
        sparql: Sparql,
        syntax: Syntax,
        calls: Calls,
        store: GraphStore,
        evaluate: EvaluateQuestion,
        dataset: Dataset | None,
    ) -> None:
        self._syntax = syntax
        self._calls = calls
        self._store = store
        self._evaluate = evaluate
        self._dataset = dataset or dataset_of(syntax)
        self._edits: list[Edit] = []
        self._done: set[int] = set()
        self._numbers = count()
        self._served = Served(sparql=sparql)
        self._prologue = syntax.prologue

    def served(self) -> Served:
        """Return the text with tables."""
        root = self._syntax.root
        query = next((n for n in root.named_children if n.type in _QUERIES), None)
        if query is not None:
            self._query(query, None, next(self._syntax.walk("values_clause", within=root), None))
        operations = [n for n in root.named_children if n.type not in {"prologue", *_QUERIES}]
        for number, operation in enumerate(operations):
            if any(self._calls.within(operation)):
                if number:
                    raise QueryError(
                        "services are asked before the update runs, so that one in a later "
                        "operation would not see what an earlier one writes; send that one apart"
                    )
                self._operation(operation)
        left = next((n for n in self._calls.within(root) if n.id not in self._done), None)
        if left is not None:
            raise QueryError(
                f"{self._syntax.text(left.children[0])} {self._syntax.text(left.named_children[0])}"
                " stands in an expression of SELECT, GROUP BY, HAVING or ORDER BY; move it into "
                "the pattern, as into a BIND or a FILTER"
            )
        self._served.sparql = self._served.sparql.edited(self._edits)
        return self._served

    # -- where patterns begin

    def _query(self, query: Node, graph: str | None, values: Node | None) -> None:
        """Resolve a query or sub-select, which knows nothing of what is around it."""
        where = next((n for n in query.named_children if n.type == "where_clause"), None)
        if where is None:
            return
        outer = None
        forms = (n for n in query.named_children if n.type in {"select_clause", _MODIFIER})
        aggregates = any(
            True for n in forms for _ in self._syntax.walk("aggregate", "group_clause", within=n)
        )
        if values is not None and not aggregates:
            outer = Frame()
            self._add_known(values, outer)
        group = next(n for n in where.named_children if n.type == "group_graph_pattern")
        self._group(group, Frame(outer=outer, graph=graph))

    def _operation(self, operation: Node) -> None:
        """Resolve the pattern of an operation of an update."""
        using = [n for n in operation.named_children if n.type == "using_clause"]
        graph = None
        if using:
            self._dataset = self._used(using)
        elif operation.children[0].type.upper() == "WITH":
            graph = self._syntax.term(operation.named_children[0])
        for group in operation.named_children:
            if group.type == "group_graph_pattern":
                self._group(group, Frame(graph=graph))

    def _used(self, clauses: list[Node]) -> Dataset:
        """Return the data set that USING clauses name."""
        default, named = list[NamedNode](), list[NamedNode]()
        for clause in clauses:
            iri = self._syntax.constant(clause.named_children[-1])
            kind = named if any(c.type == "NAMED" for c in clause.children) else default
            if isinstance(iri, NamedNode):
                kind.append(iri)
        return Dataset(default=tuple(default), named=tuple(named))

    # -- groups

    def _group(self, group: Node, frame: Frame) -> None:
        """Resolve a group, part by part; the frame knows what stands before it."""
        if not any(self._calls.within(group)):
            return
        elements = [c for c in group.named_children if c.type != "comment"]
        for element in elements:
            if element.type == "sub_select":
                values = (n for n in element.named_children if n.type == "values_clause")
                self._query(element, frame.graph, next(values, None))
                return
        frame.filters = [
            (self._syntax.text(c), self._syntax.variables(c))
            for c in conjuncts_of(group)
            if not is_volatile(self._syntax.text(c))
            and next(self._syntax.walk(*_EXISTS, within=c), None) is None
        ]
        if frame.graph is not None and frame.graph.startswith("?"):
            frame.add("", {frame.graph}, {frame.graph})
        stretch: list[Node] = []
        for element in elements:
            if element.type in _BARRIERS:
                self._stretch(stretch, frame)
                stretch = []
                self._inside(element, frame, frame.mentioned)
                self._add_known(element, frame)
            elif element.type != "filter":
                stretch.append(element)
        self._stretch(stretch, frame)
        for element in elements:
            if element.type == "filter":
                self._inside(element, frame, frame.mentioned, place=group.end_byte - 1)

    def _inside(
        self, element: Node, frame: Frame, visible: Iterable[str], *, place: int | None = None
    ) -> None:
        """Resolve the groups in a part, each of which sees what is around."""
        for group in _outermost_groups(element):
            if any(self._calls.within(group)):
                frame.at(element.start_byte if place is None else place, visible)
                graph = self._syntax.graph_around(group) or frame.graph
                self._group(group, Frame(outer=frame, graph=graph))

    def _stretch(self, elements: list[Node], frame: Frame) -> None:
        """Resolve parts of a group that are joined in whatever order."""
        calls: list[Call] = []
        nested: list[tuple[Node, frozenset[str]]] = []
        for element in elements:
            if not any(self._calls.within(element)):
                self._add_known(element, frame)
            elif element.type != SERVICE:
                nested.append((element, frozenset(frame.mentioned)))
            elif (call := self._calls.read(element)) is not None:
                calls.append(call)
            else:
                self._replace(element, _NOTHING)
        while calls or nested:
            ready = next((c for c in calls if set(c.given) <= frame.reached()), None)
            if ready is not None:
                calls.remove(ready)
                frame.at(elements[-1].end_byte, frame.mentioned)
                self._answer(ready, frame)
            elif nested:
                element, visible = nested.pop(0)
                self._inside(element, frame, visible)
                self._add_known(element, frame)
            else:
                raise _unbound(calls[0], frame)

    def _add_known(self, element: Node, frame: Frame) -> None:
        """Add a part of a group, whose services are resolved, to what its frame knows."""
        mentioned = self._syntax.variables(element)
        certain = certain_in(self._syntax, element)
        text = self._rendered(element)
        if element.type in {"inline_data", "values_clause"} and "UNDEF" not in text.upper():
            certain |= mentioned
        elif element.type == "graph_graph_pattern":
            certain |= {self._syntax.term(element.named_children[0]) or ""} & mentioned
        elif element.type == "triples_block" and element.children[-1].type != ".":
            text += "\n."
        frame.add(text, mentioned, certain)

    # -- one clause

    def _answer(self, call: Call, frame: Frame) -> None:
        """EvaluateQuestion a service, and put what it finds in the place of the clause."""
        names = call.given
        solutions: list[Row] = [()]
        if names:
            spoken = {*names, *call.found}
            solutions = self._evaluate(
                Question(
                    prologue=self._prologue,
                    names=names,
                    body=frame.body(spoken),
                    dataset=self._dataset,
                    served=self._served,
                )
            )
        asked = [(s, r) for s in solutions if (r := request_of(call, names, s)) is not None]
        requests = [r for _, r in asked]
        bounds = bounds_of(self._syntax, _group_of(call.node), call)
        try:
            found = rows_found(call, self._store, requests, bounds)
        except (EvaluationError, QueryError) as error:
            if not call.silent:
                raise
            self._served.steps.append(f"{error}: passed over, as SILENT says")
            self._replace(call.node, _NOTHING)
            return
        self._report(call, len(requests), len(solutions) - len(requests), bounds, len(found))
        rows = [(Literal(place + 1), *values) for place, values in found]
        self._write(call, frame, [s for s, _ in asked], rows, whole=None not in chain(*solutions))

    def _write(
        self, call: Call, frame: Frame, asked: list[Row], rows: list[Row], *, whole: bool
    ) -> None:
        """Write a table of what was found.

        It is joined by the inputs themselves where all solutions bind them. Else by the number
        of the request: what is unbound would match anything.
        """
        names, found = call.given, call.found
        number = f"{self._syntax.fresh}n{next(self._numbers)}"
        certain = [n for i, n in enumerate(found, 1) if all(r[i] is not None for r in rows)]
        results = self._served.table([number, *found], rows)
        keyed = None
        if not set(names) <= frame.bound():
            keyed = next((f for f in frame.around() if f.visible.issuperset(names)), None)
            if keyed is None and not whole:
                raise _unbound(call, frame)
        if keyed is not None:
            bind = self._served.numbering(names, asked, number)
            keyed.add(bind, {number}, {number})
            frame.add(results, found, certain)
            if keyed is frame:
                self._replace(call.node, _NOTHING)
                bind = f"{bind} {results}"
            else:
                self._replace(call.node, results)
            self._edits.append(Edit(start=keyed.place, end=keyed.place, text=f" {bind} "))
            return
        if names:
            by_number = [(*row, Literal(i)) for i, row in enumerate(asked, 1)]
            inputs = self._served.table([*names, number], by_number)
            results = f"{{ SELECT {' '.join([*names, *found])} {{ {inputs} {results} }} }}"
        frame.add(results, [*names, *found], [*names, *certain])
        self._replace(call.node, results)

    def _report(
        self,
        call: Call,
        requests: int,
        dropped: int,
        bounds: Mapping[NamedNode, tuple[float, float]],
        rows: int,
    ) -> None:
        wanted = ", ".join(sorted(compact(p.value) for p in call.wanted)) or "nothing"
        step = f"SERVICE {call.name}: {requests} requests for {wanted}"
        limits = (f"{compact(p.value)} in [{b[0]:g}, {b[1]:g}]" for p, b in bounds.items())
        step += "".join(f", {limit}" for limit in limits)
        if dropped:
            step += f", {dropped} without an input that it needs"
        self._served.steps.append(f"{step}: {rows} rows")

    # -- the text

    def _replace(self, node: Node, text: str) -> None:
        self._done.add(node.id)
        self._edits.append(Edit(start=node.start_byte, end=node.end_byte, text=text))

    def _rendered(self, node: Node) -> str:
        """Return a node with the edits inside of it made."""
        start, end = node.start_byte, node.end_byte
        inside = [
            Edit(start=e.start - start, end=e.end - start, text=e.text)
            for e in self._edits
            if (start < e.start < end) or (start == e.start < e.end <= end)
        ]
        return apply_edits(self._syntax.source[start:end], inside)


def _group_of(node: Node) -> Node:
    if node.parent is None:
        raise ValueError("a SERVICE clause stands in a group")
    return node.parent


def _outermost_groups(node: Node) -> Iterator[Node]:
    for child in node.named_children:
        if child.type == "group_graph_pattern":
            yield child
        else:
            yield from _outermost_groups(child)


def _unbound(call: Call, frame: Frame) -> QueryError:
    missing = sorted(set(call.given) - frame.reached())
    if missing:
        return QueryError(
            f"SERVICE {call.name} is given {', '.join(missing)}, which nothing beside it or before "
            "it binds; write the pattern that does in the same group"
        )
    return QueryError(
        f"SERVICE {call.name} is given {', '.join(call.given)}, of which some solutions bind only "
        "a part; bind them in one group, before the SERVICE"
    )


def _speaks_of_ours(sparql: str) -> bool:
    """Return whether a text that cannot be read calls a service of deep:."""
    namespace = re.escape(DEEP.namespace)
    prefixes = re.findall(rf"(?i)\bPREFIX\s+([\w-]*:)\s*<{namespace}>", sparql)
    starts = "|".join([f"<{namespace}", *map(re.escape, prefixes)])
    return re.search(rf"(?i)\bSERVICE\s+(SILENT\s+)?({starts})", sparql) is not None
