import json
import signal
import subprocess
import sys

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from pyoxigraph import DefaultGraph

from cube_bridge.errors import MappingError, SourceError, SourceNotFoundError
from cube_bridge.indexing.index import cube_mapping, index_dataset, index_file
from cube_bridge.indexing.state import remove_source
from cube_bridge.kinds.mappings import parse_mapping
from kg.embedded.store import EmbeddedStore
from kg.rdf.iris import Iris
from kg.rdf.terms import number
from kg.rows import select
from kg.validation.shacl import validate_store
from ontology.terms import DEEP
from tests.cube_bridge.kinds.test_tables import EVENTS_MAPPING

FEATURES_MAPPING = {
    "kind": "features",
    "source": {"id": "places", "title": "Places", "license": "https://spdx.org/licenses/MIT"},
    "feature_class": "deep:Settlement",
    "name": "name",
    "attributes": [{"column": "people", "predicate": "deep:population", "datatype": "xsd:integer"}],
}


def test_a_second_run_changes_nothing(store, iris, weather_csv, series_mapping):
    assert index_file(store, iris, weather_csv, series_mapping).changed
    before = set(store.quads())
    assert not index_file(store, iris, weather_csv, series_mapping).changed
    assert set(store.quads()) == before


def test_a_changed_file_replaces_what_the_old_one_left(store, iris, weather_csv, series_mapping):
    index_file(store, iris, weather_csv, series_mapping)
    table = pd.read_csv(weather_csv)
    table[table.lon == 10.0].to_csv(weather_csv, index=False)
    assert index_file(store, iris, weather_csv, series_mapping).changed
    assert len(select(store, "SELECT ?s WHERE { ?s a deep:Station }")) == 1
    assert validate_store(store).conforms


def test_a_removed_source_leaves_only_shared_times(store, iris, weather_csv, series_mapping):
    source = index_file(store, iris, weather_csv, series_mapping).source
    remove_source(store, source)
    left = {q.subject.value for q in store.quads(graph=DefaultGraph())}
    assert not [iri for iri in left if source.value in iri]


_KILLED = """
import os, sys
from pathlib import Path
from cube_bridge.indexing.index import index_file
from cube_bridge.kinds.mappings import read_mapping
from kg.embedded.store import EmbeddedStore
from kg.rdf.iris import Iris
store = EmbeddedStore(Path(sys.argv[1]))
def progress(name, done, total):
    print(done, total, flush=True)
    if done == 1:
        os.kill(os.getpid(), 9)
index_file(store, Iris(), Path(sys.argv[2]), read_mapping(Path(sys.argv[3])), progress=progress)
"""


@pytest.mark.slow
def test_a_killed_run_is_completed_without_duplicates(tmp_path):
    days = pd.date_range("2020-01-01", periods=130, freq="h").strftime("%Y-%m-%dT%H:%M:%S")
    rows = [
        {"when": d, "lon": 10 + i / 100, "lat": 50.0, "power": 1.0} for d in days for i in range(80)
    ]
    csv, mapping_file = tmp_path / "fires.csv", tmp_path / "m.yaml"
    pd.DataFrame(rows).to_csv(csv, index=False)
    mapping_file.write_text(json.dumps(EVENTS_MAPPING))
    command = [sys.executable, "-c", _KILLED, str(tmp_path / "s"), str(csv), str(mapping_file)]
    killed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    mapping = parse_mapping(EVENTS_MAPPING, "m")
    with EmbeddedStore(tmp_path / "s") as store:
        states = [q.object for q in store.quads(None, DEEP.indexStatus, None)]
        assert states == [DEEP.IndexPartial]
        done = len(list(store.quads(None, DEEP.indexedBlock)))
        assert done == 1
        calls = []
        index_file(store, Iris(), csv, mapping, progress=lambda *call: calls.append(call[1:]))
        assert calls[0] == (1, 2)  # what was written is not written again
        resumed = set(store.quads())
    with EmbeddedStore() as fresh:
        index_file(fresh, Iris(), csv, mapping)
        counts = [
            number(select(s, "SELECT (COUNT(*) AS ?n) { ?e a deep:ActiveFireDetection }")[0]["n"])
            for s in (fresh,)
        ]
        assert counts == [10_400]
        clock = {"startedAtTime", "endedAtTime"}
        untimed = [
            {q for q in quads if q.predicate.value.split("#")[-1] not in clock}
            for quads in (resumed, set(fresh.quads()))
        ]
        # The ontology's blank nodes differ between stores.
        named = [{str(q) for q in quads if "_:" not in str(q)} for quads in untimed]
        assert named[0] == named[1]


def test_a_data_set_replaces_another_source_of_its_id_where_that_is_wanted(
    store, iris, cube_nc, real_data
):
    real_data("munich-elevation")
    index_file(store, iris, cube_nc, cube_mapping(cube_nc, id="munich-elevation"))
    with pytest.raises(SourceError, match="another source 'munich-elevation'"):
        index_dataset(store, iris, "munich-elevation")
    index_dataset(store, iris, "munich-elevation", replace=True)
    names = select(store, "SELECT ?n { ?v deep:variableName ?n }")
    assert [r["n"].value for r in names] == ["SRTMGL1_DEM"]


def test_a_missing_file_names_the_registered_data_sets(store, iris, tmp_path):
    with pytest.raises(SourceNotFoundError, match="australia-weather-2015"):
        index_file(store, iris, tmp_path / "nope.nc")
    with pytest.raises(SourceNotFoundError, match="munich-ndvi"):
        index_dataset(store, iris, "nope")


def places(path, crs="EPSG:3857"):
    frame = gpd.GeoDataFrame(
        {"name": ["Ä-Stadt", "B"], "people": [10.0, None]},
        geometry=[shapely.Point(10, 50), shapely.Point(11, 51)],
        crs="OGC:CRS84",
    )
    frame.to_crs(crs).to_file(path)
    return path


def test_a_layer_in_another_crs_is_brought_to_longitude_and_latitude(store, iris, tmp_path):
    index_file(store, iris, places(tmp_path / "p.gpkg"), parse_mapping(FEATURES_MAPPING, "m"))
    rows = select(
        store,
        """SELECT ?label ?wkt ?n WHERE { ?p a deep:Settlement ; rdfs:label ?label ;
             geo:hasDefaultGeometry/geo:asWKT ?wkt OPTIONAL { ?p deep:population ?n } }
           ORDER BY DESC(?label)""",
    )
    assert [r["label"].value for r in rows] == ["Ä-Stadt", "B"]
    assert [r["wkt"].value for r in rows] == ["POINT (10 50)", "POINT (11 51)"]
    assert number(rows[0]["n"]) == 10
    assert "n" not in rows[1]


def test_a_layer_without_the_mapped_attribute_is_refused(store, iris, tmp_path):
    document = {**FEATURES_MAPPING, "name": "title"}
    with pytest.raises(MappingError, match="'title'"):
        index_file(store, iris, places(tmp_path / "p.gpkg"), parse_mapping(document, "m"))
    (tmp_path / "x.geojson").write_text("{}")
    with pytest.raises(SourceError, match="no vector layer"):
        index_file(store, iris, tmp_path / "x.geojson", parse_mapping(FEATURES_MAPPING, "m"))


def test_the_australian_weather(store, iris, real_data):
    real_data("australia-weather-2015")
    assert index_dataset(store, iris, "australia-weather-2015").items == 410
    assert validate_store(store).conforms
