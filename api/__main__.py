"""The `deepcube` command: one group, its subcommands found through entry points."""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, entry_points
from typing import TYPE_CHECKING

import click

from kg.errors import DeepCubeError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_GROUP = "deepcube.commands"


class EntryPointGroup(click.Group):
    """A group that imports the module of a subcommand when it is used or listed.

    Such a module only declares the subcommand: what it needs it imports where it runs, so that
    listing all of them with their help is cheap and `query` needs no torch.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of all installed subcommands."""
        return sorted(_all())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a subcommand, or None where nobody brings it."""
        found = _own().get(cmd_name) or _all().get(cmd_name)
        return None if found is None else _load(found)


@cache
def _own() -> dict[str, EntryPoint]:
    """Return our own subcommands by name, without a look at every package there is."""
    try:
        points = distribution("deepcube").entry_points
    except PackageNotFoundError:
        return {}
    return {e.name: e for e in points if e.group == _GROUP}


@cache
def _all() -> dict[str, EntryPoint]:
    """Return the subcommands of all installed packages by name; ours come first."""
    return {**{e.name: e for e in entry_points(group=_GROUP)}, **_own()}


def _load(entry: EntryPoint) -> click.Command:
    try:
        command = entry.load()
    except ModuleNotFoundError as error:
        missing = error.name
        if missing not in ("torch", "sklearn", "matplotlib"):
            raise

        @click.command(entry.name, context_settings={"ignore_unknown_options": True})
        @click.argument("args", nargs=-1)
        def unavailable(args: tuple[str, ...]) -> None:
            """Not installed: needs `pip install 'deepcube[ml]'`."""
            raise click.ClickException(
                f"`deepcube {' '.join((entry.name, *args))}` needs {missing}; "
                "install it with: pip install 'deepcube[ml]'"
            )

        return unavailable
    if not isinstance(command, click.Command):
        raise click.ClickException(f"the entry point {entry.name} ({entry.value}) is no command")
    return command


@click.command(cls=EntryPointGroup)
@click.version_option(package_name="deepcube", prog_name="deepcube")
def cli() -> None:
    """A knowledge graph that chooses and explains Earth-observation model runs."""


def main() -> None:
    """Run the command; our own errors become one line on stderr and exit status 1."""
    try:
        cli.main(prog_name="deepcube")
    except (DeepCubeError, OSError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
