"""The subcommands `deepcube backup` and `deepcube restore`."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from kg.cli.opening import open_store
from kg.cli.options import store_options


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@store_options
def backup(folder: Path, store: Path, endpoint: str | None) -> None:
    """Write a consistent copy of the store into a new FOLDER."""
    with open_store(store, endpoint, read_only=True) as opened:
        opened.snapshot(folder)
    click.echo(f"{folder} is a copy of {endpoint or store}")


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@store_options
def restore(folder: Path, store: Path, endpoint: str | None) -> None:
    """Make a store from the backup in FOLDER; it must not exist yet."""
    from kg.embedded.kept_index import copy_kept
    from kg.errors import StoreError

    if endpoint:
        raise click.UsageError("a remote store is restored on its server")
    if store.exists():
        raise StoreError(f"{store} exists already; move it away or name another with --store")
    with open_store(folder, read_only=True):
        pass  # it is a store, and nobody is writing it
    shutil.copytree(folder, store)
    copy_kept(folder, store)
    click.echo(f"{store} is restored from {folder}")
