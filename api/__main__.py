"""The `deepcube` command: one group, its subcommands found through entry points."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, entry_points, version

import click

from kg.errors import DeepCubeError

_GROUP = "deepcube.commands"


class EntryPointGroup(click.Group):
    """A group that imports a subcommand only when it is used, so that `query` needs no torch."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of all installed subcommands."""
        return sorted(entry_points(group=_GROUP).names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a subcommand, or None where nobody brings it."""
        found = [e for e in entry_points(group=_GROUP) if e.name == cmd_name]
        return _load(found[0]) if found else None


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
@click.version_option(version("deepcube"), prog_name="deepcube")
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
