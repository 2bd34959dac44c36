"""The spatial index: every geometry literal of a store, and which feature it belongs to.

A row is a statement whose object is a geometry literal (`kg.index.geometry_rows`); a link says
that a feature has a geometry (`kg.index.feature_links`). Coordinates are kept as WKB in the SRS
of the literal, with a box for each; what does not parse is kept apart, counted, and never fatal.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from kg.index.arrays import in_graphs
from kg.index.columns import TAIL, Names
from kg.index.feature_links import FeatureLinks
from kg.index.geometry_rows import GeometryRows
from kg.index.property_tables import PropertyTables
from kg.index.statements import DEFAULT_GRAPH, Link, Statement
from kg.index.term_table import TermTable
from kg.store import BrokenGeometry

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from kg.index.statements import Block


#: Which rows a property and some graphs have, kept for so many of these.
_MASKS = 4


class SpatialIndex:
    """All geometries of one store, searchable; kept up by `add` and `remove`.

    Its methods may be called from several threads. Nodes are numbers of `terms`, graphs of
    `graphs` (0 is the default graph), properties of `predicates`, SRSs of `systems`. A removed
    row or link stays where it is, and is not `alive`.
    """

    def __init__(
        self, *, is_complete: bool = False, kept: dict[str, np.ndarray] | None = None
    ) -> None:
        """Make one without rows, or again the one that was kept.

        Args:
            is_complete: Whether the store is empty, so that the index has all that it says.
            kept: What `arrays` returned; None for no rows.
        """
        self.lock = threading.RLock()
        self.terms = TermTable() if kept is None else TermTable.of(_under("terms.", kept))
        graphs = [DEFAULT_GRAPH.decode()] if kept is None else kept["graphs"].tolist()
        self.graphs = Names(graphs)
        self.tables = PropertyTables(self.terms, self.graphs, is_complete=is_complete)
        """What other properties say, for joins that need not ask the store."""
        self._geometries = GeometryRows(self.terms, self.graphs)
        self._links = FeatureLinks(self.terms, self.graphs)
        self.mixed: set[str] = set()
        """Properties that may also have objects that are no geometry literals."""
        if kept is not None:
            self._geometries.restore(kept)
            self._links.columns.restore(_under("links.", kept))
            self.tables.restore(_under("tables.", kept))
            self.mixed = set(kept["mixed"].tolist())
        self.predicates = self._geometries.predicates
        """The properties of which every geometry literal is in the index."""
        self.systems = self._geometries.systems
        self.rows = self._geometries.columns
        """Columns `subject`, `predicate`, `graph`, `system`, `box` (west, south, east, north in
        the SRS of the literal), `alive`, and two of its own."""
        self.links = self._links.columns
        """Columns `feature`, `predicate` (a place in `LINKS`), `geometry`, `graph`, `alive`."""
        self.version = 0
        """Grows with every change."""
        self._masks: dict[tuple[str | None, tuple[bytes, ...] | None], np.ndarray] = {}
        self._masks_version = -1

    def __len__(self) -> int:
        """Return how many statements have a geometry that parses."""
        return int(np.count_nonzero(self.rows["alive"]))

    @property
    def broken(self) -> dict[Statement, str]:
        """Statements whose literal does not parse, and why."""
        return self._geometries.broken

    @property
    def wkb_bytes(self) -> int:
        """Bytes of the geometries themselves."""
        return self._geometries.wkb_bytes

    @property
    def nbytes(self) -> int:
        """Bytes in memory beyond `wkb_bytes`."""
        masks = sum(m.nbytes for m in self._masks.values())
        parts = (self.terms, self.tables, self._geometries, self._links)
        return masks + sum(p.nbytes for p in parts)

    def covers(self, predicate: str) -> bool:
        """Return whether every geometry literal under a property is in the index."""
        return self.predicates.find(predicate) >= 0

    # -- changes

    def add(self, items: Sequence[Statement | Link]) -> None:
        """Add statements and links; what is there already stays single."""
        statements = [i for i in items if isinstance(i, Statement)]
        links = [i for i in items if isinstance(i, Link)]
        with self.lock:
            if statements:
                self._geometries.add(statements)
            if links:
                self._links.add(links)
            if items:
                self.version += 1

    def add_literals(self, block: Block) -> None:
        """Add statements of one property, all with geometry literals."""
        with self.lock:
            self._geometries.add_block(block)
            self.version += 1

    def add_links(self, block: Block) -> None:
        """Add links that are said by one property."""
        with self.lock:
            self._links.add_block(block)
            self.version += 1

    def mark_mixed(self, predicates: Collection[str]) -> None:
        """Mark properties that have objects which the index does not hold."""
        with self.lock:
            found = {p for p in predicates if self.covers(p)} - self.mixed
            if found:
                self.mixed |= found
                self.version += 1

    def remove(self, items: Sequence[Statement | Link]) -> None:
        """Remove statements and links that are here."""
        statements = [i for i in items if isinstance(i, Statement)]
        links = [i for i in items if isinstance(i, Link)]
        with self.lock:
            if statements:
                self._geometries.remove(statements)
            if links:
                self._links.remove(links)
            if items:
                self._changed()

    def remove_subjects(self, subjects: Sequence[bytes]) -> None:
        """Remove all that is said of these nodes."""
        with self.lock:
            numbers = self.terms.find(subjects)
            numbers = numbers[numbers >= 0]
            self._geometries.remove_subjects(numbers, set(subjects))
            self._links.remove_features(numbers)
            self._changed()

    def remove_graph(self, graph: bytes) -> None:
        """Remove all that a graph says."""
        with self.lock:
            self._geometries.remove_graph(graph)
            self._links.remove_graph(graph)
            self._changed()

    def remove_named_graphs(self) -> None:
        """Remove all that named graphs say."""
        with self.lock:
            self._geometries.remove_named_graphs()
            self._links.remove_named_graphs()
            self._changed()

    def _changed(self) -> None:
        self.version += 1
        self._geometries.compact()
        self._links.compact()

    # -- searching

    def shapes(self, rows: np.ndarray) -> np.ndarray:
        """Return the geometries of (n,) rows in their own SRS, x before y: (n,) objects."""
        return self._geometries.shapes(rows)

    def predicates_in_use(self) -> list[str]:
        """Return the serialisation properties that rows have, or had until not long ago."""
        with self.lock:
            numbers = self._geometries.numbers_in_use("predicate")
            return [self.predicates.names[n] for n in numbers]

    def systems_in_use(self) -> list[int]:
        """Return the numbers of the SRSs that rows have, or had until not long ago."""
        with self.lock:
            return self._geometries.numbers_in_use("system")

    def span(self, system: int) -> tuple[float, float]:
        """Return the least and the greatest first coordinate of the rows of an SRS."""
        with self.lock:
            return self._geometries.boxes.span(system, self.version)

    def select(
        self, *, predicate: str | None = None, graphs: Sequence[bytes] | None = None
    ) -> np.ndarray:
        """Return which rows are alive, under a property, in one of some graphs: (rows,) bool.

        It is kept for the next query, and cannot be written to.

        Args:
            predicate: None for any.
            graphs: None for any named graph.
        """
        key = (predicate, None if graphs is None else tuple(graphs))
        with self.lock:
            if self._masks_version != self.version or len(self._masks) > _MASKS:
                self._masks, self._masks_version = {}, self.version
            if key not in self._masks:
                mask = self.rows["alive"] & in_graphs(self.rows["graph"], graphs, self.graphs)
                if predicate is not None:
                    mask &= self.rows["predicate"] == self.predicates.find(predicate)
                mask.flags.writeable = False
                self._masks[key] = mask
            return self._masks[key]

    def search(self, searched: np.ndarray, system: int) -> np.ndarray:
        """Return the rows of an SRS that are alive and whose box meets a searched box: (m,) int32.

        Args:
            searched: (4,) west, south, east, north in that SRS; or (k, 4), any of which may be
                met: then a row may come more than once.
            system: The number of the SRS.
        """
        with self.lock:
            return self._geometries.boxes.search(searched, system)

    def count_near(self, box: np.ndarray, system: int) -> int:
        """Return about how many rows of an SRS have a box that meets another, rather too many.

        Args:
            box: (4,) west, south, east, north in that SRS.
            system: The number of the SRS.
        """
        with self.lock:
            return self._geometries.boxes.count_near(box, system)

    def rows_of(self, keys: np.ndarray, link: str | None) -> np.ndarray:
        """Return the rows that belong to some nodes, alive or not: (m,) int64.

        Args:
            keys: (n,) numbers of terms, each once: geometry nodes, or features by a link.
            link: One of `LINKS`; None where the keys are geometry nodes.
        """
        with self.lock:
            if link is not None:
                keys = self.distinct(self._links.geometries_of(keys, link))
            return self._geometries.of_subjects(keys)

    def distinct(self, terms: np.ndarray) -> np.ndarray:
        """Return (n,) numbers of terms, each once, ascending: (m,)."""
        if len(terms) < TAIL:
            return np.unique(terms)
        marks = np.zeros(len(self.terms), bool)
        marks[terms] = True
        return np.flatnonzero(marks)

    def links_to(
        self,
        geometries: np.ndarray,
        predicate: str,
        graphs: Sequence[bytes] | None,
    ) -> np.ndarray:
        """Return the places of the links to some geometry nodes: (m,) int64.

        Args:
            geometries: (n,) numbers of terms, each at most once.
            predicate: One of `LINKS`.
            graphs: None for any named graph.
        """
        with self.lock:
            return self._links.links_to(geometries, predicate, graphs)

    # -- keeping

    def arrays(self) -> dict[str, np.ndarray]:
        """Return everything as arrays, for a file."""
        with self.lock:
            found = self._geometries.arrays()
            found |= {f"links.{n}": a for n, a in self.links.arrays().items()}
            found |= {f"tables.{n}": a for n, a in self.tables.arrays().items()}
            found |= {f"terms.{n}": a for n, a in self.terms.arrays().items()}
            found["graphs"] = np.array(self.graphs.names, dtype=np.str_)
            found["mixed"] = np.array(sorted(self.mixed), dtype=np.str_)
            return found

    @classmethod
    def of(cls, arrays: dict[str, np.ndarray]) -> SpatialIndex:
        """Return the index of kept arrays."""
        return cls(kept=arrays)

    def broken_geometries(self) -> list[BrokenGeometry]:
        """Return the literals that are no geometries."""
        with self.lock:
            return [
                BrokenGeometry(
                    subject=s.subject.decode(),
                    predicate=s.predicate,
                    lexical=s.lexical[:80],
                    reason=reason,
                )
                for s, reason in self.broken.items()
            ]


def _under(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
