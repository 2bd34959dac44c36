"""The subcommand `deepcube validate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kg.cli.opening import open_store
from kg.cli.options import store_options

if TYPE_CHECKING:
    from pathlib import Path

#: Lines of one kind that are shown at most; the counts below them are of all.
_MOST = 50


@click.command()
@store_options
def validate(store: Path, endpoint: str | None) -> None:
    """Check everything against the SHACL shapes; exit 1 where something is wrong."""
    from kg.cli.progress import progress_stages
    from kg.errors import ValidationFailedError
    from kg.validation.shacl import validate_store
    from kg.views.notes import notes

    with open_store(store, endpoint, read_only=True) as opened, progress_stages() as stage:
        report = validate_store(
            opened, progress=lambda done, total: stage("validating", done, total)
        )
        broken = opened.broken_geometries()
        odd = notes(opened)
    for note in odd[:_MOST]:
        click.echo(note)
    for violation in report.violations[:_MOST]:
        click.echo(str(violation))
    for geometry in broken[:_MOST]:
        click.echo(f"no geometry: {geometry}")
    if broken:
        click.echo(f"{len(broken)} geometry literal(s) cannot be read; queries pass them over")
    if not report.conforms:
        raise ValidationFailedError(
            f"{len(report.violations)} violation(s) in {report.checked} nodes"
        )
    click.echo(f"{report.checked} nodes conform to the shapes")
