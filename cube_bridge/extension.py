"""Pixel values and events of cubes in SPARQL: what a store is told to load."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cube_bridge.events.service import Events
from cube_bridge.values.cell_service import Cells
from cube_bridge.values.engine import Engine
from cube_bridge.values.functions import Functions
from cube_bridge.values.zone_service import Zones

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyoxigraph import NamedNode

    from kg.extensions import Service
    from kg.rdf.terms import Term
    from kg.store import GraphStore


class Cubes:
    """The functions and services of pixel values; see `kg.extensions.Extension`."""

    def __init__(self, engine: Engine | None = None) -> None:
        self.engine = engine or Engine()

    def functions(self, store: GraphStore) -> Mapping[NamedNode, Callable[..., Term | None]]:
        """Return the functions."""
        return Functions(self.engine, store).by_iri()

    def services(self) -> Sequence[Service]:
        """Return the services."""
        return (Zones(self.engine), Cells(self.engine), Events(self.engine))


#: What the entry point names.
CUBES = Cubes()
