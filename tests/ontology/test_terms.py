import ast
from pathlib import Path

import pytest
from pyoxigraph import RdfFormat, parse

from ontology import terms
from ontology.deep_terms import DEEP_NAMES
from ontology.files import modules, shapes
from ontology.generate import deep_names, source
from ontology.terms import DEEP, PREFIXES, Vocabulary, compact, expand

ROOT = Path(__file__).parents[2]
FOLDERS = ("ontology", "kg", "cube_bridge", "ml", "api")


@pytest.mark.parametrize("file", [*modules(), *shapes()], ids=lambda f: f"{f.parent.name}-{f.name}")
def test_turtle_parses(file):
    assert list(parse(file.read_bytes(), format=RdfFormat.TURTLE))


def test_the_names_of_our_terms_are_those_of_the_modules():
    assert set(deep_names()) == DEEP_NAMES, "run: python -m ontology.generate"
    written = (ROOT / "ontology" / "deep_terms.py").read_text(encoding="utf-8")
    assert written == source()


def test_every_term_that_the_code_uses_exists():
    names = {n for n, v in vars(terms).items() if isinstance(v, Vocabulary)}
    used = [
        (path, node.value.id, node.attr)
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in names
    ]
    assert len(used) > 100
    for _, vocabulary, name in used:
        getattr(getattr(terms, vocabulary), name)


def test_every_deep_term_in_turtle_and_queries_is_defined():
    import re  # noqa: PLC0415

    defined = {t.value.removeprefix(DEEP.namespace) for t in DEEP}
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".ttl", ".yaml", ".html"):
                used = set(re.findall(r"(?<![\w:])deep:(\w+)", path.read_text(encoding="utf-8")))
                # `SERVICE deep:…` and the like are not used yet; all that is used must be defined.
                assert used <= defined, f"{path.name} uses {sorted(used - defined)}"


def test_unknown_term_is_an_attribute_error():
    with pytest.raises(AttributeError, match="NoSuchThing"):
        DEEP.NoSuchThing  # noqa: B018


@pytest.mark.parametrize(
    ("curie", "iri"),
    [
        ("deep:Source", "https://w3id.org/deepcube/ontology#Source"),
        ("cf:air_temperature", "http://vocab.nerc.ac.uk/standard_name/air_temperature/"),
        ("https://example.org/x", "https://example.org/x"),
    ],
)
def test_expand_takes_prefixed_names_and_iris(curie, iri):
    assert expand(curie).value == iri


def test_expand_refuses_an_unknown_prefix():
    with pytest.raises(ValueError, match="unknown prefix"):
        expand("nope:thing")


def test_compact_undoes_expand():
    for prefix in PREFIXES:
        assert compact(expand(f"{prefix}:name").value) == f"{prefix}:name"
