"""Loading large files into a store folder, with the spatial index built beside."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from kg.errors import RdfSyntaxError
from kg.index.n_triples import statement_blocks

if TYPE_CHECKING:
    from pyoxigraph import RdfFormat, Store

    from kg.embedded.index_keeper import IndexKeeper
    from kg.rdf.terms import GraphName


#: Files of fewer bytes are written in one transaction.
LARGE = 32 * 2**20


def large_file(source: BinaryIO) -> Path | None:
    """Return the path of a source that is a large file, at its beginning."""
    name = getattr(source, "name", None)
    if not isinstance(name, str) or not Path(name).is_file() or source.tell() != 0:
        return None
    return Path(name) if Path(name).stat().st_size >= LARGE else None


def bulk_load(
    store: Store,
    keeper: IndexKeeper,
    path: Path,
    rdf_format: RdfFormat,
    graph: GraphName | None,
) -> int:
    """Load a file by pyoxigraph's bulk loader; the index reads it at the same time.

    Returns:
        How many quads it held.

    Raises:
        RdfSyntaxError: The file is malformed; the store then holds a part of it.
    """
    failures: list[BaseException] = []

    def load() -> None:
        try:
            store.bulk_load(path=path, format=rdf_format, to_graph=graph)
        except BaseException as error:  # noqa: BLE001 -- raised again where it is waited for
            failures.append(error)

    # The loader does not hold the interpreter's lock, so the index costs a second core.
    loader = threading.Thread(target=load)
    loader.start()
    count = 0
    is_whole = True
    with keeper.following() as add_block:
        try:
            for block in statement_blocks(path, rdf_format, graph):
                count += len(block.subjects)
                # Geometries at blank nodes have to be read from the store, which labels them.
                is_whole &= add_block(block)
                if failures:
                    break
        except (SyntaxError, ValueError) as error:
            failures.append(error)
        finally:
            loader.join()
    if failures:
        # Who reads all of it first knows best where it is malformed.
        raise RdfSyntaxError(f"malformed {rdf_format.name}: {failures[-1]}") from failures[-1]
    if not is_whole:
        keeper.rebuild()
    return count
