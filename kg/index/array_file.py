"""Arrays in a file that is mapped when it is read: what is never looked at costs no time.

They follow each other in NumPy's own format, https://numpy.org/neps/nep-0001-npy-format.html,
their names first, each where a multiple of `_ALIGNMENT` bytes begins: NumPy copies an array that
is not aligned before it searches in it.
"""

from __future__ import annotations

import math
import mmap
import os
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.lib import format as npy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


#: Headers of the format end at a multiple of this too.
_ALIGNMENT = 64


def write_arrays(target: BinaryIO, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays at the beginning of a file, and see that they are on the disk."""
    for array in (np.array(list(arrays), np.str_), *arrays.values()):
        target.write(bytes(-target.tell() % _ALIGNMENT))
        npy.write_array(target, np.asarray(array, order="C"), allow_pickle=False)
    target.flush()
    # A file of which pages are missing after a power failure would be read as zeros.
    os.fsync(target.fileno())


def mapped_arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a file by name; they hold it open, and what is written stays in memory.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no such file, or not the whole of one.
    """
    with path.open("rb") as file:
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        names = _next_array(file, memory)
        return {str(name): _next_array(file, memory) for name in names}


def _next_array(file: BinaryIO, memory: mmap.mmap) -> np.ndarray:
    file.seek(-file.tell() % _ALIGNMENT, os.SEEK_CUR)
    if npy.read_magic(file) != (1, 0):
        raise ValueError("an array is written in another version of the format")
    shape, _, dtype = npy.read_array_header_1_0(file)
    start, count = file.tell(), math.prod(shape)
    array = np.frombuffer(memory, dtype, count, start).reshape(shape)
    file.seek(array.nbytes, os.SEEK_CUR)
    return array
