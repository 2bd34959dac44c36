"""Series of named regions, from a long table and from a matrix beside its labels."""

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from pyoxigraph import NamedNode
from shapely import box

from cube_bridge.errors import MappingError, SourceError, SourceNotFoundError, TableError
from cube_bridge.indexing.index import index_dataset, index_file
from cube_bridge.indexing.state import remove_source
from cube_bridge.kinds.files import source_file
from cube_bridge.kinds.mappings import kind_of, mapping_from_json, parse_mapping
from kg.rdf.terms import number, text
from kg.rows import select
from kg.validation.shacl import validate_store

SOURCE = {"id": "drought", "title": "Drought", "license": "https://spdx.org/licenses/MIT"}
EXTENT = [10, 50, 12, 51]
VARIABLE = {
    "column": "pdsi",
    "property": "deep:PalmerDroughtSeverityIndex",
    "unit": "unit:UNITLESS",
}
MATRIX = {
    "kind": "region-series",
    "source": SOURCE,
    "regions": {"extent": EXTENT, "name": "division {code}"},
    "matrix": {"labels": "labels.json", "begin": "1999-11", "resolution": "P1M"},
    "variables": [{**VARIABLE, "valid_range": [-20, 20]}],
}
ROWS = {
    "kind": "region-series",
    "source": SOURCE,
    "regions": {"extent": EXTENT},
    "rows": {
        "region": "code",
        "name": "district",
        "time": {"column": "month", "resolution": "P1M"},
    },
    "variables": [VARIABLE],
}


def changed(document, **parts):
    return parse_mapping({**document, **parts}, "regions")


@pytest.fixture
def matrix(tmp_path):
    """Three regions and five months, one value missing."""
    values = np.arange(15, dtype=np.float32).reshape(3, 5)
    values[1, 2] = np.nan
    np.save(tmp_path / "pdsi.npy", values)
    (tmp_path / "labels.json").write_text('["01", "02", "03"]')
    return tmp_path / "pdsi.npy"


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "pdsi.csv"
    path.write_text(
        "code,district,month,pdsi\n"
        "A,Alpha,2000-01,1\nB,Beta,2000-01,-2\nA,Alpha,2000-03,\nB,Beta,2000-03,4\n"
    )
    return path


def series(store):
    return select(
        store,
        """SELECT ?code ?label ?n ?missing ?min ?max ?mean ?sq ?period WHERE {
             ?s a deep:RegionSeries ; deep:ofRegion ?region ; deep:validCount ?n ;
                deep:missingCount ?missing ; dcterms:temporal/rdfs:label ?period .
             ?region a deep:Region ; deep:regionCode ?code ; rdfs:label ?label .
             OPTIONAL { ?s deep:minimum ?min ; deep:maximum ?max ; deep:mean ?mean ;
                           deep:sumOfSquares ?sq } } ORDER BY ?code""",
    )


def test_a_matrix_is_indexed_by_region_with_statistics(store, iris, matrix):
    outcome = index_file(store, iris, matrix, changed(MATRIX))
    assert outcome.items == 3
    rows = series(store)
    assert [text(r["label"]) for r in rows] == ["division 01", "division 02", "division 03"]
    values = np.load(matrix).astype(float)
    for row, own in zip(rows, values, strict=True):
        known = own[~np.isnan(own)]
        assert number(row["n"]) == known.size
        assert number(row["missing"]) == 5 - known.size
        assert number(row["min"]) == known.min()
        assert number(row["max"]) == known.max()
        assert number(row["mean"]) == pytest.approx(known.mean())
        assert number(row["sq"]) == pytest.approx((known**2).sum())
        assert text(row["period"]) == "1999-11-01 to 2000-04-01"
    assert validate_store(store).conforms


def test_a_source_of_regions_says_where_when_and_how_often(store, iris, matrix):
    index_file(store, iris, matrix, changed(MATRIX))
    (row,) = select(
        store,
        """SELECT ?wkt ?every ?media WHERE {
             ?s a deep:RegionSeriesTable ; geo:hasBoundingBox/geo:asWKT ?wkt ;
                dcat:distribution/dcat:mediaType ?media ;
                deep:hasVariable/dcat:temporalResolution ?every }""",
    )
    assert text(row["wkt"]).startswith("POLYGON") and "12 51" in text(row["wkt"])  # noqa: PT018
    assert (text(row["every"]), text(row["media"])) == ("P1M", "application/x-npy")


def test_a_matrix_begins_with_the_month_that_its_begin_is_in(matrix, iris):
    mapping = changed(MATRIX, matrix={**MATRIX["matrix"], "begin": "1999-10-31"})
    loaded = kind_of(mapping).load(matrix, mapping, ["pdsi"], iris.mint("source", "drought"))
    assert list(loaded["time"].to_index()) == list(pd.date_range("1999-10", periods=5, freq="MS"))


def test_a_long_table_is_the_same_as_a_matrix_with_its_gaps(store, iris, table):
    index_file(store, iris, table, changed(ROWS))
    a, b = series(store)
    assert (text(a["label"]), text(b["label"])) == ("Alpha", "Beta")
    assert [(number(r["n"]), number(r["missing"])) for r in (a, b)] == [(1, 2), (2, 1)]
    found = source_file(store, iris.mint("source", "drought"))
    loaded = kind_of(found.mapping).load(table, found.mapping, ["pdsi"], found.iri)
    assert loaded["pdsi"].dims == ("place", "time")
    assert list(loaded["time"].to_index()) == list(pd.date_range("2000-01", periods=3, freq="MS"))
    nan = np.nan
    np.testing.assert_array_equal(loaded["pdsi"].to_numpy(), [[1, nan, nan], [-2, nan, 4]])
    regions = {text(r["r"]) for r in select(store, "SELECT ?r { ?r a deep:Region }")}
    assert set(loaded["iri"].to_numpy()) == regions
    assert list(loaded["label"].to_numpy()) == ["Alpha", "Beta"]


def test_indexing_again_changes_nothing_until_a_file_beside_it_changes(store, iris, matrix):
    mapping = changed(MATRIX)
    assert index_file(store, iris, matrix, mapping).changed
    assert not index_file(store, iris, matrix, mapping).changed
    matrix.with_name("labels.json").write_text('["01", "02", "04"]')
    with pytest.raises(SourceError, match="has changed"):
        source_file(store, iris.mint("source", "drought"))
    assert index_file(store, iris, matrix, mapping).changed
    assert [text(r["code"]) for r in series(store)] == ["01", "02", "04"]


def test_a_killed_run_is_continued(store, iris, tmp_path):
    codes = [f"{i:03}" for i in range(450)]
    np.save(tmp_path / "pdsi.npy", np.ones((450, 2)))
    (tmp_path / "labels.json").write_text(json.dumps(codes))

    def killed(name, done, total):
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index_file(store, iris, tmp_path / "pdsi.npy", changed(MATRIX), progress=killed)
    assert len(series(store)) == 200
    index_file(store, iris, tmp_path / "pdsi.npy", changed(MATRIX))
    assert [text(r["code"]) for r in series(store)] == codes


def test_sources_of_one_scheme_share_their_regions(store, iris, matrix):
    regions = {"extent": EXTENT, "scheme": "divisions"}
    for identifier in ("first", "second"):
        source = {**SOURCE, "id": identifier}
        index_file(store, iris, matrix, changed(MATRIX, source=source, regions=regions))
    assert len(select(store, "SELECT ?r { ?r a deep:Region }")) == 3
    assert len(series(store)) == 6
    remove_source(store, iris.mint("source", "first"))
    assert len(series(store)) == 3


def test_borders_beside_the_table_become_geometries_and_the_extent(store, iris, table):
    layer = gpd.GeoDataFrame(
        {"nr": ["A", "B"]}, geometry=[box(0, 0, 1, 1), box(2, 0, 3, 1)], crs="OGC:CRS84"
    )
    layer.to_file(table.with_name("borders.geojson"), driver="GeoJSON")
    regions = {"borders": {"file": "borders.geojson", "key": "nr"}}
    index_file(store, iris, table, changed(ROWS, regions=regions))
    rows = select(
        store,
        """SELECT ?label WHERE { ?r a deep:Region ; rdfs:label ?label ;
             geo:hasDefaultGeometry/geo:asWKT ?wkt
             FILTER(geof:sfIntersects(?wkt, "POINT(2.5 0.5)"^^geo:wktLiteral)) }""",
    )
    assert [text(r["label"]) for r in rows] == ["Beta"]
    assert validate_store(store).conforms
    layer[:1].to_file(table.with_name("borders.geojson"), driver="GeoJSON")
    with pytest.raises(MappingError, match="no border of 'B'"):
        index_file(store, iris, table, changed(ROWS, regions=regions))


def test_regions_can_be_the_features_of_another_source(store, iris, table):
    layer = gpd.GeoDataFrame(
        {"key": ["A", "B"], "name": ["Alpha", "Beta"]},
        geometry=[box(10, 50, 11, 51), box(11, 50, 12, 51)],
        crs="OGC:CRS84",
    )
    path = table.with_name("districts.geojson")
    layer.to_file(path, driver="GeoJSON")
    features = {
        "kind": "features",
        "source": {**SOURCE, "id": "districts"},
        "feature_class": "deep:District",
        "key": "key",
        "name": "name",
    }
    index_file(store, iris, path, parse_mapping(features, "districts"))
    mapping = changed(ROWS, regions={"extent": EXTENT, "features": "districts"})
    index_file(store, iris, table, mapping)
    rows = select(
        store,
        """SELECT ?label WHERE { ?s a deep:RegionSeries ; deep:ofRegion ?r .
             ?r a deep:District ; rdfs:label ?label ; geo:hasDefaultGeometry ?g
           } ORDER BY ?label""",
    )
    assert [text(r["label"]) for r in rows] == ["Alpha", "Beta"]
    source = iris.mint("source", "drought")
    loaded = kind_of(mapping).load(table, mapping, ["pdsi"], source)
    districts = {text(r["d"]) for r in select(store, "SELECT ?d { ?d a deep:District }")}
    assert set(loaded["iri"].to_numpy()) == districts


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("A,Alpha,2000-13,1", r"pdsi.csv|row 2, column 'month': '2000-13' is no date"),
        ("A,Alpha,2000-01,dry", "row 2, column 'pdsi': 'dry' is no number"),
        (",Alpha,2000-01,1", "row 2, column 'code'"),
        ("A,Alpha,2000-01,1\nA,Alpha,2000-01-31,1", "two rows for A at 2000-01"),
    ],
)
def test_what_is_wrong_in_a_table_is_named_by_row_and_column(store, iris, table, content, message):
    table.write_text(f"code,district,month,pdsi\n{content}\n")
    with pytest.raises(TableError, match=message):
        index_file(store, iris, table, changed(ROWS))


def test_a_row_between_two_steps_is_named(store, iris, table):
    table.write_text(
        "code,district,month,pdsi\nA,x,2000-01-01,1\nA,x,2000-01-09,1\nA,x,2000-01-20,1\n"
    )
    rows = {**ROWS["rows"], "time": {"column": "month", "resolution": "P8D"}}
    with pytest.raises(TableError, match="row 4, column 'month': '2000-01-20' is no whole number"):
        index_file(store, iris, table, changed(ROWS, rows=rows))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ('["01", "02"]', r"3 rows and 5 columns.*names 2 regions"),
        ('["01", "02", "01"]', "region '01' twice"),
        ('["01", 2, "03"]', "entry 1: 2 names no region"),
        ("{", "no JSON"),
    ],
)
def test_labels_that_do_not_fit_are_refused(store, iris, matrix, labels, message):
    matrix.with_name("labels.json").write_text(labels)
    with pytest.raises(TableError, match=message):
        index_file(store, iris, matrix, changed(MATRIX))


def test_a_number_of_a_matrix_that_cannot_be_is_named_by_region_and_month(store, iris, matrix):
    values = np.load(matrix)
    values[2, 1] = -99.99
    np.save(matrix, values)
    with pytest.raises(TableError, match=r"row 2 \(03\), column 1 \(1999-12-01\): -99.99"):
        index_file(store, iris, matrix, changed(MATRIX))


def test_a_matrix_without_its_labels_or_that_is_none_is_refused(store, iris, matrix):
    np.save(matrix, np.array(["a"]))
    with pytest.raises(SourceError, match="no matrix of numbers"):
        index_file(store, iris, matrix, changed(MATRIX))
    matrix.with_name("labels.json").unlink()
    with pytest.raises(SourceNotFoundError, match=r"labels\.json, which the mapping"):
        index_file(store, iris, matrix, changed(MATRIX))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"regions": {}}, "extent"),
        ({"regions": {"extent": [10, 50, 9, 51]}}, "west <= east"),
        ({"regions": {"extent": "POLYGON ((1 1"}}, "WKT"),
        ({"rows": ROWS["rows"]}, "either `rows`"),
        ({"variables": [VARIABLE, {**VARIABLE, "column": "z"}]}, "one variable"),
        ({"matrix": {**MATRIX["matrix"], "begin": "never"}}, "begin"),
        ({"matrix": {**MATRIX["matrix"], "labels": "../labels.json"}}, "labels"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(parts, message):
    with pytest.raises(MappingError, match=message):
        changed(MATRIX, **parts)


def test_a_mapping_survives_the_way_into_the_graph():
    for document in (MATRIX, ROWS):
        mapping = parse_mapping(document, "regions")
        assert mapping_from_json(mapping.json_text()) == mapping


def test_the_palmer_indices_of_the_climate_divisions(store, iris, real_data):
    real_data("nclimdiv-pdsi")
    assert index_dataset(store, iris, "nclimdiv-pdsi").items == 344
    assert not index_dataset(store, iris, "nclimdiv-pdsi").changed
    (row,) = select(
        store,
        """SELECT ?unit ?every ?from ?to WHERE {
             ?s dcterms:identifier "nclimdiv-pdsi" ; dcterms:temporal ?t ; deep:hasVariable ?v .
             ?v sosa:observedProperty/a deep:PalmerDroughtSeverityIndex ; qudt:hasUnit ?unit ;
                dcat:temporalResolution ?every .
             ?t time:hasBeginning/time:inXSDDateTimeStamp ?from ;
                time:hasEnd/time:inXSDDateTimeStamp ?to }""",
    )
    assert text(row["every"]) == "P1M"
    assert (text(row["from"])[:10], text(row["to"])[:10]) == ("1895-01-01", "2023-01-01")
    found = source_file(store, NamedNode(f"{iris.base}source/nclimdiv-pdsi"))
    loaded = kind_of(found.mapping).load(found.location, found.mapping, ["pdsi"], found.iri)
    np.testing.assert_array_equal(loaded["pdsi"].to_numpy(), np.load(found.location))
    assert validate_store(store).conforms
