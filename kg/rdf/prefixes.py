"""The prefixes that a query may use without declaring them."""

from __future__ import annotations

import re

from ontology.terms import PREFIXES

#: Looked for once and not for each prefix: a list of IRIs makes a long text.
_PREFIXED = re.compile(r"(?<!\w)(\w++):")


def with_prefixes(sparql: str) -> str:
    """Return a query or update with our prefixes that it uses without declaring them.

    They stand before its first line, so that lines in messages are those of the text.
    """
    used = set(_PREFIXED.findall(sparql))
    used -= set(re.findall(r"\bPREFIX\s+(\w+):", sparql, re.IGNORECASE))
    return "".join(f"PREFIX {p}: <{iri}> " for p, iri in PREFIXES.items() if p in used) + sparql
