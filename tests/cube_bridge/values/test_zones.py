"""Statistics of zones beside exactextract itself, and beside loops that anyone can check."""

import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
import xarray as xr
from rasterio.features import geometry_mask
from rasterio.transform import from_origin

from cube_bridge.values.chunk_reader import ChunkReader
from cube_bridge.values.periods import Period
from cube_bridge.values.scanner import Scanner
from cube_bridge.values.zone_questions import ZoneQuestion, answer_zones
from cube_bridge.values.zone_statistics import STATISTICS, Wanted, pooled_quantile, zone_series
from cube_bridge.values.zone_weights import Weighting, zone_of
from tests.cube_bridge.values.layers import (
    SOUTH,
    STEP,
    WEST,
    cell_areas,
    exactextract_of,
    generated,
    layer_of,
)

HOLED = shapely.Polygon(
    [(9.3, 45.2), (13.1, 45.9), (12.2, 48.2), (9.9, 47.9)],
    [[(10.1, 46.1), (11.7, 46.4), (10.8, 47.3)]],
)
TWO = shapely.MultiPolygon([shapely.box(9.05, 45.05, 9.29, 45.13), HOLED])
SMALL = shapely.box(10.03, 46.03, 10.09, 46.11)
BEYOND = shapely.box(5.0, 44.0, 9.6, 46.0)
UTM = pyproj.CRS("EPSG:32632").to_cf()
AREAS = {"holed": HOLED, "two": TWO, "within a cell": SMALL, "beyond the cube": BEYOND}


def series(dataset, zones, statistics, **wanted):
    needed = np.ones((len(zones), dataset.sizes["time"]), bool)
    asked = Wanted(statistics=frozenset(statistics), **wanted)
    zones = [zone_of(z) for z in zones]
    return zone_series(Scanner(), layer_of(dataset), zones, needed, asked).at_times()


@pytest.mark.parametrize("zone", AREAS.values(), ids=AREAS)
def test_by_coverage_all_statistics_are_those_of_exactextract(zone):
    dataset = generated()
    found = series(
        dataset,
        [zone],
        {"mean", "minimum", "maximum", "sum", "count", "standardDeviation", "quantile"},
        weighting=Weighting.COVERAGE,
        share=0.3,
    )
    names = ["mean", "min", "max", "sum", "count", "stdev", "quantile(q=0.3)"]
    for time, expected in enumerate(exactextract_of(dataset["v"], zone, names)):
        for ours, theirs in {
            "mean": "mean",
            "minimum": "min",
            "maximum": "max",
            "sum": "sum",
            "count": "count",
            "standardDeviation": "stdev",
            "quantile": "quantile_30",
        }.items():
            # A sum of nothing is 0 there, and nothing here.
            is_known = expected["count"] > 0 or ours == "count"
            value = expected[theirs] if is_known else np.nan
            assert found[ours][0, time] == pytest.approx(value, rel=1e-9, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("zone", AREAS.values(), ids=AREAS)
def test_by_area_means_are_those_of_exactextract_weighted_by_areas_on_the_ellipsoid(zone):
    dataset = generated()
    found = series(dataset, [zone], {"mean", "standardDeviation"})
    names = ["weighted_mean", "weighted_stdev"]
    expected = exactextract_of(dataset["v"], zone, names, weights=cell_areas(dataset))
    for time, theirs in enumerate(expected):
        assert found["mean"][0, time] == pytest.approx(
            theirs["weighted_mean"], rel=1e-9, nan_ok=True
        )
        assert found["standardDeviation"][0, time] == pytest.approx(
            theirs["weighted_stdev"], rel=1e-7, abs=1e-9, nan_ok=True
        )


@pytest.mark.parametrize("zone", AREAS.values(), ids=AREAS)
def test_by_centre_means_are_those_of_the_cells_that_rasterio_burns(zone):
    dataset = generated()
    found = series(dataset, [zone], {"mean", "count"}, weighting=Weighting.CENTRE)
    shape = dataset.sizes["lat"], dataset.sizes["lon"]
    corner = from_origin(WEST, SOUTH + STEP * shape[0], STEP, STEP)
    inside = geometry_mask([zone], shape, corner, invert=True)
    areas = cell_areas(dataset)
    for time, values in enumerate(dataset["v"].to_numpy()):
        kept = inside & np.isfinite(values)
        if kept.any():
            mean = (values[kept] * areas[kept]).sum() / areas[kept].sum()
            assert found["mean"][0, time] == pytest.approx(mean, rel=1e-9)
        else:
            assert np.isnan(found["mean"][0, time])
        assert found["count"][0, time] == kept.sum()


def test_areas_above_and_below_are_sums_of_the_covered_parts_of_cells():
    dataset = generated(gaps=0.1)
    found = series(dataset, [HOLED], {"areaAbove", "areaBelow"}, threshold=283.0)
    lon, lat = (dataset[n].to_numpy() for n in ("lon", "lat"))
    areas = cell_areas(dataset)
    for time, values in enumerate(dataset["v"].to_numpy()):
        above = below = 0.0
        for row, column in np.ndindex(values.shape):
            x, y = lon[column], lat[row]
            cell = shapely.box(x - STEP / 2, y - STEP / 2, x + STEP / 2, y + STEP / 2)
            part = cell.intersection(HOLED).area / cell.area * areas[row, column]
            above += part * (values[row, column] > 283)
            below += part * (values[row, column] < 283)
        assert found["areaAbove"][0, time] == pytest.approx(above, rel=1e-6)
        assert found["areaBelow"][0, time] == pytest.approx(below, rel=1e-6)


def test_lines_weigh_cells_by_length_and_points_take_theirs():
    dataset = generated(gaps=0)
    line = shapely.LineString([(9.1, 45.1), (11.9, 47.3)])
    points = shapely.MultiPoint([(9.13, 45.13), (12.6, 47.6)])
    found = series(dataset, [line, points], {"mean", "maximum"})
    values = dataset["v"].to_numpy()
    lon, lat = (dataset[n].to_numpy() for n in ("lon", "lat"))
    for time in range(len(values)):
        total = 0.0
        for row, column in np.ndindex(values.shape[1:]):
            x, y = lon[column], lat[row]
            cell = shapely.box(x - STEP / 2, y - STEP / 2, x + STEP / 2, y + STEP / 2)
            total += cell.intersection(line).length * values[time, row, column]
        assert found["mean"][0, time] == pytest.approx(total / line.length, rel=1e-9)
        own = [dataset["v"][time].sel(lon=p.x, lat=p.y, method="nearest") for p in points.geoms]
        assert found["mean"][1, time] == pytest.approx(np.mean(own), rel=1e-12)
        assert found["maximum"][1, time] == max(own)


def test_of_a_collection_the_areas_count():
    parts = [shapely.Point(12.9, 45.1), HOLED, shapely.LineString([(9, 45), (13, 48)])]
    dataset = generated()
    mixed, plain = (
        series(dataset, [zone], {"mean", "sum"})
        for zone in (shapely.GeometryCollection(parts), HOLED)
    )
    assert (mixed["mean"] == plain["mean"]).all()
    assert (mixed["sum"] == plain["sum"]).all()


def test_a_polygon_that_crosses_itself_is_mended():
    bow = shapely.Polygon([(10, 46), (11, 47), (11, 46), (10, 47)])
    mended = shapely.union_all([
        shapely.Polygon([(10, 46), (10.5, 46.5), (10, 47)]),
        shapely.Polygon([(11, 46), (10.5, 46.5), (11, 47)]),
    ])  # fmt: skip
    found = series(generated(), [bow, mended], {"mean"})["mean"]
    assert found[0] == pytest.approx(found[1], rel=1e-12)


def test_an_empty_geometry_is_no_zone():
    with pytest.raises(ValueError, match="empty"):
        zone_of(shapely.Polygon())


def test_large_values_that_hardly_differ_keep_their_deviation():
    dataset = generated(gaps=0)
    dataset["v"] = 1e8 + dataset["v"] * 1e-3
    box = shapely.box(WEST, SOUTH, WEST + 18 * STEP, SOUTH + 14 * STEP)
    whole = series(dataset, [box], {"standardDeviation"}, weighting=Weighting.COVERAGE)
    assert whole["standardDeviation"][0] == pytest.approx(
        dataset["v"].to_numpy().reshape(7, -1).std(axis=1), rel=1e-6
    )


def test_a_zone_without_valid_cells_has_no_statistics_but_a_count():
    dataset = generated()
    dataset["v"] = dataset["v"].where(dataset.lon > 11)
    found = series(dataset, [SMALL], STATISTICS, threshold=280.0)
    assert np.isnan([found[n] for n in ("mean", "minimum", "maximum", "sum", "quantile")]).all()
    assert np.isnan(found["standardDeviation"]).all()
    assert (found["count"] == 0).all()
    assert (found["areaAbove"] == 0).all()


def test_infinite_values_are_no_values():
    dataset = generated(gaps=0)
    values = dataset["v"].to_numpy().copy()
    values[:, 5, 5] = np.inf
    infinite, missing = dataset.copy(), dataset.copy()
    infinite["v"] = (dataset["v"].dims, values)
    values = values.copy()
    values[:, 5, 5] = np.nan
    missing["v"] = (dataset["v"].dims, values)
    box = shapely.box(9, 45, 13, 48)
    names = {"mean", "minimum", "maximum", "sum", "count", "standardDeviation", "quantile"}
    one, other = (series(d.chunk(), [box], names) for d in (infinite, missing))
    for name in names:
        assert one[name] == pytest.approx(other[name], rel=1e-12)


@pytest.mark.parametrize("weighting", Weighting)
def test_pooled_statistics_are_those_of_all_cells_and_times_together(weighting):
    dataset = generated()
    layer, zone = layer_of(dataset), zone_of(HOLED)
    wanted = Wanted(statistics=STATISTICS, weighting=weighting, threshold=281.0, share=0.8)
    period = Period(first=np.datetime64("2020-01-02"), last=np.datetime64("2020-01-05"))
    question = ZoneQuestion(layer=layer, zone=zone, period=period, wanted=wanted)
    (answer,) = answer_zones(Scanner(), [question])
    everywhere = (slice(0, 14), slice(0, 18))
    shares = layer.grid.coverage(zone, everywhere)
    if weighting is Weighting.CENTRE:
        shares = layer.grid.contains(zone, everywhere).astype(float)
    areas = np.ones(shares.shape) if weighting is Weighting.COVERAGE else cell_areas(dataset)
    values = dataset["v"].to_numpy()[1:5]
    w = np.broadcast_to(shares * areas, values.shape)[np.isfinite(values)]
    s = np.broadcast_to(shares, values.shape)[np.isfinite(values)]
    v = values[np.isfinite(values)]
    mean = (w * v).sum() / w.sum()
    squares = (w * (v - mean) ** 2).sum() / w.sum()
    assert answer.time is None
    assert answer.statistics["mean"] == pytest.approx(mean, rel=1e-9)
    assert answer.statistics["standardDeviation"] == pytest.approx(np.sqrt(squares), rel=1e-9)
    assert answer.statistics["sum"] == pytest.approx((s * v).sum(), rel=1e-9)
    assert answer.statistics["count"] == pytest.approx(s.sum(), rel=1e-9)
    assert answer.statistics["minimum"] == v[s > 0].min()
    assert answer.statistics["maximum"] == v[s > 0].max()
    above = (np.broadcast_to(shares * cell_areas(dataset), values.shape) * (values > 281)).sum() / 4
    assert answer.statistics["areaAbove"] == pytest.approx(above, rel=1e-9)
    times = np.isin(np.arange(7), [1, 2, 3, 4])
    assert answer.statistics["quantile"] == pooled_quantile(Scanner(), layer, zone, times, wanted)
    ordered = np.sort(v[s > 0])
    assert ordered[0] <= answer.statistics["quantile"] <= ordered[-1]


def test_how_a_cube_is_cut_does_not_matter():
    names = STATISTICS
    cut = [
        series(generated(chunks=chunks), [HOLED, TWO], names, threshold=280.0)
        for chunks in ((7, 14, 18), (1, 3, 4), (2, 14, 5))
    ]
    for name in names:
        for other in cut[1:]:
            assert other[name] == pytest.approx(cut[0][name], rel=1e-9, nan_ok=True)


def test_many_zones_and_periods_read_each_chunk_once():
    dataset = generated(times=12, chunks=(3, 5, 7))
    layer = layer_of(dataset)
    scanner = Scanner(ChunkReader(cache_bytes=0))
    zones = [zone_of(shapely.box(9 + i / 4, 45.1, 9.6 + i / 4, 46.9)) for i in range(12)]
    wanted = Wanted(statistics=frozenset({"mean"}))
    times = layer.times
    questions = [
        ZoneQuestion(
            layer=layer, zone=z, period=Period(first=t, last=t), wanted=wanted, pooled=False
        )
        for z in zones
        for t in times[2:8]
    ]
    found = list(answer_zones(scanner, questions))
    assert len(found) == len(questions)
    # 2 rows and 2 columns of chunks are touched of 3 each; times 2 to 7 lie in 3 of 4 chunks.
    assert scanner.reader.counts.read == 3 * 2 * 2
    alone = Scanner(ChunkReader(cache_bytes=0))
    for answer in found[::7]:
        (again,) = answer_zones(alone, [questions[answer.question]])
        assert again.statistics == pytest.approx(answer.statistics, rel=1e-12)
        assert again.time == answer.time


def test_chunks_that_no_zone_needs_at_a_time_are_not_read():
    dataset = generated(times=12, chunks=(3, 5, 7))
    layer = layer_of(dataset)
    scanner = Scanner(ChunkReader(cache_bytes=0))
    wanted = Wanted(statistics=frozenset({"mean"}))
    west, east = (
        zone_of(shapely.box(9.1, 47.5, 9.3, 47.7)),
        zone_of(shapely.box(13, 45.1, 13.2, 45.3)),
    )
    questions = [
        ZoneQuestion(layer=layer, zone=zone, period=Period(first=t, last=t), wanted=wanted)
        for zone, t in ((west, layer.times[0]), (east, layer.times[-1]))
    ]
    list(answer_zones(scanner, questions))
    assert scanner.reader.counts.read == 2


def stations():
    """Return a dataset of (location, time), as long series are kept."""
    values = np.random.default_rng(3).normal(size=(4, 9))
    return xr.Dataset(
        {"v": (("location", "time"), values)},
        coords={
            "time": pd.date_range("2020-01-01", periods=9),
            "lon": ("location", [9.0, 10.0, 11.0, 12.0], {"standard_name": "longitude"}),
            "lat": ("location", [45.0, 46.0, 47.0, 48.0], {"standard_name": "latitude"}),
        },
    ).chunk({"location": 3, "time": 4})


def test_of_stations_the_mean_is_that_of_those_inside():
    dataset = stations()
    found = series(dataset, [shapely.box(9.5, 45.5, 12.5, 48.5)], {"mean", "count"})
    assert found["mean"][0] == pytest.approx(dataset["v"].to_numpy()[1:].mean(axis=0), rel=1e-12)
    assert (found["count"] == 3).all()


def test_a_zone_across_180_degrees_in_a_cube_from_0_to_360():
    values = np.random.default_rng(4).normal(size=(2, 36, 72))
    dataset = xr.Dataset(
        {"v": (("time", "lat", "lon"), values)},
        coords={
            "time": pd.date_range("2020-01-01", periods=2),
            "lat": ("lat", np.arange(-87.5, 90, 5), {"units": "degrees_north"}),
            "lon": ("lon", np.arange(2.5, 360, 5), {"units": "degrees_east"}),
        },
    ).chunk({"time": 1, "lat": 10, "lon": 20})
    pacific = shapely.MultiPolygon([shapely.box(165, 0, 180, 10), shapely.box(-180, 0, -170, 10)])
    greenwich = shapely.box(-10, 0, 15, 10)
    found = series(dataset, [pacific, greenwich], {"mean", "count"}, weighting=Weighting.COVERAGE)
    own = values[:, 18:20, 33:38].reshape(2, -1)
    assert found["mean"][0] == pytest.approx(own.mean(axis=1), rel=1e-12)
    seam = values[:, 18:20, [70, 71, 0, 1, 2]].reshape(2, -1)
    assert found["mean"][1] == pytest.approx(seam.mean(axis=1), rel=1e-12)
    assert (found["count"] == 10).all()


def test_a_projected_cube_is_asked_in_degrees():
    values = np.random.default_rng(5).normal(size=(1, 20, 30))
    dataset = xr.Dataset(
        {"v": (("time", "y", "x"), values, {"grid_mapping": "crs"}), "crs": ((), 0, UTM)},
        coords={
            "time": pd.date_range("2020-01-01", periods=1),
            "y": (
                "y",
                5_300_000 - 1000.0 * np.arange(20),
                {"standard_name": "projection_y_coordinate"},
            ),
            "x": (
                "x",
                680_000 + 1000.0 * np.arange(30),
                {"standard_name": "projection_x_coordinate"},
            ),
        },
    ).chunk({"y": 7, "x": 11})
    square = shapely.box(684_500, 5_285_500, 694_500, 5_294_500)
    to_degrees = pyproj.Transformer.from_crs("EPSG:32632", "OGC:CRS84", always_xy=True)
    dense = shapely.segmentize(square, 100)
    zone = shapely.transform(dense, lambda c: np.column_stack(to_degrees.transform(*c.T)))
    found = series(dataset, [zone], {"mean", "count"}, weighting=Weighting.COVERAGE)
    assert found["count"][0, 0] == pytest.approx(90, rel=1e-5)
    assert found["mean"][0, 0] == pytest.approx(values[0, 6:15, 5:15].mean(), rel=1e-4)
