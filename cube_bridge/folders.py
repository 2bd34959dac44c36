"""Folders of this machine: where open data lies, and where fetched and simulated data is kept."""

from __future__ import annotations

import os
from pathlib import Path

import pooch


def data_folder() -> Path | None:
    """Return the folder that DEEPCUBE_DATA names, or None."""
    folder = os.environ.get("DEEPCUBE_DATA")
    return Path(folder) if folder else None


def cache_folder() -> Path:
    """Return the folder of what is fetched or simulated once: DEEPCUBE_CACHE, or the user's."""
    folder = os.environ.get("DEEPCUBE_CACHE")
    return Path(folder) if folder else Path(pooch.os_cache("deepcube"))
