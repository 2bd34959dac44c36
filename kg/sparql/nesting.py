"""Refuses texts that are nested so deeply that evaluating them would exhaust the stack.

pyoxigraph parses and evaluates by recursion; a stack that overflows ends the process and
with it every other request.
"""

from __future__ import annotations

import re

from kg.errors import QueryError

#: Brackets within brackets. 1,000 groups in one another still pass, 2,000 EXISTS do not.
_DEPTH = 500
#: Operators and clauses, which each add a level: 5,000 MINUS or BIND are too many.
_LEVELS = 4_000
#: A text that is shorter holds neither.
_SHORT = 2 * _DEPTH
_TOKEN = re.compile(
    r"""
      \#[^\n\r]* | <[^<>"{}|^`\\\x00-\x20]*>
    | \"{3}(?:[^"\\]|\\.|"{1,2}(?!"))*\"{3} | '{3}(?:[^'\\]|\\.|'{1,2}(?!'))*'{3}
    | "(?:[^"\\\n\r]|\\.)*" | '(?:[^'\\\n\r]|\\.)*'
    | (?P<open> [{(\[] ) | (?P<close> [})\]] )
    | (?P<level> && | [|!/] | (?<=\s)[*+-](?=\s)
               | (?<![\w:?$-])(?i:UNION|MINUS|OPTIONAL|BIND|FILTER|EXISTS)(?![\w:-]) )
    """,
    re.VERBOSE | re.DOTALL,
)


def refuse_deep_nesting(sparql: str) -> None:
    """Refuse a query or update that would exhaust the stack.

    Raises:
        QueryError: Says what there is too much of.
    """
    if len(sparql) < _SHORT:
        return
    depth = levels = 0
    for token in _TOKEN.finditer(sparql):
        kind = token.lastgroup
        if kind == "open":
            depth += 1
        elif kind == "close":
            depth -= 1
        elif kind == "level":
            levels += 1
        if depth > _DEPTH:
            raise QueryError(f"more than {_DEPTH} brackets in one another; ask in several queries")
        if levels > _LEVELS:
            raise QueryError(
                f"more than {_LEVELS:,} operators and clauses; ask in several queries, or list "
                "what differs in VALUES"
            )
