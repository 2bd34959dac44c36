"""Subcommands that bring data into the graph."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from cube_bridge.datasets import data_folder, packaged_mapping, registry
from cube_bridge.indexing import cube_mapping, index_dataset, index_file
from cube_bridge.mapping import read_mapping
from kg.iris import Iris
from kg.options import open_store, progress_stages, store_options


@click.command()
@click.argument("sources", nargs=-1, required=True)
@click.option(
    "--mapping",
    "mapping_file",
    type=click.Path(path_type=Path),
    help="YAML file that says what the columns mean; a cube can do without.",
)
@click.option("--id", "identifier", help="Identifier of a cube without a mapping; else its name.")
@click.option("--title", help="Title of a cube without a mapping.")
@click.option("--license", "license_", help="IRI of the licence of a cube without a mapping.")
@click.option("--replace", is_flag=True, help="Take the place of a source with the same id.")
@store_options
def index(
    sources: tuple[str, ...],
    mapping_file: Path | None,
    identifier: str | None,
    title: str | None,
    license_: str | None,
    replace: bool,
    store: Path,
    endpoint: str | None,
) -> None:
    """Index SOURCES: files, zarr folders, or names of registered open data sets."""
    iris = Iris.from_environment()
    mapping = read_mapping(mapping_file) if mapping_file else None
    if len(sources) > 1 and (mapping or identifier or title or license_):
        raise click.UsageError("--mapping, --id, --title and --license describe a single source")
    if mapping is not None and (identifier or title or license_):
        raise click.UsageError("with --mapping, the mapping says --id, --title and --license")
    with open_store(store, endpoint) as opened, progress_stages() as stage:
        for name in sources:
            path = Path(name)
            if mapping is None and not path.exists() and name in registry():
                outcome = index_dataset(opened, iris, name, progress=stage)
            else:
                said = mapping or cube_mapping(path, id=identifier, title=title, license=license_)
                outcome = index_file(opened, iris, path, said, replace=replace, progress=stage)
            what = f"{outcome.items} items" if outcome.changed else "unchanged"
            if outcome.gaps:
                what += f", {outcome.gaps} gaps: chunks that cannot be read; run again to retry"
            click.echo(f"{name}: {what}, <{outcome.source.value}>")
            for finding in outcome.findings:
                click.echo(f"  {finding}", err=True)


@click.command()
def datasets() -> None:
    """List the registered open data sets."""
    folder = data_folder()
    table = Table("name", "title", "licence", "here")
    for name, entry in sorted(registry().items()):
        source = packaged_mapping(entry).source
        here = "yes" if folder and (folder / entry.local).is_file() else "fetched when used"
        table.add_row(name, source.title, source.license, here)
    Console().print(table)
