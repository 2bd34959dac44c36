"""The functions on RDF terms: what they answer, and what they refuse."""

import json

import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from pyoxigraph import Literal, NamedNode
from rasterio.warp import transform_geom
from scipy import stats

from cube_bridge.errors import SourceNotFoundError, TooLargeError
from cube_bridge.indexing.index import index_file
from cube_bridge.values import coverage_json as clipping
from kg.geosparql.errors import InvalidArgumentError, InvalidGeometryError
from ontology.terms import DEEP, GEO, RDF, XSD
from tests.conftest import make_cube
from tests.cube_bridge.values.conftest import wkt

#: 4 rows and 4 columns of cells, whole; the first row and column of the cube are outside.
INNER = shapely.box(10.25, 49.75, 12.25, 51.75)
DAY = Literal("2020-01-02", datatype=XSD.date)


def inner(cube):
    return cube["ts"].to_numpy()[:, 1:5, 1:5].astype(float)


def value(term):
    assert term.datatype == XSD.double
    return float(term.value)


def test_statistics_of_one_day_of_the_last_days_and_of_all(call, variable, cube):
    values = inner(cube)
    last = Literal("2020-01-04T00:00:00Z", datatype=XSD.dateTime)
    for arguments, own in (
        ((DAY, DAY), values[1]),
        ((last,), values[3:]),
        ((None, DAY), values[:2]),
        ((), values),
    ):
        assert value(call("minimum", variable, wkt(INNER), *arguments)) == own.min()
        assert value(call("maximum", variable, wkt(INNER), *arguments)) == own.max()
        assert value(call("count", variable, wkt(INNER), *arguments)) == own.size
        assert value(call("sum", variable, wkt(INNER), *arguments)) == pytest.approx(own.sum())
        assert value(call("mean", variable, wkt(INNER), *arguments)) == pytest.approx(
            own.mean(), rel=1e-3
        )
        assert value(call("standardDeviation", variable, wkt(INNER), *arguments)) == pytest.approx(
            own.std(), rel=1e-2
        )


def test_a_geometry_of_another_reference_system_is_the_same_zone(call, variable):
    lonlat = shapely.segmentize(INNER, 0.01)
    moved = shapely.geometry.shape(transform_geom("OGC:CRS84", "EPSG:3035", lonlat))
    north_first = shapely.transform(moved, lambda c: c[:, ::-1])
    other = wkt(f"<http://www.opengis.net/def/crs/EPSG/0/3035> {north_first.wkt}")
    as_json = Literal(shapely.to_geojson(INNER), datatype=GEO.geoJSONLiteral)
    here = value(call("mean", variable, wkt(INNER)))
    assert value(call("mean", variable, other)) == pytest.approx(here, rel=1e-6)
    assert value(call("mean", variable, as_json)) == here


def test_quantile_and_areas_end_with_their_number(call, variable, cube):
    half = Literal(0.5)
    assert value(call("quantile", variable, wkt(INNER), DAY, DAY, half)) == pytest.approx(
        np.median(inner(cube)[1]), rel=1e-3
    )
    whole = value(call("areaAbove", variable, wkt(INNER), DAY, DAY, Literal(0)))
    assert whole == pytest.approx(2 * 70_300 * 2 * 111_240, rel=1e-2)
    above, below = (
        value(call(name, variable, wkt(INNER), Literal(280))) for name in ("areaAbove", "areaBelow")
    )
    assert above + below == pytest.approx(whole)


def test_value_at_is_that_of_the_cell_around_the_point(call, variable, cube):
    point = wkt("POINT(11.1 50.9)")
    expected = float(cube["ts"].sel(time="2020-01-02", lat=51, lon=11))
    assert value(call("valueAt", variable, point, DAY)) == expected
    noon = Literal("2020-01-02T12:00:00Z", datatype=XSD.dateTime)
    assert value(call("valueAt", variable, point, noon)) == expected
    assert call("valueAt", variable, wkt("POINT(40 50)"), DAY) is None
    assert call("valueAt", variable, wkt("POINT(10 52)"), DAY) is None  # no valid value there
    with pytest.raises(InvalidArgumentError, match="several times"):
        call("valueAt", variable, point)


def test_trend_and_significance_are_those_of_the_means(call, variable, cube):
    means = [
        value(call("mean", variable, wkt(INNER), day, day))
        for day in (Literal(f"2020-01-0{i}", datatype=XSD.date) for i in range(1, 7))
    ]
    slope = stats.theilslopes(means, np.arange(6) / 365.2425)[0]
    assert value(call("trend", variable, wkt(INNER))) == pytest.approx(slope)
    assert 0 < value(call("trendSignificance", variable, wkt(INNER))) <= 1


def test_anomaly_is_the_distance_from_the_same_month(call, variable):
    first, last = (Literal(f"2020-01-0{i}", datatype=XSD.date) for i in (1, 5))
    means = [
        value(call("mean", variable, wkt(INNER), d, d))
        for d in (Literal(f"2020-01-0{i}", datatype=XSD.date) for i in range(1, 7))
    ]
    sixth = Literal("2020-01-06", datatype=XSD.date)
    found = value(call("anomaly", variable, wkt(INNER), sixth, sixth, first, last))
    assert found == pytest.approx(means[5] - np.mean(means[:5]))
    by_day = Literal("day")
    assert call("anomaly", variable, wkt(INNER), sixth, sixth, first, last, by_day) is None


def test_dimension_and_size(call, variable):
    assert call("dimension", variable) == Literal("time=6,lat=8,lon=10")
    assert call("dimension", variable, Literal("lat")) == Literal(8)
    assert call("size", variable) == Literal(480)
    with pytest.raises(InvalidArgumentError, match="time, lat, lon"):
        call("dimension", variable, Literal("depth"))


def test_a_cell_operation_stands_where_a_variable_can(call, store, iris, tmp_path, variable, cube):
    two = make_cube()
    two["other"] = two["ts"] * 0.5 + 20
    two.to_netcdf(tmp_path / "two.nc", encoding={"ts": {"chunksizes": (3, 4, 5)}})
    source = index_file(store, iris, tmp_path / "two.nc").source
    a, b = (NamedNode(f"{source.value}/variable/{n}") for n in ("ts", "other"))
    index = call("cellOperation", Literal("(a - b) / (a + b)"), a, b)
    assert index.datatype == DEEP.CellOperation
    ts, other = (two[n].to_numpy()[:, 1:5, 1:5].astype(float) for n in ("ts", "other"))
    expected = (ts - other) / (ts + other)
    assert value(call("maximum", index, wkt(INNER))) == pytest.approx(expected.max(), rel=1e-6)
    assert value(call("mean", index, wkt(INNER), DAY, DAY)) == pytest.approx(
        expected[1].mean(), rel=1e-3
    )
    # The same cells in another file will do, other cells will not.
    call("mean", call("cellOperation", Literal("a - b"), a, variable), wkt(INNER))
    make_cube(west=10.1).to_netcdf(tmp_path / "moved.nc")
    moved = NamedNode(f"{index_file(store, iris, tmp_path / 'moved.nc').source.value}/variable/ts")
    with pytest.raises(ValueError, match="different cells"):
        call("mean", call("cellOperation", Literal("a - b"), a, moved), wkt(INNER))


def test_a_cell_operation_needs_the_variables_that_it_names(call, variable):
    with pytest.raises(InvalidArgumentError, match="names b"):
        call("cellOperation", Literal("a - b"), variable)
    with pytest.raises(InvalidArgumentError, match="no variable"):
        call("cellOperation", Literal("a"), Literal("ts"))
    broken = Literal("{}", datatype=DEEP.CellOperation)
    with pytest.raises(InvalidArgumentError, match="no cell operation"):
        call("mean", broken, wkt(INNER))


def test_clip_is_coverage_json_of_the_cells_that_are_touched(call, variable, cube):
    triangle = shapely.Polygon([(10.3, 50.3), (11.6, 50.3), (10.3, 51.6)])
    found = call("clip", variable, wkt(triangle), DAY, DAY)
    assert found.datatype == RDF.JSON
    document = json.loads(found.value)
    axes, (field,) = document["domain"]["axes"], document["ranges"].values()
    assert axes["t"]["values"] == ["2020-01-02T00:00:00Z"]
    values = np.array(field["values"], float).reshape(field["shape"])
    assert field["axisNames"] == ["t", "y", "x"]
    clipped = cube["ts"].sel(time=["2020-01-02"], lat=axes["y"]["values"], lon=axes["x"]["values"])
    for row, y in enumerate(axes["y"]["values"]):
        for column, x in enumerate(axes["x"]["values"]):
            cell = shapely.box(x - 0.25, y - 0.25, x + 0.25, y + 0.25)
            if cell.intersection(triangle).area > 0:
                assert values[0, row, column] == float(clipped[0, row, column])
            else:
                assert np.isnan(values[0, row, column])
    assert document["parameters"]["ts"]["unit"] == {"symbol": "K"}
    assert call("clip", variable, wkt("POINT(40 50)")) is None


def test_clip_window_takes_positions(call, variable, cube):
    document = json.loads(call("clipWindow", variable, Literal("time=2:4, lon=0:3")).value)
    (field,) = document["ranges"].values()
    assert field["shape"] == [2, 8, 3]
    expected = cube["ts"].to_numpy()[2:4, :, 0:3].astype(float)
    assert np.array(field["values"], float).reshape(2, 8, 3) == pytest.approx(expected, nan_ok=True)
    for wrong in ("lon=0:11", "depth=0:1", "lon", "lon=3:3"):
        with pytest.raises(InvalidArgumentError):
            call("clipWindow", variable, Literal(wrong))


def test_a_part_that_is_too_large_for_a_document_is_refused(call, variable, monkeypatch):
    monkeypatch.setattr(clipping, "_LARGEST", 100)
    with pytest.raises(TooLargeError, match="deep:cells"):
        call("clipWindow", variable, Literal(""))


def test_a_clip_of_stations_lists_their_points(call, store, iris, tmp_path):
    dataset = xr.Dataset(
        {"t": (("station", "time"), np.arange(6.0).reshape(2, 3))},
        coords={
            "time": pd.date_range("2020-01-01", periods=3),
            "lon": ("station", [9.0, 10.0], {"standard_name": "longitude"}),
            "lat": ("station", [45.0, 46.0], {"standard_name": "latitude"}),
        },
    )
    dataset.to_netcdf(tmp_path / "stations.nc")
    source = index_file(store, iris, tmp_path / "stations.nc").source
    variable = NamedNode(f"{source.value}/variable/t")
    document = json.loads(call("clip", variable, wkt(shapely.box(8, 44, 11, 47))).value)
    assert document["domain"]["domainType"] == "MultiPointSeries"
    assert document["domain"]["axes"]["composite"]["values"] == [[9, 45], [10, 46]]
    assert document["ranges"]["t"]["values"] == [0, 3, 1, 4, 2, 5]
    assert value(call("valueAt", variable, wkt("POINT(10 46)"), DAY)) == 4


@pytest.mark.parametrize(
    ("name", "rest", "error"),
    [
        ("mean", (Literal("yesterday"),), InvalidArgumentError),
        ("mean", (DAY, Literal("2020-01-01", datatype=XSD.date)), InvalidArgumentError),
        ("quantile", (Literal(1.5),), InvalidArgumentError),
        ("quantile", (), InvalidArgumentError),
        ("areaAbove", (Literal("much"),), InvalidArgumentError),
    ],
)
def test_arguments_that_do_not_fit_are_refused(call, variable, name, rest, error):
    with pytest.raises(error):
        call(name, variable, wkt(INNER), *rest)


def test_what_is_no_zone_and_no_variable_is_refused(call, variable):
    with pytest.raises(InvalidArgumentError, match="no geometry"):
        call("mean", variable, NamedNode("urn:district"))
    with pytest.raises(InvalidGeometryError):
        call("mean", variable, wkt("POLYGON((1 2, 3"))
    with pytest.raises(InvalidGeometryError, match="empty"):
        call("mean", variable, wkt("POLYGON EMPTY"))
    with pytest.raises(SourceNotFoundError, match="no variable"):
        call("mean", NamedNode("urn:nope"), wkt(INNER))
    with pytest.raises(InvalidArgumentError, match="no variable"):
        call("mean", Literal("ts"), wkt(INNER))
    with pytest.raises(InvalidArgumentError, match="no point"):
        call("valueAt", variable, wkt(INNER), DAY)


def test_outside_the_cube_there_is_no_value(call, variable):
    far = wkt(shapely.box(40, 40, 41, 41))
    assert call("mean", variable, far) is None
    before = Literal("1990-01-01", datatype=XSD.date)
    assert call("mean", variable, wkt(INNER), before, before) is None
