"""Subcommands that bring data into the graph."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from cube_bridge.chunk_reader import PATIENCE_S
from cube_bridge.errors import SourceError
from cube_bridge.folders import data_folder
from cube_bridge.indexing.index import Indexed, Reading, cube_mapping, index_dataset, index_file
from cube_bridge.kinds.datasets import packaged_mapping, registry
from cube_bridge.kinds.mappings import read_mapping
from kg.errors import DeepCubeError, StoreError
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
@click.option("--dataset", help="Data set that a cube holds, in a layout or resolution of its own.")
@click.option(
    "--dask", "cluster", metavar="URL", help="Dask scheduler whose workers read the chunks."
)
@click.option(
    "--chunk-timeout",
    "patience_s",
    type=click.FloatRange(min=0, min_open=True),
    default=PATIENCE_S,
    show_default=True,
    help="Seconds after which a chunk that has not been read is a gap.",
)
@click.option("--replace", is_flag=True, help="Take the place of a source with the same id.")
@store_options
def index(
    sources: tuple[str, ...],
    mapping_file: Path | None,
    identifier: str | None,
    title: str | None,
    license_: str | None,
    dataset: str | None,
    cluster: str | None,
    patience_s: float,
    replace: bool,
    store: Path,
    endpoint: str | None,
) -> None:
    """Index SOURCES: files, zarr folders, URLs of cubes, or names of registered data sets."""
    iris = Iris.from_environment()
    mapping = read_mapping(mapping_file) if mapping_file else None
    if len(sources) > 1 and (mapping or identifier or title or license_ or dataset):
        raise click.UsageError(
            "--mapping, --id, --title, --license and --dataset describe a single source"
        )
    if mapping is not None and (identifier or title or license_ or dataset):
        raise click.UsageError(
            "with --mapping, the mapping says --id, --title, --license, --dataset"
        )
    reading = Reading(cluster=cluster, patience_s=patience_s)
    failed = 0
    with open_store(store, endpoint) as opened, progress_stages() as stage:
        for name in sources:
            path = name if "://" in name else Path(name)
            try:
                if mapping is None and name in registry() and not Path(name).exists():
                    outcome = index_dataset(
                        opened, iris, name, replace=replace, reading=reading, progress=stage
                    )
                else:
                    said = mapping or cube_mapping(
                        path, id=identifier, title=title, license=license_, dataset=dataset
                    )
                    outcome = index_file(
                        opened, iris, path, said, replace=replace, reading=reading, progress=stage
                    )
            except DeepCubeError as error:
                if len(sources) == 1 or isinstance(error, StoreError):
                    raise
                failed += 1
                click.echo(f"error: {name}: {error}", err=True)
            else:
                _say(name, outcome)
    if failed:
        raise SourceError(f"{failed} of {len(sources)} sources could not be indexed")


def _say(name: str, outcome: Indexed) -> None:
    """Print what came of a source."""
    what = f"{outcome.items} items" if outcome.changed else "unchanged"
    if outcome.gaps:
        what += f", {outcome.gaps} chunk(s) could not be read; run again to retry"
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
