"""Which file a variable of the graph is in, and whether that is still the file it was."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from threading import RLock
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from pyoxigraph import Literal, NamedNode

from cube_bridge.errors import SourceError, SourceNotFoundError
from cube_bridge.indexing import fingerprint
from cube_bridge.mapping import CubeMapping
from cube_bridge.opener import open_cube
from cube_bridge.selection import SourceFile, source_file
from cube_bridge.values.layers import StoredVariable, stored_variable
from ontology.terms import DEEP, PROV

if TYPE_CHECKING:
    from pathlib import Path

    import xarray as xr

    from kg.store import GraphStore

#: Bytes, last modification in nanoseconds, and which or how many files: changes when they do.
State = tuple[int, int, int]

_OPEN_FILES = 32
#: A folder is looked through again when this many times as long has passed as looking took.
_PATIENCE = 20.0


@dataclass(kw_only=True)
class _Opened:
    state: State
    dataset: xr.Dataset
    variables: dict[str, StoredVariable]


class Sources:
    """Open cubes, each opened once, and again when its file or its entry in the graph changes."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._files: WeakKeyDictionary[GraphStore, dict[NamedNode, tuple[str, SourceFile]]]
        self._files = WeakKeyDictionary()
        self._opened: OrderedDict[Path, _Opened] = OrderedDict()
        self._seen: dict[Path, tuple[float, State]] = {}

    def variable(self, store: GraphStore, iri: NamedNode) -> StoredVariable:
        """Return a variable of a cube, ready to be read.

        Raises:
            SourceNotFoundError: The graph knows no such variable, or its file has gone.
            SourceError: The file has changed since it was indexed, or is no cube.
        """
        source, name = _node(store, iri, DEEP.variableOf), _text(store, iri, DEEP.variableName)
        if source is None or name is None:
            raise SourceNotFoundError(f"the graph knows no variable {iri} of a cube")
        print_ = _text(store, source, DEEP.fingerprint) or ""
        with self._lock:
            known = self._files.setdefault(store, {})
            if source not in known or known[source][0] != print_:
                known[source] = print_, source_file(store, source)
            file = known[source][1]
            if not isinstance(file.mapping, CubeMapping):
                raise SourceNotFoundError(f"{iri} is a variable of a table, not of a cube")
            state = self._state(file.path)
            opened = self._opened.get(file.path)
            if opened is None or opened.state != state:
                opened = self._open(store, file, print_, state)
            self._opened.move_to_end(file.path)
            if name not in opened.variables:
                key = (str(file.path), opened.state, name)
                opened.variables[name] = stored_variable(opened.dataset, name, key)
            return opened.variables[name]

    def _open(self, store: GraphStore, file: SourceFile, print_: str, state: State) -> _Opened:
        if (old := self._opened.pop(file.path, None)) is not None:
            old.dataset.close()
        if (
            _is_newer_than_index(store, file.iri, state)
            and fingerprint(file.path, file.mapping) != print_
        ):
            raise SourceError(f"{file.path} has changed since it was indexed; index it anew")
        opened = _Opened(state=state, dataset=open_cube(file.path), variables={})
        self._opened[file.path] = opened
        while len(self._opened) > _OPEN_FILES:
            self._opened.popitem(last=False)
        return opened

    def _state(self, path: Path) -> State:
        """Return the state of a file, or of all files in a folder as it was a moment ago."""
        try:
            stat = path.stat()
            if path.is_file():
                return stat.st_size, stat.st_mtime_ns, stat.st_ino
            begin = time.monotonic()
            if path not in self._seen or begin > self._seen[path][0]:
                state = _folder_state(str(path))
                end = time.monotonic()
                self._seen[path] = end + _PATIENCE * (end - begin), state
            return self._seen[path][1]
        except OSError as error:
            raise SourceNotFoundError(f"{path} has gone; index it anew") from error


def _folder_state(folder: str) -> State:
    count = size = latest = 0
    folders = [folder]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    folders.append(entry.path)
                    continue
                stat = entry.stat()
                count, size = count + 1, size + stat.st_size
                latest = max(latest, stat.st_mtime_ns)
    return size, latest, count


def _is_newer_than_index(store: GraphStore, source: NamedNode, state: State) -> bool:
    """Return whether a file was written after its index; then its bytes have to be compared."""
    activity = _node(store, source, PROV.wasGeneratedBy)
    ended = None if activity is None else _text(store, activity, PROV.endedAtTime)
    if ended is None:
        return True
    # The index names whole seconds; a file of the same second counts as newer.
    return state[1] >= datetime.fromisoformat(ended).timestamp() * 1e9


def is_indexed(store: GraphStore, variable: NamedNode) -> bool:
    """Return whether the graph knows all chunks of a variable."""
    source = _node(store, variable, DEEP.variableOf)
    return source is not None and _node(store, source, DEEP.indexStatus) == DEEP.IndexComplete


def _node(store: GraphStore, subject: NamedNode, predicate: NamedNode) -> NamedNode | None:
    objects = (q.object for q in store.quads(subject, predicate, None, None))
    return next((o for o in objects if isinstance(o, NamedNode)), None)


def _text(store: GraphStore, subject: NamedNode, predicate: NamedNode) -> str | None:
    objects = (q.object for q in store.quads(subject, predicate, None, None))
    return next((o.value for o in objects if isinstance(o, Literal)), None)
