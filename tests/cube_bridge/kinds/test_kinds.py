"""Kinds of sources are found: those beside this package, and those of other packages."""

import sys

import pytest
from shapely import from_wkt

from cube_bridge.errors import MappingError
from cube_bridge.indexing.index import index_file
from cube_bridge.kinds import mappings
from cube_bridge.kinds.mappings import kind_of, parse_mapping, source_kinds
from kg.rdf.terms import text
from kg.rows import select
from ml.use_cases.fire_danger.simulation import simulate
from ontology.terms import DEEP

ANOTHER = """
from pathlib import Path
from typing import Literal

import geopandas as gpd
from pyoxigraph import Literal as RdfLiteral, NamedNode, Quad

from cube_bridge.kinds.kind import SourceKind
from cube_bridge.sources.description import Content, part_quads
from cube_bridge.sources.info import SourceMapping
from kg.rdf.geometry import BBox
from kg.rdf.iris import below
from ontology.terms import DEEP, RDFS


class NotesMapping(SourceMapping):
    kind: Literal["notes"]


def read(path, mapping, iris, source):
    def blocks(done):
        for row, line in enumerate(path.read_text().splitlines()):
            if str(row) not in done:
                note = below(source, "note", str(row))
                yield str(row), [Quad(note, RDFS.label, RdfLiteral(line))]

    count = len(path.read_text().splitlines())
    return Content(kind=DEEP.FeatureCollection, media_type="text/plain",
                   bbox=BBox(west=0, south=0, east=1, north=1), period=None, header=(),
                   block_count=count, blocks=blocks, item_count=count)


def load(path, mapping, columns, source):
    return gpd.GeoDataFrame({"line": path.read_text().splitlines()})


KIND = SourceKind(name="notes", mapping=NotesMapping, graph_class=DEEP.FeatureCollection,
                  media_types=("text/plain",), read=read, load=load)
"""


@pytest.fixture
def another_package(tmp_path, monkeypatch):
    """A package that brings a kind of source by an entry point."""
    (tmp_path / "notes_kind.py").write_text(ANOTHER)
    info = tmp_path / "notes_kind-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: notes-kind\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{mappings.GROUP}]\nnotes = notes_kind:KIND\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    source_kinds.cache_clear()
    mappings.mapping_type.cache_clear()
    yield
    sys.modules.pop("notes_kind", None)
    monkeypatch.undo()
    source_kinds.cache_clear()
    mappings.mapping_type.cache_clear()


def test_each_kind_has_a_mapping_that_names_it_and_a_class_of_sources():
    kinds = source_kinds()
    assert {"cube", "events", "features", "region-series", "series"} <= set(kinds)
    for name, kind in kinds.items():
        assert kind.mapping.model_json_schema()["properties"]["kind"]["const"] == name
        assert kind.media_types
    assert len({k.graph_class for k in kinds.values()}) == len(kinds)
    assert all(k.graph_class in set(DEEP) for k in kinds.values())


def test_an_unknown_kind_is_refused_with_those_there_are():
    with pytest.raises(MappingError, match=r"'region-series'"):
        parse_mapping({"kind": "dreams", "source": {"id": "a", "title": "A"}}, "m")


@pytest.mark.usefixtures("another_package")
def test_a_kind_of_another_package_is_indexed_and_loaded(store, iris, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("one\ntwo\n")
    mapping = parse_mapping({"kind": "notes", "source": {"id": "notes", "title": "Notes"}}, "m")
    outcome = index_file(store, iris, path, mapping)
    assert outcome.items == 2
    labels = select(store, "SELECT ?l { ?n rdfs:label ?l FILTER(CONTAINS(STR(?n), '/note/')) }")
    assert {text(r["l"]) for r in labels} == {"one", "two"}
    assert len(kind_of(mapping).load(path, mapping, ["line"], outcome.source)) == 2


def test_series_are_loaded_by_place_and_time_with_the_nodes_of_the_graph(
    store, iris, weather_csv, series_mapping
):
    source = index_file(store, iris, weather_csv, series_mapping).source
    loaded = kind_of(series_mapping).load(weather_csv, series_mapping, ["tas"], source)
    assert loaded["tas"].dims == ("place", "time")
    rows = select(store, "SELECT ?s ?label { ?s a deep:Station ; rdfs:label ?label }")
    found = dict(zip(loaded["iri"].to_numpy(), loaded["label"].to_numpy(), strict=True))
    assert found == {text(r["s"]): text(r["label"]) for r in rows}


def test_events_and_features_are_loaded_with_the_nodes_of_the_graph(store, iris, tmp_path):
    for source in simulate(tmp_path)[1:4]:
        kind = kind_of(source.mapping)
        if kind.name == "series":
            continue
        node = index_file(store, iris, source.path, source.mapping).source
        column = "power" if kind.name == "events" else "population"
        loaded = kind.load(source.path, source.mapping, [column], node)
        rows = select(
            store,
            f"""SELECT ?n ?v ?wkt {{ ?n dcterms:isPartOf {node} ; geo:hasGeometry/geo:asWKT ?wkt ;
                  deep:population|deep:fireRadiativePower ?v }}""",
        )
        assert len(rows) == len(loaded)
        by_iri = loaded.set_index("iri")
        for row in rows[:50]:
            own = by_iri.loc[text(row["n"])]
            assert float(own[column]) == float(text(row["v"]))
            assert own.geometry.distance(from_wkt(text(row["wkt"]))) < 1e-6


REGIONS = {
    "kind": "region-series",
    "source": {"id": "d", "title": "D"},
    "regions": {"extent": [-125, 24, -66, 50]},
    "rows": {"region": "region", "time": {"column": "month", "resolution": "P1M"}},
    "variables": [{"column": "pdsi"}],
}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"kind": "regionseries"}, "no kind of source 'regionseries'; the kinds are 'cube', "),
        ({"kind": None}, "begins with its `kind`"),
        (
            {"rows": {"region": "r", "time": {"column": "m", "resolution": "1 month"}}},
            "rows.time.resolution: not the duration of a cadence: '1 month'; write PT6H",
        ),
        ({"regions": {}}, "regions: say the `extent` of the regions"),
        ({"titel": "D"}, "titel: there is no such field here"),
        (
            {"regions": {"extent": [0, 0, 1, 1], "feature_class": "deep:Reegion"}},
            "regions.feature_class: 'deep:Reegion' is no term of our ontology; near it there is",
        ),
        ({"variables": []}, "variables: "),
        (
            {"variables": [{"column": "pdsi", "unit": "kelvin"}]},
            "variables.0.unit: 'kelvin' is neither a prefixed name, such as unit:K, nor an IRI",
        ),
        (
            {
                "rows": None,
                "matrix": {"labels": "l.json", "begin": "January", "resolution": "P1M"},
            },
            "matrix.begin: 'January' is no time such as 1895-01",
        ),
    ],
)
def test_what_is_wrong_in_a_mapping_is_said_on_one_line(changed, message):
    document = {k: v for k, v in (REGIONS | changed).items() if v is not None}
    with pytest.raises(MappingError) as raised:
        parse_mapping(document, "a.yaml")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "Value error" not in str(raised.value)
