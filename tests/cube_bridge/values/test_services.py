"""The services: many requests in one pass, rows of terms, and what is pushed down."""

import math

import numpy as np
import pytest
import shapely
from pyoxigraph import Literal, NamedNode

from cube_bridge.errors import SourceError
from cube_bridge.extension import CUBES
from cube_bridge.indexing.index import index_file
from kg.embedded.store import EmbeddedStore
from kg.geosparql.errors import InvalidArgumentError
from kg.rdf.geometry import parse_wkt
from kg.rdf.prefixes import with_prefixes
from kg.rows import select
from ontology.terms import DEEP, XSD
from tests.conftest import make_cube
from tests.cube_bridge.values.conftest import wkt

ZONES = [shapely.box(10.25 + i, 48.5 + i / 2, 11.75 + i, 50.5 + i / 2) for i in range(3)]
DAYS = [Literal(f"2020-01-0{i}", datatype=XSD.date) for i in range(1, 7)]


def zones(cubes, store, requests, wanted, bounds=None):
    service = cubes.services()[0]
    return list(service.evaluate(store, requests, frozenset(wanted), bounds or {}))


def cells(cubes, store, requests, wanted, bounds=None):
    service = cubes.services()[1]
    return list(service.evaluate(store, requests, frozenset(wanted), bounds or {}))


def number(term):
    return float(term.value)


def request(variable, zone, **more):
    return {
        DEEP.variable: variable,
        DEEP.geometry: wkt(zone),
        **{getattr(DEEP, n): v for n, v in more.items()},
    }


def test_services_say_what_they_take_and_give(cubes):
    services = cubes.services()
    assert [s.iri for s in services] == [DEEP.zones, DEEP.cells, DEEP.events]
    for service in services:
        assert DEEP.variable in service.inputs
        assert not service.outputs & service.inputs.keys()


def test_many_zones_and_dates_are_one_pass_and_equal_the_functions(
    unremembering, call, store, variable
):
    requests = [request(variable, z, start=d, end=d) for z in ZONES for d in DAYS]
    found = zones(unremembering, store, requests, {DEEP.time, DEEP.mean, DEEP.maximum})
    assert unremembering.engine.scanner.reader.counts.read == 8
    assert [place for place, _ in found] == list(range(len(requests)))
    for place, row in found:
        zone, day = ZONES[place // 6], DAYS[place % 6]
        assert row[DEEP.time].value == f"{day.value}T00:00:00Z"
        assert row[DEEP.time].datatype == XSD.dateTime
        for name in ("mean", "maximum"):
            expected = number(call(name, variable, wkt(zone), day, day))
            assert number(row[getattr(DEEP, name)]) == pytest.approx(expected, rel=1e-12)


def test_only_what_is_wanted_is_in_a_row(cubes, store, variable):
    found = zones(cubes, store, [request(variable, ZONES[0])], {DEEP.minimum})
    assert len(found) == 6
    assert all(row.keys() == {DEEP.minimum} for _, row in found)


def test_time_is_reduced_where_that_is_asked(cubes, call, store, variable):
    asked = [request(variable, z, reduceTime=Literal(value=True)) for z in ZONES]
    found = zones(cubes, store, asked, {DEEP.time, DEEP.mean, DEEP.quantile})
    assert [place for place, _ in found] == [0, 1, 2]
    for place, row in found:
        assert DEEP.time not in row
        assert row[DEEP.mean] == call("mean", variable, wkt(ZONES[place]))
        assert row[DEEP.quantile] == call("quantile", variable, wkt(ZONES[place]), Literal(0.5))


def test_trend_and_anomaly_come_beside_each_time(cubes, call, store, variable):
    reference = {"referenceStart": DAYS[0], "referenceEnd": DAYS[5]}
    asked = [request(variable, ZONES[0], start=DAYS[2], **reference)]
    found = zones(cubes, store, asked, {DEEP.mean, DEEP.anomaly, DEEP.trend})
    trend = call("trend", variable, wkt(ZONES[0]), DAYS[2])
    usual = number(call("mean", variable, wkt(ZONES[0])))
    assert len(found) == 4
    for _, row in found:
        assert row[DEEP.trend] == trend
        assert number(row[DEEP.anomaly]) == pytest.approx(number(row[DEEP.mean]) - usual, abs=0.05)


def test_a_statistic_of_each_cell_comes_before_that_of_the_zone(cubes, store, variable, cube):
    box = shapely.box(10.25, 49.75, 12.25, 51.75)
    values = cube["ts"].to_numpy()[:, 1:5, 1:5].astype(float)
    for statistic, expected in (
        (DEEP.maximum, values.max(axis=0).min()),
        (DEEP.mean, values.mean(axis=0).min()),
        (DEEP.standardDeviation, values.std(axis=0).min()),
        (DEEP.quantile, np.median(values, axis=0).min()),
        (DEEP.sum, values.sum(axis=0).min()),
        (DEEP.count, 6),
    ):
        asked = [request(variable, box, cellStatistic=statistic)]
        ((_, row),) = zones(cubes, store, asked, {DEEP.minimum})
        assert number(row[DEEP.minimum]) == pytest.approx(expected, rel=1e-6)


def test_areas_need_a_threshold(cubes, store, variable):
    with pytest.raises(InvalidArgumentError, match="deep:threshold"):
        zones(cubes, store, [request(variable, ZONES[0])], {DEEP.areaAbove})
    asked = [request(variable, ZONES[0], threshold=Literal(280))]
    found = zones(cubes, store, asked, {DEEP.areaAbove, DEEP.areaBelow})
    sums = [number(row[DEEP.areaAbove]) + number(row[DEEP.areaBelow]) for _, row in found]
    assert sums == pytest.approx([sums[0]] * 6)


def test_rows_beyond_the_bounds_are_left_out(cubes, store, variable):
    asked = [request(variable, z) for z in ZONES]
    everything = zones(cubes, store, asked, {DEEP.mean})
    found = zones(cubes, store, asked, {DEEP.mean}, {DEEP.mean: (280.0, math.inf)})
    assert found == [(p, r) for p, r in everything if number(r[DEEP.mean]) >= 280]
    assert 0 < len(found) < len(everything)


def test_requests_that_have_no_answer_have_no_row(cubes, store, variable):
    asked = [
        request(variable, "POLYGON((1 2"),
        request(NamedNode("urn:nope"), ZONES[0]),
        request(variable, shapely.box(40, 40, 41, 41)),
        request(variable, ZONES[0], start=Literal("1990-01-01", datatype=XSD.date), end=Literal(
            "1990-12-31", datatype=XSD.date)),
        request(variable, ZONES[0], end=DAYS[0]),
    ]  # fmt: skip
    assert [place for place, _ in zones(cubes, store, asked, {DEEP.mean})] == [4]
    assert {place for place, _ in cells(cubes, store, asked, {DEEP.value})} == {4}


@pytest.mark.parametrize("broken", ['"POINT(90"^^geo:wktLiteral', '"here"'])
@pytest.mark.parametrize(
    "asks", ["deep:zones { [] deep:mean ?found ;", "deep:cells { [] deep:value ?found ;"]
)
def test_one_broken_geometry_costs_the_others_no_answer(iris, cube_nc, broken, asks):
    with EmbeddedStore(extensions=[CUBES]) as store:
        index_file(store, iris, cube_nc)
        store.update(
            with_prefixes(
                f"""INSERT DATA {{ <urn:broken> geo:asWKT {broken} .
                  <urn:good> geo:asWKT "POINT(11 51)"^^geo:wktLiteral }}"""
            )
        )
        rows = select(
            store,
            f"""SELECT DISTINCT ?zone WHERE {{
              ?zone geo:asWKT ?w . FILTER(?zone IN (<urn:broken>, <urn:good>))
              ?v deep:variableName "ts" .
              SERVICE {asks} deep:variable ?v ; deep:geometry ?w }} }}""",
        )
    assert [r["zone"] for r in rows] == [NamedNode("urn:good")]


def test_inputs_that_do_not_fit_are_refused(cubes, store, variable):
    for name, term in (
        ("weighting", DEEP.mean),
        ("reduceTime", Literal("perhaps")),
        ("start", Literal("yesterday")),
        ("cellStatistic", DEEP.zones),
        ("season", Literal("winter")),
        ("probability", Literal(2)),
    ):
        with pytest.raises(InvalidArgumentError):
            zones(cubes, store, [request(variable, ZONES[0], **{name: term})], {DEEP.mean})


def test_cells_are_the_valid_cells_of_the_cube(cubes, store, variable, cube):
    wanted = cubes.services()[1].outputs
    found = cells(cubes, store, [{DEEP.variable: variable}], wanted)
    values = cube["ts"].to_numpy()
    assert len(found) == np.isfinite(values).sum()
    for _, row in found[:: len(found) // 50]:
        assert number(row[DEEP.coverage]) == 1
        x, y = number(row[DEEP.longitude]), number(row[DEEP.latitude])
        day = row[DEEP.time].value[:10]
        assert number(row[DEEP.value]) == float(cube["ts"].sel(time=day, lat=y, lon=x))
        cell = parse_wkt(row[DEEP.cellGeometry].value)
        assert cell.equals(shapely.box(x - 0.25, y - 0.25, x + 0.25, y + 0.25))


def test_cells_of_a_region_know_how_much_of_them_it_covers(cubes, store, variable):
    region = shapely.box(10.5, 50.5, 11.25, 51)
    asked = [request(variable, region, end=DAYS[0])]
    found = cells(cubes, store, asked, {DEEP.longitude, DEEP.coverage})
    shares = sorted((number(r[DEEP.longitude]), number(r[DEEP.coverage])) for _, r in found)
    assert shares == [(10.5, 0.25), (10.5, 0.25), (11.0, 0.5), (11.0, 0.5)]
    asked = [request(variable, region, end=DAYS[0], weighting=DEEP.CentreWeighting)]
    found = cells(cubes, store, asked, {DEEP.longitude, DEEP.latitude})
    assert {(number(r[DEEP.longitude]), number(r[DEEP.latitude])) for _, r in found} <= {
        (x, y) for x in (10.5, 11.0) for y in (50.5, 51.0)
    }


def test_a_threshold_reads_only_the_chunks_that_may_hold_such_values(
    unremembering, store, iris, tmp_path
):
    dataset = make_cube()
    dataset["ts"][3:, 4:, 5:] += 1000
    dataset.to_netcdf(tmp_path / "hot.nc", encoding={"ts": {"chunksizes": (3, 4, 5)}})
    source = index_file(store, iris, tmp_path / "hot.nc").source
    variable = NamedNode(f"{source.value}/variable/ts")
    reader = unremembering.engine.scanner.reader
    for asked in ({DEEP.variable: variable}, request(variable, shapely.box(9, 40, 20, 60))):
        before = reader.counts.read
        found = cells(unremembering, store, [asked], {DEEP.value}, {DEEP.value: (1000.0, math.inf)})
        assert reader.counts.read - before == 1
        assert len(found) == 3 * 4 * 5
    layer = unremembering.engine.layer(store, variable)
    assert layer.layout.count == 8


def test_statistics_within_a_range_read_only_the_chunks_that_may_hold_it(
    unremembering, store, iris, tmp_path
):
    dataset = make_cube()
    dataset["ts"][3:, 4:, 5:] += 1000
    dataset.to_netcdf(tmp_path / "hot.nc", encoding={"ts": {"chunksizes": (3, 4, 5)}})
    source = index_file(store, iris, tmp_path / "hot.nc").source
    variable = NamedNode(f"{source.value}/variable/ts")
    asked = [
        {DEEP.variable: variable, DEEP.lowest: Literal(1000), DEEP.reduceTime: Literal(value=True)}
    ]
    ((_, row),) = zones(
        unremembering, store, asked, {DEEP.count, DEEP.sum, DEEP.mean, DEEP.quantile}
    )
    # Once for the statistics, once for the quantile of the period.
    assert unremembering.engine.scanner.reader.counts.read == 2
    hot = dataset["ts"].to_numpy()[3:, 4:, 5:].astype(float)
    assert number(row[DEEP.count]) == hot.size
    assert number(row[DEEP.sum]) == pytest.approx(hot.sum(), rel=1e-12)
    assert number(row[DEEP.mean]) == pytest.approx(hot.mean(), rel=1e-3)
    assert number(row[DEEP.quantile]) == pytest.approx(np.median(hot), rel=1e-2)


def test_without_a_geometry_the_zone_is_the_whole_cube(cubes, store, variable, cube):
    ((_, row),) = zones(
        cubes, store, [{DEEP.variable: variable, DEEP.end: DAYS[0]}], {DEEP.count, DEEP.mean}
    )
    values = cube["ts"].to_numpy()[0].astype(float)
    assert number(row[DEEP.count]) == np.isfinite(values).sum()
    weights = np.broadcast_to(np.cos(np.radians(cube.lat.to_numpy()))[:, None], values.shape)
    known = np.isfinite(values)
    mean = (values[known] * weights[known]).sum() / weights[known].sum()
    assert number(row[DEEP.mean]) == pytest.approx(mean, rel=1e-5)


def test_many_regions_of_cells_read_each_chunk_once(unremembering, store, variable):
    asked = [request(variable, z, start=d, end=d) for z in ZONES for d in DAYS]
    found = cells(unremembering, store, asked, {DEEP.value})
    assert unremembering.engine.scanner.reader.counts.read == 8
    alone = cells(unremembering, store, asked[7:8], {DEEP.value})
    assert sorted(r[DEEP.value].value for p, r in found if p == 7) == sorted(
        r[DEEP.value].value for _, r in alone
    )


def test_a_statistic_over_time_of_each_cell(cubes, store, variable, cube):
    asked = [request(variable, ZONES[0], cellStatistic=DEEP.maximum)]
    found = cells(cubes, store, asked, {DEEP.value, DEEP.longitude, DEEP.latitude, DEEP.time})
    assert found
    for _, row in found:
        x, y = number(row[DEEP.longitude]), number(row[DEEP.latitude])
        assert number(row[DEEP.value]) == float(cube["ts"].sel(lat=y, lon=x).max())
        assert DEEP.time not in row
    hot = cells(cubes, store, asked, {DEEP.value}, {DEEP.value: (295.0, math.inf)})
    assert len(hot) == sum(number(r[DEEP.value]) >= 295 for _, r in found)


def test_nothing_is_read_before_rows_are_asked_for(unremembering, store, variable):
    rows = unremembering.services()[1].evaluate(
        store, [{DEEP.variable: variable}], frozenset({DEEP.value}), {}
    )
    counts = unremembering.engine.scanner.reader.counts
    assert counts.read == 0
    next(rows)
    assert counts.read > 0


def test_a_file_that_has_changed_is_not_answered_from_memory(cubes, call, store, iris, tmp_path):
    path = tmp_path / "cube.nc"
    make_cube().to_netcdf(path, format="NETCDF3_64BIT")
    source = index_file(store, iris, path).source
    variable = NamedNode(f"{source.value}/variable/ts")
    before = number(call("mean", variable, wkt(ZONES[0])))
    changed = make_cube()
    changed["ts"] = changed["ts"] + 100
    changed.to_netcdf(path, format="NETCDF3_64BIT")
    with pytest.raises(SourceError, match="index it anew"):
        call("mean", variable, wkt(ZONES[0]))
    index_file(store, iris, path)
    after = number(call("mean", variable, wkt(ZONES[0])))
    assert after == pytest.approx(before + 100, rel=1e-6)


def test_a_changed_chunk_of_a_folder_is_not_answered_from_memory(call, store, iris, tmp_path):
    path = tmp_path / "cube.zarr"
    make_cube().chunk({"time": 3, "lat": 4, "lon": 5}).to_zarr(path, consolidated=False)
    variable = NamedNode(f"{index_file(store, iris, path).source.value}/variable/ts")
    before = number(call("mean", variable, wkt(ZONES[0])))
    changed = make_cube()
    changed["ts"] = changed["ts"] + 100
    changed.chunk({"time": 3, "lat": 4, "lon": 5}).to_zarr(path, mode="a", consolidated=False)
    index_file(store, iris, path)
    after = number(call("mean", variable, wkt(ZONES[0])))
    assert after == pytest.approx(before + 100, rel=1e-6)


def test_a_file_that_has_gone_says_so(cubes, call, store, iris, tmp_path):
    path = tmp_path / "cube.nc"
    make_cube().to_netcdf(path)
    variable = NamedNode(f"{index_file(store, iris, path).source.value}/variable/ts")
    call("mean", variable, wkt(ZONES[0]))
    path.unlink()
    with pytest.raises(SourceError, match="gone"):
        call("mean", variable, wkt(ZONES[0]))
    for ask, found in ((zones, DEEP.mean), (cells, DEEP.value)):
        with pytest.raises(SourceError, match="gone"):
            ask(cubes, store, [request(variable, ZONES[0])], {found})
