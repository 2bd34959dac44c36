"""Longitudes beyond 180, and systems a function has no value in: planned and plain agree."""

import pytest

from kg.embedded.store import EmbeddedStore
from tests.kg.planner.test_plans_change_no_answer import check, costs
from tests.strategies.geometries import CRS, PROLOGUE

ACROSS = "POLYGON ((170 -10, 190 -10, 190 10, 170 10, 170 -10))"
TEXTS = [
    ACROSS,
    "POLYGON ((-190 -10, -170 -10, -170 10, -190 10, -190 -10))",
    "LINESTRING (179 0, -179 0)",
    *("POINT (-175 0)", "POINT (185 0)", "POINT (175 0)", "POINT (180 0)", "POINT (-180 0)"),
    *("POINT (540 0)", "POINT (0 90)", "POINT (100 89.9)", "POINT (-170 89.99)", "POINT (1e9 0)"),
    f"{CRS['lat']}POINT (0 -175)",
    f"{CRS['lat']}POINT (0 185)",
    "<http://www.opengis.net/def/crs/EPSG/0/32660> POINT (850000 0)",
    "<http://www.opengis.net/def/crs/EPSG/0/3857> POINT (20037508 0)",
    *("POINT EMPTY", "POINT (", "POINT (0 95)"),
]
UNITS = "PREFIX unit: <http://qudt.org/vocab/unit/>\n"


def filled(texts, thresholds=None):
    store = EmbeddedStore(costs=thresholds)
    data = " ".join(
        f'ex:f{i} geo:hasGeometry ex:g{i} . ex:g{i} geo:asWKT "{text}"^^geo:wktLiteral .'
        for i, text in enumerate(texts)
    )
    store.update(f"{PROLOGUE} INSERT DATA {{ {data} }}")
    return store


def selected(condition):
    return f"{PROLOGUE}{UNITS} SELECT ?s {{ ?s geo:hasGeometry/geo:asWKT ?w FILTER({condition}) }}"


@pytest.mark.parametrize("few", [0, 200])
def test_distances_are_found_at_every_longitude_of_a_place(few):
    with filled(TEXTS, costs(few, 0)) as store:
        for text in (ACROSS, "POINT (-175 0)", "POINT (175 0)", "POINT (-900 0)", TEXTS[-5]):
            centre = f'"{text}"^^geo:wktLiteral'
            for metres in (1, 120_000, 2_000_000):
                check(store, selected(f"geof:metricDistance(?w, {centre}) < {metres}"))
            check(store, selected(f"geof:distance({centre}, ?w, unit:DEG) < 6"))
            check(store, selected(f"geof:sfIntersects(?w, {centre})"))
            check(store, selected(f"geof:sfIntersects({centre}, ?w)"))
        both = "?s geo:hasGeometry/geo:asWKT ?w . ?t geo:hasGeometry/geo:asWKT ?v"
        for condition in ("geof:metricDistance(?w, ?v) < 120000", "geof:sfIntersects(?w, ?v)"):
            check(store, f"{PROLOGUE} SELECT ?s ?t {{ {both} FILTER({condition}) }}")


def test_data_on_one_side_and_a_place_on_the_other_are_looked_up_by_boxes():
    with filled(["POINT (179.99 0)", "POINT (10 0)", "POINT (20 0)"]) as store:
        near = selected('geof:metricDistance(?w, "POINT (-179.99 0)"^^geo:wktLiteral) < 9999')
        assert [row["s"].value[-1] for row in store.query(near)] == ["0"]
        assert "1 of 3 geometries" in str(store.explain(near))
        far = selected('geof:metricDistance(?w, "POINT (90 0)"^^geo:wktLiteral) < 9999')
        assert list(store.query(far)) == []


def test_relations_are_those_of_the_plane_of_the_coordinates():
    with filled(["POINT (-175 0)", "POINT (185 0)"]) as store:
        query = selected(f'geof:sfWithin(?w, "{ACROSS}"^^geo:wktLiteral)')
        check(store, query)
        assert [row["s"].value[-1] for row in store.query(query)] == ["1"]
        close = selected(f'geof:metricDistance(?w, "{ACROSS}"^^geo:wktLiteral) = 0')
        assert sorted(row["s"].value[-1] for row in store.query(close)) == ["0", "1"]


def test_a_unit_that_fits_no_axis_of_one_geometry_leaves_the_others():
    texts = ["POINT (1 1)", f"{CRS['utm']}POINT (500000 0)", "POINT (2 2)"]
    for few in (0, 200):
        with filled(texts, costs(few, 0)) as store:
            for pair in ('?w, "POINT (1 1)"^^geo:wktLiteral', '"POINT (1 1)"^^geo:wktLiteral, ?w'):
                query = selected(f"geof:distance({pair}, unit:DEG) < 9")
                check(store, query)
                assert len(list(store.query(query))) >= 2
