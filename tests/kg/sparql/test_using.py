import pytest
from pyoxigraph import NamedNode

from kg.embedded.store import EmbeddedStore
from kg.errors import QueryError
from kg.sparql.using import with_using
from kg.store import Dataset

A, B = NamedNode("http://example.org/a"), NamedNode("http://example.org/b")
IN_A = Dataset(default=(A,))
DATA = (
    f"INSERT DATA {{ GRAPH {A} {{ <urn:in> <urn:p> 'a' }} GRAPH {B} {{ <urn:in> <urn:p> 'b' }} }}"
)
RESULT = "SELECT ?o { GRAPH <urn:result> { ?s ?p ?o } } ORDER BY ?o"
COPY = "INSERT { GRAPH <urn:result> { ?s ?p ?o } }"


def copied(update, dataset):
    """Return what an update copies into the graph of results, of the data in two graphs."""
    store = EmbeddedStore()
    store.update(DATA)
    store.update(update, dataset=dataset)
    return [row["o"].value for row in store.query(RESULT)]


@pytest.mark.parametrize(
    ("dataset", "where", "expected"),
    [
        (None, "{ ?s ?p ?o }", []),
        (Dataset(), "{ ?s ?p ?o }", []),
        (IN_A, "{ ?s ?p ?o }", ["a"]),
        (Dataset(default=(A, B)), "{ ?s ?p ?o }", ["a", "b"]),
        (Dataset(named=(B,)), "{ GRAPH ?g { ?s ?p ?o } }", ["b"]),
        (Dataset(named=(B,)), "{ ?s ?p ?o }", []),
        (Dataset(default=(A,), named=(B,)), "{ ?s ?p ?o } # WHERE {", ["a"]),
        (IN_A, '{ ?s ?p ?o FILTER(?o != "} WHERE {" && ?o < """}"x""") }', ["a"]),
        (IN_A, "{ ?s ?p ?o . # } ; WITH <urn:x>\n }", ["a"]),
    ],
)
def test_the_data_set_of_the_request_is_matched(dataset, where, expected):
    assert copied(f"{COPY} WHERE {where}", dataset) == expected


def test_every_operation_gets_it_and_data_is_left_alone():
    update = f"""PREFIX where: <urn:>
        {COPY} where {{ ?s ?p 'a' BIND('1' AS ?o) }} ;
        INSERT DATA {{ GRAPH <urn:result> {{ where:x where:y 'WHERE' }} }} ;
        DELETE {{ ?s ?p ?o }} {COPY} WHERE {{ ?s ?p ?o }}"""
    assert copied(update, IN_A) == ["1", "WHERE", "a"]


def test_delete_where_becomes_its_long_form():
    store = EmbeddedStore()
    store.update(DATA)
    store.update("INSERT DATA { <urn:in> <urn:p> 'a', 'c' }")
    store.update("DELETE WHERE { ?s ?p ?o }", dataset=IN_A)
    # Matched in the graph a, deleted from the default graph.
    assert bool(store.query("ASK { <urn:in> <urn:p> 'c' FILTER NOT EXISTS { ?s ?p 'a' } }"))


@pytest.mark.parametrize(
    "update",
    [
        f"WITH {A} {COPY} WHERE {{ ?s ?p ?o }}",
        f"{COPY} USING {A} WHERE {{ ?s ?p ?o }}",
        f"CLEAR ALL ; {COPY}\nusing named<urn:x> WHERE {{ ?s ?p ?o }}",
    ],
)
def test_an_update_that_names_graphs_itself_is_refused(update):
    with pytest.raises(QueryError, match="using-graph-uri"):
        with_using(update, IN_A)


def test_names_that_look_like_keywords_are_no_keywords():
    update = "PREFIX using: <urn:using#> CLEAR SILENT GRAPH using:with ; CLEAR SILENT GRAPH <WITH>"
    assert with_using(update, IN_A) == update
