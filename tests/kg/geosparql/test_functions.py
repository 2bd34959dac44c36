"""The functions and aggregates, as a query sees them."""

import h3
import pytest
import shapely
from pyoxigraph import Literal, NamedNode, Quad, Store

from kg.geosparql.aggregates import AGGREGATES
from kg.geosparql.functions import FUNCTIONS
from kg.geosparql.literals import parse
from kg.rdf.geometry import CRS84
from ontology.terms import GEO, GEOF, PREFIXES, XSD

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
METRE = "<http://qudt.org/vocab/unit/M>"
SQUARE = "POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0))"
SHIFTED = "POLYGON ((2 2, 6 2, 6 6, 2 6, 2 2))"
EX = "http://example.org/"


def query(text, store=None):
    prefixes = {name: PREFIXES[name] for name in ("geo", "geof", "sf", "xsd", "unit")}
    return (store or Store()).query(
        text,
        prefixes=prefixes,
        custom_functions=FUNCTIONS,
        custom_aggregate_functions=AGGREGATES,
    )


def value(expression):
    """Return what an expression evaluates to, None where it is unbound."""
    (row,) = query(f"SELECT ({expression} AS ?value) {{}}")
    return row["value"]


def wkt(text):
    return f'"{text}"^^geo:wktLiteral'


def gml(text):
    return f"'{text}'^^geo:gmlLiteral"


def json(text):
    return f"'{text}'^^geo:geoJSONLiteral"


def literal(text, datatype=GEO.wktLiteral):
    return Literal(text, datatype=datatype)


def test_all_functions_of_the_standard_are_there():
    everything = {term.value for term in GEOF}
    assert everything == {iri.value for iri in [*FUNCTIONS, *AGGREGATES]}
    assert len(FUNCTIONS) == 24 + 1 + 23 + 14 + 1 + 5
    assert len(AGGREGATES) == 6 + 1  # one of them in two spellings


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (f"geof:boundary({wkt(SQUARE)})", "LINESTRING (0 0, 4 0, 4 4, 0 4, 0 0)"),
        (f"geof:boundary({wkt('LINESTRING (0 0, 1 1)')})", "MULTIPOINT ((0 0), (1 1))"),
        (f"geof:boundary({wkt('')})", "GEOMETRYCOLLECTION EMPTY"),
        (f"geof:centroid({wkt(SQUARE)})", "POINT (2 2)"),
        (f"geof:envelope({wkt('LINESTRING (1 1, 3 2)')})", "POLYGON ((1 1, 3 1, 3 2, 1 2, 1 1))"),
        (f"geof:envelope({wkt('LINESTRING (1 1, 1 2)')})", "LINESTRING (1 1, 1 2)"),
        (f"geof:envelope({wkt('POINT (1 2)')})", "POINT (1 2)"),
        (f"geof:envelope({wkt('')})", "POLYGON EMPTY"),
        (
            f"geof:convexHull({wkt('MULTIPOINT ((0 0), (4 0), (4 4), (3 1))')})",
            "POLYGON ((0 0, 4 4, 4 0, 0 0))",
        ),
        (f"geof:concaveHull({wkt('POINT (1 2)')})", "POINT (1 2)"),
        (
            f"geof:intersection({wkt(SQUARE)}, {wkt(SHIFTED)})",
            "POLYGON ((2 2, 4 2, 4 4, 2 4, 2 2))",
        ),
        (
            f"geof:difference({wkt(SQUARE)}, {wkt(SHIFTED)})",
            "POLYGON ((0 0, 4 0, 4 2, 2 2, 2 4, 0 4, 0 0))",
        ),
        (
            f"geof:symDifference({wkt('LINESTRING (0 0, 2 0)')}, {wkt('LINESTRING (1 0, 3 0)')})",
            "MULTILINESTRING ((0 0, 1 0), (2 0, 3 0))",
        ),
        (f"geof:union({wkt('POINT (1 2)')}, {wkt('POINT (1 2)')})", "POINT (1 2)"),
        (
            f"geof:union({wkt('POINT (1 2)')}, {wkt('LINESTRING (5 5, 6 6)')})",
            "GEOMETRYCOLLECTION (POINT (1 2), LINESTRING (5 5, 6 6))",
        ),
        (f"geof:geometryN({wkt('MULTIPOINT ((1 2), (3 4))')}, 2)", "POINT (3 4)"),
        (f"geof:geometryN({wkt('POINT(1.0 2.0)')}, 1)", "POINT(1.0 2.0)"),
        (f"geof:asWKT({wkt('POINT(1.0 2.0)')})", "POINT(1.0 2.0)"),
        (
            f"geof:transform({wkt('POINT(1.0 2.0)')}, <{CRS84}>)",
            "POINT(1.0 2.0)",
        ),
        (f"geof:transform({wkt('POINT(1 2)')}, <{EPSG}4326>)", f"<{EPSG}4326> POINT (2 1)"),
        (
            f'geof:transform({wkt("POINT(9 0)")}, "{EPSG}25832"^^xsd:anyURI)',
            f"<{EPSG}25832> POINT (500000 0)",
        ),
    ],
)
def test_geometries_from_geometries(expression, expected):
    found = value(expression)
    assert found.datatype == GEO.wktLiteral
    if found.value != expected:
        # The same rings may begin at another corner.
        one, other = (parse(text, GEO.wktLiteral.value) for text in (found.value, expected))
        assert one.srs == other.srs
        assert one.shape.normalize() == other.shape.normalize()


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (f"geof:dimension({wkt(SQUARE)})", Literal(2)),
        (f"geof:dimension({wkt('GEOMETRYCOLLECTION (POINT (1 2), LINESTRING (0 0, 1 1))')})", 1),
        (f"geof:dimension({wkt('')})", 0),
        (f"geof:coordinateDimension({wkt('POINT ZM (1 2 3 4)')})", 4),
        (f"geof:coordinateDimension({wkt('POINT M (1 2 3)')})", 3),
        (f"geof:spatialDimension({wkt('POINT ZM (1 2 3 4)')})", 3),
        (f"geof:spatialDimension({wkt('POINT M (1 2 3)')})", 2),
        (f"geof:is3D({wkt('POINT Z (1 2 3)')})", True),
        (f"geof:is3D({wkt('POINT M (1 2 3)')})", False),
        (f"geof:isMeasured({wkt('POINT M (1 2 3)')})", True),
        (f"geof:isEmpty({wkt('')})", True),
        (f"geof:isEmpty({wkt('POINT (1 2)')})", False),
        (f"geof:isSimple({wkt('LINESTRING (0 0, 2 2, 2 0, 0 2)')})", False),
        (f"geof:isSimple({wkt(SQUARE)})", True),
        (f"geof:isSimple({wkt('')})", True),
        (f"geof:isSimple({wkt('GEOMETRYCOLLECTION (POINT (1 1), LINESTRING (0 0, 1 1))')})", True),
        (f"geof:isSimple({wkt('GEOMETRYCOLLECTION (LINESTRING (0 0, 2 2, 2 0, 0 2))')})", False),
        (f"geof:numGeometries({wkt('MULTIPOINT ((1 2), (3 4))')})", 2),
        (f"geof:numGeometries({wkt('POINT (1 2)')})", 1),
        (f"geof:numGeometries({wkt('')})", 0),
        (f"geof:minX({wkt(SHIFTED)})", 2.0),
        (f"geof:maxX({wkt(SHIFTED)})", 6.0),
        (f"geof:minY({wkt('LINESTRING (1 5, 2 6)')})", 5.0),
        (f"geof:maxY({wkt('LINESTRING (1 5, 2 6)')})", 6.0),
        (f"geof:minZ({wkt('LINESTRING Z (1 5 8, 2 6 9)')})", 8.0),
        (f"geof:maxZ({wkt('LINESTRING Z (1 5 8, 2 6 9)')})", 9.0),
        # X is the easting or longitude, wherever it stands in the text.
        (f"geof:minX({wkt(f'<{EPSG}4326> POINT (50 10)')})", 10.0),
        (f"geof:area({wkt(f'<{EPSG}27700> {SQUARE}')}, {METRE})", 16.0),
        (f"geof:metricArea({wkt('POINT (1 2)')})", 0.0),
        (f"geof:metricArea({wkt(f'<{EPSG}27700> {SQUARE}')})", 16.0),
        (f"geof:metricLength({wkt(f'<{EPSG}27700> {SQUARE}')})", 16.0),
        (f"geof:length({wkt(f'<{EPSG}27700> {SQUARE}')}, unit:KiloM)", 0.016),
        (f"geof:metricPerimeter({wkt(f'<{EPSG}27700> {SQUARE}')})", 16.0),
        (f"geof:perimeter({wkt(f'<{EPSG}27700> {SQUARE}')}, unit:M)", 16.0),
        (f"geof:metricDistance({wkt('POINT (1 2)')}, {wkt('POINT (1 2)')})", 0.0),
        (f"geof:distance({wkt('POINT (0 0)')}, {wkt('POINT (3 4)')}, unit:DEG)", 5.0),
        (f"geof:sfWithin({wkt('POINT (1 2)')}, {wkt(SQUARE)})", True),
        (f"geof:ehInside({wkt('POINT (9 9)')}, {wkt(SQUARE)})", False),
        (f"geof:sfEquals({wkt('')}, {wkt('POINT EMPTY')})", True),
        (f'geof:relate({wkt("POINT (1 2)")}, {wkt(SQUARE)}, "T*F**F***")', True),
    ],
)
def test_values(expression, expected):
    found = value(expression)
    assert found == (expected if isinstance(expected, Literal) else Literal(expected))


@pytest.mark.parametrize(
    ("expression", "iri"),
    [
        (f"geof:getSRID({wkt('POINT (1 2)')})", CRS84),
        (f"geof:getSRID({wkt(f'<{EPSG}27700> POINT (1 2)')})", f"{EPSG}27700"),
        (f"geof:getSRID({json('')})", CRS84),
        (f"geof:geometryType({wkt('POINT (1 2)')})", "http://www.opengis.net/ont/sf#Point"),
        (f"geof:geometryType({wkt(SQUARE)})", "http://www.opengis.net/ont/sf#Polygon"),
        (
            f"geof:geometryType({wkt('')})",
            "http://www.opengis.net/ont/sf#GeometryCollection",
        ),
    ],
)
def test_iris(expression, iri):
    assert value(expression) == literal(iri, XSD.anyURI)


GML_POINT = (
    f'<gml:Point srsName="{EPSG}4326" xmlns:gml="http://www.opengis.net/gml/3.2">'
    "<gml:pos>33.95 -83.38</gml:pos></gml:Point>"
)
WKT_POINT = f"<{EPSG}4326> POINT (33.95 -83.38)"
JSON_POINT = '{"type": "Point", "coordinates": [-83.38, 33.95]}'
KML_POINT = (
    '<Point xmlns="http://www.opengis.net/kml/2.2"><coordinates>-83.38,33.95</coordinates></Point>'
)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (f"geof:asWKT({gml(GML_POINT)})", literal(WKT_POINT)),
        (f"geof:asWKT({json(JSON_POINT)})", literal("POINT (-83.38 33.95)")),
        (f'geof:asGML({wkt(WKT_POINT)}, "GML 3.2")', literal(GML_POINT, GEO.gmlLiteral)),
        (f"geof:asGML({wkt(WKT_POINT)})", literal(GML_POINT, GEO.gmlLiteral)),
        (
            f'geof:asGML({wkt(WKT_POINT)}, "http://www.opengis.net/def/profile/OGC/2.0/gml-sf0")',
            literal(GML_POINT, GEO.gmlLiteral),
        ),
        (
            f'geof:asGML({wkt(WKT_POINT)}, "http://www.opengis.net/gml/3.2")',
            literal(GML_POINT, GEO.gmlLiteral),
        ),
        (
            f'geof:asGML({gml(GML_POINT)}, "2.1.2")',
            literal(
                GML_POINT.replace("/3.2", "")
                .replace("gml:pos", "gml:coordinates")
                .replace("33.95 ", "33.95,"),
                GEO.gmlLiteral,
            ),
        ),
        (
            f'geof:asGML({gml(GML_POINT)}, "GML3.1.1")',
            literal(GML_POINT.replace("/3.2", ""), GEO.gmlLiteral),
        ),
        (f"geof:asGeoJSON({wkt(WKT_POINT)})", literal(JSON_POINT, GEO.geoJSONLiteral)),
        (f"geof:asKML({gml(GML_POINT)})", literal(KML_POINT, GEO.kmlLiteral)),
        (
            f"geof:asDGGS({wkt('POINT (-122.4185 37.7767)')}, <https://w3id.org/dggs/h3/res/9>)",
            literal("<https://w3id.org/dggs/h3> CELL (8928308280fffff)", GEO.dggsLiteral),
        ),
        (
            f"geof:asDGGS({wkt('POINT (-122.4185 37.7767)')}, geo:dggsLiteral)",
            literal(
                f"<https://w3id.org/dggs/h3> CELL ({h3.latlng_to_cell(37.7767, -122.4185, 15)})",
                GEO.dggsLiteral,
            ),
        ),
        # The result has the form and the system of the first argument.
        (
            f"geof:intersection({json(JSON_POINT)}, {gml(GML_POINT)})",
            literal(JSON_POINT, GEO.geoJSONLiteral),
        ),
        (
            f"geof:intersection({gml(GML_POINT)}, {json(JSON_POINT)})",
            literal(GML_POINT, GEO.gmlLiteral),
        ),
        (
            f"geof:transform({json(JSON_POINT)}, <{EPSG}4326>)",
            literal(WKT_POINT),
        ),
    ],
)
def test_serialisations(expression, expected):
    assert value(expression) == expected


def test_a_buffer_is_asked_for_in_units():
    one, other = (
        parse(found.value, found.datatype.value).shape
        for found in (
            value(f"geof:buffer({wkt('POINT (10 50)')}, 1, unit:KiloM)"),
            value(f"geof:metricBuffer({wkt('POINT (10 50)')}, 1000.0)"),
        )
    )
    assert one.equals(other)
    area = value(f"geof:metricArea(geof:metricBuffer({wkt('POINT (10 50)')}, 1e3))")
    assert float(area.value) == pytest.approx(3.14159e6, rel=0.003)


def test_a_circle_reaches_all_corners():
    found = value(f"geof:boundingCircle({wkt('LINESTRING (0 0, 6 0, 3 1)')})")
    circle = parse(found.value, found.datatype.value).shape
    assert circle.centroid.equals_exact(shapely.Point(3, 0), 1e-9)
    assert circle.area == pytest.approx(9 * 3.14159, rel=0.01)
    points = "MULTIPOINT ((0 0), (4 0.3), (2 2.2), (1 1.9), (3.1 -1.2))"
    assert (
        value(f"geof:sfWithin({wkt(points)}, geof:boundingCircle({wkt(points)}))").value == "true"
    )


def test_a_concave_hull_may_be_asked_to_be_convex():
    # A horseshoe of points, two wide.
    points = [(x, y) for x in range(9) for y in range(9) if y < 2 or x < 2 or x > 6]
    text = wkt(str(shapely.MultiPoint(points)))
    concave, convex = (
        parse(value(f"geof:concaveHull({text}{ratio})").value, GEO.wktLiteral.value).shape
        for ratio in ("", ", 1.0")
    )
    assert convex.equals(shapely.box(0, 0, 8, 8))
    assert concave.area < convex.area
    assert concave.covers(shapely.MultiPoint(points))


@pytest.mark.parametrize(
    "expression",
    [
        f"geof:sfWithin({wkt('POINT (1')}, {wkt(SQUARE)})",
        f"geof:sfWithin({wkt('POINT (1 2)')}, 5)",
        f"geof:sfWithin({wkt('POINT (1 2)')}, <{EX}a>)",
        f'geof:sfWithin({wkt("POINT (1 2)")}, "POINT (1 2)")',
        f"geof:sfWithin({wkt('POINT (1 2)')})",
        f"geof:sfWithin({wkt(f'<{EPSG}27700> POINT (1 2)')}, {wkt('POINT (0 95)')})",
        f"geof:sfWithin({wkt('<http://example.org/crs> POINT (1 2)')}, {wkt(SQUARE)})",
        f'geof:relate({wkt("POINT (1 2)")}, {wkt(SQUARE)}, "T")',
        f'geof:relate({wkt("POINT (1 2)")}, {wkt(SQUARE)}, "X********")',
        f"geof:distance({wkt('POINT (1 2)')}, {wkt('POINT EMPTY')}, {METRE})",
        f"geof:distance({wkt('POINT (1 2)')}, {wkt('POINT (1 2)')}, <{EX}unit>)",
        f"geof:metricDistance({wkt('POINT (1 2)')}, {wkt('POINT (0 95)')})",
        f"geof:metricBuffer({wkt('POINT (500 1000)')}, 10)",
        f"geof:metricArea({wkt('POLYGON ((0 0, 500 0, 500 500, 0 0))')})",
        f"geof:distance({wkt('POINT (1 2)')}, {wkt('POINT (1 2)')}, 5)",
        f"geof:buffer({wkt('POINT (1 2)')}, 'far', {METRE})",
        f"geof:buffer({wkt('POINT (1 2)')}, 'NaN'^^xsd:double, {METRE})",
        f"geof:boundary({wkt('GEOMETRYCOLLECTION (POINT (1 2))')})",
        f"geof:asDGGS({wkt('POINT (10 91)')})",
        f"geof:intersection({wkt('POLYGON ((0 0, 4 4, 4 0, 0 4, 0 0))')}, {wkt(SQUARE)})",
        f"geof:geometryN({wkt('POINT (1 2)')}, 0)",
        f"geof:geometryN({wkt('POINT (1 2)')}, 2)",
        f"geof:geometryN({wkt('POINT (1 2)')}, 1.5)",
        f"geof:concaveHull({wkt(SQUARE)}, 2)",
        f"geof:transform({wkt('POINT (1 2)')}, <{EPSG}999999>)",
        f"geof:transform({wkt('POINT (1 2)')}, <{EX}crs>)",
        f"geof:minZ({wkt('POINT (1 2)')})",
        f"geof:minX({wkt('POINT EMPTY')})",
        f'geof:asGML({wkt("POINT (1 2)")}, "KML")',
        f"geof:asDGGS({wkt('POINT (1 2)')}, <https://w3id.org/dggs/auspix>)",
        f"geof:centroid({wkt('LINESTRING (-1e308 0, 1e308 0)')})",
    ],
)
def test_what_makes_no_sense_is_unbound(expression):
    assert value(expression) is None


def test_one_broken_geometry_leaves_the_others_their_answers():
    store = Store()
    for number, text in enumerate(["POINT (1 1)", "POINT (broken", "POINT (9 9)", "POINT (2 2)"]):
        feature = NamedNode(f"{EX}{number}")
        store.add(Quad(feature, GEO.asWKT, literal(text)))
    rows = query(
        f"SELECT ?f {{ ?f geo:asWKT ?g FILTER(geof:sfWithin(?g, {wkt(SQUARE)})) }} ORDER BY ?f",
        store,
    )
    assert [row["f"].value[-1] for row in rows] == ["0", "3"]


def aggregate(name, *texts, datatype="geo:wktLiteral"):
    values = " ".join(f"'{text}'^^{datatype}" for text in texts)
    (row,) = query(f"SELECT (geof:{name}(?g) AS ?value) {{ VALUES ?g {{ {values} }} }}")
    return row["value"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("aggBoundingBox", "POLYGON ((0 0, 6 0, 6 6, 0 6, 0 0))"),
        ("aggboundingBox", "POLYGON ((0 0, 6 0, 6 6, 0 6, 0 0))"),
        ("aggCentroid", "POINT (3 3)"),
        ("aggConvexHull", "POLYGON ((0 0, 0 4, 2 6, 6 6, 6 2, 4 0, 0 0))"),
        ("aggUnion", "POLYGON ((0 0, 0 4, 2 4, 2 6, 6 6, 6 2, 4 2, 4 0, 0 0))"),
    ],
)
def test_aggregates(name, expected):
    found = parse(aggregate(name, SQUARE, SHIFTED).value, GEO.wktLiteral.value)
    assert found.shape.normalize() == shapely.from_wkt(expected).normalize()


def test_hull_and_circle_of_a_group_hold_every_member():
    for name in ("aggBoundingCircle", "aggConcaveHull"):
        found = aggregate(name, SQUARE, SHIFTED, "POINT (1 5)")
        shape = parse(found.value, found.datatype.value).shape
        for text in (SQUARE, SHIFTED, "POINT (1 5)"):
            assert shape.buffer(1e-9).covers(shapely.from_wkt(text)), name


def test_an_aggregate_has_the_form_and_system_of_the_first_geometry():
    found = aggregate("aggBoundingBox", f"<{EPSG}4326> POINT (2 1)", "POINT (3 4)")
    assert found.value.startswith(f"<{EPSG}4326> POLYGON ((")
    assert parse(found.value, GEO.wktLiteral.value).shape.equals(shapely.box(1, 2, 3, 4))
    found = aggregate("aggCentroid", JSON_POINT, JSON_POINT, datatype="geo:geoJSONLiteral")
    assert found == literal(JSON_POINT, GEO.geoJSONLiteral)


def test_an_empty_group_has_an_empty_geometry_and_a_broken_one_none():
    assert aggregate("aggUnion") == literal("GEOMETRYCOLLECTION EMPTY")
    assert aggregate("aggUnion", "POINT (broken", "POINT (1 2") is None


@pytest.mark.parametrize("name", [a.value.rpartition("/")[2] for a in AGGREGATES])
def test_a_broken_geometry_is_passed_over_wherever_it_stands_in_a_group(name):
    whole = aggregate(name, SQUARE, SHIFTED)
    for place in range(3):
        texts = [SQUARE, SHIFTED]
        texts.insert(place, "POINT (broken")
        assert aggregate(name, *texts) == whole
    nowhere = "<http://www.opengis.net/def/crs/EPSG/0/27700> POINT (1e300 0)"
    assert aggregate(name, SQUARE, nowhere, SHIFTED) == whole


def test_groups_are_aggregated_each_for_itself():
    rows = query(
        "SELECT ?k (geof:aggBoundingBox(?g) AS ?box) { VALUES (?k ?g) { "
        f"(1 {wkt('POINT (0 0)')}) (2 {wkt('POINT (7 7)')}) (1 {wkt('POINT (0 5)')}) "
        f"(3 {wkt('POINT (')}) }} }} GROUP BY ?k ORDER BY ?k"
    )
    assert [row["box"] and row["box"].value for row in rows] == [
        "LINESTRING (0 0, 0 5)",
        "POINT (7 7)",
        None,
    ]


def test_empty_members_of_a_collection_do_no_harm():
    for text in (
        "GEOMETRYCOLLECTION (POINT EMPTY, POINT (0 1))",
        "MULTIPOLYGON (EMPTY, ((0 0, 1 0, 1 1, 0 0)))",
        "MULTILINESTRING (EMPTY, (0 0, 1 1))",
        "GEOMETRYCOLLECTION (GEOMETRYCOLLECTION EMPTY, GEOMETRYCOLLECTION (POINT (0 1)))",
        "POLYGON ((0 0, 1 0, 2 0, 0 0))",
    ):
        grown = value(f"geof:metricBuffer({wkt(text)}, 1000)")
        shape = parse(grown.value, grown.datatype.value).shape
        assert shape.covers(shapely.from_wkt(text))
