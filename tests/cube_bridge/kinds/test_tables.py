import numpy as np
import pandas as pd
import pytest

from cube_bridge.errors import MappingError, SourceError, TableError, UnitError
from cube_bridge.indexing.index import index_file
from cube_bridge.kinds.events import load_events
from cube_bridge.kinds.files import source_file
from cube_bridge.kinds.mappings import mapping_from_json, parse_mapping, read_mapping
from cube_bridge.kinds.series import load_series
from kg.rdf.terms import number, text
from kg.rows import select
from kg.validation.shacl import validate_store
from tests.conftest import SERIES_MAPPING

EVENTS_MAPPING = {
    "kind": "events",
    "source": {"id": "fires", "title": "Fires", "license": "https://spdx.org/licenses/MIT"},
    "longitude": "lon",
    "latitude": "lat",
    "time": {"column": "when", "resolution": "PT1H"},
    "event_class": "deep:ActiveFireDetection",
    "property": "deep:ThermalHotspot",
    "variables": [{"column": "power", "predicate": "deep:fireRadiativePower"}],
}


def test_series_statistics_equal_those_of_the_table(store, iris, weather_csv, series_mapping):
    outcome = index_file(store, iris, weather_csv, series_mapping)
    assert outcome.items == 2
    table = pd.read_csv(weather_csv)
    rows = select(
        store,
        """SELECT ?wkt ?n ?min ?max ?mean ?sq WHERE {
             ?s a deep:Series ; deep:atStation/geo:hasDefaultGeometry/geo:asWKT ?wkt ;
                deep:validCount ?n ; deep:minimum ?min ; deep:maximum ?max ; deep:mean ?mean ;
                deep:sumOfSquares ?sq }""",
    )
    assert len(rows) == 2
    for row in rows:
        lon = float(text(row["wkt"]).split("(")[1].split()[0])
        values = table.loc[table.lon == lon, "tas"]
        assert number(row["n"]) == len(values)
        assert number(row["min"]) == values.min()
        assert number(row["max"]) == values.max()
        assert number(row["mean"]) == pytest.approx(values.mean())
        assert number(row["sq"]) == pytest.approx((values**2).sum())


def test_a_source_has_geometry_time_licence_and_provenance(
    store, iris, weather_csv, series_mapping
):
    index_file(store, iris, weather_csv, series_mapping)
    rows = select(
        store,
        """SELECT ?wkt ?from ?to ?licence ?url ?agent WHERE {
             ?s a deep:Source ; geo:hasBoundingBox/geo:asWKT ?wkt ; dcterms:license ?licence ;
                dcat:distribution/dcat:downloadURL ?url ; dcterms:temporal ?t ;
                prov:wasGeneratedBy/prov:wasAssociatedWith/rdfs:label ?agent .
             ?t time:hasBeginning/time:inXSDDateTimeStamp ?from ;
                time:hasEnd/time:inXSDDateTimeStamp ?to }""",
    )
    assert len(rows) == 1
    found = {name: text(term) for name, term in rows[0].items()}
    assert found["wkt"].startswith("POLYGON")
    assert (found["from"], found["to"]) == ("2020-01-01T00:00:00Z", "2020-01-05T00:00:00Z")
    assert found["url"] == weather_csv.as_uri()
    assert found["agent"].startswith("DeepCube")


def test_a_series_table_is_read_back_through_the_graph(store, iris, weather_csv, series_mapping):
    source = index_file(store, iris, weather_csv, series_mapping).source
    found = source_file(store, source)
    dataset = load_series(found.location, found.mapping, ["tas"])
    assert dataset["tas"].dims == ("station", "time")
    np.testing.assert_array_equal(dataset["tas"].isel(station=1), [10, 11, 12, 13])
    assert list(dataset["longitude"].to_numpy()) == [10.0, 11.5]


def broken(path, row, column, value):
    table = pd.read_csv(path, dtype=str)
    table.loc[row, column] = value
    table.to_csv(path, index=False)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("date", "2020-13-45", "row 5, column 'date': '2020-13-45' is no date"),
        ("lon", "200", "is no longitude"),
        ("lat", "north", "is no latitude"),
        ("tas", "warm", "is no number"),
        ("tas", "99", "cannot be true"),
    ],
)
def test_a_broken_row_is_named_and_nothing_is_written(
    store, iris, weather_csv, series_mapping, column, value, message
):
    broken(weather_csv, 3, column, value)
    with pytest.raises(TableError, match=message):
        index_file(store, iris, weather_csv, series_mapping)
    assert not select(store, "SELECT ?s WHERE { ?s a deep:Source }")
    assert not select(store, "SELECT ?s WHERE { ?s a deep:Station }")


def test_a_missing_value_is_counted_as_missing(store, iris, weather_csv, series_mapping):
    broken(weather_csv, 0, "tas", "")
    index_file(store, iris, weather_csv, series_mapping)
    rows = select(store, "SELECT ?n WHERE { ?s deep:validCount ?n } ORDER BY ?n")
    assert [number(r["n"]) for r in rows] == [3, 4]


def test_an_unknown_column_is_named_with_those_there_are(store, iris, weather_csv):
    document = {**SERIES_MAPPING, "variables": [{"column": "rain"}]}
    with pytest.raises(MappingError, match=r"'rain'; it has 'date', 'lon', 'lat', 'tas'"):
        index_file(store, iris, weather_csv, parse_mapping(document, "m"))


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00junk\x80", b"date,lon,lat,tas\n"])
def test_what_is_no_table_is_refused(store, iris, tmp_path, series_mapping, content):
    path = tmp_path / "junk.csv"
    path.write_bytes(content)
    with pytest.raises((TableError, MappingError)):
        index_file(store, iris, path, series_mapping)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "painting"}, "painting"),
        ({"colour": "red"}, "colour"),
        ({"variables": []}, "variables"),
        ({"time": {"column": "date", "resolution": "monthly"}}, "monthly"),
        ({"variables": [{"column": "tas", "unit": "nope:K"}]}, "unknown prefix"),
        ({"source": {"id": "Not A Slug", "title": "x"}}, "source.id"),
        ({"longitude": "lat"}, "three columns"),
    ],
)
def test_a_mapping_is_checked_before_anything_is_read(change, message):
    with pytest.raises(MappingError, match=message):
        parse_mapping({**SERIES_MAPPING, **change}, "m")


def test_a_mapping_that_is_no_yaml(tmp_path):
    (tmp_path / "m.yaml").write_text("kind: [series")
    with pytest.raises(MappingError, match="no YAML"):
        read_mapping(tmp_path / "m.yaml")
    with pytest.raises(MappingError, match="no mapping file"):
        read_mapping(tmp_path / "none.yaml")


def test_a_mapping_survives_the_graph(series_mapping):
    assert mapping_from_json(series_mapping.json_text()) == series_mapping


def test_events_become_features_with_place_and_time(store, iris, tmp_path):
    path = tmp_path / "fires.csv"
    path.write_text(
        "when,lon,lat,power\n2020-01-01T05:00:00,10.5,50.5,7.5\n2020-01-01T06:00:00,10.6,50.6,\n"
    )
    mapping = parse_mapping(EVENTS_MAPPING, "m")
    index_file(store, iris, path, mapping)
    rows = select(
        store,
        """SELECT ?wkt ?at ?power WHERE {
             ?e a deep:ActiveFireDetection ; geo:hasDefaultGeometry/geo:asWKT ?wkt ;
                sosa:phenomenonTime/time:inXSDDateTimeStamp ?at .
             OPTIONAL { ?e deep:fireRadiativePower ?power } } ORDER BY ?at""",
    )
    assert [text(r["wkt"]) for r in rows] == ["POINT (10.5 50.5)", "POINT (10.6 50.6)"]
    assert text(rows[0]["at"]) == "2020-01-01T05:00:00Z"
    assert number(rows[0]["power"]) == 7.5
    assert "power" not in rows[1]
    assert len(load_events(path, mapping)) == 2


def test_two_rows_for_one_station_and_day_are_refused(store, iris, weather_csv, series_mapping):
    table = pd.read_csv(weather_csv)
    pd.concat([table, table.iloc[[0]]]).to_csv(weather_csv, index=False)
    with pytest.raises(TableError, match="two rows for 10, 50 at 2020-01-01"):
        index_file(store, iris, weather_csv, series_mapping)
    with pytest.raises(TableError, match="two rows"):
        load_series(weather_csv, series_mapping, ["tas"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("date,lon,lat,tas,tas\n2020-01-01,10,50,1,2\n", "several columns called 'tas'"),
        ("date,lon,lat,tas\n2020-01-01,10,50,1\n2020-01-02,10,50,1,2,3\n", "no CSV table"),
        ("date,lon,lat,tas\n2020-01-01,10,50,inf\n", "'inf' is no number"),
        ("date;lon;lat;tas\n2020-01-01;10;50;1\n", "columns that weather.csv does not have"),
    ],
)
def test_a_crooked_table_is_refused(store, iris, weather_csv, series_mapping, content, message):
    weather_csv.write_text(content)
    with pytest.raises((TableError, MappingError), match=message):
        index_file(store, iris, weather_csv, series_mapping)


def test_an_unknown_unit_is_refused(store, iris, weather_csv):
    document = {**SERIES_MAPPING, "variables": [{"column": "tas", "unit": "unit:FURLONG"}]}
    with pytest.raises(UnitError, match=r"units\.ttl"):
        index_file(store, iris, weather_csv, parse_mapping(document, "m"))


def test_stations_a_few_metres_apart_stay_apart(store, iris, weather_csv, series_mapping):
    weather_csv.write_text(
        "date,lon,lat,tas\n2020-01-01,130.12345,-20,30\n2020-01-01,130.12341,-20,10\n"
    )
    index_file(store, iris, weather_csv, series_mapping)
    assert len(select(store, "SELECT ?s WHERE { ?s a deep:Station }")) == 2
    assert validate_store(store).conforms


def test_a_table_that_changed_since_it_was_indexed_is_not_read(
    store, iris, weather_csv, series_mapping
):
    source = index_file(store, iris, weather_csv, series_mapping).source
    content = weather_csv.read_text()
    weather_csv.write_text(content.replace("13", "14"))  # of the same size
    with pytest.raises(SourceError, match="has changed"):
        source_file(store, source)
