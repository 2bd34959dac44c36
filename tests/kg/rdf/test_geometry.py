import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from kg.rdf.geometry import CRS84, BBox, parse_wkt, wkt_literal

longitudes = st.floats(-180, 180).map(lambda v: round(v, 6))
latitudes = st.floats(-90, 90).map(lambda v: round(v, 6))


@given(st.lists(st.tuples(longitudes, latitudes), min_size=1, max_size=8))
def test_points_survive_the_way_into_a_literal_and_back(points):
    geometry = shapely.MultiPoint(points)
    assert shapely.equals_exact(parse_wkt(wkt_literal(geometry).value), geometry, tolerance=1e-7)


def test_the_crs84_iri_is_read_and_others_are_refused():
    assert parse_wkt(f"<{CRS84}> POINT(1 2)") == shapely.Point(1, 2)
    with pytest.raises(ValueError, match="4326"):
        parse_wkt("<http://www.opengis.net/def/crs/EPSG/0/4326> POINT(2 1)")
    with pytest.raises(ValueError, match="not a WKT"):
        parse_wkt("PONT(1 2)")


def test_a_box_is_checked():
    with pytest.raises(ValueError, match="west <= east"):
        BBox(west=1, south=0, east=0, north=1)
    assert BBox(west=1, south=2, east=1, north=2).polygon() == shapely.Point(1, 2)
