"""The syntax tree of a query or update, and edits of its text.

Rewriting edits spans of the text, so that what is not understood stays as it was written.
A text that this grammar does not know (RDF 1.2, LATERAL) has no tree and is left alone.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import tree_sitter_sparql
from pyoxigraph import NamedNode
from tree_sitter import Language, Node, Parser

from kg.sparql.unevaluated import literal_of, resolved_iri, selected_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kg.rdf.terms import Term


with warnings.catch_warnings():
    # The grammar's wheel hands its pointer over as an int; there is no release that does not.
    warnings.simplefilter("ignore", DeprecationWarning)
    _LANGUAGE = Language(tree_sitter_sparql.language())

RDF_TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
#: Variables that stand for blank nodes of the query, and for what a rewriting adds.
FRESH = "?__"
RDF_NAMESPACE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
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
            return f"<{RDF_NAMESPACE}nil>"
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
        return literal_of(text)

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
        return None if around is None else self.term(parts_of(around)[0])

    @property
    def prologue(self) -> str:
        """The declarations of BASE and PREFIX, a line each, as a query about a part needs them."""
        declared = self.walk("base_declaration", "prefix_declaration")
        return "".join(self.text(n) + "\n" for n in declared)

    def selected_by(self, clause: Node) -> list[str] | None:
        """Return the variables that the `*` of a SELECT clause stands for; None if unreadable."""
        query = clause.parent
        if query is None or query.type != "sub_select":
            return selected_names(self.source.decode(), self.base)
        return selected_names(self.prologue + self.text(query), self.base)

    def stars(self) -> Iterator[Edit]:
        """Yield edits that name the variables of each SELECT *, before others are added."""
        for clause in self.walk("select_clause"):
            if not any(c.type == "*" for c in clause.children):
                continue
            selected = self.selected_by(clause)
            if selected is None:
                continue  # for the store to report
            names = " ".join(f"?{n}" for n in selected) or f"{self.fresh}none"
            words = [self.text(c) for c in clause.children if c.type not in {"*", "comment"}]
            yield Edit(
                start=clause.start_byte, end=clause.end_byte, text=f"{' '.join(words)} {names}"
            )

    def edited(self, edits: Iterable[Edit]) -> str:
        """Return the text with all edits made; an edit inside another one is lost with it."""
        return apply_edits(self.source, edits)


@dataclass(frozen=True, kw_only=True)
class Sparql:
    """The text of a query or update on its way through what is written into it.

    Its tree is made once, when it is first asked for, and again only after edits.
    """

    text: str
    base: str | None = None
    """What relative IRIs are relative to."""

    def __str__(self) -> str:
        return self.text

    @cached_property
    def syntax(self) -> Syntax | None:
        """The tree; None where the grammar does not know the text."""
        return parse(self.text, base_iri=self.base)

    @cached_property
    def spelt_out(self) -> Sparql:
        """The same with the template of CONSTRUCT WHERE written out, if it has one."""
        syntax = self.syntax
        if syntax is None:
            return self
        for query in syntax.walk("construct_query"):
            for template in query.named_children:
                if template.type == "triples_template":
                    place = query.start_byte + len("CONSTRUCT")
                    copy = Edit(start=place, end=place, text=f" {{ {syntax.text(template)} }}")
                    return self.edited([copy])
        return self

    def edited(self, edits: Iterable[Edit]) -> Sparql:
        """Return the text with edits made to its tree's source; itself where there are none."""
        edits = list(edits)
        if not edits or self.syntax is None:
            return self
        return replace(self, text=self.syntax.edited(edits))


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


def parts_of(node: Node) -> list[Node]:
    """Return the named parts of a node, without comments."""
    return [c for c in node.named_children if c.type != "comment"]


def _resolved(iri: str, base: str | None) -> str:
    """Return an IRI in full; an absolute one as it is, with the # that urljoin would drop."""
    return iri if base is None or _ABSOLUTE.match(iri) else resolved_iri(iri, base)
