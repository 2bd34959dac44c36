"""How subcommands tell people what they are doing: lines and bars on stderr.

It loads rich, so a subcommand imports it where it runs and not where it is declared.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: People read stderr; stdout is for results, so that it can be piped.
CONSOLE = Console(stderr=True)


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
