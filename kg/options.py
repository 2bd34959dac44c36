"""What every subcommand shares: which store, which base IRI, how progress is shown."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from pyoxigraph import NamedNode
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from kg.embedded import EmbeddedStore
from kg.remote import RemoteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kg.store import GraphStore

#: People read stderr; stdout is for results, so that it can be piped.
CONSOLE = Console(stderr=True)


class _IriType(click.ParamType[NamedNode]):
    """An absolute IRI, as an argument or option."""

    name = "IRI"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> NamedNode:
        if isinstance(value, NamedNode):
            return value
        try:
            return NamedNode(value)
        except ValueError as error:
            self.fail(f"{value!r} is no IRI: {error}", param, ctx)


IRI = _IriType()


def store_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --store and --endpoint to a subcommand, as `store` and `endpoint`."""
    command = click.option(
        "--endpoint",
        envvar="DEEPCUBE_ENDPOINT",
        metavar="URL",
        help="A SPARQL server to use instead of a folder.",
    )(command)
    return click.option(
        "--store",
        envvar="DEEPCUBE_STORE",
        type=click.Path(path_type=Path),
        default=Path("deepcube-store"),
        show_default=True,
        help="Folder of the embedded store.",
    )(command)


@contextlib.contextmanager
def open_store(
    store: Path, endpoint: str | None = None, *, read_only: bool = False
) -> Iterator[GraphStore]:
    """Open what the options name, and let go of it in the end."""
    opened: GraphStore = (
        RemoteStore(endpoint) if endpoint else EmbeddedStore(store, read_only=read_only)
    )
    try:
        yield opened
    finally:
        opened.close()


@contextlib.contextmanager
def progress_stages() -> Iterator[Callable[[str, int, int], None]]:
    """Yield a callback (stage, done, total) that shows each stage as a progress bar on stderr.

    Where stderr is no terminal, each stage is a line.
    """
    with Progress(
        TextColumn("{task.description:<44}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=CONSOLE,
        disable=not sys.stderr.isatty(),
    ) as bar:
        tasks: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                if bar.disable:
                    CONSOLE.print(f"{stage} ({total})", highlight=False)
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield report
