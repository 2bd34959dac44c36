"""How the store will write a term that is about to go into it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyoxigraph import QueryResultsFormat, QuerySolutions, RdfFormat, Store

if TYPE_CHECKING:
    from collections.abc import Sequence


#: What is kept as it is written: nodes, and strings without an escape.
_AS_WRITTEN = re.compile(rb'<(?!<)[^\\]*>|_:.*|"[^"\\]*"', re.DOTALL)


def stored_texts(texts: Sequence[bytes]) -> list[bytes]:
    """Return how terms come out of the store in TSV.

    pyoxigraph keeps numbers and dates by their values, so that "01"^^xsd:integer comes out as 1.

    Args:
        texts: Terms as in N-Triples, or literals as in SPARQL.

    Raises:
        SyntaxError: A text is no term.
    """
    fits = _AS_WRITTEN.fullmatch
    others = [t for t in set(texts) if fits(t) is None]
    if not others:
        return list(texts)
    written = _through_a_store(others)
    return [written.get(t, t) for t in texts]


def _through_a_store(texts: list[bytes]) -> dict[bytes, bytes]:
    store = Store()
    lines = [b"<urn:%d> <urn:p> %s .\n" % (i, t) for i, t in enumerate(texts)]
    store.load(b"".join(lines), format=RdfFormat.TURTLE)
    result = store.query("SELECT ?s ?o { ?s ?p ?o }")
    if not isinstance(result, QuerySolutions):
        raise TypeError("a SELECT has solutions")
    document = result.serialize(format=QueryResultsFormat.TSV) or b""
    rows = [line.split(b"\t", 1) for line in document.split(b"\n")[1:-1]]
    return {texts[int(subject[5:-1])]: target for subject, target in rows}
