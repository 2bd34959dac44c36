"""Timing engines side by side, comparing their answers first, and writing what came out."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.benchmarks.peers import FailedError, Ours, TooSlowError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tests.benchmarks.peers import Peer
    from tests.benchmarks.workload import Query

#: Column of a query whose thematic part is not remembered from an earlier one.
FIRST = "ours, first"
AGAIN = "ours, again"


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Seconds of some rounds, or of one that was given up."""

    seconds: list[float]
    gave_up: bool = False

    @property
    def median(self) -> float:
        """Of the rounds."""
        return median(self.seconds)

    def __str__(self) -> str:
        """Return the median and half the range."""
        if self.gave_up:
            return f"> {self.median:.0f} s"
        spread = (max(self.seconds) - min(self.seconds)) / 2
        return duration(self.median) + (f" ± {duration(spread)}" if len(self.seconds) > 1 else "")


def duration(seconds: float) -> str:
    """Return seconds with up to three digits."""
    for size, unit in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= size:
            return f"{float(f'{seconds / size:.3g}'):g} {unit}"
    return f"{seconds * 1e6:.0f} µs"


@dataclass(kw_only=True)
class Row:
    """What came out for one query."""

    query: str
    count: int
    """Rows of our answer."""
    differences: list[str] = field(default_factory=list)
    timings: dict[str, Timing] = field(default_factory=dict)

    def ratio(self, one: str, other: str) -> str:
        """Return how many times longer one took than another."""
        if one not in self.timings or other not in self.timings:
            return ""
        a, b = self.timings[one], self.timings[other]
        sign = "≥ " if a.gave_up else "≤ " if b.gave_up else ""
        value = a.median / b.median
        return f"{sign}{value:.{0 if value >= 10 else 1 if value >= 1 else 2}f}"


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return how long a call took, and what it returned."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def measure(query: Query, peers: Sequence[Peer], *, rounds: int, budget_s: float) -> Row:
    """Compare the answers of all engines, then time them in turn.

    An engine that has spent its budget on a query is not asked again. That it was asked for
    the comparison warms every cache that it has; `FIRST` then forgets ours.
    """
    seconds: dict[str, list[float]] = {}
    given_up: set[str] = set()
    failures: list[str] = []
    answers: dict[str, np.ndarray] = {}
    for peer in peers:
        try:
            took, answer = timed(lambda peer=peer: peer.run(query))
        except TooSlowError as error:
            seconds[peer.name] = [float(error.args[0])]
            given_up.add(peer.name)
            continue
        except FailedError as error:
            failures.append(f"{peer.name} failed: {error}")
            continue
        answers[peer.name] = peer.numbers(query, answer)
        # Where it will not be asked again, this is its only round; ours remembers, and will be.
        is_only = took > budget_s and not isinstance(peer, Ours)
        seconds[peer.name] = [took] if is_only else []
    row = Row(query=query.name, count=len(next(iter(answers.values()), ())))
    row.differences = [*failures, *_differences(answers)]
    for _ in range(rounds):
        for peer in peers:
            spent = seconds.get(peer.name)
            if spent is None or peer.name in given_up or sum(spent) > budget_s:
                continue
            if isinstance(peer, Ours) and sum(seconds.get(FIRST, [])) <= budget_s:
                peer.forget()
                seconds.setdefault(FIRST, []).append(timed(lambda: peer.run(query))[0])  # noqa: B023
            try:
                spent.append(timed(lambda: peer.run(query))[0])  # noqa: B023
            except TooSlowError as error:
                spent.append(float(error.args[0]))
    for name, spent in seconds.items():
        column = AGAIN if name == Ours.name else name
        row.timings[column] = Timing(seconds=spent, gave_up=name in given_up)
    return row


def _differences(answers: dict[str, np.ndarray]) -> Iterable[str]:
    """Compare every answer with the first, as sets; yield what differs."""
    if not answers:
        return
    (reference, expected), *others = answers.items()
    known = _coded(expected)
    if len(known) != len(expected):
        yield f"{reference} has {len(expected) - len(known)} rows twice"
    for name, answer in others:
        codes = _coded(answer)
        missing = len(np.setdiff1d(known, codes, assume_unique=True))
        extra = len(np.setdiff1d(codes, known, assume_unique=True))
        if missing or extra or len(answer) != len(codes):
            twice = len(answer) - len(codes)
            yield (
                f"{name} {len(answer)} rows, {reference} {len(expected)}: "
                f"{missing} only in {reference}, {extra} only in {name}"
                + (f", {twice} twice" if twice else "")
            )


def _coded(numbers: np.ndarray) -> np.ndarray:
    """Return each row as one number, sorted, once."""
    codes = np.zeros(len(numbers), np.int64)
    for column in numbers.T:
        codes = codes * 2**31 + column
    return np.unique(codes)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def report(rows: Sequence[Row], peers: Sequence[Peer]) -> str:
    """Return the rows as Markdown: seconds, ratios, differences."""
    others = [p.name for p in peers if not isinstance(p, Ours)]
    has_ours = any(isinstance(p, Ours) for p in peers)
    columns = [FIRST, AGAIN, *others] if has_ours else others
    text = table(
        ["query", "rows", *columns],
        [
            [
                r.query,
                f"{r.count:,}",
                *(str(r.timings[c]) if c in r.timings else "" for c in columns),
            ]
            for r in rows
        ],
    )
    if has_ours and others:
        head = [f"{o} ÷ {c}" for o in others for c in ("first", "again")]
        text += "\nHow many times longer each engine took than ours:\n\n" + table(
            ["query", *head],
            [[r.query, *(r.ratio(o, c) for o in others for c in (FIRST, AGAIN))] for r in rows],
        )
    differing = [f"- {r.query}: {d}\n" for r in rows for d in r.differences]
    text += "\n" + (
        "Answers that differ or failed:\n\n" + "".join(differing)
        if differing
        else "All answers are equal, as sets.\n"
    )
    return text
