"""The subcommand `deepcube dump`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kg.cli.arguments import rdf_format_of
from kg.cli.opening import open_store
from kg.cli.options import IRI, store_options

if TYPE_CHECKING:
    from pyoxigraph import NamedNode


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--graph", type=IRI, help="Only this named graph.")
@store_options
def dump(file: Path, graph: NamedNode | None, store: Path, endpoint: str | None) -> None:
    """Write the graph to an RDF file; its name's ending says in which format."""
    rdf_format = rdf_format_of(file)
    partial = file.with_name(file.name + ".partial")
    with open_store(store, endpoint, read_only=True) as opened:
        with partial.open("wb") as target:
            opened.dump(target, rdf_format, graph=graph)
        partial.replace(file)
