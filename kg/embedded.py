"""The store in this process: pyoxigraph on a RocksDB folder, or in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Self

from pyoxigraph import DefaultGraph, Quad, Store

from kg.errors import (
    QueryError,
    StoreError,
    StoreLockedError,
    StoreNotFoundError,
)
from kg.parsing import parse_quads

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pyoxigraph import NamedNode, RdfFormat

    from kg.store import GraphName, QueryResult, Subject, Term

#: A file that every RocksDB folder has.
_MARKER = "CURRENT"


class EmbeddedStore:
    """A `GraphStore` on a folder, or in memory where no folder is given.

    Use it as a context manager, or `close` it: one process at a time may write a folder.
    """

    def __init__(self, folder: Path | None = None, *, read_only: bool = False) -> None:
        """Open or create the store.

        Raises:
            StoreLockedError: Another process has the folder open for writing.
            StoreNotFoundError: Reading was asked for where there is no store.
            StoreError: The folder is there but is no store.
        """
        self.folder = folder
        self._read_only = read_only
        self._open: Store | None = _open(folder, read_only=read_only)

    @property
    def read_only(self) -> bool:
        """True where a write would be refused."""
        return self._read_only

    @property
    def _store(self) -> Store:
        if self._open is None:
            raise StoreError("the store is closed")
        return self._open

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Write out and let go of the folder."""
        if self._open is not None and self.folder is not None and not self._read_only:
            self._open.flush()
        self._open = None

    def query(self, sparql: str, *, base_iri: str | None = None) -> QueryResult:
        """Return the result; see `GraphStore.query`."""
        store = self._store
        try:
            return store.query(sparql, base_iri=base_iri)
        except (SyntaxError, ValueError) as error:
            raise QueryError(f"malformed SPARQL query: {error}") from error
        except (OSError, RuntimeError) as error:
            raise QueryError(f"the query cannot be evaluated: {error}") from error

    def update(self, sparql: str, *, base_iri: str | None = None) -> None:
        """Execute as one transaction; see `GraphStore.update`."""
        self._require_writable()
        store = self._store
        try:
            store.update(sparql, base_iri=base_iri)
        except (SyntaxError, ValueError) as error:
            raise QueryError(f"malformed SPARQL update: {error}") from error
        except (OSError, RuntimeError) as error:
            raise QueryError(f"the update cannot be executed: {error}") from error

    def add(self, quads: Iterable[Quad]) -> None:
        """Add quads in one transaction."""
        self._require_writable()
        self._store.extend(quads)

    def remove(self, quads: Iterable[Quad]) -> None:
        """Remove quads."""
        self._require_writable()
        for quad in list(quads):
            self._store.remove(quad)

    def quads(
        self,
        subject: Subject | None = None,
        predicate: NamedNode | None = None,
        object_: Term | None = None,
        graph: GraphName | None = None,
    ) -> Iterator[Quad]:
        """Return the quads that match; None matches anything.

        They are read at once: an iterator of pyoxigraph's that is left half-read must be
        dropped on the thread that made it, which nobody who holds one in a frame can promise.
        """
        return iter(list(self._store.quads_for_pattern(subject, predicate, object_, graph)))

    def load(
        self, source: BinaryIO, rdf_format: RdfFormat, *, graph: GraphName | None = None
    ) -> int:
        """Parse everything first, then write it in one transaction."""
        self._require_writable()
        quads = parse_quads(source, rdf_format, graph=graph)
        self._store.extend(quads)
        return len(quads)

    def dump(
        self, target: BinaryIO, rdf_format: RdfFormat, *, graph: GraphName | None = None
    ) -> None:
        """Write the data set, or one graph; a format without graphs gets the default one."""
        if graph is None and not rdf_format.supports_datasets:
            graph = DefaultGraph()
        self._store.dump(target, rdf_format, from_graph=graph)

    def snapshot(self, folder: Path) -> None:
        """Write a checkpoint by hard links, in milliseconds."""
        if self.folder is None:
            raise StoreError("a store in memory has no files to copy; dump it instead")
        if folder.exists():
            raise StoreError(f"{folder} exists already; name a folder that does not")
        self._store.backup(str(folder))

    def __len__(self) -> int:
        return len(self._store)

    def _require_writable(self) -> None:
        if self._read_only:
            raise StoreError("the store was opened read-only")


def _open(folder: Path | None, *, read_only: bool) -> Store:
    if folder is None:
        return Store()
    if read_only and not (folder / _MARKER).is_file():
        raise StoreNotFoundError(
            f"no store at {folder}; `deepcube index` or `deepcube load` makes one"
        )
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"{folder} is a file; a store is a folder")
    if folder.is_dir() and not (folder / _MARKER).is_file() and any(folder.iterdir()):
        raise StoreError(f"{folder} is not empty and is no store; name another folder")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Read-only opening takes no lock, and is undefined while another process writes;
        # so a folder in use is refused either way, by taking the lock first.
        store = Store(str(folder))
    except OSError as error:
        text = str(error).lower()
        if "lock" in text:
            raise StoreLockedError(
                f"the store {folder} is open in another process; stop that one, or, if it is "
                "`deepcube serve`, ask it with --endpoint http://localhost:8000"
            ) from error
        raise StoreError(f"cannot open the store {folder}: {error}") from error
    return store
