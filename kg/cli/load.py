"""The subcommand `deepcube load`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kg.cli.arguments import rdf_format_of
from kg.cli.opening import open_store
from kg.cli.options import IRI, store_options

if TYPE_CHECKING:
    from pyoxigraph import NamedNode

_RDF_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("files", nargs=-1, required=True, type=_RDF_FILE)
@click.option("--graph", type=IRI, help="Named graph to load into; else the default graph.")
@store_options
def load(
    files: tuple[Path, ...], graph: NamedNode | None, store: Path, endpoint: str | None
) -> None:
    """Load RDF files (ttl, nt, nq, trig, rdf, jsonld) into the graph, each all or nothing."""
    from kg.cli.progress import CONSOLE

    formats = [rdf_format_of(file) for file in files]
    with open_store(store, endpoint) as opened:
        for file, rdf_format in zip(files, formats, strict=True):
            with file.open("rb") as source:
                count = opened.load(source, rdf_format, graph=graph)
            CONSOLE.print(f"{file}: {count} triples")
