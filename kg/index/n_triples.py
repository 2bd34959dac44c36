"""Large files of RDF in blocks, property by property, as N-Triples writes their terms."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from pyoxigraph import RdfFormat, parse

from kg.index.statements import DEFAULT_GRAPH, Block, blocks_of, graph_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kg.rdf.terms import GraphName


#: Bytes of lines that are taken apart at a time.
_BYTES = 8 * 2**20
#: The same in quads.
_QUADS = 50_000
_IRI = re.compile(rb"<[^<>\\\s]*>")
_LITERAL = re.compile(rb'"[^"\\]*"(\^\^<[^<>\\\s]*>|@[A-Za-z0-9-]+)?')


def statement_blocks(path: Path, rdf_format: RdfFormat, graph: GraphName | None) -> Iterator[Block]:
    """Yield what a file says, property by property, some megabytes at a time.

    A file that is no RDF may come out as anything: that it is one is for its loader to say.

    Args:
        path: The file.
        rdf_format: Its format.
        graph: Where its triples belong instead of the default graph.

    Raises:
        SyntaxError: The file is malformed, and that was noticed.
    """
    named = None if graph is None else graph_text(graph)
    if rdf_format == RdfFormat.N_TRIPLES:
        yield from _of_lines(path, named or DEFAULT_GRAPH)
        return
    quads = iter(parse(path=path, format=rdf_format))
    while some := list(itertools.islice(quads, _QUADS)):
        yield from blocks_of(some, graph=named)


def _of_lines(path: Path, graph: bytes) -> Iterator[Block]:
    with path.open("rb") as file:
        while lines := file.readlines(_BYTES):
            said, odd = _split(lines)
            for predicate, pair in said.items():
                yield _checked(predicate, graph, *pair, odd)
            # The last line may have no end.
            text = b"\n".join(odd)
            yield from blocks_of(parse(text, format=RdfFormat.N_TRIPLES), graph=graph)


def _split(
    lines: list[bytes],
) -> tuple[dict[bytes, tuple[list[bytes], list[bytes]]], list[bytes]]:
    """Return what lines of one blank between terms say, by property, and the other lines."""
    said: dict[bytes, tuple[list[bytes], list[bytes]]] = {}
    odd: list[bytes] = []
    for line in lines:
        try:
            subject, predicate, rest = line.split(b" ", 2)
            subjects, rests = said[predicate]
        except ValueError:
            odd.append(line)
            continue
        except KeyError:
            if _IRI.fullmatch(predicate) is None:
                odd.append(line)
                continue
            subjects, rests = said[predicate] = ([], [])
        subjects.append(subject)
        rests.append(rest)
    return said, odd


def _checked(
    predicate: bytes, graph: bytes, subjects: list[bytes], rests: list[bytes], odd: list[bytes]
) -> Block:
    """Return what a property says; lines that hold more than that go to the odd ones.

    In a well-formed line what is before a property and one blank is one term.
    """
    name = predicate[1:-1].decode()
    if _all_nodes(b"\n".join(subjects), len(subjects)):
        text = b"".join(rests)
        ending = _ending(text, rests[0], len(rests))
        if ending is not None:
            objects = text[:-3].split(b" .\n")
            return Block(
                predicate=name, graph=graph, subjects=subjects, objects=objects, ending=ending
            )
    literal = _LITERAL.fullmatch
    fits = [
        r[-3:] == b" .\n"
        and s[:1] in (b"<", b"_")
        and b"\\" not in s
        and (
            (r[:1] == b"<" and r.find(b">") == len(r) - 4 and b"\\" not in r)
            or literal(r[:-3]) is not None
        )
        for s, r in zip(subjects, rests, strict=True)
    ]
    odd.extend(
        b" ".join((s, predicate, r))
        for s, r, fit in zip(subjects, rests, fits, strict=True)
        if not fit
    )
    kept = [i for i, fit in enumerate(fits) if fit]
    return Block(
        predicate=name,
        graph=graph,
        subjects=[subjects[i] for i in kept],
        objects=[rests[i][:-3] for i in kept],
    )


def _all_nodes(text: bytes, count: int, end: bytes = b"\n") -> bool:
    """Return whether lines are one IRI each: as many brackets as lines, all at the margins."""
    whole = text if text.endswith(b"\n") else text + b"\n"
    return (
        whole.startswith(b"<")
        and whole.count(b"<") == whole.count(b">") == whole.count(b">" + end) == count
        and whole.count(b"\n<") == count - 1
        and b"\\" not in whole
    )


def _ending(text: bytes, first: bytes, count: int) -> bytes | None:
    """Return what is the end of an object in every line; None where they are not alike."""
    if _all_nodes(text, count, end=b" .\n"):
        return b">"
    end = first[first.rfind(b'"') :]
    alike = (
        _LITERAL.fullmatch(first[:-3]) is not None
        and text.startswith(b'"')
        and text.count(b'"') == 2 * count
        and text.count(end) == count
        and text.count(b'\n"') == count - 1
        and b"\\" not in text
    )
    return end[:-3] if alike else None
