"""Variables with levels, members, bands and months: where along them is said by a slice."""

import json
import math

import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from pyoxigraph import Literal, NamedNode

from cube_bridge.errors import SliceError
from cube_bridge.extension import CUBES
from cube_bridge.formats.opener import open_cube
from cube_bridge.indexing.index import index_file
from cube_bridge.values.additional_dimensions import additional_dimension
from kg.embedded.store import EmbeddedStore
from kg.geosparql.errors import InvalidArgumentError
from kg.rows import select
from ontology.terms import DEEP, XSD
from tests.cube_bridge.values.conftest import wkt
from tests.cube_bridge.values.layers import cell_areas, exactextract_of
from tests.open_data import open_data

LEVELS = [200.0, 500.1, 850.0]
#: Rows 1 to 4 and columns 1 to 4 of the cells.
INNER = shapely.box(10.25, 49.75, 12.25, 51.75)
AREA = f'"{INNER.wkt}"^^geo:wktLiteral'


def make_levels():
    """Return a cube of (member, level, time, lat, lon); members have no coordinate."""
    shape = (2, 3, 4, 6, 8)
    values = np.random.default_rng(3).normal(280, 10, shape).astype("float32")
    values[:, :, :, 2, 2] = np.nan
    place = {
        "lat": ("lat", 52.0 - 0.5 * np.arange(6), {"units": "degrees_north"}),
        "lon": ("lon", 10.0 + 0.5 * np.arange(8), {"units": "degrees_east"}),
    }
    runs = pd.to_datetime(["2019-12-30T00:00", "2019-12-31T12:00"])
    return xr.Dataset(
        {
            "ta": (("member", "level", "time", "lat", "lon"), values, {"units": "K"}),
            "bands": (("band", "lat", "lon"), values[0, :2, 0] - 100),
            "forecast": (("run", "time", "lat", "lon"), values[0, :2] + 50),
            "surface": (("height", "lat", "lon"), values[0, :1, 0]),
        },
        coords={
            "level": np.array(LEVELS, "float32"),
            "time": pd.date_range("2020-01-01", periods=4),
            "band": ["red", "nir"],
            "run": ("run", runs, {"standard_name": "forecast_reference_time"}),
            "height": [2.0],
            **place,
        },
    )


@pytest.fixture
def levels():
    return make_levels()


@pytest.fixture
def path(levels, tmp_path):
    encoding = {"ta": {"chunksizes": (1, 1, 2, 3, 4)}}
    levels["time"].attrs["standard_name"] = "time"
    levels.to_netcdf(tmp_path / "levels.nc", encoding=encoding)
    return tmp_path / "levels.nc"


@pytest.fixture
def graph(path, iris):
    with EmbeddedStore(extensions=[CUBES]) as store:
        index_file(store, iris, path)
        yield store


@pytest.fixture
def source(store, iris, path):
    return index_file(store, iris, path).source


def of(source, name):
    return NamedNode(f"{source.value}/variable/{name}")


def number(term):
    return float(term.value)


def means(cube, array):
    """Return the means of the inner cells at each time, weighted by area."""
    own, areas = array.to_numpy()[:, 1:5, 1:5].astype(float), cell_areas(cube)[1:5, 1:5]
    return [np.average(v[np.isfinite(v)], weights=areas[np.isfinite(v)]) for v in own]


def test_zones_of_all_levels_and_members_are_those_of_numpy(graph, levels):
    rows = select(
        graph,
        f"""SELECT ?member ?level ?time ?mean ?most ?count WHERE {{
          VALUES ?member {{ 0 1 }} VALUES ?level {{ 200 500.1 850e0 }}
          ?v deep:variableName "ta" .
          BIND(deepf:slice(?v, "member", ?member, "level", ?level) AS ?slice)
          SERVICE deep:zones {{ [] deep:variable ?slice ; deep:geometry {AREA} ; deep:time ?time ;
            deep:mean ?mean ; deep:maximum ?most ; deep:count ?count }} }}
          ORDER BY ?member ?level ?time""",
    )
    assert len(rows) == 2 * 3 * 4
    for place, array in enumerate(levels["ta"].stack(a=("member", "level")).transpose("a", ...)):  # noqa: PD013 -- of xarray
        own = rows[4 * place : 4 * place + 4]
        assert [r["time"].value[:10] for r in own] == [f"2020-01-0{i}" for i in range(1, 5)]
        expected = means(levels, array)
        assert [number(r["mean"]) for r in own] == pytest.approx(expected, rel=1e-9)
        most = np.nanmax(array.to_numpy()[:, 1:5, 1:5], axis=(1, 2))
        assert [number(r["most"]) for r in own] == most.tolist()
        assert {number(r["count"]) for r in own} == {15}


def test_functions_take_slices_of_slices(graph, levels):
    ((row),) = select(
        graph,
        f"""SELECT ?mean ?value ?size ?clip WHERE {{
          ?v deep:variableName "ta" .
          BIND(deepf:slice(deepf:slice(?v, "member", 1), "level", 850) AS ?slice)
          BIND(deepf:mean(?slice, {AREA}) AS ?mean)
          BIND(deepf:valueAt(?slice, "POINT(11.5 50.5)"^^geo:wktLiteral, "2020-01-03"^^xsd:date)
            AS ?value)
          BIND(deepf:dimension(?slice) AS ?size)
          BIND(deepf:clip(?slice, "POINT(11.5 50.5)"^^geo:wktLiteral) AS ?clip) }}""",
    )
    array = levels["ta"][1, 2]
    assert number(row["mean"]) == pytest.approx(np.mean(means(levels, array)), rel=1e-9)
    assert number(row["value"]) == float(array.sel(time="2020-01-03", lat=50.5, lon=11.5))
    assert row["size"] == Literal("time=4,lat=6,lon=8")
    parameter = json.loads(row["clip"].value)["parameters"]["ta"]
    assert parameter["unit"] == {"symbol": "K"}
    assert parameter["observedProperty"]["label"]["en"] == "ta, member 1, level 850"


def test_cells_and_cell_operations_take_slices(graph, levels):
    rows = select(
        graph,
        f"""SELECT ?x ?y ?time ?value WHERE {{
          ?v deep:variableName "ta" .
          BIND(deepf:slice(?v, "member", 0, "level", 850) AS ?low)
          BIND(deepf:slice(?v, "member", 0, "level", 200) AS ?high)
          BIND(deepf:cellOperation("a - b", ?low, ?high) AS ?difference)
          SERVICE deep:cells {{ [] deep:variable ?difference ; deep:geometry {AREA} ;
            deep:longitude ?x ; deep:latitude ?y ; deep:time ?time ; deep:value ?value }} }}""",
    )
    assert len(rows) == 15 * 4
    expected = levels["ta"][0, 2].astype(float) - levels["ta"][0, 0]
    for row in rows:
        x, y, day = number(row["x"]), number(row["y"]), row["time"].value[:10]
        assert number(row["value"]) == float(expected.sel(lon=x, lat=y, time=day))


def test_places_are_texts_moments_and_positions_too(graph, levels):
    for places, array in (
        (('"band"', '"nir"'), levels["bands"][1]),
        (('"run"', '"2019-12-30"^^xsd:date', "?day"), levels["forecast"][0, 3]),
        (('"run"', '"2019-12-31T13:00:00+01:00"^^xsd:dateTime', "?day"), levels["forecast"][1, 3]),
    ):
        name, at, *when = places
        (row,) = select(
            graph,
            f"""SELECT ?most WHERE {{ ?v deep:variableName "{array.name}" .
              BIND("2020-01-04"^^xsd:date AS ?day)
              BIND(deepf:maximum({", ".join([f"deepf:slice(?v, {name}, {at})", AREA, *when])})
                AS ?most) }}""",
        )
        assert number(row["most"]) == float(array[1:5, 1:5].max())


def test_a_dimension_of_one_position_needs_no_slice_and_may_have_one(call, source, levels):
    surface = of(source, "surface")
    expected = Literal(float(levels["surface"][0, 1:5, 1:5].min()))
    assert call("minimum", surface, wkt(INNER)) == expected
    sliced = call("slice", surface, Literal("height"), Literal(2))
    assert call("minimum", sliced, wkt(INNER)) == expected


def test_a_variable_that_needs_a_slice_says_how_to_write_it(cubes, store, source):
    request = {DEEP.variable: of(source, "ta"), DEEP.geometry: wkt(INNER)}
    expected = (
        r"'member' \(it has no coordinate, so give a position from 0 to 1\) and 'level' \(its "
        r"values are 200, 500\.1, 850\); .*deepf:slice\(\?variable, \"member\", 0, \"level\", 200\)"
    )
    for service in cubes.services()[:2]:
        with pytest.raises(SliceError, match=expected):
            list(service.evaluate(store, [request], service.outputs, {}))


@pytest.mark.parametrize(
    ("places", "message"),
    [
        ({"level": 850}, r"also lies along 'member'"),
        ({"member": 0, "level": 851}, r"nothing at 851 along 'level'.* 200, 500\.1, 850"),
        ({"member": 0, "level": "850 hPa"}, r"nothing at '850 hPa' along 'level'"),
        ({"member": 2, "level": 850}, r"nothing at 2 along 'member'.*from 0 to 1"),
        ({"member": 0.5, "level": 850}, r"nothing at 0\.5 along 'member'"),
        ({"member": 0, "level": 850, "time": 0}, r"cannot be sliced along 'time'.*'level'"),
        ({"member": 0, "level": 850, "lat": 50}, r"cannot be sliced along 'lat'"),
    ],
)
def test_a_place_that_is_not_there_is_told_with_those_there_are(
    cubes, call, store, source, places, message
):
    arguments = [Literal(a) for pair in places.items() for a in pair]
    with pytest.raises(SliceError, match=message):
        cubes.engine.layer(store, call("slice", of(source, "ta"), *arguments))


@pytest.mark.parametrize(
    ("values", "place", "position"),
    [
        (np.array([0.1, 0.2, 0.3], "float32"), 0.3, 2),
        (np.linspace(-1, 1, 21), 0, 10),
        (np.arange(0, 1, 0.1), 0.3, 3),
        (np.array([1e-9, 2e-9]), 2e-9, 1),
        (np.array([20200101, 20200103]), 20200103, 1),
        (np.array([20200101.0, 20200103.0]), 20200102, None),
        (np.array([20200101]), 20200102, None),
        (np.array([200.0, 850.0]), 849, None),
        (np.array([5.0, 5.0]), 5, None),
        (np.array(["850", "500"]), 500, 1),
        (np.array([850.0, 500.0]), "500.0", None),
    ],
)
def test_a_place_is_found_if_it_is_that_and_not_if_it_is_near(values, place, position):
    dimension = additional_dimension(xr.Dataset(coords={"x": values}), "x")
    if position is not None:
        assert dimension.position(place) == position
        return
    with pytest.raises(SliceError, match="its values are"):
        dimension.position(place)


def test_a_place_said_twice_or_of_another_kind_is_refused(call):
    ta, level, at = NamedNode("urn:ta"), Literal("level"), Literal(850)
    for arguments in (
        (ta,),
        (ta, level),
        (ta, Literal(5), at),
        (ta, level, ta),
        (ta, level, Literal(value=True)),
        (ta, level, at, level, at),
        (call("slice", ta, level, at), level, at),
        (call("cellOperation", Literal("a * 2"), ta), level, at),
        (Literal("{}", datatype=DEEP.Slice), level, at),
        (Literal('{"variable": "urn:v", "at": {"level": []}}', datatype=DEEP.Slice), level, at),
    ):
        with pytest.raises(InvalidArgumentError):
            call("slice", *arguments)


def test_equal_slices_are_equal_literals(call):
    ta, level, member = NamedNode("urn:ta"), Literal("level"), Literal("member")
    first = call("slice", ta, level, Literal(850), member, Literal(1))
    assert first.datatype == DEEP.Slice
    other = Literal("850.0", datatype=XSD.decimal)
    assert call("slice", call("slice", ta, member, Literal(1)), level, other) == first


def test_a_threshold_reads_only_chunks_of_the_slice(unremembering, call, store, iris, tmp_path):
    levels = make_levels()[["ta"]]
    levels["ta"][:, 1] += 1000
    levels["ta"][0, 2, 2:, 3:, 4:] += 1000
    levels.to_netcdf(tmp_path / "hot.nc", encoding={"ta": {"chunksizes": (1, 1, 2, 3, 4)}})
    ta = of(index_file(store, iris, tmp_path / "hot.nc").source, "ta")
    zones, cells = unremembering.services()[:2]
    reader = unremembering.engine.scanner.reader
    for level, expected in ((200, 0), (850, 2 * 3 * 4)):
        at = call("slice", ta, Literal("member"), Literal(0), Literal("level"), Literal(level))
        before = reader.counts.read
        bounds = {DEEP.value: (1000.0, math.inf)}
        rows = cells.evaluate(store, [{DEEP.variable: at}], frozenset({DEEP.value}), bounds)
        assert len(list(rows)) == expected
        request = {
            DEEP.variable: at,
            DEEP.lowest: Literal(1000),
            DEEP.reduceTime: Literal(value=True),
        }
        ((_, row),) = zones.evaluate(store, [request], frozenset({DEEP.count}), {})
        assert number(row[DEEP.count]) == expected
        assert reader.counts.read - before == (2 if expected else 0)


def test_a_threshold_keeps_what_a_chunk_of_many_levels_holds(iris, tmp_path):
    levels = make_levels()[["ta"]]
    levels.to_netcdf(tmp_path / "thick.nc", encoding={"ta": {"chunksizes": (2, 2, 4, 3, 4)}})
    with EmbeddedStore(extensions=[CUBES]) as graph:
        index_file(graph, iris, tmp_path / "thick.nc")
        for level, array in zip(LEVELS, levels["ta"][1], strict=True):
            rows = select(
                graph,
                f"""SELECT ?value WHERE {{ ?v deep:variableName "ta" .
                  BIND(deepf:slice(?v, "member", 1, "level", {level}) AS ?at)
                  SERVICE deep:cells {{ [] deep:variable ?at ; deep:value ?value }}
                  FILTER(?value > 295) }}""",
            )
            own = array.to_numpy().ravel().astype(float)
            assert sorted(number(r["value"]) for r in rows) == sorted(own[own > 295])


def test_slices_of_one_variable_share_the_weights_of_a_zone(cubes, call, store, source):
    layers = [
        cubes.engine.layer(
            store, call("slice", of(source, "ta"), Literal("member"), Literal(i), Literal("level"),
                        Literal(850))
        )
        for i in (0, 1)
    ]  # fmt: skip
    assert layers[0].key != layers[1].key
    assert layers[0].cells_key == layers[1].cells_key
    assert layers[0].grid is layers[1].grid


def test_events_are_found_in_slices_and_not_where_no_slice_is_said(store, iris, tmp_path, call):
    values = np.full((2, 6, 2, 2), 280.0)
    values[1, 2:4] = 310
    cube = xr.Dataset(
        {"t": (("level", "time", "lat", "lon"), values)},
        {
            "level": [500, 850],
            "time": pd.date_range("2020-07-01", periods=6),
            "lat": ("lat", [1.0, 0.0], {"units": "degrees_north"}),
            "lon": ("lon", [0.0, 1.0], {"units": "degrees_east"}),
        },
    )
    cube.t.attrs.update(standard_name="air_temperature", units="K")
    cube.to_netcdf(tmp_path / "t.nc")
    variable = of(index_file(store, iris, tmp_path / "t.nc").source, "t")
    store.update(
        f"""INSERT DATA {{ <urn:hot> a {DEEP.EventConcept} ; {DEEP.above} 30.0 ;
          {DEEP.ofProperty} <http://vocab.nerc.ac.uk/standard_name/air_temperature/> ;
          <http://qudt.org/schema/qudt/hasUnit> <http://qudt.org/vocab/unit/DEG_C> }}"""
    )
    request = {DEEP.concept: NamedNode("urn:hot"), DEEP.geometry: wkt("POINT(0.2 0.2)")}
    service = CUBES.services()[2]
    wanted = frozenset({DEEP.eventBegin, DEEP.foundIn})
    assert list(service.evaluate(store, [request], wanted, {})) == []
    low = call("slice", variable, Literal("level"), Literal(850))
    ((_, row),) = service.evaluate(store, [{**request, DEEP.variable: low}], wanted, {})
    assert row[DEEP.eventBegin].value == "2020-07-03T00:00:00Z"
    assert row[DEEP.foundIn] == variable
    with pytest.raises(SliceError, match="deepf:slice"):
        list(service.evaluate(store, [{**request, DEEP.variable: variable}], wanted, {}))


def test_real_geopotential_at_levels_and_months_is_that_of_exactextract(iris):
    path = open_data("cubes/eraint_uvz.nc")
    zone = shapely.Polygon([(5.1, 45.2), (17.3, 46.9), (15.2, 55.4), (6.3, 53.8)])
    cube = open_cube(path).rename(latitude="lat", longitude="lon")
    with EmbeddedStore(extensions=[CUBES]) as store:
        index_file(store, iris, path)
        rows = select(
            store,
            f"""SELECT ?mean ?most WHERE {{
              ?v deep:variableName "z" . VALUES ?month {{ 1 7 }} VALUES ?level {{ 200 500 850 }}
              BIND(deepf:slice(?v, "month", ?month, "level", ?level) AS ?z)
              SERVICE deep:zones {{ [] deep:variable ?z ; deep:geometry
                "{zone.wkt}"^^geo:wktLiteral ; deep:mean ?mean ; deep:maximum ?most }}
              }} ORDER BY ?month ?level""",
        )
        found = [(number(r["mean"]), number(r["most"])) for r in rows]
    array = cube["z"].stack(a=("month", "level")).transpose("a", "lat", "lon")  # noqa: PD013 -- of xarray
    answers = exactextract_of(array, zone, ["weighted_mean", "max"], weights=cell_areas(cube))
    expected = [(a["weighted_mean"], a["max"]) for a in answers]
    assert np.array(found) == pytest.approx(np.array(expected), rel=1e-7)


def test_real_basins_at_depths_are_those_of_the_file(iris):
    path = open_data("cubes/basin_mask.nc")
    cube = open_cube(path)
    depths = [0, 10, 4000, 5500]
    with EmbeddedStore(extensions=[CUBES]) as store:
        index_file(store, iris, path)
        rows = select(
            store,
            f"""SELECT ?z ?basin WHERE {{ ?v deep:variableName "basin" .
              VALUES ?z {{ {" ".join(map(str, depths))} }}
              BIND(deepf:valueAt(deepf:slice(?v, "Z", ?z), "POINT(-30.4 30.6)"^^geo:wktLiteral)
                AS ?basin) }}""",
        )
    found = {int(r["z"].value): number(r["basin"]) for r in rows if "basin" in r}
    column = cube["basin"].sel(X=329.5, Y=30.5)
    expected = {z: float(column.sel(Z=z)) for z in depths if np.isfinite(column.sel(Z=z))}
    assert found == expected
    assert 0 < len(found) < len(depths)
