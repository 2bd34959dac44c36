"""Options and types of arguments that subcommands share: which store, and IRIs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from pyoxigraph import NamedNode

if TYPE_CHECKING:
    from collections.abc import Callable


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
