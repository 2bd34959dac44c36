"""What a service clause is asked with, and how the rest of the query answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kg.services.tables import Row, Served
    from kg.store import Dataset


@dataclass(frozen=True, kw_only=True)
class Question:
    """What has to be known before a service can be asked."""

    prologue: str
    """The declarations of the query."""
    names: Sequence[str]
    """The variables, each combination once."""
    body: str
    """A group's inside."""
    dataset: Dataset | None
    """The data set that it is asked of; None for that of the store."""
    served: Served
    """Whose tables the body has."""

    @property
    def sparql(self) -> str:
        """The question as a query."""
        return f"{self.prologue} SELECT DISTINCT {' '.join(self.names)} {{ {self.body} }}"


class EvaluateQuestion(Protocol):
    """Evaluates a question in the store: its solutions, one term for each of `names`."""

    def __call__(self, question: Question, /) -> list[Row]: ...  # noqa: D102
