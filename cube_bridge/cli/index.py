"""The subcommand `deepcube index`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cube_bridge.defaults import PATIENCE_S
from kg.cli.opening import open_store
from kg.cli.options import store_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from cube_bridge.indexing.index import Indexed, Reading
    from cube_bridge.sources.info import SourceMapping
    from kg.rdf.iris import Iris
    from kg.store import GraphStore


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
    from cube_bridge.errors import SourceError
    from cube_bridge.indexing.index import Reading
    from cube_bridge.kinds.mappings import read_mapping
    from kg.cli.progress import progress_stages
    from kg.errors import DeepCubeError, StoreError
    from kg.rdf.iris import Iris

    iris = Iris.from_environment()
    details = {"id": identifier, "title": title, "license": license_, "dataset": dataset}
    mapping = read_mapping(mapping_file) if mapping_file else None
    _refuse_contradictions(sources, mapping, details)
    reading = Reading(cluster=cluster, patience_s=patience_s)
    failed = 0
    with open_store(store, endpoint) as opened, progress_stages() as stage:
        for name in sources:
            try:
                outcome = _indexed(
                    opened,
                    iris,
                    name,
                    mapping,
                    details,
                    replace=replace,
                    reading=reading,
                    progress=stage,
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


def _refuse_contradictions(
    sources: tuple[str, ...], mapping: SourceMapping | None, details: dict[str, str | None]
) -> None:
    """Refuse a description that cannot be that of the sources."""
    is_described = any(details.values())
    if len(sources) > 1 and (mapping or is_described):
        raise click.UsageError(
            "--mapping, --id, --title, --license and --dataset describe a single source"
        )
    if mapping is not None and is_described:
        raise click.UsageError(
            "with --mapping, the mapping says --id, --title, --license, --dataset"
        )


def _indexed(
    store: GraphStore,
    iris: Iris,
    name: str,
    mapping: SourceMapping | None,
    details: dict[str, str | None],
    *,
    replace: bool,
    reading: Reading,
    progress: Callable[[str, int, int], None],
) -> Indexed:
    """Index a file, a URL or a registered data set.

    Args:
        store: Where to write.
        iris: How IRIs are made.
        name: A path, a URL, or a name of the registry; a file that is here comes first.
        mapping: What the source says, where a mapping was given.
        details: Identifier, title, licence and data set of a cube without a mapping.
        replace: Take the place of a source with the same identifier.
        reading: How cubes are read.
        progress: Called as parts are done: stage, done, in all.
    """
    from cube_bridge.indexing.index import cube_mapping, index_dataset, index_file
    from cube_bridge.kinds.datasets import registry

    if mapping is None and name in registry() and not Path(name).exists():
        return index_dataset(store, iris, name, replace=replace, reading=reading, progress=progress)
    path = name if "://" in name else Path(name)
    chosen = mapping or cube_mapping(path, **details)
    return index_file(
        store, iris, path, chosen, replace=replace, reading=reading, progress=progress
    )


def _say(name: str, outcome: Indexed) -> None:
    """Print what came of a source."""
    what = f"{outcome.items} items" if outcome.changed else "unchanged"
    if outcome.gaps:
        what += f", {outcome.gaps} chunk(s) could not be read; run again to retry"
    click.echo(f"{name}: {what}, <{outcome.source.value}>")
    for finding in outcome.findings:
        click.echo(f"  {finding}", err=True)
