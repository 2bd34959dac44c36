"""The syntax tree of a query or update, and edits of its text.

Rewriting edits spans of the text, so that what is not understood stays as it was written.
A text that this grammar does not know (RDF 1.2, LATERAL) has no tree and is left alone.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import tree_sitter_sparql
from pyoxigraph import Literal, NamedNode, QuerySolutions, Store
from tree_sitter import Language, Node, Parser

from kg.unknown_functions import with_unknown_functions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kg.solutions import Term
    from kg.store import QueryResult

with warnings.catch_warnings():
    # The grammar's wheel hands its pointer over as an int; there is no release that does not.
    warnings.simplefilter("ignore", DeprecationWarning)
    _LANGUAGE = Language(tree_sitter_sparql.language())

RDF_TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
#: Variables that stand for blank nodes of the query, and for what a rewriting adds.
FRESH = "?__"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_CONSTANTS = frozenset(
    {"rdf_literal", "integer", "decimal", "double", "boolean_literal", "iri_reference"}
    | {"prefixed_name"}
)
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
#: The grammar wants one blank between these words.
_SPLIT_WORDS = re.compile(rb"(?i)\b(INSERT|DELETE)\s+(DATA|WHERE)\b")
#: The grammar takes the prefix `a:` for the word. What precedes it here is left as it is.
_PREFIX_A = re.compile(
    r"""(?sx) <[^<>"{}|^`\s]*> | \#[^\n]* | \"{3}.*?(?<!\\)\"{3} | '{3}.*?(?<!\\)'{3}
    | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' | (?<![\w:.-])(?P<a>a)(?=:)"""
)


@dataclass(frozen=True, kw_only=True)
class TriplePattern:
    """One triple pattern; terms in full: `<iri>`, `?name`, or a literal as written."""

    subject: str
    predicate: str
    """A term, or the text of a property path."""
    object: str
    is_path: bool = False
    path: Node | None = field(default=None, compare=False, repr=False)
    """Where the path is written; None for a plain predicate."""

    def __str__(self) -> str:
        return f"{self.subject} {self.predicate} {self.object} ."

    @property
    def variables(self) -> frozenset[str]:
        """The variables, with those that stand for blank nodes."""
        terms = (self.subject, self.object, *(() if self.is_path else (self.predicate,)))
        return frozenset(t for t in terms if t.startswith("?"))


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Bytes start to end of the source are replaced by a text."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Syntax:
    """The tree of one text."""

    source: bytes
    root: Node
    base: str | None
    prefixes: dict[str, str] = field(default_factory=dict)
    fresh: str = FRESH
    """No variable of the text starts so: a text may have been rewritten before."""

    def text(self, node: Node) -> str:
        """Return a node as it was written."""
        return self.source[node.start_byte : node.end_byte].decode()

    def iri(self, node: Node) -> str | None:
        """Return an IRI in full, without brackets; None for any other node."""
        if node.type == "iri_reference":
            written = self.text(node)[1:-1]
            return _resolved(written, self.base)
        if node.type == "prefixed_name":
            prefix, _, local = self.text(node).partition(":")
            namespace = self.prefixes.get(prefix)
            return None if namespace is None else namespace + re.sub(r"\\(.)", r"\1", local)
        return None

    def term(self, node: Node) -> str | None:
        """Return a term in full; None for what is no term."""
        if node.type == "var":
            return "?" + self.text(node)[1:]
        if (iri := self.iri(node)) is not None:
            return f"<{iri}>"
        if node.type == "blank_node_label":
            return f"{self.fresh}b_" + re.sub(r"\W", "_", self.text(node)[2:])
        if node.type == "anon":
            return f"{self.fresh}a_{node.start_byte}"
        if node.type == "nil":
            return f"<{_RDF}nil>"
        return self._literal(node) if node.type in _CONSTANTS else None

    def _literal(self, node: Node) -> str | None:
        if node.type == "rdf_literal":
            last = node.named_children[-1]
            if (datatype := self.iri(last)) is not None:
                return f"{self.text(node.named_children[0])}^^<{datatype}>"
        return self.text(node)

    def constant(self, node: Node) -> Term | None:
        """Return a constant as a term of the store's; None for what is no constant."""
        if (iri := self.iri(node)) is not None:
            return NamedNode(iri)
        if node.type not in _CONSTANTS or (text := self._literal(node)) is None:
            return None
        return _constant(text)

    def walk(self, *types: str, within: Node | None = None) -> Iterator[Node]:
        """Yield the nodes of these types, outermost first, in the order of the text."""
        stack = [within or self.root]
        while stack:
            node = stack.pop()
            if node.type in types:
                yield node
            stack.extend(reversed(node.children))

    def variables(self, node: Node) -> frozenset[str]:
        """Return the variables that a node mentions."""
        return frozenset("?" + self.text(v)[1:] for v in self.walk("var", within=node))

    def groups(self) -> Iterator[Node]:
        """Yield the groups that this store evaluates: all but those of a SERVICE."""
        stack = [self.root]
        while stack:
            node = stack.pop()
            if node.type == "service_graph_pattern":
                continue
            if node.type == "group_graph_pattern":
                yield node
            stack.extend(reversed(node.children))

    def graph_around(self, node: Node) -> str | None:
        """Return g of the GRAPH g around a node.

        A sub-select inside of GRAPH ?g must select ?g: the store evaluates it over all graphs.
        """
        around = node.parent
        while around is not None and around.type != "graph_graph_pattern":
            around = around.parent
        return None if around is None else self.term(_parts(around)[0])

    def stars(self) -> Iterator[Edit]:
        """Yield edits that name the variables of each SELECT *, before others are added."""
        prologue = "".join(
            self.text(n) + "\n" for n in self.walk("base_declaration", "prefix_declaration")
        )
        for clause in self.walk("select_clause"):
            query = clause.parent
            if query is None or not any(c.type == "*" for c in clause.children):
                continue
            try:
                result = _unevaluated(prologue + self.text(query), self.base)
            except SyntaxError:
                continue  # for the store to report
            if isinstance(result, QuerySolutions):
                names = " ".join(str(v) for v in result.variables) or f"{self.fresh}none"
                words = [self.text(c) for c in clause.children if c.type not in {"*", "comment"}]
                yield Edit(
                    start=clause.start_byte,
                    end=clause.end_byte,
                    text=f"{' '.join(words)} {names}",
                )

    def patterns(self, block: Node) -> list[TriplePattern] | None:
        """Return a block's triple patterns; None where it says more than triple patterns can.

        Predicate lists, object lists, collections and blank nodes in brackets are written out.
        """
        found: list[TriplePattern] = []
        for same_subject in _parts(block):
            if same_subject.type != "triples_same_subject":
                return None
            if not self._same_subject(same_subject, found):
                return None
        return found

    def _same_subject(self, node: Node, found: list[TriplePattern]) -> bool:
        parts = _parts(node)
        subject = self._node(parts[0], found)
        if subject is None:
            return False
        return all(self._properties(subject, p, found) for p in parts[1:])

    def _node(self, node: Node, found: list[TriplePattern]) -> str | None:
        """Return the term of a subject or object; a bracket's own triples are added."""
        if node.type == "collection":
            return self._collection(node, found)
        if node.type != "blank_node_property_list":
            return self.term(node)
        blank = f"{self.fresh}a_{node.start_byte}"
        return blank if all(self._properties(blank, p, found) for p in _parts(node)) else None

    def _collection(self, node: Node, found: list[TriplePattern]) -> str | None:
        cells = [f"{self.fresh}c_{m.start_byte}" for m in _parts(node)]
        for cell, following, member in zip(
            cells, [*cells[1:], f"<{_RDF}nil>"], _parts(node), strict=True
        ):
            item = self._node(member, found)
            if item is None:
                return None
            found.append(TriplePattern(subject=cell, predicate=f"<{_RDF}first>", object=item))
            found.append(TriplePattern(subject=cell, predicate=f"<{_RDF}rest>", object=following))
        return cells[0]

    def _properties(self, subject: str, node: Node, found: list[TriplePattern]) -> bool:
        if node.type != "property_list":
            return False
        for item in _parts(node):
            if item.type != "property":
                return False
            # The word `a` is an unnamed node where no path may stand.
            verb = next(c for c in item.children if c.type != "comment")
            objects = _parts(item)[-1]
            if objects.type != "object_list":
                return False
            for part in _parts(objects):
                target = self._node(part, found)
                if target is None:
                    return False
                found.extend(self.along(subject, verb, target, place=len(found)))
        return True

    def properties(self, *within: Node) -> frozenset[str] | None:
        """Return the IRIs of the properties that parts of the text speak of; None for any."""
        found = set()
        for part in within:
            if any(True for _ in self.walk("collection", within=part)):
                found |= {f"{_RDF}first", f"{_RDF}rest"}
            for item in self.walk("property", within=part):
                verb = next(c for c in item.children if c.type != "comment")
                words = self.walk("path_mod", "path_negated_property_set", "var", within=verb)
                if any(self.text(w) != "+" for w in words):
                    return None
                named = [
                    self.iri(n) for n in self.walk("iri_reference", "prefixed_name", within=verb)
                ]
                if any(n is None for n in named):
                    return None
                if any(self.text(n) == "a" for n in _leaves(verb)):
                    named.append(RDF_TYPE[1:-1])
                found.update(n for n in named if n is not None)
        return frozenset(found)

    def along(
        self, subject: str, verb: Node, target: str, *, place: int = 0
    ) -> Iterator[TriplePattern]:
        """Yield the patterns of a path: the steps of a sequence apart, `^` turned round.

        Args:
            subject: Where the path starts.
            verb: The path.
            target: Where it ends.
            place: Tells the variables between the steps from those of the same path elsewhere.
        """
        verb = _without_brackets(verb)
        simple = self._simple(verb)
        if simple is not None:
            yield TriplePattern(subject=subject, predicate=simple, object=target)
        elif target[0] in "?<" and (inner := _inverted(verb)) is not None:
            yield from self.along(target, inner, subject, place=place)
        elif verb.type == "binary_path" and verb.children[1].type == "/":
            middle = f"{self.fresh}p_{place}_{verb.start_byte}_{verb.end_byte}"
            yield from self.along(subject, verb.children[0], middle, place=place)
            yield from self.along(middle, verb.children[2], target, place=place)
        else:
            yield TriplePattern(
                subject=subject,
                predicate=self.text(verb),
                object=target,
                is_path=True,
                path=verb,
            )

    def _simple(self, verb: Node) -> str | None:
        if self.text(verb) == "a":
            return RDF_TYPE
        if verb.type != "path_element":
            return self.term(verb)
        return self.term(verb.children[0]) if len(verb.children) == 1 else None


def parse(text: str, *, base_iri: str | None = None) -> Syntax | None:
    """Return the tree of a query or update; None where the grammar does not know the text."""
    source = text.encode()
    root = Parser(_LANGUAGE).parse(source).root_node
    if root.has_error:
        source = _SPLIT_WORDS.sub(rb"\1 \2", _without_prefix_a(text).encode())
        root = Parser(_LANGUAGE).parse(source).root_node
        if root.has_error:
            return None
    fresh = FRESH
    while fresh[1:] in text:
        fresh += "_"
    syntax = Syntax(source=source, root=root, base=base_iri)
    base = base_iri
    prefixes: dict[str, str] = {}
    for node in syntax.walk("base_declaration", "prefix_declaration"):
        written = syntax.text(node.named_children[-1])[1:-1]
        value = _resolved(written, base)
        if node.type == "base_declaration":
            base = value
            continue
        name = syntax.text(node.named_children[0])[:-1]
        if prefixes.setdefault(name, value) != value:
            return None  # a later operation of an update means something else by it
    return Syntax(source=source, root=root, base=base, prefixes=prefixes, fresh=fresh)


def _without_prefix_a(text: str) -> str:
    """Return a text in which the prefix `a:` has another name."""
    name = "a_"
    while f"{name}:" in text:
        name += "_"
    return _PREFIX_A.sub(lambda m: name if m["a"] else m[0], text)


def parse_query(text: str, *, base_iri: str | None = None) -> Syntax | None:
    """Return the tree of a query in which CONSTRUCT WHERE is spelt out; None as `parse`."""
    syntax = parse(text, base_iri=base_iri)
    if syntax is None:
        return None
    for query in syntax.walk("construct_query"):
        for template in query.named_children:
            if template.type == "triples_template":
                place = query.start_byte + len("CONSTRUCT")
                copy = Edit(start=place, end=place, text=f" {{ {syntax.text(template)} }}")
                return parse(apply_edits(syntax.source, [copy]), base_iri=base_iri)
    return syntax


def connected(pattern: TriplePattern, others: Iterable[TriplePattern]) -> list[TriplePattern]:
    """Return the patterns that share variables with one, directly or through one another."""
    reached, found, rest = set(pattern.variables), list[TriplePattern](), list(others)
    while near := [p for p in rest if p.variables & reached]:
        found += near
        rest = [p for p in rest if p not in near]
        reached |= {v for p in near for v in p.variables}
    return found


def apply_edits(source: bytes, edits: Iterable[Edit]) -> str:
    """Return the text with all edits made; an edit inside another one is lost with it."""
    pieces: list[bytes] = []
    position = 0
    for edit in sorted(edits, key=lambda e: (e.start, -e.end)):
        if edit.start < position:
            continue
        pieces += [source[position : edit.start], edit.text.encode()]
        position = edit.end
    pieces.append(source[position:])
    return b"".join(pieces).decode()


def _parts(node: Node) -> list[Node]:
    return [c for c in node.named_children if c.type != "comment"]


def _leaves(node: Node) -> Iterator[Node]:
    if not node.children:
        yield node
    for child in node.children:
        yield from _leaves(child)


def _unevaluated(sparql: str, base: str | None) -> QueryResult:
    """Return the answer that no data gives, whatever functions are called."""
    return with_unknown_functions(
        lambda known: Store().query(sparql, base_iri=base, custom_functions=known), {}
    )


def _without_brackets(verb: Node) -> Node:
    while (
        verb.type == "path_element"
        and len(verb.children) == 3  # noqa: PLR2004
        and verb.children[0].type == "("
    ):
        verb = verb.children[1]
    return verb


def _inverted(verb: Node) -> Node | None:
    """Return x of the path ^x where x is one IRI or in brackets, without ?, * or +."""
    if verb.type != "path_element" or verb.children[0].type != "path_inverse":
        return None
    rest = verb.children[1:]
    if len(rest) == 1:
        return rest[0] if rest[0].type in {"iri_reference", "prefixed_name", "a"} else None
    return rest[1] if [rest[0].type, rest[-1].type] == ["(", ")"] else None


def _resolved(iri: str, base: str | None) -> str:
    """Return an IRI in full; an absolute one as it is, with the # that urljoin would drop."""
    return iri if base is None or _ABSOLUTE.match(iri) else _joined(iri, base)


@lru_cache(maxsize=256)
def _joined(iri: str, base: str) -> str:
    """Return a relative IRI in full, as the store resolves it."""
    try:
        result = Store().query(f"SELECT (<{iri}> AS ?x) {{}}", base_iri=base)
    except (SyntaxError, ValueError):
        return iri
    if not isinstance(result, QuerySolutions):
        return iri
    value = next(result)["x"]
    return value.value if isinstance(value, NamedNode) else iri


def term_of(text: str) -> Term | None:
    """Return the constant that a triple pattern's text for it says; None for any other text."""
    return NamedNode(text[1:-1]) if text.startswith("<") else _constant(text)


@lru_cache(maxsize=256)
def _constant(text: str) -> Term | None:
    """Return a literal from its text, as the store reads it."""
    try:
        result = Store().query(f"SELECT ({text} AS ?x) {{}}")
    except SyntaxError:
        return None
    if not isinstance(result, QuerySolutions):
        return None
    value = next(result)["x"]
    return value if isinstance(value, Literal) else None
