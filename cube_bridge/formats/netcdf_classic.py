"""How many bytes a NetCDF 3 file must have: its library reads zeros where some are missing.

Source: "NetCDF Classic Format Specification" and its variants with 64-bit offsets and data,
https://docs.unidata.ucar.edu/netcdf-c/current/file_format_specifications.html
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

_DATA_64, _OFFSET_64 = 5, 2
#: Bytes of a value, by the number of its type.
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 8, 7: 1, 8: 2, 9: 4, 10: 8, 11: 8}
_STREAMING = {2**32 - 1, 2**64 - 1}


def required_bytes(file: BinaryIO) -> int:
    """Return where the last value ends.

    Raises:
        ValueError: The header is damaged or cut off.
    """
    try:
        return _required(file)
    except (struct.error, KeyError, OverflowError, MemoryError, IndexError) as error:
        raise ValueError("the header is damaged or cut off") from error


@dataclass(frozen=True)
class _Header:
    file: BinaryIO
    wide: bool
    """Counts have 64 bits."""
    far: bool
    """Offsets have 64 bits."""

    def number(self) -> int:
        return self._unpacked(">I")

    def count(self) -> int:
        return self._unpacked(">Q" if self.wide else ">I")

    def offset(self) -> int:
        return self._unpacked(">Q" if self.far else ">I")

    def _unpacked(self, form: str) -> int:
        (found,) = struct.unpack(form, self.file.read(struct.calcsize(form)))
        return int(found)

    def skip(self, size: int) -> None:
        self.file.seek(_padded(size), 1)

    def skip_attributes(self) -> None:
        self.number()
        for _ in range(self.count()):
            self.skip(self.count())
            size = _SIZES[self.number()]
            self.skip(self.count() * size)


def _required(file: BinaryIO) -> int:
    version = file.read(4)[3]
    header = _Header(file, wide=version == _DATA_64, far=version in {_OFFSET_64, _DATA_64})
    records = header.count()
    header.number()
    lengths = []
    for _ in range(header.count()):
        header.skip(header.count())
        lengths.append(header.count())
    header.skip_attributes()
    header.number()
    ends, record_begins = [0], []
    for _ in range(header.count()):
        begin, size, along_records = _variable(header, lengths)
        if along_records:
            record_begins.append((begin, size))
        else:
            ends.append(begin + size)
    if record_begins and records and records not in _STREAMING:
        # One variable alone is stored without padding between its records.
        alone = len(record_begins) == 1
        step = sum(size if alone else _padded(size) for _, size in record_begins)
        ends += [begin + (records - 1) * step + size for begin, size in record_begins]
    return max(ends)


def _variable(header: _Header, lengths: list[int]) -> tuple[int, int, bool]:
    """Return where a variable begins, its bytes or those of one record, and which of both."""
    header.skip(header.count())
    shape = [lengths[header.count()] for _ in range(header.count())]
    header.skip_attributes()
    size = _SIZES[header.number()]
    header.count()
    begin = header.offset()
    along_records = bool(shape) and shape[0] == 0
    return begin, math.prod(shape[1:] if along_records else shape) * size, along_records


def _padded(size: int) -> int:
    return size + -size % 4
