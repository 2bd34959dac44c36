"""Zarr v2 and v3: folder, object store, web, zip and tar; nested groups and pyramids."""

from __future__ import annotations

import tarfile
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

import xarray as xr
import zarr
from zarr.errors import ContainsArrayError, UnstableSpecificationWarning, ZarrUserWarning
from zarr.storage import LocalStore

from cube_bridge.access.archives import compression_of, is_archive, open_archive
from cube_bridge.access.object_store import ObjectsStore
from cube_bridge.errors import NotACubeError, SelectionError
from cube_bridge.formats.decoding import decoded
from cube_bridge.formats.groups import marked, merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from zarr.abc.store import Store

    from cube_bridge.access.source import LookedAt

MEDIA_TYPE = "application/vnd.zarr"
ORDER = 30
#: Bytes of the part of a zip member's local header that has a fixed length.
_ZIP_HEADER = 30
_GROUP_MARKERS = ("zarr.json", ".zgroup", ".zmetadata")


def recognises(source: LookedAt) -> bool:
    """Return whether it is a zarr group, or an archive that could hold one."""
    if source.head is None:
        return bool(source.markers)
    return is_archive(source.head) or compression_of(source.head) is not None


def open_dataset(source: LookedAt) -> xr.Dataset:
    """Open it lazily, chunked as it is stored."""
    return open_store(store_of(source), source.location.part.group, source.shown)


def byte_ranges(path: Path) -> dict[str, Any]:
    """Return where the chunks of a Zarr 2 group are.

    Args:
        path: A folder, or a zip file whose members are not compressed, or a tar file.

    Returns:
        By key in the group, `ts/0.0.0`: [file, offset, length].

    Raises:
        SelectionError: The archive is compressed, or holds no group of Zarr 2.
    """
    if path.is_dir():
        files = (f for f in path.rglob("*") if f.is_file())
        return {
            f.relative_to(path).as_posix(): [str(f.resolve()), 0, f.stat().st_size] for f in files
        }
    return _below_root(_in_zip(path) if zipfile.is_zipfile(path) else _in_tar(path), path)


def _in_zip(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        for info in archive.infolist():
            if info.compress_type != zipfile.ZIP_STORED:
                raise SelectionError(f"{path.name} is compressed as a whole; unpack it first")
            # The local header has an extra field of its own, unlike that of the directory.
            file.seek(info.header_offset + _ZIP_HEADER - 4)
            lengths = file.read(4)
            header = _ZIP_HEADER + sum(int.from_bytes(lengths[i : i + 2], "little") for i in (0, 2))
            begin = info.header_offset + header
            found[info.filename] = [str(path.resolve()), begin, info.file_size]
    return found


def _in_tar(path: Path) -> dict[str, Any]:
    with tarfile.open(path, "r:") as archive:
        return {
            m.name: [str(path.resolve()), m.offset_data, m.size]
            for m in archive.getmembers()
            if m.isfile()
        }


def _below_root(found: dict[str, Any], path: Path) -> dict[str, Any]:
    roots = [k.rpartition("/")[0] for k in found if k.rpartition("/")[2] == ".zgroup"]
    if not roots:
        raise SelectionError(f"{path.name} holds no Zarr 2 group whose chunks could be referenced")
    root = min(roots, key=len)
    prefix = f"{root}/" if root else ""
    return {k.removeprefix(prefix): r for k, r in found.items() if k.startswith(prefix)}


def store_of(source: LookedAt) -> Store:
    """Return the zarr store whose root is the outermost group.

    Raises:
        NotACubeError: An archive that cannot be read in parts, or without a group.
    """
    if source.head is None:
        path = source.location.path
        return ObjectsStore(source.objects) if path is None else LocalStore(path, read_only=True)
    packed = compression_of(source.head)
    if packed is not None:
        raise NotACubeError(
            f"{source.shown} is a compressed tar file or another file packed as a whole "
            f"({packed}); unpack it first: single chunks cannot be read from it"
        )
    archive = open_archive(source.location.base, source.head, source.shown)
    return ObjectsStore(archive, _root_of(archive.members, source.shown))


def _root_of(names: Iterable[str], shown: str) -> str:
    roots = {name.rpartition("/")[0] for name in names if name.rpartition("/")[2] in _GROUP_MARKERS}
    if not roots:
        raise NotACubeError(f"{shown} is an archive without a zarr group")
    # The group is the one that the others, of its arrays, lie below.
    return min(roots, key=lambda root: (root.count("/") if root else -1, root))


def open_store(store: Store, wanted: str | None, shown: str) -> xr.Dataset:
    """Open the groups of a store as one dataset.

    Raises:
        NotACubeError: There is no group, or nothing in it.
    """
    with warnings.catch_warnings():
        # What lies beside the group's own files does not make it less readable.
        warnings.simplefilter("ignore", ZarrUserWarning)
        warnings.simplefilter("ignore", UnstableSpecificationWarning)
        try:
            root = zarr.open_group(store, mode="r")
        except ContainsArrayError as error:
            raise NotACubeError(
                f"{shown} is a single zarr array; it needs the group around it, in which the "
                "arrays of its coordinates lie too"
            ) from error
        except FileNotFoundError as error:
            raise NotACubeError(f"{shown} holds no zarr group") from error
        if root.metadata.consolidated_metadata is None and not store.supports_listing:
            raise NotACubeError(
                f"the arrays in {shown} cannot be found: its metadata is not consolidated and its "
                "server does not list folders; call zarr.consolidate_metadata on it"
            )
        paths = ["", *_subgroups(root)] if wanted is None else ["", *_around(root, wanted)]
        if wanted is None and (finest := _finest_of_pyramid(root)) is not None:
            paths, wanted = ["", finest], finest
        groups = {path: _open_group(store, path, root) for path in paths}
    return merged(groups, wanted, shown)


def _subgroups(root: zarr.Group) -> Iterator[str]:
    for name, group in sorted(root.groups()):
        yield name
        yield from (f"{name}/{inner}" for inner in _subgroups(group))


def _around(root: zarr.Group, wanted: str) -> list[str]:
    """Return the paths from the root to a group, and those in it."""
    names = wanted.strip("/").split("/")
    outer = ["/".join(names[: n + 1]) for n in range(len(names))]
    found = [path for path in outer if isinstance(root.get(path), zarr.Group)]
    inner = root.get(outer[-1])
    if isinstance(inner, zarr.Group):
        found += [f"{outer[-1]}/{name}" for name in _subgroups(inner)]
    return found


def _finest_of_pyramid(root: zarr.Group) -> str | None:
    """Return the group of the finest level, where the groups are levels of one pyramid."""
    multiscales: Any = root.attrs.get("multiscales")
    if isinstance(multiscales, list) and multiscales:
        multiscales = multiscales[0]
    if not isinstance(multiscales, dict):
        return None
    levels = multiscales.get("datasets") or multiscales.get("layout") or []
    for level in levels:
        path = str(level.get("path") or level.get("asset") or level.get("group") or "")
        if path and isinstance(root.get(path), zarr.Group):
            return path
    return None


def _open_group(store: Store, path: str, root: zarr.Group) -> xr.Dataset:
    stored: xr.Dataset = xr.open_zarr(
        store,
        group=path or None,
        chunks={},
        decode_cf=False,
        consolidated=root.metadata.consolidated_metadata is not None and not path,
        zarr_format=root.metadata.zarr_format,
    )
    return decoded(marked(stored, path))
