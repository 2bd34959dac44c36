"""The rows of the spatial index: one for each statement whose object is a geometry literal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from kg.index.arrays import among, not_in, places_in
from kg.index.boxes import RowBoxes
from kg.index.columns import TAIL, Columns, GrowingBytes, Lookup, Names
from kg.index.geometry_parsing import literal_hashes, parse_all
from kg.index.statements import DEFAULT_GRAPH, SERIALISATIONS, Statement
from kg.rdf.geometry import CRS84

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from kg.index.statements import Block
    from kg.index.term_table import TermTable


class GeometryRows:
    """Statements with geometries: columns of numbers, the shapes as WKB, and their boxes.

    Rows are added at the end. A removed one is only marked as not alive, until so many are gone
    that all are written anew; then the places of the others change. It is locked by its owner.
    """

    def __init__(self, terms: TermTable, graphs: Names) -> None:
        """Make one without rows.

        Args:
            terms: Numbers the subjects.
            graphs: Numbers the graphs; the default graph is 0.
        """
        self._terms = terms
        self._graphs = graphs
        self.predicates = Names(SERIALISATIONS)
        """The properties of which every geometry literal is here."""
        self.systems = Names([CRS84])
        """The IRIs of SRSs."""
        self.columns = Columns(
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
        self.broken: dict[Statement, str] = {}
        """Statements whose literal does not parse, and why."""
        self._by_subject = Lookup()
        self._wkb = GrowingBytes()
        self.boxes = RowBoxes(self.columns)
        self._used: dict[str, set[int]] = {"predicate": set(), "system": set()}
        self._used_count = 0

    @property
    def wkb_bytes(self) -> int:
        """Bytes of the geometries themselves."""
        return len(self._wkb)

    @property
    def nbytes(self) -> int:
        """Bytes in memory beyond `wkb_bytes`."""
        return self.columns.nbytes + self.boxes.nbytes + self._by_subject.nbytes

    # -- changes

    def add(self, statements: Sequence[Statement]) -> None:
        """Add statements; what is there already stays single."""
        self._append_new(
            self._keys(statements, create=True),
            [s.lexical for s in statements],
            [s.datatype for s in statements],
            statements.__getitem__,
        )

    def add_block(self, block: Block) -> None:
        """Add statements of one property, all with geometry literals."""
        lexicals, datatypes = block.literals()
        count = len(block.subjects)
        keys = {
            "subject": self._terms.add(block.subjects),
            "literal": literal_hashes(lexicals, datatypes),
            "predicate": np.full(count, self.predicates.number(block.predicate), np.int16),
            "graph": np.full(count, self._graphs.number(block.graph.decode()), np.int32),
        }
        self._append_new(
            keys,
            lexicals,
            datatypes,
            lambda i: Statement(
                block.subjects[i], block.predicate, block.graph, lexicals[i], datatypes[i]
            ),
        )

    def _append_new(
        self,
        keys: dict[str, np.ndarray],
        lexicals: list[str],
        datatypes: list[str],
        statement: Callable[[int], Statement],
    ) -> None:
        """Add those of n statements that are not here; what does not parse becomes `broken`.

        Args:
            keys: Four columns, each (n,): `subject`, `predicate`, `graph` and `literal`.
            lexicals: The n literals' texts.
            datatypes: Their datatypes' IRIs.
            statement: Returns one of the n statements by its place.
        """
        fresh = not_in(keys, self._known_keys(keys["subject"]))
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
        self.columns.append(
            **kept,
            system=np.array([known[s] for s in systems if s], np.int16),
            start=starts,
            box=shapely.bounds(shapes),
            alive=np.ones(len(shapes), bool),
        )

    def remove(self, statements: Sequence[Statement]) -> None:
        """Remove those statements that are here."""
        keys = self._keys(statements, create=False)
        self.columns["alive"][places_in(self.columns, keys, "subject")] = False
        for statement in statements:
            self.broken.pop(statement, None)

    def remove_subjects(self, numbers: np.ndarray, subjects: Collection[bytes]) -> None:
        """Remove all statements on some subjects.

        Args:
            numbers: (n,) int32, the numbers of those that are in the table of terms.
            subjects: The texts of all of them.
        """
        self.columns["alive"][np.isin(self.columns["subject"], numbers)] = False
        self.broken = {s: r for s, r in self.broken.items() if s.subject not in subjects}

    def remove_graph(self, graph: bytes) -> None:
        """Remove all statements of a graph."""
        number = self._graphs.find(graph.decode())
        self.columns["alive"][self.columns["graph"] == number] = False
        self.broken = {s: r for s, r in self.broken.items() if s.graph != graph}

    def remove_named_graphs(self) -> None:
        """Remove all statements that are not in the default graph."""
        self.columns["alive"][self.columns["graph"] != 0] = False
        self.broken = {s: r for s, r in self.broken.items() if s.graph == DEFAULT_GRAPH}

    def compact(self) -> None:
        """Let go of rows that are not alive, when they are many."""
        if keep_alive(self.columns):
            self._by_subject.reset()
            self._rewrite_wkb()
            self.boxes.reset()
            self._used, self._used_count = {n: set() for n in self._used}, 0

    def _rewrite_wkb(self) -> None:
        wkb = shapely.to_wkb(self.shapes(np.arange(self.columns.count)), output_dimension=4)
        lengths = np.fromiter((len(b) for b in wkb), np.int64, len(wkb))
        self._wkb = GrowingBytes()
        self._wkb.append(b"".join(wkb.tolist()))
        if len(lengths):
            self.columns["start"][:] = np.concatenate([[0], np.cumsum(lengths)[:-1]])

    def _keys(self, statements: Sequence[Statement], *, create: bool) -> dict[str, np.ndarray]:
        """Return what tells n statements apart: four columns, each (n,); -1 for an unknown name.

        Args:
            statements: The statements.
            create: What has no number yet gets one.
        """
        number = self.predicates.number if create else self.predicates.find
        graph = self._graphs.number if create else self._graphs.find
        subjects = [s.subject for s in statements]
        return {
            "subject": self._terms.add(subjects) if create else self._terms.find(subjects),
            "predicate": np.array([number(s.predicate) for s in statements], np.int16),
            "graph": np.array([graph(s.graph.decode()) for s in statements], np.int32),
            "literal": literal_hashes(
                [s.lexical for s in statements], [s.datatype for s in statements]
            ),
        }

    def _known_keys(self, subjects: np.ndarray) -> dict[str, np.ndarray]:
        """Return the same four columns of the rows that are alive and have one of some subjects."""
        rows = self.columns
        mask = rows["alive"] & among(rows["subject"], subjects, len(self._terms))
        return {n: rows[n][mask] for n in ("subject", "predicate", "graph", "literal")}

    # -- reading

    def shapes(self, rows: np.ndarray) -> np.ndarray:
        """Return geometries in their own SRS, x before y: (n,) objects of shapely.

        Args:
            rows: (n,) places of rows, whole numbers.
        """
        starts = self.columns["start"]
        begins = starts[rows].tolist()
        # from_wkb reads as far as a geometry goes; an end is needed only to bound the slice.
        after = np.append(starts[1:], len(self._wkb))
        ends = after[rows].tolist()
        return np.asarray(shapely.from_wkb(self._wkb.slices(begins, ends)), dtype=object)

    def of_subjects(self, numbers: np.ndarray) -> np.ndarray:
        """Return the rows of some subjects, alive or not: (m,) int64.

        Args:
            numbers: (n,) the subjects' numbers, each once.
        """
        return self._by_subject.places(self.columns["subject"], numbers)

    def numbers_in_use(self, column: str) -> list[int]:
        """Return the numbers in column `predicate` or `system`, or there until not long ago."""
        # Rows that are gone are seldom the last of their kind, and going through all costs more.
        for name, used in self._used.items():
            used.update(np.unique(self.columns[name][self._used_count :]).tolist())
        self._used_count = self.columns.count
        return sorted(self._used[column])

    # -- keeping

    def arrays(self) -> dict[str, np.ndarray]:
        """Return everything but terms and graphs as arrays, for a file."""
        found = {f"rows.{n}": a for n, a in self.columns.arrays().items()}
        broken = [[*(_as_text(v) for v in s), r] for s, r in self.broken.items()]
        return found | {
            "wkb": self._wkb.array,
            "predicates": np.array(self.predicates.names, dtype=np.str_),
            "systems": np.array(self.systems.names, dtype=np.str_),
            "broken": np.array(broken, dtype=np.str_).reshape(len(broken), 6),
        }

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Take what `arrays` returned into rows that are still empty."""
        self.columns.restore(
            {n.removeprefix("rows."): a for n, a in arrays.items() if n.startswith("rows.")}
        )
        self._wkb = GrowingBytes(arrays["wkb"])
        self.predicates = Names(arrays["predicates"].tolist())
        self.systems = Names(arrays["systems"].tolist())
        for subject, predicate, graph, lexical, datatype, reason in arrays["broken"].tolist():
            key = Statement(subject.encode(), predicate, graph.encode(), lexical, datatype)
            self.broken[key] = reason


def keep_alive(table: Columns) -> bool:
    """Let go of the rows of a table that are not alive, when they are many; whether it did."""
    alive = table["alive"]
    dead = len(alive) - int(np.count_nonzero(alive))
    if dead <= max(TAIL, len(alive) // 4):
        return False
    table.keep(alive)
    return True


def _as_text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
