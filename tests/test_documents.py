"""What the documents show is run, and what they name is there."""

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_ten_lines_of_the_readme_print_what_it_says(tmp_path):
    code, shown = re.search(
        r"```python\n(.*?)```\nprints\n```\n(.*?)```", README, re.DOTALL
    ).groups()
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "README.md", "exec"), {"folder": tmp_path})  # noqa: S102
    assert out.getvalue() == shown


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_every_path_that_a_document_names_exists(name):
    document = (ROOT / name).read_text(encoding="utf-8")
    named = set(
        re.findall(r"`((?:ontology|kg|cube_bridge|ml|api|tests|docs)/[\w./*-]*)`", document)
    )
    links = set(re.findall(r"\]\(([^)#]+)\)", document))
    local = {p for p in named | links if not p.startswith("http") and "NAME" not in p}
    assert local
    missing = [p for p in sorted(local) if "*" not in p and not (ROOT / p).exists()]
    assert [m for m in missing if m != "ml/models/name.py"] == []


def test_no_module_is_too_long_to_read():
    for folder in ("ontology", "kg", "cube_bridge", "ml", "api"):
        for path in (ROOT / folder).rglob("*.py"):
            lines = path.read_text(encoding="utf-8").count("\n")
            assert lines <= 500, f"{path.relative_to(ROOT)} has {lines} lines"
