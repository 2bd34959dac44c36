"""What is costly to make is made once, however many processes run the tests."""

import json
import os

from filelock import FileLock


def made_once(tmp_path_factory, name, make):
    """Return a folder that one process fills and all of them read, with what `make` returned.

    Args:
        tmp_path_factory: pytest's; the processes of one run share the parent of its folder.
        name: Of the folder.
        make: Fills the folder that it is given and returns what JSON can hold.

    Returns:
        (the folder, what `make` returned)
    """
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder, said = root / name, root / f"{name}.json"
    with FileLock(root / f"{name}.lock"):
        if not said.exists():
            folder.mkdir()
            said.write_text(json.dumps(make(folder)))
    return folder, json.loads(said.read_text())
