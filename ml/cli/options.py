"""Options that the subcommands about models share."""

from __future__ import annotations

import click

#: A day, as 2015-09-01, or a month or a year, which stand for their first day.
MOMENT = click.DateTime(formats=["%Y-%m-%d", "%Y-%m", "%Y"])
