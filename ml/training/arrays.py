"""Files of what was fitted, where that is arrays: no torch in here."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import numpy as np

from ml.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def save_arrays(
    arrays: Mapping[str, np.ndarray], path: Path, model: str, trained_before: str
) -> None:
    """Write arrays by name; a reader never sees half a file.

    Args:
        arrays: What was fitted, any shapes.
        path: The file.
        model: Whose it is; `load_arrays` refuses the file for another.
        trained_before: Moment before which was learnt, ISO 8601; empty for any.
    """
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        np.savez(
            file,
            allow_pickle=False,
            **arrays,
            _model=np.array(model),
            _trained_before=np.array(trained_before),
        )
    partial.replace(path)


def load_arrays(path: Path, model: str, names: Sequence[str]) -> tuple[dict[str, np.ndarray], str]:
    """Return the arrays that `save_arrays` wrote, and the moment before which was learnt.

    Args:
        path: The file.
        model: Whose it must be.
        names: Of the arrays that it must hold.

    Raises:
        RunError: The file holds no such arrays.
    """
    try:
        with np.load(path, allow_pickle=False) as saved:
            found = {name: saved[name] for name in names}
            theirs, trained_before = str(saved["_model"]), str(saved["_trained_before"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise RunError(f"{path} holds no weights of `deepcube train`: {error}") from error
    if theirs != model:
        raise RunError(f"{path} holds weights of {theirs}, not of {model}")
    return found, trained_before
