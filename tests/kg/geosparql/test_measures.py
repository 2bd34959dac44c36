"""Distances, lengths, areas and buffers against values known from elsewhere."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from kg.geosparql import measures
from kg.geosparql.buffers import buffer
from kg.geosparql.coordinates import leaves
from kg.geosparql.errors import InvalidArgumentError, InvalidGeometryError, UnknownUnitError
from kg.geosparql.geodesic_distance import nearest_m
from kg.geosparql.literals import parse
from kg.geosparql.units import METRE, to_metres, unit_of
from ontology.terms import GEO

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
OGC = "http://www.opengis.net/def/uom/OGC/1.0/"
UNIT = "http://qudt.org/vocab/unit/"
WGS84 = Geod(ellps="WGS84")
TRIANGLE = "POLYGON ((0 0, 9 0, 9 9, 0 0))"


def wkt(text):
    return parse(text, GEO.wktLiteral.value)


def distance(a, b, unit=f"{OGC}metre"):
    return measures.distance(wkt(a), wkt(b), unit_of(unit))


def test_distance_between_points_is_that_of_the_geodesic():
    # Berlin and Paris; and the same points in the axis order of EPSG:4326.
    expected = WGS84.inv(13.4, 52.52, 2.35, 48.86)[2]
    assert distance("POINT (13.4 52.52)", "POINT (2.35 48.86)") == expected
    swapped = f"<{EPSG}4326> POINT (52.52 13.4)"
    assert distance(swapped, "POINT (2.35 48.86)") == expected
    assert distance("POINT (2.35 48.86)", swapped, f"{UNIT}KiloM") == expected / 1000


def test_a_degree_is_as_long_as_the_books_say():
    # Table of the length of a degree: NGA, and IUGG 1980 (WGS 84 agrees to the metre).
    assert distance("POINT (0 0)", "POINT (1 0)") == pytest.approx(111_319.5, abs=0.05)
    assert distance("POINT (0 0)", "POINT (0 1)") == pytest.approx(110_574.4, abs=0.05)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        # To the middle of an edge, not to a corner.
        ("POINT (0 1)", "LINESTRING (-5 0, 5 0)", WGS84.inv(0, 1, 0, 0)[2]),
        # Eastwards is nearer in degrees, northwards in metres.
        (
            "POINT (0 60)",
            "MULTIPOINT ((1.5 60), (0 61))",
            WGS84.inv(0, 60, 1.5, 60)[2],
        ),
        # Over the antimeridian and over the pole.
        ("POINT (179.5 10)", "POLYGON ((-179.5 9, -179 9, -179 11, -179.5 11, -179.5 9))", None),
        ("POINT (0 89)", "LINESTRING (180 88, 180 80)", WGS84.inv(0, 89, 180, 88)[2]),
        ("POINT (190 0)", "POLYGON ((-171 -1, -169 -1, -169 1, -171 1, -171 -1))", 0),
        # Inside and in the hole.
        ("POINT (5 1)", TRIANGLE, 0),
        ("POINT (4 1)", "POLYGON ((0 0, 9 0, 9 9, 0 0), (3 .5, 5 .5, 5 2, 3 .5))", None),
        ("LINESTRING (0 0, 1 1)", "LINESTRING (0 1, 1 0)", 0),
        ("GEOMETRYCOLLECTION (POINT EMPTY, POINT (0 1))", "POINT (0 0)", WGS84.inv(0, 1, 0, 0)[2]),
    ],
)
def test_distance_to_lines_and_polygons(a, b, expected):
    found = distance(a, b)
    assert found == pytest.approx(distance(b, a), rel=1e-9)
    assert found == pytest.approx(sampled(wkt(a).shape, wkt(b).shape, 1000), rel=5e-3)
    if expected is not None:
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-6)


def sampled(a, b, count):
    """Return the shortest distance between points laid along the edges of both."""
    if a.intersects(b) or a.intersects(shapely.transform(b, lambda xy: xy + np.array([360, 0]))):
        return 0.0
    sides = []
    for shape in (a, b):
        lines = [leaf.boundary if leaf.geom_type == "Polygon" else leaf for leaf in leaves(shape)]
        step = max(shape.length / count, 1e-9)
        dense = [shapely.get_coordinates(shapely.segmentize(line, step)) for line in lines]
        sides.append(np.vstack(dense))
    i, j = np.indices([len(side) for side in sides]).reshape(2, -1)
    return WGS84.inv(*sides[0][i].T.copy(), *sides[1][j].T.copy())[2].min()


corner = st.tuples(st.floats(-60, 60), st.floats(-80, 80))
paths = st.lists(corner, min_size=2, max_size=6, unique=True).map(shapely.LineString)


@given(paths, paths, st.floats(0.001, 1), st.floats(0.001, 1))
def test_no_pair_of_points_is_nearer_than_the_distance(a, b, small, smaller):
    a = shapely.affinity.scale(a, small, small)
    b = shapely.affinity.scale(b, smaller, smaller)
    found = nearest_m(a, b, WGS84)
    along = sampled(a, b, 60)
    assert found <= along * (1 + 1e-6) + 1e-3
    spacing = (a.length + b.length) / 60 * 111_320
    assert found >= along - spacing


def test_distance_between_large_outlines_is_exact():
    angle = np.linspace(0, 2 * np.pi, 5_000, endpoint=False)
    radius = 3 + 0.3 * np.sin(150 * angle)

    def star(x, y):
        return shapely.Polygon(
            np.column_stack([x + radius * np.cos(angle), y + radius * np.sin(angle)])
        )

    a, b = star(0, 40), star(7, 44)
    corners = [shapely.get_coordinates(shape) for shape in (a, b)]
    near = [
        side[shapely.distance(shapely.points(side), other) < 3]
        for side, other in zip(corners, (b, a), strict=True)
    ]
    i, j = np.indices([len(side) for side in near]).reshape(2, -1)
    between_corners = WGS84.inv(*near[0][i].T.copy(), *near[1][j].T.copy())[2].min()
    found = nearest_m(a, b, WGS84)
    assert found <= between_corners
    assert found == pytest.approx(between_corners, rel=0.01)


def test_neighbours_across_the_antimeridian_touch():
    west, east = shapely.box(170, 0, 180, 10), shapely.box(-180, 0, -170, 10)
    assert nearest_m(west, east, WGS84) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("a", "b", "unit", "expected"),
    [
        (f"<{EPSG}27700> POINT (0 0)", f"<{EPSG}27700> POINT (3000 4000)", f"{OGC}metre", 5000),
        (f"<{EPSG}27700> POINT (0 0)", f"<{EPSG}27700> POINT (3000 4000)", f"{UNIT}KiloM", 5),
        (f"<{EPSG}3857> POINT (0 0)", f"<{EPSG}3857> POINT (0 7)", f"{UNIT}M", 7),
        (f"<{EPSG}25832> POINT (500000 0)", f"<{EPSG}25832> POINT (500000 9)", f"{UNIT}M", 9),
        # A system whose axes are in US survey feet.
        (f"<{EPSG}2263> POINT (0 0)", f"<{EPSG}2263> POINT (0 3937)", f"{UNIT}M", 1200),
        (f"<{EPSG}2263> POINT (0 0)", f"<{EPSG}2263> POINT (0 10)", f"{UNIT}FT_US", 10),
        ("POINT (0 0)", "POINT (3 4)", f"{OGC}degree", 5),
        ("POINT (0 0)", "POINT (3 4)", f"{UNIT}DEG", 5),
        ("POINT (0 0)", "POINT (3 4)", f"{OGC}radian", math.radians(5)),
        ("POINT (0 0)", "POINT (3 4)", f"{OGC}unity", 5),
        (f"<{EPSG}27700> POINT (0 0)", f"<{EPSG}27700> POINT (3 4)", f"{OGC}unity", 5),
        # In grads, of which 100 are 90 degrees, counted from Paris.
        (f"<{EPSG}4807> POINT (0 0)", f"<{EPSG}4807> POINT (10 0)", f"{UNIT}DEG", 9),
    ],
)
def test_planar_distances_are_in_the_units_of_the_axes(a, b, unit, expected):
    assert distance(a, b, unit) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("srs", ["", f"<{EPSG}27700> "], ids=["globe", "plane"])
@pytest.mark.parametrize("empty", ["POINT EMPTY", "POLYGON EMPTY", "GEOMETRYCOLLECTION EMPTY"])
def test_there_is_no_distance_to_an_empty_geometry(srs, empty):
    here, nothing = f"{srs}POINT (0 0)", f"{srs}{empty}"
    for pair in ((here, nothing), (nothing, here), (nothing, nothing)):
        with pytest.raises(InvalidGeometryError, match="no distance to an empty geometry"):
            distance(*pair)
        with pytest.raises(InvalidGeometryError, match="no distance to an empty geometry"):
            measures.distance_m(*(wkt(text) for text in pair))


def test_a_second_geometry_is_brought_into_the_system_of_the_first():
    a, b = f"<{EPSG}25832> POINT (500000 5540000)", "POINT (9 51)"
    geodesic = distance(b, a)
    # On the central meridian the map is 0.04 % too small.
    assert distance(a, b) == pytest.approx(geodesic * 0.9996, rel=1e-6)


def test_degrees_in_another_unit_are_measured_on_their_own_ellipsoid():
    a, b = (f"<{EPSG}4807> POINT ({latitude} 0)" for latitude in (54, 55))
    clarke = Geod(ellps="clrk80ign")
    assert distance(a, b) == pytest.approx(clarke.inv(0, 48.6, 0, 49.5)[2], rel=1e-4)


@pytest.mark.parametrize(
    ("unit", "metres"),
    [
        (f"{UNIT}M", 1),
        (f"{UNIT}KiloM", 1000),
        (f"{UNIT}MI", 1609.344),
        (f"{UNIT}MI_N", 1852),
        (f"{UNIT}FT", 0.3048),
        (f"{OGC}metre", 1),
        ("urn:ogc:def:uom:OGC:1.0:metre", 1),
        ("http://www.opengis.net/def/uom/EPSG/0/9001", 1),
        ("http://www.opengis.net/def/uom/EPSG/0/9002", 0.3048),
        ("urn:ogc:def:uom:EPSG::9036", 1000),
    ],
)
def test_units_of_length(unit, metres):
    assert to_metres(unit) == pytest.approx(metres, rel=1e-12)


@pytest.mark.parametrize("unit", [f"{UNIT}DEG", f"{UNIT}M2", f"{UNIT}SEC", "urn:x", f"{OGC}mile"])
def test_other_units_are_refused_as_lengths(unit):
    with pytest.raises(UnknownUnitError):
        to_metres(unit)


def test_the_area_of_a_polygon_is_geodesic_whatever_its_direction():
    shape = shapely.from_wkt("POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0), (2 2, 4 2, 4 4, 2 4, 2 2))")
    expected = abs(WGS84.geometry_area_perimeter(shape.normalize())[0])
    outer, inner = (
        abs(WGS84.geometry_area_perimeter(shapely.box(*box))[0])
        for box in ((0, 0, 10, 10), (2, 2, 4, 4))
    )
    assert measures.area(wkt(str(shape))) == pytest.approx(outer - inner, rel=1e-12)
    assert measures.area(wkt(str(shape.reverse()))) == pytest.approx(outer - inner, rel=1e-12)
    assert expected == pytest.approx(outer - inner, rel=1e-12)


def test_a_square_degree_and_the_whole_earth_have_their_known_areas():
    assert measures.area(wkt("POLYGON ((0 0, 1 0, 1 1, 0 1, 0 0))")) == pytest.approx(
        12_308.8e6, rel=1e-4
    )
    half = "POLYGON ((0 0, 90 0, 180 0, -90 0, 0 0))"
    # WGS 84: 510 065 622 km2 in all.
    assert measures.area(wkt(half)) == pytest.approx(510_065_622e6 / 2, rel=1e-8)


@pytest.mark.parametrize(
    ("text", "unit", "area"),
    [
        (f"<{EPSG}27700> POLYGON ((0 0, 0 1000, 1000 1000, 0 0))", f"{UNIT}M2", 500_000),
        (f"<{EPSG}27700> POLYGON ((0 0, 0 1000, 1000 1000, 0 0))", f"{UNIT}HA", 50),
        (f"<{EPSG}27700> POLYGON ((0 0, 0 1000, 1000 1000, 0 0))", f"{OGC}metre", 500_000),
        (f"<{EPSG}27700> POLYGON ((0 0, 0 1000, 1000 1000, 0 0))", f"{UNIT}KiloM2", 0.5),
        ("POLYGON ((0 0, 0 1, 1 1, 0 0))", f"{UNIT}DEG", 0.5),
        ("LINESTRING (0 0, 1 1)", f"{UNIT}M2", 0),
        ("POINT (0 0)", f"{UNIT}M2", 0),
        ("POLYGON EMPTY", f"{UNIT}M2", 0),
    ],
)
def test_areas(text, unit, area):
    assert measures.area(wkt(text), unit_of(unit)) == pytest.approx(area, rel=1e-12)


def test_lengths_and_perimeters_are_those_of_the_longest_dimension():
    line = "LINESTRING (0 0, 3 0, 3 4)"
    polygon = "POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0), (2 2, 4 2, 4 4, 2 4, 2 2))"
    along = WGS84.line_length([0, 3, 3], [0, 0, 4])
    around = sum(
        WGS84.geometry_length(shapely.box(*box).exterior) for box in ((0, 0, 10, 10), (2, 2, 4, 4))
    )
    for text, length, perimeter in [
        (line, along, along),
        (polygon, around, around),
        (f"GEOMETRYCOLLECTION ({line}, {polygon})", around, around),
        ("POINT (1 2)", 0, 0),
        ("MULTILINESTRING ((0 0, 3 0), (3 0, 3 4))", along, along),
    ]:
        assert measures.length(wkt(text)) == pytest.approx(length, rel=1e-12)
        assert measures.perimeter(wkt(text)) == pytest.approx(perimeter, rel=1e-12)
    assert measures.length(wkt(line), unit_of(f"{UNIT}DEG")) == pytest.approx(7, rel=1e-12)
    assert measures.length(wkt(f"<{EPSG}27700> {line}"), METRE) == 7


@pytest.mark.parametrize(
    ("text", "radius_m"),
    [
        ("POINT (10 50)", 1_000),
        ("POINT (10 50)", 3_000_000),
        ("POINT (179.99 -20)", 5_000),
        ("POINT (20 89.9)", 50_000),
        ("POINT (0 -90)", 10_000),
        ("POINT (0 0)", 15_000_000),
        ("LINESTRING (170 0, 180 5)", 50_000),
        ("MULTILINESTRING ((175 5, 180 5), (-180 5, -175 5))", 20_000),
        ("LINESTRING (-180 60, 180 60)", 100_000),
        ("POLYGON ((10 50, 10.1 50, 10.1 50.1, 10 50))", 100),
        ("POLYGON ((-10 35, 30 35, 30 60, -10 60, -10 35))", 100_000),
        ("POLYGON ((-10 35, 30 35, 30 60, -10 60, -10 35))", -100_000),
        ("POLYGON ((10 50, 12 50, 12 52, 10 50), (11 50.4, 11.6 50.4, 11.6 51, 11 50.4))", 5_000),
        ("POLYGON ((10 50, 12 50, 12 52, 10 50))", -10_000),
        ("POLYGON ((-180 -90, 180 -90, 180 -65, -180 -65, -180 -90))", 100_000),
    ],
)
def test_the_edge_of_a_buffer_is_its_radius_away(text, radius_m):
    source = wkt(text)
    grown = buffer(source, radius_m, METRE)
    assert grown.shape.is_valid
    west, south, east, north = grown.shape.bounds
    assert west >= -180
    assert east <= 180
    assert south >= -90
    assert north <= 90
    edge = shapely.get_coordinates(grown.shape.boundary)
    edge = edge[(np.abs(edge[:, 0]) < 179.999) & (np.abs(edge[:, 1]) < 89.999)]
    around = source.shape if radius_m > 0 else source.shape.boundary
    for x, y in edge[:: max(1, len(edge) // 40)]:
        away = nearest_m(around, shapely.Point(x, y), WGS84)
        assert away == pytest.approx(abs(radius_m), rel=0.003)
    assert grown.shape.covers(source.shape) == (radius_m > 0)


def test_a_buffer_as_wide_as_the_globe_is_the_globe():
    assert buffer(wkt("POINT (7 7)"), 20_100_000, METRE).shape.equals(
        shapely.box(-180, -90, 180, 90)
    )


@pytest.mark.parametrize(
    ("text", "radius", "unit", "shape"),
    [
        (f"<{EPSG}27700> POINT (0 0)", 1, f"{UNIT}KiloM", shapely.Point(0, 0).buffer(1000)),
        ("POINT (0 0)", 1, f"{UNIT}DEG", shapely.Point(0, 0).buffer(1)),
        ("POINT (0 0)", 0, f"{UNIT}M", shapely.Polygon()),
        ("POINT (0 0)", -5, f"{UNIT}M", shapely.Polygon()),
        ("POINT EMPTY", 5, f"{UNIT}M", shapely.Polygon()),
        (TRIANGLE, 0, f"{UNIT}M", shapely.from_wkt(TRIANGLE)),
    ],
)
def test_planar_and_empty_buffers(text, radius, unit, shape):
    assert buffer(wkt(text), radius, unit_of(unit)).shape.equals(shape)


def test_a_buffer_in_grads_is_in_grads():
    source = wkt(f"<{EPSG}4807> POINT (54 0)")
    west, south, east, north = buffer(source, 1000, METRE).shape.bounds
    assert (west + east) / 2 == pytest.approx(0, abs=1e-6)
    assert (south + north) / 2 == pytest.approx(54, abs=1e-6)
    assert north - south == pytest.approx(0.02, rel=0.01)  # a grad is 100 km


def test_measures_that_make_no_sense_are_refused():
    with pytest.raises(InvalidGeometryError):
        distance("POINT EMPTY", "POINT (0 0)")
    with pytest.raises(InvalidGeometryError):
        nearest_m(shapely.Point(), shapely.Point(0, 0), WGS84)
    with pytest.raises(UnknownUnitError):
        distance(f"<{EPSG}27700> POINT (0 0)", f"<{EPSG}27700> POINT (0 1)", f"{UNIT}DEG")
    with pytest.raises(UnknownUnitError):
        distance("POINT (0 0)", "POINT (0 1)", f"{UNIT}M2")
    with pytest.raises(InvalidGeometryError):
        distance(f"<{EPSG}4978> POINT (0 0)", f"<{EPSG}4978> POINT (0 1)")
    with pytest.raises(InvalidArgumentError):
        buffer(wkt("POINT (0 0)"), math.inf, METRE)
    with pytest.raises(InvalidArgumentError):
        buffer(wkt("POINT (0 0)"), 1, unit_of(f"{UNIT}M2"))
