"""Functions that a query calls and nobody knows.

In SPARQL such a call is an error of its expression, which is then unbound; the other rows and
columns are answered (https://www.w3.org/TR/sparql11-query/#extensionFunctions). pyoxigraph
refuses the whole query instead, before it evaluates any of it, and names one function a time.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from pyoxigraph import NamedNode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kg.geosparql.functions import Function


_Answer = TypeVar("_Answer")
_REFUSED = re.compile(r"custom function <([^>]*)> is not supported")


def with_unknown_functions(
    evaluate: Callable[[dict[NamedNode, Function]], _Answer],
    functions: Mapping[NamedNode, Function],
    find: Callable[[str], Function | None] | None = None,
) -> _Answer:
    """Evaluate with the functions there are and, for the others, with one that always fails.

    Args:
        evaluate: Evaluates a query, or an update as one transaction, with the given functions.
        functions: Those that are known.
        find: Returns one that is not among them by its IRI, or None.
    """
    known = dict(functions)
    while True:
        try:
            return evaluate(known)
        except RuntimeError as error:
            refused = _REFUSED.search(str(error))
            if refused is None or NamedNode(refused[1]) in known:
                raise
            found = None if find is None else find(refused[1])
            known[NamedNode(refused[1])] = _error if found is None else found


def _error(*_: object) -> None:
    """Return no value: an error, in the terms of SPARQL."""
