"""GML of three versions: what is read, what is written, what is refused."""

import pytest
import shapely
from pyoxigraph import Literal

from kg.geosparql.crs import to_crs84
from kg.geosparql.errors import InvalidGeometryError
from kg.geosparql.functions import FUNCTIONS
from kg.geosparql.literals import parse, serialise
from ontology.terms import GEO, GEOF

EPSG = "http://www.opengis.net/def/crs/EPSG/0/4326"
GML = GEO.gmlLiteral.value
NEW, OLD = "http://www.opengis.net/gml/3.2", "http://www.opengis.net/gml"


def tag(name, *body, **attributes):
    """Return an element; of several bodies each is an element already or text."""
    said = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<gml:{name}{said}>{''.join(body)}</gml:{name}>"


def gml(name, *body, namespace=NEW, **attributes):
    return tag(name, *body, **attributes).replace(
        f"<gml:{name}", f'<gml:{name} xmlns:gml="{namespace}"', 1
    )


def line(numbers):
    return tag("LineString", tag("posList", numbers))


def ring(numbers, side="exterior"):
    return tag(side, tag("LinearRing", tag("posList", numbers)))


def point(numbers):
    return tag("Point", tag("pos", numbers))


def shape_of(text):
    return str(parse(text, GML).shape)


TRIANGLE = "0 0 9 0 9 9 0 0"


@pytest.mark.parametrize(
    "text",
    [
        gml("Point", tag("pos", "2 1"), srsName=EPSG),
        gml("Point", tag("pos", "2 1"), srsName="urn:ogc:def:crs:EPSG::4326"),
        gml("Point", tag("pos", "2 1"), srsName="EPSG:4326"),
        gml("Point", tag("pos", "2 1"), srsName="http://www.opengis.net/gml/srs/epsg.xml#4326"),
        gml("Point", tag("pos", " 1\n2 ")),
        gml("Point", tag("coordinates", "1,2"), namespace=OLD),
        gml("Point", tag("coordinates", "1,0;2,0", decimal=",", cs=";"), namespace=OLD),
        gml("Point", tag("coord", tag("X", "1"), tag("Y", "2")), namespace=OLD),
        f'<Point xmlns="{OLD}"><pos srsDimension="2">1 2</pos></Point>',
        '<?xml version="1.0"?><!-- a -->' + gml("Point", tag("pos", "1 2")),
    ],
)
def test_a_point_may_be_written_in_many_ways(text):
    assert to_crs84(parse(text, GML)).equals(shapely.Point(1, 2))


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        (gml("LineString", tag("posList", "0 0 1 1 2 0")), "LINESTRING (0 0, 1 1, 2 0)"),
        (gml("LineString", tag("pos", "0 0"), tag("pos", "1 1")), "LINESTRING (0 0, 1 1)"),
        (
            gml("LineString", tag("posList", "0 0 5 1 1 6"), srsDimension=3),
            "LINESTRING Z (0 0 5, 1 1 6)",
        ),
        (
            gml("LineString", tag("posList", "0 0 5 1 1 6"), srsName=EPSG.replace("4326", "4979")),
            "LINESTRING Z (0 0 5, 1 1 6)",
        ),
        (
            gml("LineString", tag("pointProperty", point("0 0")), tag("pos", "1 1")),
            "LINESTRING (0 0, 1 1)",
        ),
        (
            gml("LineString", tag("name"), tag("pointProperty"), tag("posList", "0 0 1 1")),
            "LINESTRING (0 0, 1 1)",
        ),
        (
            gml(
                "Curve",
                tag(
                    "segments",
                    tag("LineStringSegment", tag("posList", "0 0 1 1")),
                    tag("LineStringSegment", tag("posList", "1 1 2 0")),
                ),
            ),
            "LINESTRING (0 0, 1 1, 2 0)",
        ),
        (
            gml("OrientableCurve", tag("baseCurve", line("0 0 1 1")), orientation="-"),
            "LINESTRING (1 1, 0 0)",
        ),
        (gml("CompositeCurve"), "LINESTRING EMPTY"),
        (
            gml("Polygon", ring(TRIANGLE), ring("5 1 6 1 6 2 5 1", "interior")),
            "POLYGON ((0 0, 9 0, 9 9, 0 0), (5 1, 6 1, 6 2, 5 1))",
        ),
        (
            gml(
                "Polygon",
                tag(
                    "exterior",
                    tag(
                        "Ring",
                        tag("curveMember", line("0 0 9 0 9 9")),
                        tag("curveMember", line("9 9 0 0")),
                    ),
                ),
            ),
            "POLYGON ((0 0, 9 0, 9 9, 0 0))",
        ),
        (
            gml("Surface", tag("patches", tag("PolygonPatch", ring(TRIANGLE)))),
            "POLYGON ((0 0, 9 0, 9 9, 0 0))",
        ),
        (gml("Surface"), "POLYGON EMPTY"),
        (
            gml("MultiPoint", tag("pointMember", point("1 2")), tag("pointMembers", point("3 4"))),
            "MULTIPOINT ((1 2), (3 4))",
        ),
        (
            gml("MultiCurve", tag("curveMember", line("0 0 1 1"))),
            "MULTILINESTRING ((0 0, 1 1))",
        ),
        (
            gml("MultiSurface", tag("surfaceMember", tag("Polygon", ring(TRIANGLE)))),
            "MULTIPOLYGON (((0 0, 9 0, 9 9, 0 0)))",
        ),
        (
            gml("MultiGeometry", tag("geometryMember", point("1 2"))),
            "GEOMETRYCOLLECTION (POINT (1 2))",
        ),
        (
            gml("Envelope", tag("lowerCorner", "0 0"), tag("upperCorner", "2 1")),
            "POLYGON ((2 0, 2 1, 0 1, 0 0, 2 0))",
        ),
        (
            gml("Box", tag("coordinates", "0,0 2,1"), namespace=OLD),
            "POLYGON ((2 0, 2 1, 0 1, 0 0, 2 0))",
        ),
        (gml("LinearRing", tag("posList", TRIANGLE)), "LINEARRING (0 0, 9 0, 9 9, 0 0)"),
        (gml("Polygon"), "POLYGON EMPTY"),
        ("", "GEOMETRYCOLLECTION EMPTY"),
    ],
)
def test_gml_is_read(text, shape):
    assert shape_of(text) == shape


def test_adjoining_patches_become_one_surface():
    patches = [
        tag("PolygonPatch", ring(numbers))
        for numbers in ("0 0 1 0 1 1 0 1 0 0", "1 0 2 0 2 1 1 1 1 0")
    ]
    surface = parse(gml("Surface", tag("patches", *patches)), GML)
    assert surface.shape.equals(shapely.box(0, 0, 2, 1))


@pytest.mark.parametrize(
    "text",
    [
        f'<gml:Point srsName="{EPSG}" xmlns:gml="{NEW}"><gml:pos>2 1</gml:pos></gml:Point>',
        (
            f'<gml:LineString srsName="{EPSG}" xmlns:gml="{OLD}" srsDimension="3">'
            "<gml:posList>2 1 5 3 2 6</gml:posList></gml:LineString>"
        ),
        (
            f'<gml:Polygon srsName="{EPSG}" xmlns:gml="{OLD}"><gml:outerBoundaryIs><gml:LinearRing>'
            "<gml:coordinates>0,0 1,0 1,1 0,0</gml:coordinates></gml:LinearRing>"
            "</gml:outerBoundaryIs></gml:Polygon>"
        ),
        f'<gml:MultiGeometry srsName="{EPSG}" xmlns:gml="{NEW}"/>',
    ],
)
def test_a_computed_geometry_is_written_in_the_version_of_the_first(text):
    geometry = parse(text, GML)
    assert serialise(geometry.with_shape(geometry.shape)).value == text


@pytest.mark.parametrize(
    "namespace",
    [
        "http://www.opengis.net/ont/gml",
        "http://www.opengis.net/ont/gml#",
        "https://www.opengis.net/gml",
        "http://opengis.net/gml/",
        "http://www.opengis.net/gml/3.1",
        "https://www.opengis.net/gml/3.2",
    ],
)
def test_the_namespace_may_be_misspelt_and_is_kept(namespace):
    text = (
        f'<gml:Polygon srsName="{EPSG}" xmlns:gml="{namespace}"><gml:exterior><gml:LinearRing>'
        "<gml:posList>34 0.5 35 0.5 35 1 34 0.5</gml:posList></gml:LinearRing></gml:exterior>"
        "</gml:Polygon>"
    )
    geometry = parse(text.replace("35 1 ", "35.0 1.0 "), GML)
    assert geometry.shape.bounds == (0.5, 34, 1, 35)
    assert serialise(geometry.with_shape(geometry.shape)).value == text
    assert NEW in FUNCTIONS[GEOF.asGML](Literal(text, datatype=GEO.gmlLiteral)).value


def test_other_forms_do_not_take_on_the_namespace_of_gml():
    text = gml("Point", tag("pos", "1 2"), namespace="https://www.opengis.net/gml")
    there = FUNCTIONS[GEOF.asWKT](Literal(text, datatype=GEO.gmlLiteral))
    assert NEW in FUNCTIONS[GEOF.asGML](there).value


@pytest.mark.parametrize("name", ["LineString", "Point", "Polygon"])
def test_an_element_without_positions_is_empty(name):
    text = f'<{name} xmlns="https://www.opengis.net/gml"><posList></posList></{name}>'
    assert parse(text, GML).shape.is_empty


@pytest.mark.parametrize(
    "text",
    [
        "<gml:Point/>",
        "<Point><pos>1 2</pos></Point>",
        '<Point xmlns="http://www.opengis.net/kml/2.2"><coordinates>1,2</coordinates></Point>',
        gml("Point", tag("pos", "1 2"), namespace="http://example.org/gml"),
        gml("Point", tag("pos", "1 2 3 4 5")),
        gml("Point", tag("pos", "1 x")),
        gml("Point", tag("posList", "1 2 3 4")),
        gml("LineString", tag("posList", "1 2 3 4 5")),
        gml("Solid"),
        gml("Envelope", tag("pos", "1 2")),
        gml("Curve", tag("segments", tag("Arc", tag("posList", "0 0 1 1 2 0")))),
        gml("Polygon", tag("exterior", tag("Ring", tag("curveMember", line("0 0 1 1 2 0"))))),
        gml("MultiPoint", tag("pointMember", point("1 2")), srsName="EPSG:4326").replace(
            "<gml:Point>", '<gml:Point srsName="EPSG:3857">'
        ),
        gml("Point", tag("pos", "1 2"), srsName="EPSG:999999"),
        '<!DOCTYPE a [<!ENTITY b "1 2">]>' + gml("Point", tag("pos", "&b;")),
        gml("MultiGeometry", "<gml:geometryMember><gml:MultiGeometry>" * 5_000),
        gml(
            "MultiGeometry",
            "<gml:geometryMember><gml:MultiGeometry>" * 5_000,
            "</gml:MultiGeometry></gml:geometryMember>" * 5_000,
        ),
    ],
)
def test_what_is_no_gml_geometry_is_refused(text):
    with pytest.raises(InvalidGeometryError):
        parse(text, GML)
