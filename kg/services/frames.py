"""What is known of a group while the services in it are resolved, one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(kw_only=True)
class Frame:
    """A group as far as its services are resolved, with what stands around it.

    It changes while its group is gone through: what was resolved is known to what comes after.
    """

    outer: Frame | None = None
    """The frame of the group around it; None for a group that nothing around is joined with."""
    graph: str | None = None
    """The IRI or variable behind GRAPH, as SPARQL; None outside of GRAPH."""
    parts: list[str] = field(default_factory=list)
    """The patterns of the group so far, with tables in the place of services."""
    mentioned: set[str] = field(default_factory=set)
    """Variables that the parts have."""
    certain: set[str] = field(default_factory=set)
    """Variables that every solution binds."""
    filters: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    """The expressions of its filters, each with its variables."""
    place: int = 0
    """The byte of the query where a BIND could be written into this group, ahead of the clause
    or inner group that is being resolved."""
    visible: frozenset[str] = frozenset()
    """The variables that such a BIND could use."""

    def add(self, text: str, mentioned: Iterable[str], certain: Iterable[str]) -> None:
        """Add a part of the group."""
        self.parts.append(text)
        self.mentioned.update(mentioned)
        self.certain.update(certain)

    def at(self, place: int, visible: Iterable[str]) -> None:
        """Say where a BIND can be written."""
        self.place, self.visible = place, frozenset(visible)

    def around(self) -> Iterator[Frame]:
        """Yield this frame and those around it."""
        frame: Frame | None = self
        while frame is not None:
            yield frame
            frame = frame.outer

    def reached(self) -> set[str]:
        """Return the variables that are mentioned here or around."""
        return {v for f in self.around() for v in f.mentioned}

    def bound(self) -> set[str]:
        """Return the variables that are certain here or around."""
        return {v for f in self.around() for v in f.certain}

    def body(self, spoken: Iterable[str]) -> str:
        """Return a group's inside: what is known here and, as far as it shares variables, around.

        Args:
            spoken: The variables that the answer is for.
        """
        filters = [f"FILTER({text})" for text, names in self.filters if names <= self.certain]
        own = "\n".join([*self.parts, *filters])
        if self.graph is not None and (own or self.graph.startswith("?")):
            own = f"GRAPH {self.graph} {{ {own} }}"
        spoken = {*spoken, *self.mentioned}
        if self.outer is None or not self.outer.reached() & spoken:
            return own
        return f"{{ {self.outer.body(spoken)} }} {{ {own} }}"
