"""The subcommand `deepcube update`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kg.cli.arguments import sparql_text
from kg.cli.opening import open_store
from kg.cli.options import store_options

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("sparql")
@store_options
def update(sparql: str, store: Path, endpoint: str | None) -> None:
    """Execute a SPARQL update; `-` reads it from standard input, `@FILE` from a file."""
    sparql = sparql_text(sparql)
    with open_store(store, endpoint) as opened:
        opened.update(sparql)
