"""Answers of a store folder to queries that need nothing but the store itself.

The spatial planner, the index and the functions of GeoSPARQL take half a second to load, and
most queries on the command line have no geometry in them. Such a query can be told by its text;
it has the same answer here as from `kg.embedded.store.EmbeddedStore`, and leaves the folder and the
index beside it as that would.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Self

from kg.embedded.kept_index import folder_state, kept_file, kept_state, write_state
from kg.embedded.opening import open_folder, restore_checkpoint
from kg.errors import EvaluationError, QueryError, StoreError
from kg.sparql.nesting import refuse_deep_nesting
from kg.sparql.unknown_functions import with_unknown_functions

if TYPE_CHECKING:
    from pathlib import Path

    from pyoxigraph import Store

    from kg.results.solutions import QueryResult


#: Only with one of these in it can a query have something that is evaluated here and not by
#: pyoxigraph: names of GeoSPARQL, functions of extensions (`deepf:`), services, a default graph
#: made of several. A backslash may write any of their letters, and BASE divide a name in two.
_NOT_PLAIN = re.compile(r"opengis\.net|deepcube/function#|SERVICE|FROM|BASE|\\", re.IGNORECASE)


def is_plain(sparql: str) -> bool:
    """Return whether a query, without entailment, needs nothing but the store itself.

    False where the text leaves it open.

    Args:
        sparql: The query, with the declarations of all prefixes that it uses.
    """
    return not _NOT_PLAIN.search(sparql)


class PlainReader:
    """A store folder that is opened to answer plain queries. Use it as a context manager."""

    def __init__(self, folder: Path) -> None:
        """Open a store.

        Raises:
            StoreLockedError: Another process has the folder open.
            StoreNotFoundError: There is no store.
            StoreError: The folder is there but is no store.
        """
        self._folder = folder
        restore_checkpoint(folder)
        state = folder_state(folder) if folder.is_dir() else None
        self._open: Store | None = open_folder(folder, read_only=True)
        self._is_index_kept = state is not None and kept_state(kept_file(folder)) == state
        self._say_that_it_is_kept()

    def _say_that_it_is_kept(self) -> None:
        """Opening and closing write files; they change nothing that an index knows."""
        if self._is_index_kept:
            write_state(kept_file(self._folder), folder_state(self._folder))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folder."""
        if self._open is None:
            return
        self._open.flush()
        self._open = None
        self._say_that_it_is_kept()

    def query(self, sparql: str) -> QueryResult:
        """Return the answer to a query that is plain, see `is_plain`.

        Raises:
            QueryError: The query is malformed.
            EvaluationError: It cannot be evaluated.
            StoreError: The store is closed.
        """
        store = self._open
        if store is None:
            raise StoreError("the store is closed")
        refuse_deep_nesting(sparql)
        try:
            return with_unknown_functions(
                lambda known: store.query(sparql, custom_functions=known), {}
            )
        except (SyntaxError, ValueError) as error:
            raise QueryError.of_syntax("query", error) from error
        except (OSError, RuntimeError) as error:
            raise EvaluationError(f"the query cannot be evaluated: {error}") from error
