"""Files of open data that tests read as they are, without the registry."""

import os
from pathlib import Path

import pytest

from cube_bridge.folders import data_folder


def open_data(path: str) -> Path:
    """Return a file under DEEPCUBE_DATA; skip where it is not, and fail where CI lacks it."""
    folder = data_folder()
    if folder is None:
        pytest.skip(f"{path} is not here: DEEPCUBE_DATA is not set")
    if not (folder / path).exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{path} is not under DEEPCUBE_DATA, and CI=true")
        pytest.skip(f"{path} is not under DEEPCUBE_DATA")
    return folder / path
