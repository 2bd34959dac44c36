"""What the application was made with; passed in, never module-level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kg.rdf.iris import Iris
    from kg.store import GraphStore


@dataclass(frozen=True, kw_only=True)
class State:
    """The store that is served, and how."""

    store: GraphStore
    iris: Iris
    read_only: bool
    """True where updates are refused."""
    rewrite: bool = True
    """Whether GeoSPARQL query rewrite is on for a query that does not say."""
