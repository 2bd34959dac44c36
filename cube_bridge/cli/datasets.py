"""The subcommand `deepcube datasets`."""

from __future__ import annotations

import click


@click.command()
def datasets() -> None:
    """List the registered open data sets."""
    from rich.console import Console
    from rich.table import Table

    from cube_bridge.folders import data_folder
    from cube_bridge.kinds.datasets import packaged_mapping, registry

    folder = data_folder()
    table = Table("name", "title", "licence", "here")
    for name, entry in sorted(registry().items()):
        source = packaged_mapping(entry).source
        here = "yes" if folder and (folder / entry.local).is_file() else "fetched when used"
        table.add_row(name, source.title, source.license, here)
    Console().print(table)
