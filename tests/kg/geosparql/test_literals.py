"""Literals of five datatypes: what is read, what is written, what is refused."""

import json
import math

import h3
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import Literal, NamedNode

from kg.geosparql.coordinates import format_number
from kg.geosparql.crs import is_geographic, to_srs
from kg.geosparql.errors import InvalidGeometryError
from kg.geosparql.literals import GEOMETRY_DATATYPES, Geometry, parse, serialise
from kg.rdf.geometry import CRS84
from ontology.terms import GEO

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
WKT, JSON, KML, DGGS = (
    getattr(GEO, f"{name}Literal").value for name in ("wkt", "geoJSON", "kml", "dggs")
)
#: Axes as they come, swapped, with metres, with a height, and in grads from Paris.
SYSTEMS = [CRS84, *(f"{EPSG}{code}" for code in (4326, 27700, 3857, 25832, 3035, 31467, 4807))]

coordinates = st.floats(-90, 90).map(lambda x: x + 0.0)  # no -0
positions = st.tuples(coordinates, coordinates)
heights = st.tuples(coordinates, coordinates, coordinates)


def lines(position):
    return st.lists(position, min_size=2, max_size=5)


def rings(position):
    # Closed; that it may cross itself is no concern of a literal.
    return st.lists(position, min_size=3, max_size=5, unique=True).map(lambda p: [*p, p[0]])


def polygons(position):
    return st.builds(shapely.Polygon, rings(position), st.lists(rings(position), max_size=2))


def shapes_of(position):
    simple = st.one_of(
        st.builds(shapely.Point, position),
        st.builds(shapely.LineString, lines(position)),
        polygons(position),
        st.builds(shapely.MultiPoint, st.lists(position, min_size=1, max_size=3)),
        st.builds(shapely.MultiLineString, st.lists(lines(position), min_size=1, max_size=3)),
        st.builds(shapely.MultiPolygon, st.lists(polygons(position), min_size=1, max_size=2)),
    )
    return simple | st.builds(shapely.GeometryCollection, st.lists(simple, min_size=2, max_size=3))


shapes = shapes_of(positions) | shapes_of(heights)


def read_back(geometry):
    literal = serialise(geometry)
    return parse(literal.value, literal.datatype.value)


@given(shapes, st.sampled_from(SYSTEMS))
def test_wkt_comes_back_in_any_system(shape, srs):
    geometry = Geometry(shape=shape, srs=srs, datatype=GEO.wktLiteral)
    again = read_back(geometry)
    assert again.srs == srs
    assert shapely.equals_identical(shapely.normalize(again.shape), shapely.normalize(shape)) or (
        again.shape.equals(shape)  # with a corner more where two rings touch
    )


@given(shapes, st.sampled_from(SYSTEMS), st.sampled_from(["2.1", "3.1", "3.2"]))
def test_gml_comes_back_in_any_system_and_version(shape, srs, version):
    geometry = Geometry(shape=shape, srs=srs, datatype=GEO.gmlLiteral, variant=version)
    again = read_back(geometry)
    assert (again.srs, again.shape.geom_type) == (srs, shape.geom_type)
    assert again.shape.has_z == shape.has_z
    assert again.shape.equals(shape) or not shape.is_valid


@given(shapes)
def test_geojson_comes_back(shape):
    again = read_back(Geometry(shape=shape, srs=CRS84, datatype=GEO.geoJSONLiteral))
    assert again.shape.geom_type == shape.geom_type
    assert again.shape.equals(shape) or not shape.is_valid


@given(shapes)
def test_kml_comes_back(shape):
    again = read_back(Geometry(shape=shape, srs=CRS84, datatype=GEO.kmlLiteral))
    assert again.shape.equals(shape) or not shape.is_valid
    assert again.shape.has_z == shape.has_z


@given(st.floats(-179, 179), st.floats(-60, 60), st.integers(2, 15), st.integers(1, 3))
def test_cells_come_back(longitude, latitude, resolution, around):
    cells = h3.grid_disk(h3.latlng_to_cell(latitude, longitude, resolution), around)
    text = f"<https://w3id.org/dggs/h3> CELLLIST (({' '.join(sorted(cells))}))"
    geometry = parse(text, DGGS)
    assert serialise(geometry.with_shape(geometry.shape)).value == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_exact_and_short(number):
    text = format_number(number)
    assert float(text) == number
    assert not text.endswith(".0")
    assert text != "-0"


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("POINT (1 2)", "POINT (1 2)"),
        ("point(1 2)", "POINT (1 2)"),
        ("  Point Z(1 2 3) ", "POINT Z (1 2 3)"),
        ("POINT M (1 2 3)", "POINT M (1 2 3)"),
        ("POINT ZM (1 2 3 4)", "POINT ZM (1 2 3 4)"),
        ("", "GEOMETRYCOLLECTION EMPTY"),
        (f"<{CRS84}> ", "GEOMETRYCOLLECTION EMPTY"),
        (f"<{CRS84}>\n\tPOINT (1 2)", "POINT (1 2)"),
        (f"<{EPSG}4326> POINT (2 1)", "POINT (1 2)"),
        (f"<{EPSG}4326> POINT ZM (2 1 3 4)", "POINT ZM (1 2 3 4)"),
        (
            (
                f"<{EPSG}4326> GEOMETRYCOLLECTION M (POINT M (2 1 5), "
                "POLYGON M ((0 1 5, 0 2 6, 3 2 7, 0 1 5)), MULTIPOINT M ((4 3 1)))"
            ),
            (
                "GEOMETRYCOLLECTION M (POINT M (1 2 5), POLYGON M ((1 0 5, 2 0 6, 2 3 7, 1 0 5)), "
                "MULTIPOINT M ((3 4 1)))"
            ),
        ),
        (f"<{EPSG}27700> POINT (530000 180000)", "POINT (530000 180000)"),
        ("<urn:ogc:def:crs:EPSG::4326> POINT (2 1)", "POINT (1 2)"),
        (f"<{EPSG}31467> POINT (5500000 3500000)", "POINT (3500000 5500000)"),
        ("TRIANGLE ((0 0, 1 0, 1 1, 0 0))", "POLYGON ((0 0, 1 0, 1 1, 0 0))"),
        (
            "TIN Z (((0 0 0, 1 0 0, 1 1 0, 0 0 0)))",
            "MULTIPOLYGON Z (((0 0 0, 1 0 0, 1 1 0, 0 0 0)))",
        ),
        ("LINEARRING (0 0, 1 0, 1 1, 0 0)", "LINEARRING (0 0, 1 0, 1 1, 0 0)"),
    ],
)
def test_wkt_is_read(text, shape):
    assert str(parse(text, WKT).shape) == shape


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("POINT(1.50 2)", "POINT (1.5 2)"),
        (f"<{CRS84}> POINT(1 2)", f"<{CRS84}> POINT (1 2)"),
        (f"<{EPSG}4326> POINT(2 1)", f"<{EPSG}4326> POINT (2 1)"),
        ("POINT(0.1 0.30000000000000004)", "POINT (0.1 0.30000000000000004)"),
        ("LINESTRING M(1 2 3, 4 5 6)", "LINESTRING M (1 2 3, 4 5 6)"),
    ],
)
def test_wkt_keeps_its_text_and_is_computed_in_the_same_form(text, written):
    geometry = parse(text, WKT)
    assert serialise(geometry).value == text
    assert serialise(geometry.with_shape(geometry.shape)).value == written


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ('{"type": "Point", "coordinates": [-83.38,33.95]}', "POINT (-83.38 33.95)"),
        ('{"type": "Point", "coordinates": [1, 2, 3]}', "POINT Z (1 2 3)"),
        ('{"type": "Point", "coordinates": []}', "POINT EMPTY"),
        (
            '{"type": "MultiPoint", "coordinates": [[1, 2]], "bbox": [1, 2, 1, 2]}',
            "MULTIPOINT ((1 2))",
        ),
        (
            '{"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}}',
            "POINT (1 2)",
        ),
        ('{"geometry": null}', "GEOMETRYCOLLECTION EMPTY"),
        ("", "GEOMETRYCOLLECTION EMPTY"),
    ],
)
def test_geojson_is_read(text, shape):
    assert str(parse(text, JSON).shape) == shape


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        (
            '<Point xmlns="http://www.opengis.net/kml/2.2"><coordinates>-83.38,33.95</coordinates></Point>',
            "POINT (-83.38 33.95)",
        ),
        (
            (
                '<LineString xmlns="http://earth.google.com/kml/2.1"><tessellate>1</tessellate>'
                "<coordinates> 0,0,5\n 1,1,6 </coordinates></LineString>"
            ),
            "LINESTRING Z (0 0 5, 1 1 6)",
        ),
        (
            (
                "<Polygon><outerBoundaryIs><LinearRing><coordinates>0,0 9,0 9,9 0,0</coordinates>"
                "</LinearRing></outerBoundaryIs></Polygon>"
            ),
            "POLYGON ((0 0, 9 0, 9 9, 0 0))",
        ),
        (
            (
                "<MultiGeometry><Point><coordinates>1,2</coordinates></Point><LineString><coordinates>"
                "0,0 1,1</coordinates></LineString></MultiGeometry>"
            ),
            "GEOMETRYCOLLECTION (POINT (1 2), LINESTRING (0 0, 1 1))",
        ),
        ("", "GEOMETRYCOLLECTION EMPTY"),
    ],
)
def test_kml_is_read(text, shape):
    assert str(parse(text, KML).shape) == shape


@pytest.mark.parametrize(
    "cells",
    [
        "CELL (8928308280fffff)",
        "CELL(8928308280FFFFF)",
        "CELLLIST ((8928308280fffff))",
        "CELLLIST (8928308280fffff, 8928308280fffff)",
        "8928308280fffff",
    ],
)
def test_a_cell_is_its_hexagon(cells):
    shape = parse(f"<https://w3id.org/dggs/h3> {cells}", DGGS).shape
    corners = [(x, y) for y, x in h3.cell_to_boundary("8928308280fffff")]
    assert shape.equals_exact(shapely.Polygon(corners), 1e-12, normalize=True)


def test_cells_at_the_antimeridian_and_the_pole_stay_small():
    for longitude, latitude in ((180, 10), (-179.999, 60), (0, 90), (50, -90)):
        cell = h3.latlng_to_cell(latitude, longitude, 4)
        shape = parse(f"<https://w3id.org/dggs/h3> CELL ({cell})", DGGS).shape
        assert shape.is_valid
        assert -180 <= shape.bounds[0] <= shape.bounds[2] <= 180
        assert shape.area < (360 if abs(latitude) == 90 else 1)
        assert shape.distance(shapely.Point(longitude, latitude)) == 0


@pytest.mark.parametrize(
    ("text", "datatype"),
    [
        ("POINT (1)", WKT),
        ("POINT (1 2", WKT),
        ("POINT (1 2) and more", WKT),
        ("POINT (nan 2)", WKT),
        ("LINESTRING (0 0, inf 1)", WKT),
        ("POLYGON ((0 0, 1 0, 1 1))", WKT),
        ("CIRCULARSTRING (0 0, 1 1, 2 0)", WKT),
        ("SRID=4326;POINT (1 2)", WKT),
        ("<http://example.org/crs> POINT (1 2)", WKT),
        (f"<{EPSG}999999> POINT (1 2)", WKT),
        (f"<{EPSG}5773> POINT (1 2)", WKT),
        ("<EPSG:4326 POINT (1 2)", WKT),
        ("(" * 100_000, WKT),
        ("GEOMETRYCOLLECTION(" * 5_000, WKT),
        ('{"type": "Point"}', JSON),
        ('{"type": "Point", "coordinates": [1]}', JSON),
        ('{"type": "Point", "coordinates": ["1", "2"]}', JSON),
        ('{"type": "Point", "coordinates": [true, 2]}', JSON),
        ('{"type": "Point", "coordinates": [NaN, 2]}', JSON),
        ('{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1]]]}', JSON),
        ('{"type": "FeatureCollection", "features": []}', JSON),
        ("[1, 2]", JSON),
        ("[" * 100_000, JSON),
        ('"Point"', JSON),
        ("<Placemark/>", KML),
        ('<Point xmlns="http://example.org/"/>', KML),
        ("<Point><coordinates>1,x</coordinates></Point>", KML),
        ("<Point><coordinates>1,2 3,4</coordinates></Point>", KML),
        ("<https://w3id.org/dggs/h3> CELL (8928308280ffff0)", DGGS),
        ("<https://w3id.org/dggs/auspix> CELL (R3234)", DGGS),
        ("CELL (8928308280fffff)", DGGS),
        ("POINT (1 2)", "http://www.w3.org/2001/XMLSchema#string"),
    ],
)
def test_what_is_no_geometry_is_refused(text, datatype):
    with pytest.raises(InvalidGeometryError):
        parse(text, datatype)


@given(st.text(max_size=40), st.sampled_from(sorted(GEOMETRY_DATATYPES)))
def test_no_text_does_anything_but_parse_or_be_refused(text, datatype):
    try:
        geometry = parse(text, datatype)
    except InvalidGeometryError:
        return
    assert serialise(geometry) == Literal(text, datatype=NamedNode(datatype))


def test_a_system_says_what_its_axes_are():
    assert is_geographic(CRS84)
    assert is_geographic(f"{EPSG}4326")
    assert not is_geographic(f"{EPSG}27700")


def test_what_lies_nowhere_in_another_system_is_refused():
    with pytest.raises(InvalidGeometryError):
        to_srs(parse("POINT (0 95)", WKT), f"{EPSG}3857")


@pytest.mark.parametrize(
    ("text", "longitude", "latitude"),
    [
        # The worked example of the Ordnance Survey's guide to coordinate systems, to 3 m.
        (f"<{EPSG}27700> POINT (651409.903 313177.270)", 1.71607, 52.65800),
        (f"<{EPSG}3857> POINT (-9281819.142 4022089.495)", -83.38, 33.95),
        (f"<{EPSG}25832> POINT (500000 0)", 9, 0),
        (f"<{EPSG}3035> POINT (3210000 4321000)", 10, 52),
    ],
)
def test_systems_meet_in_crs84(text, longitude, latitude):
    shape = to_srs(parse(text, WKT), CRS84).shape
    assert math.hypot(shape.x - longitude, shape.y - latitude) < 5e-5


def test_a_geometry_in_geojson_is_valid_json():
    shape = shapely.from_wkt("GEOMETRYCOLLECTION (POINT EMPTY, POLYGON ((0 0, 1 0, 1 1, 0 0)))")
    text = serialise(Geometry(shape=shape, srs=CRS84, datatype=GEO.geoJSONLiteral)).value
    assert json.loads(text)["geometries"][1]["coordinates"][0][1] == [1, 0]
