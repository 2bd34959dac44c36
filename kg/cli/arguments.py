"""What several subcommands read from their arguments: SPARQL, and formats of files."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from pyoxigraph import RdfFormat


def sparql_text(argument: str) -> str:
    """Return the SPARQL that an argument names; our prefixes need not be declared.

    Args:
        argument: `-` reads it from standard input, `@FILE` from a file; else it is the text.
    """
    from kg.rdf.prefixes import with_prefixes

    if argument == "-":
        return with_prefixes(sys.stdin.read())
    if argument.startswith("@"):
        path = Path(argument[1:])
        if not path.is_file():
            raise click.UsageError(f"no file {path}")
        return with_prefixes(path.read_text(encoding="utf-8"))
    return with_prefixes(argument)


def rdf_format_of(file: Path) -> RdfFormat:
    """Return the format that the ending of a file's name says.

    Raises:
        RdfSyntaxError: There is no such format.
    """
    from kg.errors import RdfSyntaxError

    rdf_format = RdfFormat.from_extension(file.suffix.removeprefix("."))
    if rdf_format is None:
        raise RdfSyntaxError(
            f"no RDF format has the ending {file.suffix!r}; use ttl, nt, nq, trig, rdf or jsonld"
        )
    return rdf_format
