"""Expressions that may have another value each time they are evaluated."""

from __future__ import annotations

import re

#: The functions of SPARQL that do: https://www.w3.org/TR/sparql11-query/#SparqlOps
_VOLATILE = re.compile(r"(?i)\b(RAND|NOW|UUID|STRUUID|BNODE)\s*(?:#[^\n]*\n\s*)*\(")
_EXISTS = re.compile(r"(?i)\bEXISTS\b")


def is_volatile(text: str) -> bool:
    """Return whether a part of a query calls a function that gives another value each time."""
    return _VOLATILE.search(text) is not None


def is_constant(text: str) -> bool:
    """Return whether an expression without variables has one value, whatever the data are."""
    return not is_volatile(text) and _EXISTS.search(text) is None
