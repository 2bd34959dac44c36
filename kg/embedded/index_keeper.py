"""Keeps the spatial index of an embedded store exact, and a copy of it beside the folder."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kg.embedded.kept_index import folder_state, kept_file, kept_state, write_state
from kg.embedded.loading import Loading
from kg.embedded.reader import (
    StoreReader,
    geometry_properties,
    items,
    property_tsv,
    statements,
)
from kg.index.array_file import mapped_arrays, write_arrays
from kg.index.spatial_index import SpatialIndex
from kg.index.statements import LINKS, SERIALISATIONS, Link, Statement, statement_of
from kg.updates.following import follow
from kg.updates.instrumented import InstrumentedUpdate, instrument
from kg.updates.touched import MANY, Touched
from kg.updates.write_log import WriteLog

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path

    from pyoxigraph import Quad, Store

    from kg.index.pairs_table import PropertyTable
    from kg.index.statements import Block
    from kg.rdf.terms import GraphName
    from kg.sparql.syntax import Sparql


#: Properties that are read from the store at the same time.
_READERS = 2
_STANDARD = (*LINKS, *SERIALISATIONS)


@dataclass(kw_only=True)
class Added:
    """What quads were added."""

    items: list[Statement | Link] = field(default_factory=list)
    """Those that the index takes."""
    properties: set[str] | None = None
    """The properties of all of them; None where these are not known, and may be any."""
    others: list[Quad] = field(default_factory=list)
    """Those that it does not take."""


class IndexKeeper:
    """The spatial index of one pyoxigraph store.

    It is made or read when it is first needed; after that it follows every write.
    """

    def __init__(self, store: Store, *, is_empty: bool) -> None:
        self._store = store
        self._lock = threading.RLock()
        self._index: SpatialIndex | None = SpatialIndex(is_complete=True) if is_empty else None
        self._kept: Path | None = None
        self._kept_version = -1
        self.log = WriteLog()
        """Which writes there were: what was computed before one may be false after it."""

    @property
    def index(self) -> SpatialIndex:
        """The index, up to date."""
        with self._lock:
            if self._index is None:
                self._index = self._read_kept() or self._built()
            return self._index

    @property
    def _followed(self) -> SpatialIndex | None:
        """The index if there is one, so that a write has to be followed."""
        if self._index is None and self._kept is not None:
            return self.index
        return self._index

    # -- writes

    def adding(self, quads: Iterable[Quad], added: Added) -> Iterator[Quad]:
        """Yield quads on their way into the store, and put them into `added` by what they are."""
        properties = added.properties = set[str]()
        for quad in quads:
            properties.add(quad.predicate.value)
            item = statement_of(quad)
            if item is None:
                added.others.append(quad)
            else:
                added.items.append(item)
            yield quad

    @contextlib.contextmanager
    def following(self) -> Iterator[Callable[[Block], bool]]:
        """Yield what takes blocks of statements that are being loaded into the store.

        It returns False for a geometry at a blank node, which the store labels anew. What was
        loaded must be in the store when the context ends.
        """
        with self._lock:
            index = self._followed
        if index is None:
            yield lambda _block: True
        else:
            loading = Loading(index, self._cover)
            with index.terms.many():
                yield loading.add
            with self._lock, index.lock:
                index.tables.forget(loading.left)
        with self._lock:
            self.log.record(None)

    def added(self, added: Added) -> None:
        """Follow quads that were added."""
        with self._lock:
            self.log.record(added.properties)
            index = self._followed
            if index is not None:
                self._cover({i.predicate for i in added.items if isinstance(i, Statement)})
                index.add(added.items)
                index.mark_mixed({q.predicate.value for q in added.others})
                with index.lock:
                    index.tables.add_quads(added.others)

    def removed(self, quads: Iterable[Quad]) -> None:
        """Follow quads that were removed."""
        gone = list(quads)
        with self._lock:
            self.log.record({q.predicate.value for q in gone})
            index = self._followed
            if index is not None:
                index.remove([i for q in gone if (i := statement_of(q)) is not None])
                with index.lock:
                    index.tables.remove(gone)

    def replaced(self, graph: GraphName, quads: Iterable[Quad]) -> None:
        """Follow a graph that now holds other quads.

        They are read from the store, which has given their blank nodes other labels.
        """
        items = (statement_of(q) for q in quads)
        predicates = {i.predicate for i in items if isinstance(i, Statement)}
        self.updated(Touched(graphs={graph}, predicates=predicates))

    def instrumented(self, update: Sparql) -> InstrumentedUpdate:
        """Return what to execute instead of an update, so that `updated` can follow it."""
        with self._lock:
            index = self._followed
        if index is None:
            return InstrumentedUpdate(sparql=update, functions={}, touched=Touched())
        many = max(MANY, len(index) // 4)  # all is read as fast as so many one by one
        return instrument(update, index.predicates.names, many=many)

    def updated(self, touched: Touched) -> None:
        """Read again what an update changed."""
        with self._lock:
            self.log.record(touched.properties)
            index = self._followed
            if index is None:
                return
            with index.lock:
                touched.follow(index.tables)
            if touched.is_nothing:
                return
            if touched.everything:
                self._index = self._built()
                return
            store = StoreReader(self._store, index)
            for graph in touched.loaded:
                quads = self._store.quads_for_pattern(None, None, None, graph)
                items = (statement_of(q) for q in quads)
                touched.predicates |= {i.predicate for i in items if isinstance(i, Statement)}
            self._cover(touched.predicates)
            follow(index, touched, store)

    def rebuild(self) -> None:
        """Read everything again."""
        with self._lock:
            self.log.record(None)
            if self._followed is not None:
                self._index = self._built()

    # -- reading the store

    def table(self, predicate: str, graph: bytes, *, read: bool) -> PropertyTable | None:
        """Return what a property says in a graph; None where only the store knows it.

        Args:
            predicate: The property's IRI.
            graph: As the index writes its name.
            read: Where it is not known it is read from the store.
        """
        index = self.index
        if read and not index.tables.follows(predicate):
            before = self.log.count
            blocks = list(statements(property_tsv(self._store, predicate), predicate))
            with self._lock, index.lock:
                # A write in between is in what was read, or will be followed, or is in the log.
                if self._index is index and not self.log.changed(before, [predicate]):
                    index.tables.read(predicate, blocks)
        with index.lock:
            return index.tables.find(predicate, graph)

    def _built(self) -> SpatialIndex:
        index = SpatialIndex()
        with ThreadPoolExecutor(_READERS) as readers:
            standard = [(p, readers.submit(property_tsv, self._store, p)) for p in _STANDARD]
            own = readers.submit(geometry_properties, self._store)
            while standard:
                predicate, document = standard.pop(0)
                _add_property(index, predicate, document.result())
        for predicate in own.result():
            index.predicates.number(predicate)
            _add_property(index, predicate, property_tsv(self._store, predicate))
        return index

    def _cover(self, predicates: Collection[str]) -> None:
        """Take in all literals of properties that are new to the index."""
        index = self.index
        for predicate in predicates:
            if not index.covers(predicate):
                index.predicates.number(predicate)
                _add_property(index, predicate, property_tsv(self._store, predicate))

    # -- the copy beside the folder

    def offer(self, folder: Path, state: list[list[object]]) -> None:
        """Say where a kept index may lie, and how the folder was before it was opened."""
        kept = kept_file(folder)
        if kept_state(kept) == state:
            self._kept = kept
            # Opening writes files. Who is killed before a write leaves the index that there was;
            # a write goes to a file at once, so that the state is another one.
            write_state(kept, folder_state(folder))

    def let_go(self) -> None:
        """Let go of the store, so that its folder can be closed."""
        del self._store

    def _read_kept(self) -> SpatialIndex | None:
        if self._kept is None:
            return None
        try:
            index = SpatialIndex.of(mapped_arrays(self._kept))
        except (OSError, ValueError, KeyError):
            return None
        self._kept_version = index.version
        return index

    def keep(self, folder: Path) -> None:
        """Write the index beside a folder that is closed; nothing where it is not known."""
        unchanged = self._index is None or self._index.version == self._kept_version
        if self._kept is not None and unchanged and self.log.count == 0:
            write_state(kept_file(folder), folder_state(folder))
        else:
            self.write_beside(folder)

    def write_beside(self, folder: Path) -> None:
        """Write the index beside a folder that has the same data, where there is one."""
        kept = kept_file(folder)
        if self._index is None or not len(self._index.rows["alive"]):
            kept.unlink(missing_ok=True)
            return
        partial = kept.with_name(kept.name + ".partial")
        with partial.open("wb") as target, self._index.lock:
            write_arrays(target, self._index.arrays())
        write_state(kept, folder_state(folder))
        partial.replace(kept)


def _add_property(index: SpatialIndex, predicate: str, document: bytes) -> None:
    """Add what `property_tsv` returned; literals only if the index is to have all of them."""
    for lines, block in items(document, predicate):
        if index.covers(predicate):
            index.add(block)
        else:
            index.add([i for i in block if isinstance(i, Link)])
        if lines > len(block):
            index.mark_mixed([predicate])
