"""A name stands for the place whose kind ranks first; the ranks are in Turtle."""

import pytest
from pyoxigraph import Literal, NamedNode, Quad

from kg.errors import RegionError
from kg.rdf.geometry import geometry_quads, parse_wkt
from kg.rdf.terms import integer
from kg.regions import find_region
from ontology.terms import DEEP, GEO, RDF, RDFS

EX = "http://example.org/"


def place(name, *kinds):
    node = NamedNode(EX + name)
    return [
        *(Quad(node, RDF.type, kind) for kind in kinds),
        Quad(node, RDFS.label, Literal("Georgia")),
        *geometry_quads(node, parse_wkt("POLYGON((0 0,1 0,1 1,0 1,0 0))")),
    ]


def test_a_country_is_meant_before_a_town_of_the_same_name(store, iris):
    store.add(place("town", DEEP.Settlement, DEEP.Place, GEO.Feature))
    store.add(place("country", DEEP.Country, DEEP.Place, GEO.Feature))
    assert find_region(store, iris, "Georgia").iri.value == EX + "country"
    store.add(place("other", DEEP.Country))
    with pytest.raises(RegionError, match="2 places"):
        find_region(store, iris, "Georgia")


def test_a_kind_that_a_store_adds_ranks_as_it_says(store, iris):
    basin = NamedNode(EX + "Basin")
    store.add([*place("country", DEEP.Country), *place("basin", basin)])
    assert find_region(store, iris, "Georgia").iri.value == EX + "country"
    store.add([Quad(basin, DEEP.searchRank, integer(-1))])
    assert find_region(store, iris, "Georgia").iri.value == EX + "basin"


def test_a_kind_without_a_rank_ranks_as_the_class_above_it(store, iris):
    state = NamedNode(EX + "State")
    store.add([*place("state", state), *place("cell", DEEP.Cell)])
    assert find_region(store, iris, "Georgia").iri.value == EX + "cell"
    store.add([Quad(state, RDFS.subClassOf, DEEP.Settlement)])
    assert find_region(store, iris, "Georgia").iri.value == EX + "state"
