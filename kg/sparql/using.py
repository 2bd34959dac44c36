"""The data set that the protocol names for an update, written into the update itself.

https://www.w3.org/TR/sparql11-protocol/#update-dataset
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kg.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kg.store import Dataset


#: What may hold a brace or a keyword that is none, before braces and words.
_TOKEN = re.compile(
    r"""
      (?P<comment> \#[^\n\r]* )
    | (?P<iri>     <[^<>"{}|^`\\\x00-\x20]*> )
    | (?P<string>  \"{3}(?:[^"\\]|\\.|"{1,2}(?!"))*\"{3} | '{3}(?:[^'\\]|\\.|'{1,2}(?!'))*'{3}
                 | "(?:[^"\\\n\r]|\\.)*" | '(?:[^'\\\n\r]|\\.)*' )
    | (?P<brace>   [{}] )
    | (?P<word>    (?:\\.|[^\s{}<>;"'\#\\])+ )
    """,
    re.VERBOSE | re.DOTALL,
)


def with_using(update: str, dataset: Dataset) -> str:
    """Return an update whose operations match the data set, as if each had said USING.

    Raises:
        QueryError: The update says USING or WITH itself, which the protocol forbids.
    """
    clauses = "".join(
        [*(f"USING {g} " for g in dataset.default), *(f"USING NAMED {g} " for g in dataset.named)]
    )
    if not clauses:
        return update
    parts, end = [], 0
    for position, pattern in _wheres(update):
        parts += [update[end:position], pattern, clauses]
        end = position
    return "".join([*parts, update[end:]])


def _wheres(update: str) -> Iterator[tuple[int, str]]:
    """Yield where each WHERE of an operation is, and what must come before it besides USING.

    That is the pattern of a DELETE WHERE, which has no place for USING and becomes the long form
    DELETE {...} USING ... WHERE {...}.
    """
    depth = 0
    previous = ""
    delete_where: int | None = None
    opened = 0
    for token in _TOKEN.finditer(update):
        kind, text = token.lastgroup, token[0]
        if kind == "brace":
            if depth == 0:
                opened = token.start()
            depth += 1 if text == "{" else -1
            if depth == 0 and delete_where is not None:
                yield delete_where, update[opened : token.end()] + " "
                delete_where = None
        elif kind == "word" and depth == 0:
            word = text.upper()
            if word in ("USING", "WITH"):
                raise QueryError(
                    f"the update says {word}; send no using-graph-uri with it, or leave {word} out"
                )
            if word == "WHERE" and previous == "DELETE":
                delete_where = token.start()
            elif word == "WHERE":
                yield token.start(), ""
            previous = word
