"""VALUES blocks in the text of a planned query."""

from __future__ import annotations

import re


def values_block(names: list[str], columns: list[list[bytes]], count: int, spare: str) -> str:
    """Return a VALUES block; a spare variable stands where none is needed but their number."""
    if not names:
        return f"VALUES {spare} {{ {'0 ' * count}}}"
    if len(names) == 1:
        return f"VALUES {names[0]} {{ {b' '.join(columns[0]).decode()} }}"
    rows = b" ".join([b"(" + b" ".join(row) + b")" for row in zip(*columns, strict=True)])
    return f"VALUES ({' '.join(names)}) {{ {rows.decode()} }}"


def shortened(sparql: str, limit: int = 400) -> str:
    """Return a planned query for people to read: long VALUES cut."""
    return re.sub(
        r"(VALUES [^{]*\{)([^{}]*)\}",
        lambda m: m[0] if len(m[2]) <= limit else f"{m[1]}{m[2][:limit]} ... }}",
        sparql,
    )
