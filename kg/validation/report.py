"""What a validation found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One thing that a shape forbids."""

    focus: str
    """IRI of the node at fault."""
    path: str
    """The property at fault, as a prefixed name; empty where the shape names none."""
    message: str
    """What is wrong."""

    def __str__(self) -> str:
        return f"<{self.focus}> {self.path}: {self.message}"


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a validation found."""

    checked: int
    """Number of nodes that some shape looked at."""
    violations: tuple[Violation, ...]
    """All violations, in the order of the shapes."""

    @property
    def conforms(self) -> bool:
        """True where nothing is violated."""
        return not self.violations
