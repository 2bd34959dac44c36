"""Zip and tar files as folders: each member is a range of bytes of the file, wherever it is."""

from __future__ import annotations

import struct
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cube_bridge.access.object_stat import Stat, bounds
from cube_bridge.access.objects import objects_below
from cube_bridge.access.ranged_file import RangedFile
from cube_bridge.errors import NotACubeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_TAR_MAGIC = (b"ustar\x0000", b"ustar  \x00")
_TAR_MAGIC_AT = 257
_COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstandard",
}
#: The part of a local file header of a zip file that has a fixed length, and where it tells
#: the lengths of name and extra field (APPNOTE.TXT 4.3.7).
_LOCAL_HEADER, _LENGTHS_AT = 30, 26


@dataclass(frozen=True, kw_only=True)
class _Member:
    offset: int
    """Where the bytes begin; of a zip member, its local header."""
    stored: int
    """Bytes in the file."""
    size: int
    """Bytes when unpacked."""
    deflated: bool
    has_header: bool
    version: str


class ArchiveObjects:
    """Members of an archive; see `Objects`."""

    def __init__(self, base: str, members: Mapping[str, _Member]) -> None:
        """Take the URL of the archive and its members."""
        self.base = base
        self.members = members
        self._file = objects_below(base)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ArchiveObjects)
            and self.base == other.base
            and self.members == other.members
        )

    def __hash__(self) -> int:
        return hash(self.base)

    def __str__(self) -> str:
        return self.base

    def read(self, name: str, start: int = 0, stop: int | None = None) -> bytes:
        """See `Objects.read`."""
        member = self._member(name)
        first, count = bounds(start, stop, member.size)
        offset = member.offset
        if member.has_header:
            head = self._file.read("", offset, offset + _LOCAL_HEADER)
            offset += _LOCAL_HEADER + sum(struct.unpack_from("<HH", head, _LENGTHS_AT))
        if not member.deflated:
            return self._file.read("", offset + first, offset + first + count)
        packed = self._file.read("", offset, offset + member.stored)
        return zlib.decompress(packed, wbits=-zlib.MAX_WBITS)[first : first + count]

    def stat(self, name: str) -> Stat:
        """See `Objects.stat`."""
        member = self._member(name)
        return Stat(size=member.size, version=member.version)

    def children(self, prefix: str) -> list[str]:
        """See `Objects.children`."""
        return directly_below(self.members, prefix)

    def listing(self) -> Mapping[str, Stat]:
        """See `Objects.listing`."""
        return {name: self.stat(name) for name in self.members}

    def _member(self, name: str) -> _Member:
        try:
            return self.members[name]
        except KeyError:
            raise FileNotFoundError(name) from None


def directly_below(names: Iterable[str], prefix: str) -> list[str]:
    """Return the names directly below a prefix, of those of all objects."""
    below = f"{prefix.rstrip('/')}/" if prefix else ""
    found = {n.removeprefix(below).partition("/")[0] for n in names if n.startswith(below)}
    return sorted(found - {""})


def is_archive(head: bytes) -> bool:
    """Return whether a file is a zip or tar file, by its first bytes."""
    return head.startswith(_ZIP_MAGIC) or _is_tar(head)


def _is_tar(head: bytes) -> bool:
    return head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 8] in _TAR_MAGIC


def compression_of(head: bytes) -> str | None:
    """Return how a file is compressed as a whole, by its first bytes; None where it is not."""
    return next((name for magic, name in _COMPRESSED.items() if head.startswith(magic)), None)


def open_archive(base: str, head: bytes, shown: str) -> ArchiveObjects:
    """Return the members of an archive, whose list is read at once.

    Raises:
        NotACubeError: It is damaged, or packed in a way that single chunks cannot be read from.
    """
    file = RangedFile.open(base)
    try:
        members = _tar_members(file) if _is_tar(head) else _zip_members(file, shown)
    except (tarfile.ReadError, zipfile.BadZipFile, EOFError, struct.error) as error:
        raise NotACubeError(
            f"{shown} is a damaged or truncated archive ({error}); fetch or write it again"
        ) from error
    if _is_tar(head):
        _check_whole(members, file.size, shown)
    return ArchiveObjects(base, members)


def _tar_members(file: RangedFile) -> dict[str, _Member]:
    with tarfile.open(fileobj=file, mode="r:") as archive:
        return {
            m.name.removeprefix("./"): _Member(
                offset=m.offset_data,
                stored=m.size,
                size=m.size,
                deflated=False,
                has_header=False,
                version=f"{m.mtime}-{m.size}-{m.chksum}",
            )
            for m in archive.getmembers()
            if m.isfile()
        }


def _check_whole(members: Mapping[str, _Member], size: int, shown: str) -> None:
    for name, member in members.items():
        if member.offset + member.stored > size:
            raise NotACubeError(
                f"{shown} is truncated: its member {name!r} ends after the file's {size} bytes; "
                "fetch or write it again"
            )


def _zip_members(file: RangedFile, shown: str) -> dict[str, _Member]:
    found = {}
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise NotACubeError(
                    f"{shown}: member {info.filename!r} is packed by method "
                    f"{info.compress_type}; only stored and deflated members can be read"
                )
            if info.flag_bits & 1:
                raise NotACubeError(f"{shown}: member {info.filename!r} is encrypted")
            found[info.filename.removeprefix("./")] = _Member(
                offset=info.header_offset,
                stored=info.compress_size,
                size=info.file_size,
                deflated=info.compress_type == zipfile.ZIP_DEFLATED,
                has_header=True,
                version=f"{info.CRC:08x}-{info.file_size}",
            )
    return found
