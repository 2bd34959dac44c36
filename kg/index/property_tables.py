"""What properties say beyond geometry, as sorted pairs of numbers of terms.

A copy of the store beside the spatial index: reading a term back from RocksDB costs several
microseconds, finding its number here some ten nanoseconds. A property is here whole or not at
all; what cannot be followed exactly is let go of, and read again when it is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kg.index.pairs_table import PropertyTable, code
from kg.index.statements import blocks_of, statement_of
from kg.index.stored_terms import stored_texts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pyoxigraph import Quad

    from kg.index.columns import Names
    from kg.index.statements import Block
    from kg.index.term_table import TermTable


#: Pairs that are kept at most, of all properties together; 8 to 16 bytes each, and their terms.
LIMIT = 50_000_000
#: Bytes of a term above which a property is left to the store: long texts are not joined by.
_LONG = 1_000
_NONE = np.empty(0, np.int64)
#: Properties above which it is no longer told apart which of them are left to the store.
_MANY = 10_000


class PropertyTables:
    """The tables of one store, kept up by `add`, `remove` and `forget`.

    It is locked by whoever changes it; a table that was found stays as it is.
    """

    def __init__(self, terms: TermTable, graphs: Names, *, is_complete: bool) -> None:
        """Make tables of nothing.

        Args:
            terms: Numbers subjects and objects.
            graphs: Numbers the graphs.
            is_complete: Whether the store is empty, so that all of it will be followed.
        """
        self._terms = terms
        self._graphs = graphs
        self._is_complete = is_complete
        """Whether the store says nothing of a property that is neither in a table nor left."""
        self._left: set[str] = set()
        """Properties that are left to the store: what they say is not known here."""
        self._tables: dict[str, dict[int, PropertyTable]] = {}
        self._pending: dict[tuple[str, int], list[np.ndarray]] = {}
        """Codes, (n,) int64 each, that are not sorted into their table yet."""
        self._count = 0

    @property
    def nbytes(self) -> int:
        """Bytes in memory, without the terms."""
        tables = sum(t.nbytes for graphs in self._tables.values() for t in graphs.values())
        return tables + sum(a.nbytes for parts in self._pending.values() for a in parts)

    def follows(self, predicate: str) -> bool:
        """Return whether all that a property says is here."""
        return predicate in self._tables or (self._is_complete and predicate not in self._left)

    def find(self, predicate: str, graph: bytes) -> PropertyTable | None:
        """Return what a property says in a graph; None where only the store knows it."""
        if not self.follows(predicate):
            return None
        number = self._graphs.find(graph.decode())
        graphs = self._tables.get(predicate, {})
        self._settle(predicate, number)
        return graphs.get(number, PropertyTable(_NONE))

    def read(self, predicate: str, blocks: Iterable[Block]) -> None:
        """Make the tables of a property anew from all its statements, as the store writes them."""
        self.forget([predicate])
        self._tables[predicate] = {}
        for block in blocks:
            self._append(block, block.objects)

    def add(self, block: Block) -> None:
        """Follow statements that were added, written as in N-Triples."""
        if self.follows(block.predicate):
            self._tables.setdefault(block.predicate, {})
            self._append(block, stored_texts(block.objects))

    def _append(self, block: Block, objects: Sequence[bytes]) -> None:
        """Add statements to a table that is here, or leave the property where a term is too long.

        Args:
            block: The statements.
            objects: Their objects, as the store writes them.
        """
        predicate = block.predicate
        if predicate not in self._tables:
            return
        if max(map(len, objects), default=0) > _LONG or block.has_start(b"<<"):
            self.forget([predicate])
            return
        number = self._graphs.number(block.graph.decode())
        self._tables[predicate].setdefault(number, PropertyTable(_NONE))
        codes = code(self._terms.add(block.subjects), self._terms.add(objects))
        self._pending.setdefault((predicate, number), []).append(codes)
        self._count += len(codes)
        if self._count > LIMIT:
            self.forget([max(self._tables, key=self._size)])

    def _settle(self, predicate: str, graph: int) -> None:
        """Sort in what was added to one table since it was last asked for."""
        parts = self._pending.pop((predicate, graph), None)
        if parts:
            table = self._tables[predicate][graph]
            after = table.with_pairs(np.concatenate(parts))
            self._count += len(after) - len(table) - sum(len(p) for p in parts)
            self._tables[predicate][graph] = after

    def _size(self, predicate: str) -> int:
        pending = sum(len(a) for k, v in self._pending.items() if k[0] == predicate for a in v)
        return pending + sum(len(t) for t in self._tables[predicate].values())

    def remove(self, quads: Iterable[Quad]) -> None:
        """Follow statements that were removed."""
        for block in self._blocks(quads):
            number = self._graphs.find(block.graph.decode())
            self._settle(block.predicate, number)
            table = self._tables.get(block.predicate, {}).get(number)
            if table is None:
                continue
            subjects = self._terms.find(block.subjects)
            objects = self._terms.find(stored_texts(block.objects))
            known = (subjects >= 0) & (objects >= 0)
            after = table.without_pairs(code(subjects[known], objects[known]))
            self._count += len(after) - len(table)
            self._tables[block.predicate][number] = after

    def add_quads(self, quads: Iterable[Quad]) -> None:
        """Follow statements that were added; labels of blank nodes are those of the store."""
        for block in self._blocks(quads):
            self.add(block)

    def _blocks(self, quads: Iterable[Quad]) -> list[Block]:
        return blocks_of(
            q for q in quads if self.follows(q.predicate.value) and statement_of(q) is None
        )

    def forget(self, properties: Collection[str] | None) -> None:
        """Leave properties to the store whose statements are not certain now; None for all."""
        if properties is None:
            self._tables, self._pending, self._count = {}, {}, 0
            self._is_complete, self._left = False, set()
            return
        for predicate in properties:
            if predicate in self._tables:
                self._count -= self._size(predicate)
                del self._tables[predicate]
                self._pending = {k: v for k, v in self._pending.items() if k[0] != predicate}
            self._left.add(predicate)
        if len(self._left) > _MANY:
            self._is_complete, self._left = False, set()

    # -- keeping

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what has to be kept to have the same tables again.

        Returns:
            `codes`: (n,) int64, the pairs of all tables one after the other; `places`: (t, 3)
            int64, for each table the place of its property in `names`, its graph, and how many
            pairs it has; `names` and `left`: IRIs; `is_complete`: a bool, ().
        """
        for predicate, graph in list(self._pending):
            self._settle(predicate, graph)
        tables = [(p, g, t) for p, of in self._tables.items() for g, t in of.items()]
        names = list(self._tables)
        places = [(names.index(p), g, len(t)) for p, g, t in tables]
        return {
            "codes": np.concatenate([_NONE, *(t.codes for _, _, t in tables)]),
            "places": np.array(places, np.int64).reshape(-1, 3),
            "names": np.array(names, np.str_),
            "left": np.array(sorted(self._left), np.str_),
            "is_complete": np.array(self._is_complete),
        }

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Take what `arrays` returned into tables of nothing."""
        names = arrays["names"].tolist()
        self._tables = {n: {} for n in names}
        self._left = set(arrays["left"].tolist())
        self._is_complete = bool(arrays["is_complete"])
        for name, graph, length in arrays["places"].tolist():
            codes = arrays["codes"][self._count : self._count + length]
            self._tables[names[name]][graph] = PropertyTable(codes)
            self._count += length
