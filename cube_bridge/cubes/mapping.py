"""What a cube's own metadata leaves unsaid."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cube_bridge.sources.info import Name, SourceMapping, Strict


class VariableMapping(Strict):
    """What a cube leaves unsaid of a variable; None is not said here either."""

    property: Name | None = None
    unit: Name | None = None
    label: str | None = None
    cell_methods: str | None = None


class CubeMapping(SourceMapping):
    """A cube, with what its own metadata leaves unsaid."""

    kind: Literal["cube"]
    variables: dict[str, VariableMapping] = Field(default_factory=dict)
