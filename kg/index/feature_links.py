"""The links of the spatial index: which feature has which geometry node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kg.index.arrays import among, in_graphs, not_in, places_in
from kg.index.columns import Columns, Lookup
from kg.index.geometry_rows import keep_alive
from kg.index.statements import LINKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kg.index.columns import Names
    from kg.index.statements import Block, Link
    from kg.index.term_table import TermTable


class FeatureLinks:
    """Statements by geo:hasGeometry and its kin (`LINKS`), as columns of numbers.

    A removed link is only marked as not alive, until so many are gone that all are written anew.
    It is locked by its owner.
    """

    def __init__(self, terms: TermTable, graphs: Names) -> None:
        """Make one without links.

        Args:
            terms: Numbers the features and the geometry nodes.
            graphs: Numbers the graphs; the default graph is 0.
        """
        self._terms = terms
        self._graphs = graphs
        self.columns = Columns(
            feature=(np.int32, 1),
            predicate=(np.int16, 1),
            geometry=(np.int32, 1),
            graph=(np.int32, 1),
            alive=(np.bool_, 1),
        )
        """`predicate` is a place in `LINKS`."""
        self._by_geometry = Lookup()
        self._by_feature = Lookup()

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self.columns.nbytes + self._by_geometry.nbytes + self._by_feature.nbytes

    # -- changes

    def add(self, links: Sequence[Link]) -> None:
        """Add links; what is there already stays single."""
        self._append_new(self._keys(links, create=True))

    def add_block(self, block: Block) -> None:
        """Add links by one property."""
        count = len(block.subjects)
        self._append_new(
            {
                "predicate": np.full(count, LINKS.index(block.predicate), np.int16),
                "graph": np.full(count, self._graphs.number(block.graph.decode()), np.int32),
                "feature": self._terms.add(block.subjects),
                "geometry": self._terms.add(block.objects),
            }
        )

    def _append_new(self, keys: dict[str, np.ndarray]) -> None:
        """Add those of n links that are not here: four columns, each (n,)."""
        fresh = not_in(keys, self._known_keys(keys["feature"]))
        kept = {name: column[fresh] for name, column in keys.items()}
        self.columns.append(**kept, alive=np.ones(len(fresh), bool))

    def remove(self, links: Sequence[Link]) -> None:
        """Remove those links that are here."""
        keys = self._keys(links, create=False)
        self.columns["alive"][places_in(self.columns, keys, "feature")] = False

    def remove_features(self, numbers: np.ndarray) -> None:
        """Remove all links of some features, (n,) int32 numbers of terms."""
        self.columns["alive"][np.isin(self.columns["feature"], numbers)] = False

    def remove_graph(self, graph: bytes) -> None:
        """Remove all links of a graph."""
        number = self._graphs.find(graph.decode())
        self.columns["alive"][self.columns["graph"] == number] = False

    def remove_named_graphs(self) -> None:
        """Remove all links that are not in the default graph."""
        self.columns["alive"][self.columns["graph"] != 0] = False

    def compact(self) -> None:
        """Let go of links that are not alive, when they are many."""
        if keep_alive(self.columns):
            self._by_geometry.reset()
            self._by_feature.reset()

    def _keys(self, links: Sequence[Link], *, create: bool) -> dict[str, np.ndarray]:
        """Return what tells n links apart: four columns, each (n,); -1 for an unknown name.

        Args:
            links: The links.
            create: What has no number yet gets one.
        """
        find = self._terms.add if create else self._terms.find
        graph = self._graphs.number if create else self._graphs.find
        return {
            "feature": find([x.feature for x in links]),
            "predicate": np.array([LINKS.index(x.predicate) for x in links], np.int16),
            "geometry": find([x.geometry for x in links]),
            "graph": np.array([graph(x.graph.decode()) for x in links], np.int32),
        }

    def _known_keys(self, features: np.ndarray) -> dict[str, np.ndarray]:
        """Return the same four columns of the links that are alive and of some features."""
        links = self.columns
        mask = links["alive"] & among(links["feature"], features, len(self._terms))
        return {n: links[n][mask] for n in ("feature", "predicate", "geometry", "graph")}

    # -- reading

    def geometries_of(self, features: np.ndarray, link: str) -> np.ndarray:
        """Return the geometry nodes of some features, by links alive or not: (m,) int32.

        Args:
            features: (n,) numbers of terms, each once.
            link: One of `LINKS`.
        """
        places = self._by_feature.places(self.columns["feature"], features)
        linked = self.columns["predicate"][places] == LINKS.index(link)
        return np.asarray(self.columns["geometry"][places[linked]])

    def links_to(
        self, geometries: np.ndarray, link: str, graphs: Sequence[bytes] | None
    ) -> np.ndarray:
        """Return the places of the links to some geometry nodes that are alive: (m,) int64.

        Args:
            geometries: (n,) numbers of terms, each at most once.
            link: One of `LINKS`.
            graphs: None for any named graph.
        """
        places = self._by_geometry.places(self.columns["geometry"], geometries)
        wanted = self.columns["alive"][places]
        wanted &= self.columns["predicate"][places] == LINKS.index(link)
        wanted &= in_graphs(self.columns["graph"][places], graphs, self._graphs)
        return np.asarray(places[wanted])
