"""A file elsewhere that libraries read as if it were here: only the parts that they ask for."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING

from cube_bridge.access.objects import objects_below
from cube_bridge.errors import NotACubeError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: Read at once, and the number of such blocks that are kept for all files together.
_BLOCK = 2**18
_KEPT = 256


class RangedFile(io.RawIOBase):
    """A position in a file whose blocks are shared with other positions in it."""

    def __init__(self, base: str, size: int, version: str) -> None:
        """Take URL, size and version of the file; see `open`."""
        super().__init__()
        self.base = base
        self.size = size
        self.version = version
        self._at = 0

    @classmethod
    def open(cls, base: str) -> RangedFile:
        """Return a file at its beginning.

        Raises:
            NotACubeError: The server does not say how large the file is.
        """
        stat = objects_below(base).stat("")
        if stat.size is None:
            raise NotACubeError(f"the server does not say how many bytes {base} has")
        return cls(base, stat.size, stat.version)

    def __reduce__(self) -> tuple[type[RangedFile], tuple[str, int, str]]:
        return RangedFile, (self.base, self.size, self.version)

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to an offset and return it."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(origin + offset, 0)
        return self._at

    def tell(self) -> int:
        """Return the offset."""
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer, as far as the file reaches."""
        view = memoryview(buffer).cast("B")
        done = 0
        while done < len(view) and self._at < self.size:
            number, skipped = divmod(self._at, _BLOCK)
            block = _block(
                self.base, self.version, number, min(_BLOCK, self.size - number * _BLOCK)
            )
            piece = block[skipped : skipped + len(view) - done]
            if not piece:
                raise EOFError(f"{self.base} ends before byte {self.size}")
            view[done : done + len(piece)] = piece
            done += len(piece)
            self._at += len(piece)
        return done


@lru_cache(maxsize=_KEPT)
def _block(base: str, version: str, number: int, size: int) -> bytes:  # noqa: ARG001  # the key
    start = number * _BLOCK
    return objects_below(base).read("", start, start + size)
