"""Monthly and yearly tables of stations: rows are about months and years of the calendar."""

import numpy as np
import pandas as pd
import pytest

from cube_bridge.errors import MappingError, TableError
from cube_bridge.indexing.index import index_file
from cube_bridge.kinds.mappings import parse_mapping
from cube_bridge.kinds.series import load_series
from kg.rdf.terms import text
from kg.rows import select
from kg.validation.shacl import validate_store
from tests.conftest import SERIES_MAPPING


def mapping_of(resolution, form=None):
    time = {"column": "date", "resolution": resolution}
    return parse_mapping(
        {**SERIES_MAPPING, "time": time | ({"format": form} if form else {})}, "monthly"
    )


def table(path, dates, values=None):
    values = range(len(dates)) if values is None else values
    rows = [f"{d},10,50,{v}" for d, v in zip(dates, values, strict=True)]
    path.write_text("\n".join(["date,lon,lat,tas", *rows]) + "\n")
    return path


@pytest.mark.parametrize(
    ("resolution", "form", "dates", "period", "every", "seconds"),
    [
        (
            "P1M",
            None,
            ["2001-01", "2001-02", "2001-03"],
            "2001-01-01 to 2001-04-01",
            "P1M",
            2629746,
        ),
        ("P1M", None, ["2001-12-31", "2002-01-15"], "2001-12-01 to 2002-02-01", "P1M", 2629746),
        ("P1M", "%b %Y", ["Feb 2004"], "2004-02", "P1M", 2629746),
        ("P1Y", None, ["1995", "1996"], "1995-01-01 to 1997-01-01", "P1Y", 31556952),
        ("P1Y", None, ["1995-07-01"], "1995", "P1Y", 31556952),
        ("P3M", None, ["2001-01", "2001-04"], "2001-01-01 to 2001-07-01", "P3M", 7889238),
    ],
)
def test_a_table_of_months_or_years_is_indexed(
    store, iris, tmp_path, resolution, form, dates, period, every, seconds
):
    path = table(tmp_path / "monthly.csv", dates)
    index_file(store, iris, path, mapping_of(resolution, form))
    (row,) = select(
        store,
        """SELECT ?period ?every ?seconds ?n ?missing WHERE {
             ?s a deep:Series ; dcterms:temporal/rdfs:label ?period ; deep:validCount ?n ;
                deep:missingCount ?missing ; deep:ofVariable ?v .
             ?v dcat:temporalResolution ?every ; deep:samplingSeconds ?seconds }""",
    )
    assert text(row["period"]) == period
    assert (text(row["every"]), int(text(row["seconds"]))) == (every, seconds)
    assert (int(text(row["n"])), int(text(row["missing"]))) == (len(dates), 0)
    assert validate_store(store).conforms


def test_months_without_a_row_are_counted_in_months_and_come_back_as_nan(store, iris, tmp_path):
    path = table(tmp_path / "monthly.csv", ["2001-01", "2001-03", "2002-01"], [1, "", 3])
    index_file(store, iris, path, mapping_of("P1M"))
    (row,) = select(store, "SELECT ?n { ?s a deep:Series ; deep:missingCount ?n }")
    assert int(text(row["n"])) == 11  # ten without a row, one with an empty value
    found = load_series(path, mapping_of("P1M"), ["tas"])
    assert list(found["time"].to_index()) == list(pd.date_range("2001-01", "2002-01", freq="MS"))
    assert np.isnan(found["tas"].to_numpy()).sum() == 11
    np.testing.assert_array_equal(found["tas"].to_numpy()[0, [0, -1]], [1, 3])


def test_two_rows_in_one_month_are_two_rows_of_it(tmp_path):
    path = table(tmp_path / "monthly.csv", ["2001-01-01", "2001-01-31"])
    with pytest.raises(TableError, match="two rows for 10, 50 at 2001-01; keep"):
        load_series(path, mapping_of("P1M"), ["tas"])


@pytest.mark.parametrize("resolution", ["P1M2D", "monthly", "P0M", "1M"])
def test_a_resolution_that_is_no_cadence_is_named(resolution):
    with pytest.raises(MappingError, match=r"series.time.resolution|time.resolution.*cadence"):
        mapping_of(resolution)
