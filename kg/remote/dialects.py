"""Where servers speak otherwise than SPARQL 1.1 says, made as the standard has it.

All of it is of Virtuoso, which stores a geo:wktLiteral under a datatype of its own, writes labels
of blank nodes that are none elsewhere, and sends a part of an answer as if it were the whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyoxigraph import Literal

from ontology.terms import GEO

if TYPE_CHECKING:
    from http.client import HTTPMessage

    from kg.rdf.terms import Term


#: What Virtuoso makes of the datatype geo:wktLiteral when it stores one.
VIRTUOSO_GEOMETRY = "http://www.openlinksw.com/schemas/virtrdf#Geometry"
_VIRTUOSO_DATATYPE = re.compile(rb'("datatype"\s*:\s*")' + re.escape(VIRTUOSO_GEOMETRY.encode()))
#: Virtuoso's labels of blank nodes, which are no labels elsewhere.
_VIRTUOSO_BLANK = re.compile(rb'("type"\s*:\s*"bnode"\s*,\s*"value"\s*:\s*")nodeID://')


def standard_json(body: bytes) -> bytes:
    """Return SPARQL results in JSON with geometries and blank nodes as the standard has them."""
    if b"virtrdf#Geometry" in body:
        body = _VIRTUOSO_DATATYPE.sub(rb"\1" + GEO.wktLiteral.value.encode(), body)
    if b"nodeID://" in body:
        body = _VIRTUOSO_BLANK.sub(rb"\1", body)
    return body


def standard_term(term: Term) -> Term:
    """Return a term; a geometry of Virtuoso's as a geo:wktLiteral."""
    if isinstance(term, Literal) and term.datatype.value == VIRTUOSO_GEOMETRY:
        return Literal(term.value, datatype=GEO.wktLiteral)
    return term


def is_cut_by_time(headers: HTTPMessage) -> bool:
    """Return whether an answer is only what was found when Virtuoso's time was up."""
    return "S1TAT" in headers.get("X-SQL-State", "")
