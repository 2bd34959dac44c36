"""The spatial index: every geometry literal of a store, and which feature it belongs to.

A row is a statement whose object is a geometry literal; a link says that a feature has a
geometry (geo:hasGeometry and its kin). Coordinates are kept as WKB in the SRS of the literal,
with a box for each; what does not parse is kept apart, counted, and never fatal.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import shapely

from kg.index.arrays import among, not_in, places_in
from kg.index.boxes import RowBoxes
from kg.index.columns import TAIL, Columns, GrowingBytes, Lookup, Names
from kg.index.geometry_parsing import literal_hashes, parse_all
from kg.index.property_tables import PropertyTables
from kg.index.statements import DEFAULT_GRAPH, LINKS, SERIALISATIONS, Link, Statement
from kg.index.term_table import TermTable
from kg.rdf.geometry import CRS84
from kg.store import BrokenGeometry

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from kg.index.statements import Block


#: Which rows a property and some graphs have, kept for so many of these.
_MASKS = 4


class SpatialIndex:
    """All geometries of one store, searchable; kept up by `add` and `remove`.

    Its methods may be called from several threads.
    """

    def __init__(self, *, is_complete: bool = False) -> None:
        """Make one without rows; `is_complete` where the store is empty, so that it has all."""
        self.lock = threading.RLock()
        self.terms = TermTable()
        self.predicates = Names(SERIALISATIONS)
        self.graphs = Names([DEFAULT_GRAPH.decode()])
        self.systems = Names([CRS84])
        self.tables = PropertyTables(self.terms, self.graphs, is_complete=is_complete)
        """What is said beyond geometries."""
        self.rows = Columns(
            subject=(np.int32, 1),
            predicate=(np.int16, 1),
            graph=(np.int32, 1),
            system=(np.int16, 1),
            literal=(np.uint64, 1),
            start=(np.int64, 1),
            box=(np.float64, 4),
            alive=(np.bool_, 1),
        )
        """`literal` is a hash of the literal; `start` is where its WKB begins."""
        self.links = Columns(
            feature=(np.int32, 1),
            predicate=(np.int16, 1),
            geometry=(np.int32, 1),
            graph=(np.int32, 1),
            alive=(np.bool_, 1),
        )
        self.broken: dict[Statement, str] = {}
        self.mixed: set[str] = set()
        """Properties that may also have objects that are no geometry literals."""
        self.version = 0
        """Grows with every change."""
        self._rows_by_subject = Lookup()
        self._links_by_geometry = Lookup()
        self._links_by_feature = Lookup()
        self._wkb = GrowingBytes()
        self._boxes = RowBoxes(self.rows)
        self._used: dict[str, set[int]] = {"predicate": set(), "system": set()}
        self._used_count = 0
        self._masks: dict[tuple[str | None, tuple[bytes, ...] | None], np.ndarray] = {}
        self._masks_version = -1

    def __len__(self) -> int:
        """Return how many statements have a geometry that parses."""
        return int(np.count_nonzero(self.rows["alive"]))

    @property
    def wkb_bytes(self) -> int:
        """Bytes of the geometries themselves."""
        return len(self._wkb)

    @property
    def nbytes(self) -> int:
        """Bytes in memory beyond `wkb_bytes`."""
        lookups = (self._rows_by_subject, self._links_by_geometry, self._links_by_feature)
        columns = self.terms.nbytes + self.rows.nbytes + self.links.nbytes
        columns += sum(m.nbytes for m in self._masks.values())
        return columns + self.tables.nbytes + self._boxes.nbytes + sum(x.nbytes for x in lookups)

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
                self._add_statements(statements)
            if links:
                self._add_links(self._link_columns(links, create=True))
            if items:
                self.version += 1

    def add_links(self, block: Block) -> None:
        """Add links that are said by one property."""
        with self.lock:
            self._add_links(
                self._shared(LINKS.index(block.predicate), block)
                | {
                    "feature": self.terms.add(block.subjects),
                    "geometry": self.terms.add(block.objects),
                }
            )
            self.version += 1

    def _shared(self, predicate: int, block: Block) -> dict[str, np.ndarray]:
        count, graph = len(block.subjects), self.graphs.number(block.graph.decode())
        return {
            "predicate": np.full(count, predicate, np.int16),
            "graph": np.full(count, graph, np.int32),
        }

    def add_literals(self, block: Block) -> None:
        """Add statements of one property, all with geometry literals."""
        with self.lock:
            self._add_literals(block)
            self.version += 1

    def _add_literals(self, block: Block) -> None:
        lexicals, datatypes = block.literals()
        keys = {
            "subject": self.terms.add(block.subjects),
            "literal": literal_hashes(lexicals, datatypes),
            **self._shared(self.predicates.number(block.predicate), block),
        }
        self._add_rows(
            keys,
            lexicals,
            datatypes,
            lambda i: Statement(
                block.subjects[i], block.predicate, block.graph, lexicals[i], datatypes[i]
            ),
        )

    def _add_statements(self, statements: list[Statement]) -> None:
        self._add_rows(
            self._keys(statements, create=True),
            [s.lexical for s in statements],
            [s.datatype for s in statements],
            statements.__getitem__,
        )

    def _add_rows(
        self,
        keys: dict[str, np.ndarray],
        lexicals: list[str],
        datatypes: list[str],
        statement: Callable[[int], Statement],
    ) -> None:
        """Add statements with literals; `statement` gives one of them, to be noted as broken."""
        fresh = not_in(keys, self._row_keys(keys["subject"]))
        if len(fresh) < len(lexicals):
            keys = {name: column[fresh] for name, column in keys.items()}
            lexicals = [lexicals[i] for i in fresh.tolist()]
            datatypes = [datatypes[i] for i in fresh.tolist()]
        shapes, systems, reasons = parse_all(lexicals, datatypes)
        self.broken.update(
            {statement(int(fresh[i])): r for i, r in enumerate(reasons) if r is not None}
        )
        good = np.array([r is None for r in reasons], bool)
        if not good.any():
            return
        shapes = shapes[good]
        wkb = shapely.to_wkb(shapes, output_dimension=4)
        lengths = np.fromiter(map(len, wkb), np.int64, len(wkb))
        starts = len(self._wkb) + np.concatenate([[0], np.cumsum(lengths)[:-1]])
        self._wkb.append(b"".join(wkb.tolist()))
        kept = {name: column[good] for name, column in keys.items()}
        known = {s: self.systems.number(s) for s in set(systems) if s}
        self.rows.append(
            **kept,
            system=np.array([known[s] for s in systems if s], np.int16),
            start=starts,
            box=shapely.bounds(shapes),
            alive=np.ones(len(shapes), bool),
        )

    def _add_links(self, columns: dict[str, np.ndarray]) -> None:
        fresh = not_in(columns, self._link_keys(columns["feature"]))
        kept = {name: column[fresh] for name, column in columns.items()}
        self.links.append(**kept, alive=np.ones(len(fresh), bool))

    def mark_mixed(self, predicates: Collection[str]) -> None:
        """Mark properties that have objects which the index does not hold."""
        with self.lock:
            found = {p for p in predicates if self.covers(p)} - self.mixed
            if found:
                self.mixed |= found
                self.version += 1

    def remove(self, items: Sequence[Statement | Link]) -> None:
        """Forget statements and links that are here."""
        with self.lock:
            statements = [i for i in items if isinstance(i, Statement)]
            links = [i for i in items if isinstance(i, Link)]
            if statements:
                keys = self._keys(statements, create=False)
                self.rows["alive"][places_in(self.rows, keys, "subject")] = False
                for statement in statements:
                    self.broken.pop(statement, None)
            if links:
                keys = self._link_columns(links, create=False)
                self.links["alive"][places_in(self.links, keys, "feature")] = False
            if items:
                self.version += 1
                self._compact()

    def remove_subjects(self, subjects: Sequence[bytes]) -> None:
        """Forget all that is said of these nodes."""
        with self.lock:
            numbers = self.terms.find(subjects)
            numbers = numbers[numbers >= 0]
            for table, column in ((self.rows, "subject"), (self.links, "feature")):
                table["alive"][np.isin(table[column], numbers)] = False
            chosen = set(subjects)
            self.broken = {s: r for s, r in self.broken.items() if s.subject not in chosen}
            self.version += 1
            self._compact()

    def remove_graph(self, graph: bytes) -> None:
        """Forget all that a graph says."""
        with self.lock:
            number = self.graphs.find(graph.decode())
            for table in (self.rows, self.links):
                table["alive"][table["graph"] == number] = False
            self.broken = {s: r for s, r in self.broken.items() if s.graph != graph}
            self.version += 1
            self._compact()

    def remove_named_graphs(self) -> None:
        """Forget all that named graphs say."""
        with self.lock:
            for table in (self.rows, self.links):
                table["alive"][table["graph"] != 0] = False
            self.broken = {s: r for s, r in self.broken.items() if s.graph == DEFAULT_GRAPH}
            self.version += 1
            self._compact()

    def _compact(self) -> None:
        """Let go of rows that are gone, when they are many."""
        for table in (self.rows, self.links):
            alive = table["alive"]
            dead = len(alive) - int(np.count_nonzero(alive))
            if dead > max(TAIL, len(alive) // 4):
                table.keep(alive)
                for lookup in (
                    self._rows_by_subject,
                    self._links_by_geometry,
                    self._links_by_feature,
                ):
                    lookup.reset()
                if table is self.rows:
                    self._rewrite_wkb()
                    self._boxes.reset()
                    self._used, self._used_count = {n: set() for n in self._used}, 0

    def _rewrite_wkb(self) -> None:
        wkb = shapely.to_wkb(self.shapes(np.arange(self.rows.count)), output_dimension=4)
        lengths = np.fromiter((len(b) for b in wkb), np.int64, len(wkb))
        self._wkb = GrowingBytes()
        self._wkb.append(b"".join(wkb.tolist()))
        if len(lengths):
            self.rows["start"][:] = np.concatenate([[0], np.cumsum(lengths)[:-1]])

    def _keys(self, statements: list[Statement], *, create: bool) -> dict[str, np.ndarray]:
        number = self.predicates.number if create else self.predicates.find
        graph = self.graphs.number if create else self.graphs.find
        subjects = [s.subject for s in statements]
        return {
            "subject": self.terms.add(subjects) if create else self.terms.find(subjects),
            "predicate": np.array([number(s.predicate) for s in statements], np.int16),
            "graph": np.array([graph(s.graph.decode()) for s in statements], np.int32),
            "literal": literal_hashes(
                [s.lexical for s in statements], [s.datatype for s in statements]
            ),
        }

    def _link_columns(self, links: list[Link], *, create: bool) -> dict[str, np.ndarray]:
        find = self.terms.add if create else self.terms.find
        graph = self.graphs.number if create else self.graphs.find
        return {
            "feature": find([x.feature for x in links]),
            "predicate": np.array([LINKS.index(x.predicate) for x in links], np.int16),
            "geometry": find([x.geometry for x in links]),
            "graph": np.array([graph(x.graph.decode()) for x in links], np.int32),
        }

    def _row_keys(self, subjects: np.ndarray) -> dict[str, np.ndarray]:
        mask = self.rows["alive"] & among(self.rows["subject"], subjects, len(self.terms))
        return {n: self.rows[n][mask] for n in ("subject", "predicate", "graph", "literal")}

    def _link_keys(self, features: np.ndarray) -> dict[str, np.ndarray]:
        mask = self.links["alive"] & among(self.links["feature"], features, len(self.terms))
        return {n: self.links[n][mask] for n in ("feature", "predicate", "geometry", "graph")}

    # -- searching

    def shapes(self, rows: np.ndarray) -> np.ndarray:
        """Return geometries in their own SRS, x before y: (n,) objects."""
        starts = self.rows["start"]
        begins = starts[rows].tolist()
        # from_wkb reads as far as a geometry goes; an end is needed only to bound the slice.
        after = np.append(starts[1:], len(self._wkb))
        ends = after[rows].tolist()
        return np.asarray(shapely.from_wkb(self._wkb.slices(begins, ends)), dtype=object)

    def predicates_in_use(self) -> list[str]:
        """Return the serialisation properties that rows have, or had until not long ago."""
        with self.lock:
            return [self.predicates.names[n] for n in sorted(self._look_at_new()["predicate"])]

    def systems_in_use(self) -> list[int]:
        """Return the numbers of the SRSs that rows have, or had until not long ago."""
        with self.lock:
            return sorted(self._look_at_new()["system"])

    def _look_at_new(self) -> dict[str, set[int]]:
        # Rows that are gone are seldom the last of their kind, and going through all costs more.
        for name, used in self._used.items():
            used.update(np.unique(self.rows[name][self._used_count :]).tolist())
        self._used_count = self.rows.count
        return self._used

    def span(self, system: int) -> tuple[float, float]:
        """Return the least and the greatest first coordinate of the rows of an SRS."""
        with self.lock:
            return self._boxes.span(system, self.version)

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
                mask = self.rows["alive"] & self._in_graphs(self.rows["graph"], graphs)
                if predicate is not None:
                    mask &= self.rows["predicate"] == self.predicates.find(predicate)
                mask.flags.writeable = False
                self._masks[key] = mask
            return self._masks[key]

    def _in_graphs(self, column: np.ndarray, graphs: Sequence[bytes] | None) -> np.ndarray:
        if graphs is None:
            return np.asarray(column != 0)
        numbers = [self.graphs.find(g.decode()) for g in graphs]
        if len(numbers) == 1:
            return np.asarray(column == numbers[0])
        return np.isin(column, numbers)

    def search(self, searched: np.ndarray, system: int) -> np.ndarray:
        """Return what `RowBoxes.search` finds."""
        with self.lock:
            return self._boxes.search(searched, system)

    def count_near(self, box: np.ndarray, system: int) -> int:
        """Return what `RowBoxes.count_near` counts."""
        with self.lock:
            return self._boxes.count_near(box, system)

    def rows_of(self, keys: np.ndarray, link: str | None) -> np.ndarray:
        """Return the rows that belong to some nodes: (m,) int64.

        Args:
            keys: (n,) numbers of terms, each once: geometry nodes, or features by a link.
            link: One of `LINKS`, or None.
        """
        with self.lock:
            if link is not None:
                places = self._links_by_feature.places(self.links["feature"], keys)
                linked = self.links["predicate"][places] == LINKS.index(link)
                keys = self.distinct(self.links["geometry"][places[linked]])
            return self._rows_by_subject.places(self.rows["subject"], keys)

    def distinct(self, terms: np.ndarray) -> np.ndarray:
        """Return numbers of terms, each once, ascending."""
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
            places = self._links_by_geometry.places(self.links["geometry"], geometries)
            wanted = self.links["alive"][places]
            wanted &= self.links["predicate"][places] == LINKS.index(predicate)
            wanted &= self._in_graphs(self.links["graph"][places], graphs)
            return np.asarray(places[wanted])

    # -- keeping

    def arrays(self) -> dict[str, np.ndarray]:
        """Return everything as arrays, for a file."""
        with self.lock:
            found = {f"rows.{n}": a for n, a in self.rows.arrays().items()}
            found |= {f"links.{n}": a for n, a in self.links.arrays().items()}
            found |= {f"tables.{n}": a for n, a in self.tables.arrays().items()}
            found |= {f"terms.{n}": a for n, a in self.terms.arrays().items()}
            found["wkb"] = self._wkb.array
            for name in ("predicates", "graphs", "systems"):
                found[name] = np.array(getattr(self, name).names, dtype=np.str_)
            rows = [[*(_as_text(v) for v in s), r] for s, r in self.broken.items()]
            found["mixed"] = np.array(sorted(self.mixed), dtype=np.str_)
            found["broken"] = np.array(rows, dtype=np.str_).reshape(len(rows), 6)
            return found

    @classmethod
    def of(cls, arrays: dict[str, np.ndarray]) -> SpatialIndex:
        """Return the index of kept arrays."""
        index = cls()
        index.rows.restore(_under("rows.", arrays))
        index.links.restore(_under("links.", arrays))
        index.terms = TermTable.of(_under("terms.", arrays))
        index._wkb = GrowingBytes(arrays["wkb"])
        for name in ("predicates", "graphs", "systems"):
            setattr(index, name, Names(arrays[name].tolist()))
        index.tables = PropertyTables(index.terms, index.graphs, is_complete=False)
        index.tables.restore(_under("tables.", arrays))
        index.mixed = set(arrays["mixed"].tolist())
        for subject, predicate, graph, lexical, datatype, reason in arrays["broken"].tolist():
            key = Statement(subject.encode(), predicate, graph.encode(), lexical, datatype)
            index.broken[key] = reason
        return index

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


def _as_text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
