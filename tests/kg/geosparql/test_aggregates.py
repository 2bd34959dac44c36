"""The spatial aggregates themselves: what is gathered, what is passed over, what is taken once."""

import pytest
import shapely
from pyoxigraph import Literal, NamedNode

from kg.geosparql.aggregates import AGGREGATES, CALLED, NO_VALUE, distinct
from kg.geosparql.errors import InvalidArgumentError
from ontology.terms import GEO, GEOF

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
ORIGIN, FAR = "POINT (0 0)", "POINT (3 0)"


def wkt(text):
    return Literal(text, datatype=GEO.wktLiteral)


def aggregate(name, *elements):
    """Return the text that an aggregate makes of some terms; strings are WKT."""
    accumulator = CALLED[name]()
    for element in elements:
        accumulator.accumulate(wkt(element) if isinstance(element, str) else element)
    return accumulator.finish().value


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("aggBoundingBox", "POLYGON ((0 0, 0 4, 2 4, 2 0, 0 0))"),
        ("aggCentroid", "POINT (0.666667 1.333333)"),
        ("aggConvexHull", "POLYGON ((0 0, 0 4, 2 0, 0 0))"),
        ("aggUnion", "MULTIPOINT ((0 0), (0 4), (2 0))"),
    ],
)
def test_three_points_make_one_geometry(name, expected):
    found = shapely.from_wkt(aggregate(getattr(GEOF, name), ORIGIN, "POINT (0 4)", "POINT (2 0)"))
    assert shapely.equals_exact(
        found.normalize(), shapely.from_wkt(expected).normalize(), tolerance=1e-6
    )


@pytest.mark.parametrize("name", AGGREGATES, ids=lambda n: n.value.rpartition("/")[2])
def test_a_repeated_term_counts_once_only_where_that_is_asked(name):
    once = distinct(name)
    assert once != name
    terms = ORIGIN, FAR, FAR, ORIGIN, FAR
    assert aggregate(once, *terms) == aggregate(name, ORIGIN, FAR)
    # The same place in another text is another term.
    assert aggregate(once, ORIGIN, FAR, "POINT(3 0)") == aggregate(name, ORIGIN, FAR, FAR)


def test_the_centroid_is_drawn_by_what_is_repeated():
    assert aggregate(GEOF.aggCentroid, ORIGIN, FAR, FAR) == "POINT (2 0)"
    assert aggregate(distinct(GEOF.aggCentroid), ORIGIN, FAR, FAR) == "POINT (1.5 0)"


@pytest.mark.parametrize("of", [lambda n: n, distinct], ids=["each", "distinct"])
def test_what_is_no_geometry_is_passed_over(of):
    name = of(GEOF.aggCentroid)
    odd = NO_VALUE, Literal("x"), NamedNode("urn:x"), wkt("POINT (broken")
    assert aggregate(name, odd[0], FAR, *odd) == FAR
    assert aggregate(name) == "GEOMETRYCOLLECTION EMPTY"
    with pytest.raises(InvalidArgumentError, match="none of them a geometry"):
        aggregate(name, *odd)


def test_the_result_is_in_the_system_of_the_first():
    first = f"<{EPSG}4326> POINT (10 20)"
    assert aggregate(GEOF.aggUnion, first, "POINT (20 10)") == first
    assert aggregate(GEOF.aggUnion, "POINT (20 10)", first) == "POINT (20 10)"
