"""Install the wheel's files into a folder outside the checkout and use its data from there.

Run as a script with the path of the wheel: the tests proper see the checkout, where a data
file that the wheel lacks is always there.
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

_CHECK = """
import sys
sys.path.insert(0, sys.argv[1])
import ontology.files, cube_bridge.kinds.datasets, api.endpoints.static, api.web.render
import ml.card
for module in (ontology.files, cube_bridge.kinds.datasets, api.web.render, ml.card):
    assert module.__file__.startswith(sys.argv[1]), module.__file__
from kg.validation.shacl import shapes_with
assert len(ontology.files.modules()) >= 8 and len(ontology.files.shapes()) >= 2
assert shapes_with(ml.card.find_card("fire-danger").shapes).target_classes
for entry in cube_bridge.kinds.datasets.registry().values():
    cube_bridge.kinds.datasets.packaged_mapping(entry)
assert "body" in api.endpoints.static.stylesheet()
assert api.web.render._TEMPLATES.get_template("home.html")
assert b"InputSlot" in ml.card.find_card("fire-danger").turtle
print("the wheel has all its data files")
"""


def main() -> None:
    wheel = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            archive.extractall(folder)
        foreign = [n for n in names if n.startswith(("tests/", "docs/"))]
        assert not foreign, f"not meant for users: {foreign}"
        # -P: without the current folder, which is the checkout.
        command = [sys.executable, "-P", "-I", "-c", _CHECK, folder]
        subprocess.run(command, check=True, cwd=folder)


if __name__ == "__main__":
    main()
