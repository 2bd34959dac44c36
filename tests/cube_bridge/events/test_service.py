"""Events of concepts in zones of real and made cubes."""

from io import BytesIO

import numpy as np
import pytest
import xarray as xr
from pyoxigraph import Literal, NamedNode, RdfFormat

from cube_bridge.errors import EventConceptError
from cube_bridge.events.service import Events
from cube_bridge.indexing.index import index_dataset, index_file
from cube_bridge.values.engine import Engine
from kg.geosparql.errors import InvalidArgumentError
from kg.rows import select
from ontology.terms import DEEP, GEO

WEST = Literal("POLYGON((0 0, 2 0, 2 2, 0 2, 0 0))", datatype=GEO.wktLiteral)
EAST = Literal("POLYGON((2 0, 4 0, 4 2, 2 2, 2 0))", datatype=GEO.wktLiteral)
HOT = """
@prefix deep: <https://w3id.org/deepcube/ontology#> .
<urn:hot> a deep:EventConcept ;
    deep:ofProperty <http://vocab.nerc.ac.uk/standard_name/air_temperature/> ;
    deep:above 30.0 ; <http://qudt.org/schema/qudt/hasUnit> <http://qudt.org/vocab/unit/DEG_C> .
<urn:half> deep:minimumShare 0.5 ; a deep:EventConcept ;
    deep:ofProperty <http://vocab.nerc.ac.uk/standard_name/air_temperature/> ;
    deep:above 30.0 ; <http://qudt.org/schema/qudt/hasUnit> <http://qudt.org/vocab/unit/DEG_C> .
"""
HOT_IRI, HALF = NamedNode("urn:hot"), NamedNode("urn:half")


@pytest.fixture
def summer(store, iris, tmp_path):
    """A graph with ten days of temperature: the west is hot on two of them, in Kelvin."""
    values = np.full((10, 2, 4), 290.0)
    values[3:5, :, :2] = 306.15
    values[7, 0, 2:] = 313.15  # half of the east, by a little more than half of its area
    values[8, 1, 2] = np.nan
    times = np.datetime64("2020-07-01", "ns") + np.arange(10) * np.timedelta64(1, "D")
    cube = xr.Dataset(
        {"t2m": (("time", "lat", "lon"), values)},
        {"time": times, "lat": [0.5, 1.5], "lon": [0.5, 1.5, 2.5, 3.5]},
    )
    cube.lat.attrs["units"], cube.lon.attrs["units"] = "degrees_north", "degrees_east"
    cube.t2m.attrs.update(standard_name="air_temperature", units="K")
    cube.to_netcdf(tmp_path / "summer.nc")
    index_file(store, iris, tmp_path / "summer.nc")
    store.load(BytesIO(HOT.encode()), RdfFormat.TURTLE)
    return store


def events(store, requests, wanted=None):
    service = Events(Engine())
    rows = service.evaluate(store, requests, wanted or service.outputs, {})
    return [(n, {p.value.partition("#")[2]: t for p, t in row.items()}) for n, row in rows]


def test_a_concept_finds_its_variables_and_their_events(summer):
    requests = [{DEEP.concept: HOT_IRI, DEEP.geometry: zone} for zone in (WEST, EAST)]
    ((number, row),) = events(summer, requests)
    assert number == 0
    assert row["eventBegin"].value == "2020-07-04T00:00:00Z"
    assert row["eventEnd"].value == "2020-07-06T00:00:00Z"
    assert float(row["durationDays"].value) == 2
    assert float(row["peak"].value) == pytest.approx(306.15)
    assert float(row["meanExcess"].value) == pytest.approx(3.0)
    assert row["foundIn"].value.endswith("variable/t2m")


def test_a_share_of_the_cells_is_of_the_valid_area(summer):
    requests = [{DEEP.concept: HALF, DEEP.geometry: zone} for zone in (WEST, EAST)]
    found = events(summer, requests)
    assert [(n, r["eventBegin"].value[:10]) for n, r in found] == [
        (0, "2020-07-04"),
        (1, "2020-07-08"),
    ]
    assert float(found[1][1]["peak"].value) == pytest.approx(0.5, abs=1e-3)


def test_an_event_is_whole_where_the_period_cuts_it(summer):
    request = {DEEP.concept: HOT_IRI, DEEP.geometry: WEST}
    day = NamedNode("http://www.w3.org/2001/XMLSchema#date")
    inside = {**request, DEEP.start: Literal("2020-07-05", datatype=day)}
    ((_, row),) = events(summer, [inside])
    assert row["eventBegin"].value == "2020-07-04T00:00:00Z"
    after = {**request, DEEP.start: Literal("2020-07-06", datatype=day)}
    before = {**request, DEEP.end: Literal("2020-07-03", datatype=day)}
    assert events(summer, [after, before]) == []


def test_what_is_not_wanted_is_not_given(summer):
    request = {DEEP.concept: HOT_IRI, DEEP.geometry: WEST}
    ((_, row),) = events(summer, [request], frozenset({DEEP.peak}))
    assert list(row) == ["peak"]


def test_a_variable_that_is_named_must_fit(summer, iris, tmp_path):
    depth = xr.open_dataset(tmp_path / "summer.nc").rename(t2m="depth")
    depth.depth.attrs["units"] = "m"
    depth.to_netcdf(tmp_path / "depth.nc")
    index_file(summer, iris, tmp_path / "depth.nc")
    (variable,) = [r["v"] for r in select(summer, 'SELECT ?v { ?v deep:variableName "depth" }')]
    request = {DEEP.concept: HOT_IRI, DEEP.geometry: WEST}
    assert len(events(summer, [request])) == 1, "one that nobody named is passed over"
    with pytest.raises(EventConceptError, match="cannot be converted"):
        events(summer, [{**request, DEEP.variable: variable}])


def test_an_unknown_concept_is_told_with_those_there_are(summer):
    request = {DEEP.concept: NamedNode("urn:flood"), DEEP.geometry: WEST}
    with pytest.raises(EventConceptError, match=r"urn:flood.*deep:HeatWave"):
        events(summer, [request])


def test_outside_of_every_cube_there_is_no_event(summer):
    far = Literal("POINT(90 45)", datatype=GEO.wktLiteral)
    broken = Literal("POINT(90", datatype=GEO.wktLiteral)
    requests = [{DEEP.concept: HOT_IRI, DEEP.geometry: g} for g in (far, broken)]
    assert events(summer, requests) == []


def test_snow_lies_on_munich_in_winter_only(store, iris, real_data):
    real_data("munich-snow-cover")
    index_dataset(store, iris, "munich-snow-cover")
    index_dataset(store, iris, "munich-districts")
    zones = [
        r["w"]
        for r in select(
            store, "SELECT ?w { ?d a deep:District ; geo:hasDefaultGeometry/geo:asWKT ?w }"
        )
    ]
    found = events(store, [{DEEP.concept: DEEP.SnowCover, DEEP.geometry: z} for z in zones])
    assert found
    assert {row["eventBegin"].value[5:7] for _, row in found} <= {"12", "01", "02", "03", "11"}


def test_a_place_instead_of_its_geometry_is_refused(summer):
    request = {DEEP.concept: HOT_IRI, DEEP.geometry: NamedNode("urn:place")}
    with pytest.raises(InvalidArgumentError, match=r"urn:place.*no geometry literal"):
        events(summer, [request])
