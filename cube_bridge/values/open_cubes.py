"""Which file a variable of the graph is in, and whether that is still the file it was."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from cachetools import LRUCache

from cube_bridge.cubes.mapping import CubeMapping
from cube_bridge.errors import SourceError, SourceNotFoundError, VariableNotFoundError
from cube_bridge.formats.versions import source_version
from cube_bridge.kinds.files import OpenedSource, SourceFile, source_file
from cube_bridge.sources.variable_entry import node_of, text_of, variable_entry
from cube_bridge.values.layers import whole_variable
from ontology.terms import DEEP, PROV

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr
    from pyoxigraph import NamedNode

    from cube_bridge.values.additional_dimensions import Coordinate
    from cube_bridge.values.layers import StoredVariable, WholeVariable
    from kg.store import GraphStore


#: Bytes, last modification in nanoseconds, and which or how many files; of what is elsewhere the
#: version that its server tells. Changes when they do.
State = tuple[int, int, int] | str

_OPEN_FILES = 32
#: A folder is looked through, and the graph asked, again when this many times as long has passed
#: as that took: little of the time goes into looking, however slow it is.
_PATIENCE = 20.0


@dataclass(kw_only=True)
class _Opened:
    state: State
    dataset: xr.Dataset
    variables: dict[str, WholeVariable]


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """What the graph says of a variable."""

    name: str
    file: SourceFile
    fingerprint: str
    """Fingerprint of the source."""
    until: float
    """Moment of the monotonic clock from which on the graph is asked again."""


class Sources:
    """Open cubes, each opened once, and again when its file or its entry in the graph changes."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._entries: WeakKeyDictionary[GraphStore, dict[NamedNode, _Entry]]
        self._entries = WeakKeyDictionary()
        self._opened: LRUCache[Path | str, _Opened] = LRUCache(_OPEN_FILES)
        self._seen: dict[Path | str, tuple[float, State]] = {}

    def variable(
        self, store: GraphStore, iri: NamedNode, places: Mapping[str, Coordinate]
    ) -> StoredVariable:
        """Return a variable of a cube, ready to be read.

        Args:
            store: The graph.
            iri: Of the variable.
            places: Along its dimensions beside place and time.

        Raises:
            SliceError: A place is missing, or is not there.
            VariableNotFoundError: The graph knows no such variable of a cube.
            SourceNotFoundError: Its file has gone.
            SourceError: The file has changed since it was indexed, or is no cube.
        """
        with self._lock:
            entry = self._entries.setdefault(store, {}).get(iri)
            if entry is None or time.monotonic() > entry.until:
                entry = self._looked_up(store, iri, entry)
            opened = self._opened.get(entry.file.location)
            if opened is None or opened.state != self._state(entry.file.location):
                # A file that changed was indexed anew, perhaps only now.
                entry = self._looked_up(store, iri, entry)
                opened = self._open(store, entry)
            if entry.name not in opened.variables:
                key = (str(entry.file.location), opened.state, entry.name)
                opened.variables[entry.name] = whole_variable(opened.dataset, entry.name, key)
            return opened.variables[entry.name].at(places)

    def _looked_up(self, store: GraphStore, iri: NamedNode, before: _Entry | None) -> _Entry:
        begin = time.monotonic()
        known = variable_entry(store, iri)
        if known is None:
            raise VariableNotFoundError(f"the graph knows no variable {iri} of a cube")
        fingerprint = text_of(store, known.source, DEEP.fingerprint) or ""
        end = time.monotonic()
        same = before is not None and (before.file.iri, before.fingerprint) == (
            known.source,
            fingerprint,
        )
        file = before.file if before is not None and same else source_file(store, known.source)
        if not isinstance(file.mapping, CubeMapping):
            raise VariableNotFoundError(f"{iri} is a variable of a table, not of a cube")
        until = end + _PATIENCE * (end - begin)
        entry = _Entry(name=known.name, file=file, fingerprint=fingerprint, until=until)
        self._entries[store][iri] = entry
        return entry

    def _open(self, store: GraphStore, entry: _Entry) -> _Opened:
        location, state = entry.file.location, self._state(entry.file.location)
        if (old := self._opened.pop(location, None)) is not None:
            old.dataset.close()
        source = OpenedSource(location, entry.file.mapping)
        is_newer = _is_newer_than_index(store, entry.file.iri, state)
        if is_newer and source.fingerprint != entry.fingerprint:
            raise SourceError(f"{location} has changed since it was indexed; index it anew")
        opened = _Opened(state=state, dataset=source.cube.dataset(), variables={})
        # What drops out is not closed: arrays that were handed out may still be read from it.
        self._opened[location] = opened
        return opened

    def _state(self, location: Path | str) -> State:
        """Return the state of a file, or of a folder or what is elsewhere as it was just now."""
        try:
            if isinstance(location, Path) and location.is_file():
                stat = location.stat()
                return stat.st_size, stat.st_mtime_ns, stat.st_ino
            begin = time.monotonic()
            if location not in self._seen or begin > self._seen[location][0]:
                look = _folder_state if isinstance(location, Path) else source_version
                state = look(str(location))
                end = time.monotonic()
                self._seen[location] = end + _PATIENCE * (end - begin), state
            return self._seen[location][1]
        except OSError as error:
            raise SourceNotFoundError(f"{location} has gone; index it anew") from error


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
    activity = node_of(store, source, PROV.wasGeneratedBy)
    ended = None if activity is None else text_of(store, activity, PROV.endedAtTime)
    if ended is None or isinstance(state, str):
        return True
    # The index names whole seconds; a file of the same second counts as newer.
    return state[1] >= datetime.fromisoformat(ended).timestamp() * 1e9


def is_indexed(store: GraphStore, variable: NamedNode) -> bool:
    """Return whether the graph knows all chunks of a variable."""
    source = node_of(store, variable, DEEP.variableOf)
    return source is not None and node_of(store, source, DEEP.indexStatus) == DEEP.IndexComplete
