"""Large files of RDF in blocks, property by property, as N-Triples writes their terms."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from pyoxigraph import RdfFormat, parse

from kg.geometry_statements import graph_text, term_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pyoxigraph import Quad, Triple

    from kg.store import GraphName

#: Bytes of lines that are taken apart at a time.
_BYTES = 8 * 2**20
#: The same in quads.
_QUADS = 50_000
_IRI = re.compile(rb"<[^<>\\\s]*>")
_LITERAL = re.compile(rb'"[^"\\]*"(\^\^<[^<>\\\s]*>|@[A-Za-z0-9-]+)?')

#: For each property and graph the subjects and the objects of statements.
Block = dict[tuple[str, bytes], tuple[list[bytes], list[bytes]]]


def statement_blocks(
    path: Path, rdf_format: RdfFormat, graph: GraphName | None
) -> Iterator[tuple[int, Block]]:
    """Yield how many statements a block has, and the block.

    A file that is no RDF may come out as anything: that it is one is for its reader to say.

    Args:
        path: The file.
        rdf_format: Its format.
        graph: Where its triples belong instead of the default graph.

    Raises:
        SyntaxError: The file is malformed, and that was noticed.
    """
    if rdf_format == RdfFormat.N_TRIPLES:
        yield from _of_lines(path, b"" if graph is None else graph_text(graph))
        return
    quads = iter(parse(path=path, format=rdf_format))
    while some := list(itertools.islice(quads, _QUADS)):
        block: Block = {}
        _take(block, some, graph)
        yield len(some), block


def _take(block: Block, quads: Iterable[Quad | Triple], graph: GraphName | None) -> None:
    for quad in quads:
        named = graph_text(quad.graph_name if graph is None else graph)
        subjects, objects = block.setdefault((quad.predicate.value, named), ([], []))
        subjects.append(term_text(quad.subject))
        objects.append(term_text(quad.object))


def _of_lines(path: Path, graph: bytes) -> Iterator[tuple[int, Block]]:
    with path.open("rb") as file:
        while lines := file.readlines(_BYTES):
            said, odd = _split(lines)
            block: Block = {}
            for predicate, pair in said.items():
                block[predicate[1:-1].decode(), graph] = _checked(predicate, *pair, odd)
            count = sum(len(subjects) for subjects, _ in block.values())
            if odd:
                quads = list(parse(b"".join(odd), format=RdfFormat.N_TRIPLES))
                rest: Block = {}
                _take(rest, quads, None)
                count += len(quads)
                for (predicate, _), (subjects, objects) in rest.items():
                    known = block.setdefault((predicate, graph), ([], []))
                    known[0].extend(subjects)
                    known[1].extend(objects)
            yield count, block


def _split(
    lines: list[bytes],
) -> tuple[dict[bytes, tuple[list[bytes], list[bytes]]], list[bytes]]:
    """Return what lines of one blank between terms say, by property, and the other lines."""
    said: dict[bytes, tuple[list[bytes], list[bytes]]] = {}
    odd: list[bytes] = []
    for line in lines:
        parts = line.split(b" ", 2)
        if len(parts) < 3:  # noqa: PLR2004 -- the three terms
            odd.append(line)
            continue
        subject, predicate, rest = parts
        pair = said.get(predicate)
        if pair is None:
            if _IRI.fullmatch(predicate) is None:
                odd.append(line)
                continue
            pair = said[predicate] = ([], [])
        pair[0].append(subject)
        pair[1].append(rest)
    return said, odd


def _checked(
    predicate: bytes, subjects: list[bytes], rests: list[bytes], odd: list[bytes]
) -> tuple[list[bytes], list[bytes]]:
    """Return subjects and objects; lines that hold more than these go to the odd ones.

    What is between two blanks before a property is one term in any well-formed line.
    """
    objects = [r[:-3] for r in rests]
    literal = _LITERAL.fullmatch
    fits = [
        r[-3:] == b" .\n"
        and s[:1] in (b"<", b"_")
        and b"\\" not in s
        and (
            (o[:1] == b"<" and o.find(b">") == len(o) - 1 and b"\\" not in o)
            or literal(o) is not None
        )
        for s, o, r in zip(subjects, objects, rests, strict=True)
    ]
    if all(fits):
        return subjects, objects
    odd.extend(
        b" ".join((s, predicate, r))
        for s, r, fit in zip(subjects, rests, fits, strict=True)
        if not fit
    )
    kept = [i for i, fit in enumerate(fits) if fit]
    return [subjects[i] for i in kept], [objects[i] for i in kept]
