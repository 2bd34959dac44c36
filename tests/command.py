"""The `deepcube` command: in this process, or in one of its own."""

import os
import subprocess
import sys
from unittest.mock import patch

import click
from click.testing import CliRunner

from api.__main__ import main


class _Main(click.Command):
    """Calls what the installed script calls, so that errors become a line and a status here too."""

    def main(self, args, **_):
        with patch.object(sys, "argv", ["deepcube", *args]):
            main()


def deepcube(*arguments, **environment):
    """Run the command in this process: what most tests ask needs no interpreter of its own.

    Returns:
        What `subprocess.run` returns; an error that `main` does not know is raised.
    """
    given = [str(a) for a in arguments]
    result = CliRunner().invoke(_Main("deepcube"), given, env=environment)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return subprocess.CompletedProcess(given, result.exit_code, result.stdout, result.stderr)


def started(*arguments, **environment):
    """Start the command in a process of its own, whose output can be read."""
    return subprocess.Popen(
        [sys.executable, "-m", "api", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def deepcube_process(*arguments, **environment):
    """Run the command in a process of its own, as a user does."""
    with started(*arguments, **environment) as process:
        stdout, stderr = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)
