"""Every query of docs/queries.md is run, and answers what is printed there."""

import csv
import io
import re
from pathlib import Path

import pytest
from pyoxigraph import QueryResultsFormat, RdfFormat

from cube_bridge.extension import CUBES
from cube_bridge.indexing.index import index_dataset
from kg.embedded.store import EmbeddedStore
from kg.rdf.iris import Iris
from kg.rdf.prefixes import with_prefixes
from tests.open_data import open_data
from tests.servers import serving

DOCUMENT = (Path(__file__).parents[2] / "docs" / "queries.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(r"```sparql\n(.*?)```\n```csv\n(.*?)```", DOCUMENT, re.DOTALL)
ELSEWHERE = "http://localhost:8001"


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    """What the document says to index and to load."""
    open_data("cubes/munich_ndvi_MOD13Q1_250m.nc")
    (sources,) = re.findall(r"deepcube index (munich.*?)\ndeepcube", DOCUMENT, re.DOTALL)
    (turtle,) = re.findall(r"```turtle\n(.*?)```", DOCUMENT, re.DOTALL)
    with EmbeddedStore(tmp_path_factory.mktemp("queries") / "store", extensions=[CUBES]) as store:
        for name in sources.replace("\\\n", " ").split():
            index_dataset(store, Iris(), name)
        store.load(io.BytesIO(turtle.encode()), RdfFormat.TURTLE)
        yield store


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """The address of the other server of the document."""
    folder = tmp_path_factory.mktemp("elsewhere") / "store"
    with EmbeddedStore(folder) as store:
        index_dataset(store, Iris(), "natural-earth-places")
    with serving(folder) as url:
        yield url


def test_the_document_has_questions_of_all_five_classes():
    assert len(QUESTIONS) >= 10
    assert re.findall(r"^## (\d)", DOCUMENT, re.MULTILINE) == ["1", "2", "3", "4", "5"]
    assert DOCUMENT.count("```sparql") == len(QUESTIONS)


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(i, marks=pytest.mark.server) if ELSEWHERE in query else i
        for i, (query, _) in enumerate(QUESTIONS)
    ],
)
def test_a_query_answers_what_is_printed(number, graph, request):
    query, printed = QUESTIONS[number]
    if ELSEWHERE in query:
        query = query.replace(ELSEWHERE, request.getfixturevalue("elsewhere"))
    found = graph.query(with_prefixes(query)).serialize(format=QueryResultsFormat.CSV)
    assert rows(found.decode()) == rows(printed)


def rows(text):
    return list(csv.reader(io.StringIO(text)))
