"""Versions of sources and of their chunks, so that only what has changed is read again."""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import zarr

from cube_bridge.access.location import Location
from cube_bridge.access.object_store import ObjectsStore
from cube_bridge.access.objects import LocalObjects
from cube_bridge.access.source import LookedAt, look_at
from cube_bridge.access.web import WebObjects
from cube_bridge.formats import icechunk_repository, references, zarr_groups
from cube_bridge.formats.groups import ARRAY_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    import xarray as xr
    from zarr.abc.store import Store

    #: Of one array: indices of stored chunks to their versions; those that are not stored lack.
    _Stored = Callable[[zarr.Array[Any], str, set[tuple[int, ...]]], dict[tuple[int, ...], str]]

#: What of an array's metadata changes its values; its shape and its history do not.
_OF_VALUES = ("data_type", "dtype", "chunk_grid", "chunks", "codecs", "compressor", "filters",
              "fill_value", "order")  # fmt: skip
_OF_ATTRIBUTES = ("scale_factor", "add_offset", "_FillValue", "missing_value", "valid_min",
                  "valid_max", "valid_range", "_Unsigned", "units", "calendar")  # fmt: skip
_NOT_STORED = "-"


def source_version(location: Path | str) -> str:
    """Return what changes when anything in a source does.

    Of a file it is its entity tag, or time and size, as it may be too large to be read for this;
    of a folder the sha256 of names and versions of its files; of an Icechunk repository the
    snapshot; of a zarr group on the web, whose files cannot be listed, that of its metadata.

    Raises:
        SourceError: See `cube_bridge.formats.opener.open_cube`.
    """
    return version_of(look_at(Location.of(location)))


def version_of(source: LookedAt) -> str:
    """Return the version of a source that was looked at; see `source_version`."""
    if icechunk_repository.recognises(source):
        return str(icechunk_repository.session_of(source).snapshot_id)
    if not source.is_folder:
        return source.objects.stat("").version
    listed = source.objects.listing()
    if listed is None:
        listed = {marker: source.objects.stat(marker) for marker in sorted(source.markers)}
    digest = hashlib.sha256()
    for name in sorted(listed):
        digest.update(f"{name} {listed[name].version}\n".encode())
    return digest.hexdigest()


def chunk_versions(
    location: Path | str, dataset: xr.Dataset
) -> Mapping[tuple[str, tuple[int, ...]], str] | None:
    """Return a version for each chunk of each variable; None for formats of a single file.

    A version changes if the chunk's bytes do, or what they are read with (type, scale, fill
    value, units). Where the cells lie is not in it: coordinates are variables of their own.

    Args:
        location: Where the dataset was opened.
        dataset: As `cube_bridge.formats.opener.open_cube` returned it.

    Returns:
        (name of the variable, index of the chunk in the dataset, one number a dimension) to
        version. A chunk of which nothing is stored, all of it fill values, has one too.

    Raises:
        SourceError: See `cube_bridge.formats.opener.open_cube`.
    """
    return chunk_versions_of(look_at(Location.of(location)), dataset)


def chunk_versions_of(
    source: LookedAt, dataset: xr.Dataset
) -> Mapping[tuple[str, tuple[int, ...]], str] | None:
    """Return the versions of the chunks of a source that was looked at; see `chunk_versions`."""
    found = _stored_versions(source)
    if found is None:
        return None
    store, stored = found
    root = zarr.open_group(store, mode="r")
    versions: dict[tuple[str, tuple[int, ...]], str] = {}
    for name, variable in dataset.data_vars.items():
        array = root.get(variable.encoding.get(ARRAY_KEY, str(name)))
        if isinstance(array, zarr.Array):
            versions.update(_of_variable(str(name), variable, array, stored))
    return versions


def _stored_versions(source: LookedAt) -> tuple[Store, _Stored] | None:
    """Return the store of a source and what tells the versions in it; None for other formats."""
    if references.recognises(source):
        store = ObjectsStore(references.objects_of(source))
        return store, lambda array, path, wanted: _asked_one_by_one(store, array, path, wanted)
    if icechunk_repository.recognises(source):
        session = icechunk_repository.session_of(source)
        return session.store, _by_snapshot(source, session)
    if not zarr_groups.recognises(source):
        return None
    opened = zarr_groups.store_of(source)
    here = source.location.path
    if isinstance(opened, ObjectsStore):
        objects = opened
    else:
        assert here is not None  # noqa: S101  # a folder of this machine
        objects = ObjectsStore(LocalObjects(here))
    listed = objects.objects.listing()
    if listed is None:
        return opened, lambda array, path, wanted: _asked_at_once(objects, array, path, wanted)

    def from_list(
        array: zarr.Array[Any], path: str, wanted: set[tuple[int, ...]]
    ) -> dict[tuple[int, ...], str]:
        names = ((index, objects.root + _key(array, path, index)) for index in wanted)
        return {index: listed[name].version for index, name in names if name in listed}

    return opened, from_list


def _key(array: zarr.Array[Any], path: str, index: tuple[int, ...]) -> str:
    return f"{path}/{array.metadata.encode_chunk_key(index)}"


def _asked_one_by_one(
    store: ObjectsStore, array: zarr.Array[Any], path: str, wanted: Iterable[tuple[int, ...]]
) -> dict[tuple[int, ...], str]:
    found = {}
    for index in wanted:
        try:
            found[index] = store.objects.stat(store.root + _key(array, path, index)).version
        except FileNotFoundError:
            continue
    return found


def _asked_at_once(
    store: ObjectsStore, array: zarr.Array[Any], path: str, wanted: Iterable[tuple[int, ...]]
) -> dict[tuple[int, ...], str]:
    names = {store.root + _key(array, path, index): index for index in wanted}
    if not isinstance(store.objects, WebObjects):
        return _asked_one_by_one(store, array, path, names.values())
    return {names[n]: s.version for n, s in store.objects.stats(list(names)).items()}


def _by_snapshot(source: LookedAt, session: Any) -> _Stored:
    """Return the snapshot in which each chunk was last written, from the history."""
    repository = icechunk_repository.repository_of(source)
    history = list(repository.ancestry(snapshot_id=session.snapshot_id))
    written: dict[tuple[str, tuple[int, ...]], str] = {}
    for child, parent in pairwise(history):
        changes = repository.diff(from_snapshot_id=parent.id, to_snapshot_id=child.id)
        for path, indices in changes.updated_chunks.items():
            for index in indices:
                written.setdefault((path.strip("/"), tuple(index)), child.id)

    def stored(
        _: zarr.Array[Any], path: str, wanted: set[tuple[int, ...]]
    ) -> dict[tuple[int, ...], str]:
        oldest = history[-1].id
        there = _run(_indices(session, path))
        return {index: written.get((path, index), oldest) for index in wanted & there}

    return stored


async def _indices(session: Any, path: str) -> set[tuple[int, ...]]:
    return {tuple(index) async for index in session.chunk_coordinates(f"/{path}")}


def _run(coroutine: Any) -> Any:
    return zarr.core.sync.sync(coroutine)


def _of_variable(
    name: str, variable: xr.DataArray, array: zarr.Array[Any], stored: _Stored
) -> Iterator[tuple[tuple[str, tuple[int, ...]], str]]:
    read_with = _read_with(array)
    covered = list(_covered(variable, array))
    wanted = {index for _, indices in covered for index in indices}
    found = stored(array, array.path, wanted)
    for chunk, indices in covered:
        parts = [found.get(index, _NOT_STORED) for index in indices]
        text = parts[0] if len(parts) == 1 else _hash("\n".join(parts))
        yield (name, chunk), f"{read_with}:{text}"


def _covered(
    variable: xr.DataArray, array: zarr.Array[Any]
) -> Iterator[tuple[tuple[int, ...], list[tuple[int, ...]]]]:
    """Yield the chunks of a variable, each with the stored chunks that it has a part of."""
    shape = array.shards or array.chunks
    spans = []
    for axis, size in enumerate(shape):
        sizes = variable.chunks[axis] if variable.chunks else (variable.shape[axis],)
        start, span = 0, []
        for count in sizes:
            span.append(range(start // size, max((start + count - 1) // size, start // size) + 1))
            start += count
        spans.append(span)
    for chunk in product(*(range(len(span)) for span in spans)):
        yield chunk, list(product(*(span[i] for span, i in zip(spans, chunk, strict=True))))


def _read_with(array: zarr.Array[Any]) -> str:
    metadata_fields: dict[str, Any] = dict(array.metadata.to_dict())
    attributes: Mapping[str, Any] = metadata_fields.get("attributes") or {}
    known = {k: metadata_fields[k] for k in _OF_VALUES if k in metadata_fields}
    known |= {k: attributes[k] for k in _OF_ATTRIBUTES if k in attributes}
    return _hash(json.dumps(known, sort_keys=True, default=str))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
